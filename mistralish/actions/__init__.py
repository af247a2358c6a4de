"""What actions there are and what each does. Where and when they run is the executors' business."""

from mistralish.actions.adhoc import Action, AdHocAction, resolve_action
from mistralish.actions.base import ActionError, StdAction, SystemAction
from mistralish.actions.context import ActionContext
from mistralish.actions.filter import ActionFilter
from mistralish.actions.registry import Registry
from mistralish.actions.result import Result
from mistralish.actions.settings import ActionSettings

__all__ = [
    "Action",
    "ActionContext",
    "ActionError",
    "ActionFilter",
    "ActionSettings",
    "AdHocAction",
    "Registry",
    "Result",
    "StdAction",
    "SystemAction",
    "resolve_action",
]
