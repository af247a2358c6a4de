"""Documents: single rows as plain dictionaries, JSON decoded, times in microseconds."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import peewee

from mistralish.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from mistralish.ids import new_id
from mistralish.store import json_text, models
from mistralish.store.connection import Connection
from mistralish.store.counters import Counter
from mistralish.store.fields import FlagField, JsonField, NameField
from mistralish.store.kinds import Kind, kind_of
from mistralish.store.migrations import CATALOG_REVISION
from mistralish.store.statements import Statement, given
from mistralish.store.tenancy import Tenant, check_writable, found_by_id, visible

# Of definitions: a trigger is not one, and it changes at every firing.
_CATALOG = frozenset(("workflow", "workbook", "action", "environment", "code_source", "dynamic_action"))

# What starts workflows, and how it is called.
_TRIGGERS: tuple[tuple[Any, str], ...] = ((models.CronTrigger, "cron"), (models.EventTrigger, "event"))

# What is removed together with a document, and the column that names it there.
_DEPENDENTS: Mapping[str, tuple[tuple[type[peewee.Model], str], ...]] = {
    "workflow": ((models.ResourceMember, "resource_id"),),
    "code_source": ((models.DynamicAction, "code_source_id"),),
}

_NAME_LENGTH = 255


class Documents:
    """Creates, reads, changes and removes documents."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        spec = models.Spec
        self._spec = Statement(connection, spec.select(spec.data).where(spec.id == given("id")))
        self._revision = Counter(connection, CATALOG_REVISION)
        self._lookups: dict[tuple[Any, ...], Statement] = {}

    def create(self, kind_name: str, values: Mapping[str, Any], *, tenant: Tenant) -> dict[str, Any]:
        """Store a new document and return it whole.

        ``id``, ``created_at`` and ``project_id`` (the tenant's) are filled in where missing. Raises ConflictError
        where the name is taken, InputError for a value that no column holds.
        """
        kind = _writable(kind_name)
        row = {"id": new_id(), "created_at": _now(), "project_id": tenant.project_id, **values}
        check_writable(kind, row["id"], row["project_id"], tenant)
        _check_values(kind, row)
        with self._connection.write() as database:
            try:
                with database.atomic():
                    database.execute(kind.model.insert(**row))
            except peewee.IntegrityError as error:
                raise _conflict(kind, row, error) from error
            self._touch_catalog(kind)
            return self._by_id(kind, row["id"])

    def get(
        self,
        kind_name: str,
        identifier: str,
        *,
        tenant: Tenant,
        namespace: str | None = None,
        with_spec: bool = False,
    ) -> dict[str, Any]:
        """Return a document by id or, where its kind has names, by name.

        With ``namespace`` None a name is looked for in all namespaces. An action that is not in the namespace is
        taken from the default one, as in the reference. ``with_spec`` adds an execution's ``spec``. Raises
        NotFoundError.
        """
        kind = kind_of(kind_name)
        row = self._lookup(kind, identifier, tenant, namespace, kind.falls_back)
        if row is None:
            raise _not_found(kind, identifier, namespace)
        if with_spec and "spec_id" in row:
            row["spec"] = self.load_spec(row["spec_id"])
        return row

    def find(
        self, kind_name: str, identifier: str, *, tenant: Tenant, namespace: str | None = None
    ) -> dict[str, Any] | None:
        """Return a document as a running workflow finds it, None where there is none.

        As ``get``, but workflows too are taken from the default namespace when they are not in ``namespace``.
        """
        kind = kind_of(kind_name)
        return self._lookup(kind, identifier, tenant, namespace, falls_back=kind.namespaced)

    def update(self, kind_name: str, row_id: str, values: Mapping[str, Any], *, tenant: Tenant) -> dict[str, Any]:
        """Change a document, given by its id, and return it whole; ``updated_at`` is filled in where missing.

        Raises NotFoundError, ConflictError (the new name is taken), ForbiddenError (it is another project's),
        NotAllowedError (a workflow made private that other projects have triggers for).
        """
        kind = _writable(kind_name)
        changes = {"updated_at": _now(), **values}
        _check_values(kind, changes)
        with self._connection.write() as database:
            old = self._own(kind, row_id, tenant, None)
            if kind.name == "workflow" and old["scope"] == "public" and changes.get("scope") == "private":
                self._check_no_foreign_triggers(old)
            match = kind.columns["id"] == old["id"]
            try:
                with database.atomic():
                    database.execute(kind.model.update(**changes).where(match))
            except peewee.IntegrityError as error:
                raise _conflict(kind, {**old, **changes}, error) from error
            self._touch_catalog(kind)
            return self._by_id(kind, changes.get("id", old["id"]))

    def delete(self, kind_name: str, identifier: str, *, tenant: Tenant, namespace: str | None = None) -> None:
        """Remove a document.

        What cannot be without it goes with it: a workflow's members, a code source's dynamic actions. Raises
        NotFoundError, ForbiddenError (it is another project's), InputError (a workflow that triggers run: the
        reference refuses it with 400).
        """
        kind = _writable(kind_name)
        with self._connection.write() as database:
            row = self._own(kind, identifier, tenant, namespace)
            if kind.name == "workflow":
                self._check_no_triggers(row, identifier, namespace)
            for dependent, owner in _DEPENDENTS.get(kind.name, ()):
                database.execute(dependent.delete().where(dependent._meta.fields[owner] == row["id"]))
            database.execute(kind.model.delete().where(kind.columns["id"] == row["id"]))
            self._touch_catalog(kind)

    def load_spec(self, spec_id: str) -> Any:
        """Return the data of a specification, None where there is no such one."""
        row = self._spec.first(id=spec_id)
        return json_text.load(row[0]) if row else None

    def revision(self) -> int:
        """Return a number that grows with every change of a definition or environment."""
        return self._revision.read() or 0

    def _lookup(
        self, kind: Kind, identifier: str, tenant: Tenant, namespace: str | None, falls_back: bool
    ) -> dict[str, Any] | None:
        form = (kind.name, tenant.all_projects, tenant.is_admin, namespace is None, falls_back)
        statement = self._lookups.get(form)
        if statement is None:
            statement = self._lookups[form] = Statement(self._connection, _lookup_query(*form))
        row = statement.first(id=identifier, project=tenant.project_id, namespace=namespace)
        return decode(kind, tuple(kind.columns), row) if row else None

    def _own(self, kind: Kind, identifier: str, tenant: Tenant, namespace: str | None) -> dict[str, Any]:
        row = self._lookup(kind, identifier, tenant, namespace, kind.falls_back)
        if row is None:
            raise _not_found(kind, identifier, namespace)
        check_writable(kind, row["id"], row["project_id"], tenant)
        return row

    def _by_id(self, kind: Kind, row_id: str) -> dict[str, Any]:
        query = kind.model.select().where(kind.columns["id"] == row_id)
        return decode(kind, tuple(kind.columns), self._connection.database.execute(query).fetchone())

    def _check_no_triggers(self, row: Mapping[str, Any], identifier: str, namespace: str | None) -> None:
        for trigger, called in _TRIGGERS:
            query = trigger.select(trigger.id, trigger.project_id).where(trigger.workflow_id == row["id"])
            found = self._connection.database.execute(query.order_by(trigger.id)).fetchall()
            if found:
                ids = [name for name, project_id in found if project_id == row["project_id"]]
                foreign = len(found) - len(ids)
                ids += [f"{foreign} of other projects"] if foreign else []
                # The reference names the namespace for cron triggers only.
                place = f", namespace={namespace or ''}" if trigger is models.CronTrigger else ""
                raise InputError(
                    f"Can't delete workflow that has {called} triggers associated. "
                    f"[workflow_identifier={identifier}{place}], [{called}_trigger_id(s)={', '.join(ids)}]"
                )

    def _check_no_foreign_triggers(self, row: Mapping[str, Any]) -> None:
        for trigger, called in _TRIGGERS:
            foreign = (trigger.workflow_id == row["id"]) & (trigger.project_id != row["project_id"])
            if self._connection.database.execute(trigger.select(trigger.id).where(foreign).limit(1)).fetchone():
                raise NotAllowedError(
                    f"Can not update scope of workflow that has {called} triggers associated in other tenants. "
                    f"[workflow_identifier={row['name']}, namespace={row['namespace']}]"
                )

    def _touch_catalog(self, kind: Kind) -> None:
        if kind.name in _CATALOG:
            self._revision.increase()


