"""Plug-ins in the reference's form: a class whose objects are one call each (``mistral_lib.actions.Action``).

mistral-lib is not imported here: where a plug-in is made with it, it is loaded already.
"""

import copy
import inspect
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from mistralish.actions.base import ActionError, SystemAction
from mistralish.actions.context import ActionContext
from mistralish.actions.redact import redact
from mistralish.actions.result import Result
from mistralish.actions.signature import Signature, read_signature

_SECURITY_FIELDS = (
    "auth_uri",
    "auth_cacert",
    "insecure",
    "service_catalog",
    "region_name",
    "is_trust_scoped",
    "redelivered",
    "expires_at",
    "trust_id",
    "is_target",
    "project_id",
    "project_name",
    "user_name",
    "auth_token",
)


class LegacyAction(SystemAction):
    """An action class: made with the input as keyword arguments, then asked ``is_sync()`` and to ``run(context)``.

    With the class attribute ``idempotent = True`` its author says that a second run does no harm.
    """

    def __init__(self, name: str, action_class: type) -> None:
        own = action_class.__init__ is not object.__init__  # type: ignore[misc]  # which __init__ is the question
        signature = read_signature(action_class.__init__) if own else Signature()  # type: ignore[misc]
        super().__init__(name, inspect.getdoc(action_class) or "", signature)
        self._class = action_class
        self.idempotent = getattr(action_class, "idempotent", False) is True

    @property
    def class_name(self) -> str:
        return f"{self._class.__module__}.{self._class.__name__}"

    def is_sync(self, given: Mapping[str, Any]) -> bool:
        """Ask an object made for this input, unless its class never says otherwise.

        Raises ActionError when the class does not take the input, or its answer fails.
        """
        ask = getattr(self._class, "is_sync", None)
        if ask is None or ask is getattr(_library_class("Action"), "is_sync", None):
            return True
        action = self._make(given)
        try:
            return bool(action.is_sync())
        except Exception as error:
            raise ActionError(
                f"The plug-in action {self.name} ({self.class_name}) does not tell whether it is synchronous:"
                f" {type(error).__name__}: {redact(str(error), given)}"
            ) from error

    def run(self, given: Mapping[str, Any], context: ActionContext) -> Result:
        return _to_result(self._make(given).run(_to_library_context(context)))

    def _make(self, given: Mapping[str, Any]) -> Any:
        # An action may change what it gets; the input is also the record of the call.
        parameters = copy.deepcopy(dict(given))
        try:
            return self._class(**parameters)
        except Exception as error:
            raise ActionError(
                f"Failed to instantiate an action [action_desc=Python action [name={self.name},"
                f" cls={self._class}]]: {type(error).__name__}: {redact(str(error), given)}"
            ) from error


def _library_class(name: str) -> Any:
    library = sys.modules.get("mistral_lib.actions")
    return getattr(library, name, None)


def _to_result(value: Any) -> Result:
    if isinstance(value, Result):
        return value
    library_result = _library_class("Result")
    if library_result is not None and isinstance(value, library_result):
        return Result(value.data, value.error, bool(value.cancel))
    return Result(value)


def _to_library_context(context: ActionContext) -> Any:
    """Return the context as mistral-lib's ActionContext, or one of the same shape where it is not loaded."""
    security = {name: context.security.get(name) for name in _SECURITY_FIELDS}
    execution = {
        "workflow_execution_id": context.workflow_execution_id,
        "task_execution_id": context.task_execution_id,
        "action_execution_id": context.action_execution_id,
        "workflow_name": context.workflow_name,
        "callback_url": context.callback_url,
    }
    module = sys.modules.get("mistral_lib.actions.context")  # mistral-lib itself always loads it
    if module is None:
        return SimpleNamespace(security=SimpleNamespace(**security), execution=SimpleNamespace(**execution))
    return module.ActionContext(module.SecurityContext(**security), module.ExecutionContext(**execution))
