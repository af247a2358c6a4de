"""Which system actions there are: the built-in ones, and plug-ins by the entry point group ``mistral.actions``."""

import inspect
import logging
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import Any, Protocol

from mistralish.actions.base import SystemAction
from mistralish.actions.context import ActionContext
from mistralish.actions.filter import ActionFilter
from mistralish.actions.legacy import LegacyAction
from mistralish.actions.result import Result
from mistralish.actions.settings import ActionSettings
from mistralish.actions.signature import Signature
from mistralish.actions.std import standard_actions
from mistralish.errors import WorkflowError

log = logging.getLogger(__name__)

GROUP = "mistral.actions"
DYNAMIC_PREFIX = "dynamic:"
"""What the names begin with under which dynamic actions travel to executors."""


class DynamicProvider(Protocol):
    """Where actions come from whose code clients have uploaded. They belong to projects."""

    def find(self, name: str, namespace: str, project_id: str) -> SystemAction | None:
        """Return the action of this name as a project sees it, None where it sees none."""

    def by_reference(self, reference: str) -> SystemAction | None:
        """Return the action that travels under this name; it begins with DYNAMIC_PREFIX."""


class BrokenAction(SystemAction):
    """A plug-in that could not be loaded: using it says so, and why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason, Signature(rest="anything"))

    def check_parameters(self, given: Mapping[str, Any]) -> None:
        raise WorkflowError(self.description)

    def run(self, given: Mapping[str, Any], context: ActionContext) -> Result:
        raise WorkflowError(self.description)


class Registry:
    """Finds system actions by name. Plug-ins are looked for when first needed, and loaded one by one.

    A built-in action goes before a plug-in of the same name, and both before a dynamic action. May be used from any
    thread. ``dynamic`` is where dynamic actions come from, None for nowhere.
    """

    dynamic: DynamicProvider | None = None

    def __init__(
        self,
        settings: ActionSettings | None = None,
        find_entry_points: Callable[[], list[EntryPoint]] | None = None,
        chosen: ActionFilter | None = None,
    ) -> None:
        builtin = {action.name: action for action in standard_actions(settings or ActionSettings())}
        self._filter = chosen or ActionFilter()
        self._builtin = frozenset(builtin)
        self._actions: dict[str, SystemAction] = {name: builtin[name] for name in self._filter.choose(builtin)}
        self._find_entry_points = find_entry_points or _installed
        self._plugins: dict[str, EntryPoint] | None = None
        self._lock = RLock()

    def find(self, name: str) -> SystemAction | None:
        """Return the action of this name, or None. A plug-in that cannot be loaded is an action that tells so."""
        if self.dynamic is not None and name.startswith(DYNAMIC_PREFIX):
            return self.dynamic.by_reference(name)
        action = self._actions.get(name)
        return action if action is not None else self._find_plugin(name)

    def seen_by(self, project_id: str, namespace: str) -> "Finder":
        """Return what finds the actions that a project has in a namespace: the system's and its dynamic ones."""
        return Finder(self, project_id, namespace)

    def all(self) -> list[SystemAction]:
        """Return every action that can be used, by name."""
        with self._lock:
            names = sorted({*self._actions, *self._known_plugins()})
        found = (self.find(name) for name in names)
        return [action for action in found if action is not None and not isinstance(action, BrokenAction)]

    def _find_plugin(self, name: str) -> SystemAction | None:
        with self._lock:
            entry_point = self._known_plugins().get(name)
            if entry_point is None:
                return None
            if name not in self._actions:
                self._actions[name] = _load(entry_point)
            return self._actions[name]

    def _known_plugins(self) -> dict[str, EntryPoint]:
        if self._plugins is None:
            found: dict[str, EntryPoint] = {}
            for entry_point in self._find_entry_points():
                if entry_point.name not in self._builtin:
                    found.setdefault(entry_point.name, entry_point)
            self._plugins = {name: found[name] for name in self._filter.choose(found, plugins=True)}
        return self._plugins


class Finder:
    """Finds system actions and the dynamic ones of one project. Made by ``Registry.seen_by``."""

    def __init__(self, registry: Registry, project_id: str, namespace: str) -> None:
        self._registry = registry
        self._project_id = project_id
        self._namespace = namespace

    def find(self, name: str) -> SystemAction | None:
        """Return the action of this name, or None. Raises InputError for a dynamic action that cannot be loaded."""
        if name.startswith(DYNAMIC_PREFIX):
            return None  # another project's could be named so
        found = self._registry.find(name)
        if found is None and self._registry.dynamic is not None:
            found = self._registry.dynamic.find(name, self._namespace, self._project_id)
        return found


def _installed() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _load(entry_point: EntryPoint) -> SystemAction:
    name = entry_point.name
    try:
        return _make(name, entry_point.load())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in may even call sys.exit while it is imported
        origin = f" of {entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist else ""
        reason = (
            f"The plug-in action {name} ({entry_point.value}{origin}) could not be loaded:"
            f" {type(error).__name__}: {error}"
        )
        log.warning(reason, exc_info=True)
        return BrokenAction(name, reason)


def _make(name: str, loaded: Any) -> SystemAction:
    if isinstance(loaded, SystemAction):
        return loaded
    if inspect.isclass(loaded):
        if issubclass(loaded, SystemAction):
            return loaded(name)  # type: ignore[call-arg]  # a StdAction takes its name alone
        if callable(getattr(loaded, "run", None)):
            return LegacyAction(name, loaded)
    raise TypeError(f"{loaded!r} is not an action class: it must have a method run(context)")