def _lookup_query(
    kind_name: str, all_projects: bool, is_admin: bool, in_any_namespace: bool, falls_back: bool
) -> peewee.Query:
    """Prefer: the id over a name, the namespace asked for over the default, one's own over what others share."""
    kind = kind_of(kind_name)
    columns = kind.columns
    identifier: Any = given("id")
    project_id: Any = given("project")
    namespace: Any = given("namespace")
    tenant = Tenant(project_id, all_projects, is_admin)
    found = found_by_id(kind, tenant, identifier)
    if not kind.by_name:
        return kind.model.select(*columns.values()).where(found)
    order = [(columns["id"] == identifier).desc()]
    named = columns["name"] == identifier
    if kind.namespaced and not in_any_namespace:
        spaces = [namespace, ""] if falls_back else [namespace]
        named &= columns["namespace"].in_(spaces)
        order.append((columns["namespace"] == namespace).desc())
    seen = visible(kind, tenant)
    found |= named if seen is None else named & seen
    order += [(columns["project_id"] == project_id).desc(), columns["id"].asc()]
    return kind.model.select().where(found).order_by(*order).limit(1)


def decode(kind: Kind, names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Return the document whose columns ``names`` have the raw values ``row``."""
    document = dict(zip(names, row, strict=True))
    for name, read in _decoders(kind.name):
        if document.get(name) is not None:
            document[name] = read(document[name])
    return document


@cache
def _decoders(kind_name: str) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """Give the columns whose values the driver does not give as they are meant."""
    columns = kind_of(kind_name).columns.items()
    return tuple((name, column.python_value) for name, column in columns if isinstance(column, JsonField | FlagField))


def _writable(kind_name: str) -> Kind:
    kind = kind_of(kind_name)
    if not kind.writable:
        raise InputError(f"A {kind.name} is made and changed by running workflows only")
    return kind


def _check_values(kind: Kind, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name not in kind.columns:
            raise InputError(f"A {kind.name} has no '{name}': choose from {', '.join(kind.columns)}")
        if not isinstance(value, str):
            continue
        if "\0" in value:
            raise InputError(f"The {name} of a {kind.name} holds a NUL character: leave it out")
        if isinstance(kind.columns[name], NameField) and len(value) > _NAME_LENGTH:
            raise InputError(
                f"The {name} of a {kind.name} is {len(value)} characters long: at most {_NAME_LENGTH} are possible"
            )
        if not isinstance(kind.columns[name], JsonField) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise InputError(f"The {name} of a {kind.name} is not well-formed Unicode: {error}") from error


def _conflict(kind: Kind, row: Mapping[str, Any], error: peewee.IntegrityError) -> Exception:
    message = str(error).lower()
    if "unique" not in message and "duplicate" not in message:
        return InputError(f"A {kind.name} cannot be stored like this: {error}")
    return ConflictError(kind.duplicate.format(**{"namespace": "", **row}))


def _not_found(kind: Kind, identifier: str, namespace: str | None) -> NotFoundError:
    return NotFoundError(kind.not_found.format(identifier=identifier, namespace=namespace or ""))


def _now() -> int:
    return time.time_ns() // 1000
