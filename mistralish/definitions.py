"""From definition text to stored definitions and back: what joins the language to the store.

One text may hold several workflows or actions; either all of them are kept or none. Rules: the reference's
behaviour for ``/v2/workflows``, ``/v2/workbooks`` and ``/v2/actions``.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from mistralish import lang
from mistralish.errors import InputError, NotFoundError
from mistralish.lang.specs import ActionSpec, WorkbookSpec, WorkflowSpec
from mistralish.store import Store, Tenant, parse_query

Document = dict[str, Any]

SCOPES = ("private", "public")
WORKFLOW, WORKBOOK, ACTION = "workflow", "workbook", "action"


class Definitions:
    """Creates and changes definitions on behalf of ``tenant``, in ``namespace``, to be seen by ``scope``.

    Every method raises LanguageError for text that is not right, InputError for a wrong ``scope``, ConflictError for
    a name that is taken and NotFoundError for a definition to be changed that does not exist.
    """

    def __init__(
        self, store: Store, tenant: Tenant, *, namespace: str = "", scope: str = "private", is_system: bool = False
    ) -> None:
        if scope not in SCOPES:
            raise InputError(f"Scope must be one of the following: {', '.join(SCOPES)}; actual: {scope}")
        self._store = store
        self._tenant = tenant
        self._namespace = namespace
        self._shared = {"namespace": namespace, "scope": scope, "is_system": is_system}

    def create_workflows(self, text: str) -> list[Document]:
        """Keep every workflow in ``text``."""
        specs = lang.parse_workflows(text)
        with self._store.transaction():
            return [self._create(WORKFLOW, values) for values in _workflows(specs, text)]

    def update_workflows(self, text: str, identifier: str | None = None) -> list[Document]:
        """Replace the workflows in ``text`` by name; with ``identifier``, the one of that id or name."""
        specs = lang.parse_workflows(text)
        _one_of(identifier, specs, "workflows")
        with self._store.transaction():
            return [self._update(WORKFLOW, identifier, values) for values in _workflows(specs, text)]

    def create_actions(self, text: str) -> list[Document]:
        """Keep every ad-hoc action in ``text``."""
        specs = lang.parse_actions(text)
        with self._store.transaction():
            return [self._create(ACTION, _action(spec, text)) for spec in specs]

    def update_actions(self, text: str, identifier: str | None = None) -> list[Document]:
        """Replace the ad-hoc actions in ``text`` by name; with ``identifier``, the one of that id or name."""
        specs = lang.parse_actions(text)
        _one_of(identifier, specs, "actions")
        with self._store.transaction():
            return [self._update(ACTION, identifier, _action(spec, text)) for spec in specs]

    def create_workbook(self, text: str) -> Document:
        """Keep a workbook, and its workflows and actions under names that begin with the workbook's."""
        spec = lang.parse_workbook(text)
        with self._store.transaction():
            workbook = self._create(WORKBOOK, _workbook(spec, text))
            self._keep_members(spec)
            return workbook

    def update_workbook(self, text: str) -> Document:
        """Replace a workbook, and add or replace its workflows and actions. Those it no longer has stay."""
        spec = lang.parse_workbook(text)
        with self._store.transaction():
            workbook = self._update(WORKBOOK, None, _workbook(spec, text))
            self._keep_members(spec)
            return workbook

    def _keep_members(self, spec: WorkbookSpec) -> None:
        for action in spec.actions:
            self._keep(ACTION, _member(spec, _action(action, action.definition)))
        for workflow in spec.workflows:
            self._keep(WORKFLOW, _member(spec, {**_workflow(workflow, workflow.definition), "checksum": None}))

    def _keep(self, kind: str, values: Document) -> None:
        current = self._lookup(kind, values["name"])
        # A member is looked for where the workbook is, and nowhere else: it never replaces another's.
        place = (self._namespace, self._tenant.project_id)
        if current is None or (current["namespace"], current["project_id"]) != place:
            self._create(kind, values)
        else:
            self._replace(kind, current, values)

    def _create(self, kind: str, values: Document) -> Document:
        if kind == ACTION:
            _refuse_system(self._lookup(kind, values["name"]))
        return self._store.create(kind, {**values, **self._shared}, tenant=self._tenant)

    def _update(self, kind: str, identifier: str | None, values: Document) -> Document:
        current = get(self._store, kind, identifier or values["name"], self._namespace, self._tenant)
        return self._replace(kind, current, values)

    def _replace(self, kind: str, current: Document, values: Document) -> Document:
        _refuse_system(current)
        wanted = {**values, **self._shared, "namespace": current["namespace"]}
        if all(current[name] == value for name, value in wanted.items()):
            return current
        return self._store.update(kind, current["id"], wanted, tenant=self._tenant)

    def _lookup(self, kind: str, name: str) -> Document | None:
        try:
            return self._store.get(kind, name, tenant=self._tenant, namespace=self._namespace)
        except NotFoundError:
            return None


