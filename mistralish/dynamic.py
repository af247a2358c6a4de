"""Dynamic actions: classes in Python modules (code sources) that clients have uploaded.

Their code runs in this process and may do whatever this process may: that is why the setting ``dynamic_actions`` is
off unless somebody who trusts everyone that may upload switches it on.
"""

import sys
import traceback
from threading import RLock
from types import ModuleType
from typing import Any

from mistralish.actions.legacy import LegacyAction
from mistralish.actions.registry import DYNAMIC_PREFIX
from mistralish.errors import InputError, NotFoundError
from mistralish.store import Store, Tenant

_EVERYONE = Tenant("", all_projects=True)


class UploadedAction(LegacyAction):
    """A class of a code source. It travels to executors by its id: its name means something in its project only."""

    def __init__(self, name: str, action_class: type, reference: str) -> None:
        super().__init__(name, action_class)
        self._reference = reference

    def expand(self, given: Any, context: Any, scope: Any) -> tuple[str, Any]:
        """Return the reference by which executors find the action, and its input unchanged."""
        return self._reference, given


class DynamicActions:
    """Finds dynamic actions in ``store`` and loads their modules, each version of a code source once.

    May be used from any thread.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._modules: dict[str, tuple[int, ModuleType]] = {}
        self._lock = RLock()

    def find(self, name: str, namespace: str, project_id: str) -> UploadedAction | None:
        """Return the action of this name as a project sees it, None where it sees none.

        Raises InputError where its code cannot be loaded: what is wrong, in which line of which code source.
        """
        row = self._store.find("dynamic_action", name, tenant=Tenant(project_id), namespace=namespace)
        # Only by name: an id would let a workflow reach an action in another namespace.
        return None if row is None or row["name"] != name else self._load(row)

    def by_reference(self, reference: str) -> UploadedAction | None:
        """Return the action that travels under this name, None where it has been removed. Raises InputError."""
        row = self._store.find("dynamic_action", reference.removeprefix(DYNAMIC_PREFIX), tenant=_EVERYONE)
        return None if row is None else self._load(row)

    def _load(self, row: dict[str, Any]) -> UploadedAction:
        module = self._module(row)
        action_class = getattr(module, row["class_name"], None)
        if not isinstance(action_class, type) or not callable(getattr(action_class, "run", None)):
            raise InputError(
                f"The dynamic action {row['name']} cannot be used: its code source {row['code_source_name']} has no "
                f"class {row['class_name']} with a method run(context)"
            )
        return UploadedAction(row["name"], action_class, DYNAMIC_PREFIX + row["id"])

    def _module(self, row: dict[str, Any]) -> ModuleType:
        source = self._store.find("code_source", row["code_source_id"], tenant=_EVERYONE)
        if source is None:
            raise NotFoundError(f"Code Source not found [name={row['code_source_name']},namespace={row['namespace']}]")
        with self._lock:
            version, module = self._modules.get(source["id"], (0, None))
            if module is None or version != source["version"]:
                module = _execute(source)
                self._modules[source["id"]] = (source["version"], module)
            return module


def _execute(source: dict[str, Any]) -> ModuleType:
    name, file = source["name"], f"<code source {source['name']}>"
    module = ModuleType(name)
    try:
        exec(compile(source["content"], file, "exec"), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # uploaded code may even call sys.exit
        lines = [frame.lineno for frame in traceback.extract_tb(sys.exc_info()[2]) if frame.filename == file]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        raise InputError(
            f"The code source {name} cannot be loaded: line {line}: {type(error).__name__}: {error}"
        ) from error
    return module
