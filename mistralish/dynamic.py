"""Dynamic actions: classes in Python modules (code sources) that clients have uploaded.

Their code runs in this process and may do whatever this process may: that is why the setting ``dynamic_actions`` is
off unless somebody who trusts everyone that may upload switches it on.
"""

import logging
import sys
import threading
import time
import traceback
from concurrent.futures import Future
from threading import Lock
from types import ModuleType
from typing import Any

from mistralish.actions.legacy import LegacyAction
from mistralish.actions.registry import DYNAMIC_PREFIX
from mistralish.errors import InputError, NotFoundError
from mistralish.store import Store, Tenant

LOAD_SECONDS = 2.0
"""How long the code of a module may take to be executed, at its first use: turns wait for it."""

log = logging.getLogger(__name__)

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
        self._loads: dict[str, _Load] = {}
        self._lock = Lock()

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
            load = self._loads.get(source["id"])
            if load is None or load.version != source["version"] or load.has_failed:
                load = self._loads[source["id"]] = _Load(source)
        return load.wait()


class _Load:
    """One version of a code source, executed in a thread of its own: nobody waits for it for long."""

    def __init__(self, source: dict[str, Any]) -> None:
        self.version = source["version"]
        self._name = source["name"]
        self._give_up_at = time.monotonic() + LOAD_SECONDS
        self._module: Future[ModuleType] = Future()
        threading.Thread(target=self._run, args=(source,), name=f"load-{source['id']}", daemon=True).start()

    @property
    def has_failed(self) -> bool:
        return self._module.done() and self._module.exception() is not None

    def wait(self) -> ModuleType:
        """Return the module. Raises InputError where its code fails, or has not come to its end in time."""
        try:
            return self._module.result(max(0.0, self._give_up_at - time.monotonic()))
        except TimeoutError:
            log.error("The code source %s is still being loaded, after %g seconds", self._name, LOAD_SECONDS)
            raise InputError(
                f"The code source {self._name} cannot be loaded: it takes longer than {LOAD_SECONDS:g} seconds"
            ) from None

    def _run(self, source: dict[str, Any]) -> None:
        try:
            self._module.set_result(_execute(source))
        except BaseException as error:
            self._module.set_exception(error)


def _execute(source: dict[str, Any]) -> ModuleType:
    name, file = source["name"], f"<code source {source['name']}>"
    module = ModuleType(name)
    try:
        exec(compile(source["content"], file, "exec"), module.__dict__)
    except BaseException as error:  # uploaded code may even call sys.exit
        lines = [frame.lineno for frame in traceback.extract_tb(sys.exc_info()[2]) if frame.filename == file]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        raise InputError(
            f"The code source {name} cannot be loaded: line {line}: {type(error).__name__}: {error}"
        ) from error
    return module