def validation_error(parse: Callable[[str], Any], text: str) -> str | None:
    """What is wrong with ``text`` as ``parse`` reads it; None when nothing is."""
    try:
        parse(text)
    except InputError as error:
        return str(error)
    return None


def get(store: Store, kind: str, identifier: str, namespace: str, tenant: Tenant) -> Document:
    """A definition by id, or by name in ``namespace``; an action also in the default namespace.

    Raises NotFoundError in the words of the reference.
    """
    try:
        return store.get(kind, identifier, tenant=tenant, namespace=namespace)
    except NotFoundError:
        if kind != ACTION:
            raise
    raise NotFoundError(f"Action definition not found [action_name={identifier}, namespace={namespace}]")


def sync_system_actions(store: Store, actions: Iterable[Any]) -> None:
    """Make the system actions in the store those in ``actions`` (``name``, ``description``, ``input_text``).

    So that lists of actions are filtered, sorted and paged by the database alone. Their id is their name; what is
    there already and unchanged is not written, so that every process may do this when it starts.
    """
    tenant = Tenant(project_id="", all_projects=True)
    wanted = {action.name: _system_action(action) for action in actions}
    with store.taking_turns():
        kept = {row["name"]: row for row in _system_rows(store, tenant)}
        for name in kept.keys() - wanted.keys():
            store.delete(ACTION, name, tenant=tenant)
        for name, values in wanted.items():
            if name not in kept:
                store.create(ACTION, {"id": name, **values}, tenant=tenant)
            elif any(kept[name][key] != value for key, value in values.items()):
                store.update(ACTION, name, values, tenant=tenant)


def _system_rows(store: Store, tenant: Tenant) -> Iterator[Document]:
    marker: dict[str, str] = {}
    while True:
        arguments = MultiDict({"is_system": "true", **marker})
        page = store.list(ACTION, parse_query(ACTION, arguments, default_limit=1000, max_limit=1000), tenant=tenant)
        yield from page.items
        if page.marker is None:
            return
        marker = {"marker": page.marker}


def _system_action(action: Any) -> Document:
    return {
        "name": action.name,
        "namespace": "",
        "description": action.description,
        "input": action.input_text,
        "definition": "",
        "tags": None,
        "scope": "public",
        "is_system": True,
    }


def _workflows(specs: Sequence[WorkflowSpec], text: str) -> list[Document]:
    # The only workflow of a text is kept with the text as it was sent: its checksum is the text's.
    return [_workflow(spec, text if len(specs) == 1 else spec.definition) for spec in specs]


def _workflow(spec: WorkflowSpec, definition: str) -> Document:
    return {
        **_definition(spec, definition),
        "input": _workflow_input(spec.data.get("input") or ()),
        "checksum": hashlib.md5(definition.encode(), usedforsecurity=False).hexdigest(),
    }


def _action(spec: ActionSpec, definition: str) -> Document:
    parameters = spec.data.get("input") or ()
    return {
        **_definition(spec, definition),
        "input": ", ".join(_parameters(parameters, lambda name, default: f"{name}={json.dumps(default)}")) or None,
    }


def _workbook(spec: WorkbookSpec, definition: str) -> Document:
    return _definition(spec, definition)


def _definition(spec: WorkflowSpec | ActionSpec | WorkbookSpec, definition: str) -> Document:
    return {
        "name": spec.name,
        "description": spec.description,
        "definition": definition,
        "spec": dict(spec.data),
        "tags": list(spec.tags),
    }


def _member(workbook: WorkbookSpec, values: Document) -> Document:
    # A member is shown as it stands in its workbook, without the version: so it is in the reference.
    _, _, definition = values["definition"].partition("\n\n")
    name = f"{workbook.name}.{values['name']}"
    return {**values, "name": name, "workbook_name": workbook.name, "definition": definition}


def _workflow_input(parameters: Sequence[Any]) -> str:
    return ", ".join(_parameters(parameters, lambda name, default: f'{name}="{default}"'))


def _parameters(parameters: Sequence[Any], with_default: Callable[[str, Any], str]) -> Iterator[str]:
    for parameter in parameters:
        if isinstance(parameter, Mapping):
            yield from (with_default(name, default) for name, default in parameter.items())
        else:
            yield str(parameter)


def _one_of(identifier: str | None, specs: Sequence[Any], kind: str) -> None:
    if identifier and len(specs) > 1:
        raise InputError(
            f"More than one {kind} are not supported for update with identifier. [identifier: {identifier}]"
        )


def _refuse_system(current: Document | None) -> None:
    if current is not None and current["is_system"]:
        raise InputError(f"Attempt to modify a system action: {current['name']}. Give the ad-hoc action another name")
