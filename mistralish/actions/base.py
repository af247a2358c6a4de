"""What every action that Python runs has in common."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from mistralish.actions.context import ActionContext
from mistralish.actions.result import Result
from mistralish.actions.signature import Signature, read_signature
from mistralish.errors import MistralishError


class ActionError(MistralishError):
    """An action could not do what it should; its message becomes the action's error."""

    status = 400


class SystemAction(ABC):
    """An action that is there without a definition: built in, or a plug-in's.

    One object serves every call of the action, from any thread: nothing of a call is kept in it.
    """

    inline: ClassVar[bool] = False
    """Whether it is quick enough to run inside a turn, and idempotent; ``is_inline`` decides by the input."""

    idempotent: bool = False
    """Whether a second run does no more than the first: then it is run again where nobody knows how the first ended."""

    plain_result: ClassVar[bool] = False
    """Whether its results are JSON values already, if its input is."""

    def __init__(self, name: str, description: str, signature: Signature) -> None:
        self.name = name
        self.description = description
        self.signature = signature

    def __str__(self) -> str:
        return self.name

    @property
    def input(self) -> Mapping[str, Any]:
        """The parameters: name → default or REQUIRED."""
        return self.signature.parameters

    @property
    def input_text(self) -> str:
        """The parameters as the API's ``input`` shows them."""
        return self.signature.text()

    @property
    def class_name(self) -> str:
        """The Python class that does the work, as error messages name it."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    @property
    def system_action(self) -> Self:
        """The action that does the work in the end: this one."""
        return self

    def check_parameters(self, given: Mapping[str, Any]) -> None:
        """Raise InputError unless the action can be called with this input."""
        self.signature.check(given, self.name, self.class_name)

    def with_defaults(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the input as it is recorded: an ad-hoc action's has its defaults, this one's is unchanged."""
        return given

    def expand(self, given: Mapping[str, Any], context: Mapping[str, Any], scope: Any) -> tuple[str, Mapping[str, Any]]:
        """Return what to run, by the name of a system action, and its input. An ad-hoc action resolves its base."""
        return self.name, given

    def post_process(self, result: Result, context: Mapping[str, Any], scope: Any) -> Result:
        """Return the result as the task sees it. An ad-hoc action applies its ``output``."""
        return result

    def is_sync(self, given: Mapping[str, Any]) -> bool:
        """Whether the end of ``run`` is the end of the action. If not, the result comes by the API."""
        return True

    def is_inline(self, given: Mapping[str, Any]) -> bool:
        """Whether the call with this input is pure and quick, so that it may run inside a turn."""
        return self.inline

    def delay(self, given: Mapping[str, Any]) -> float:
        """Return the seconds to let pass before ``run``, which then need not occupy a thread for it."""
        return 0.0

    @abstractmethod
    def run(self, given: Mapping[str, Any], context: ActionContext) -> Result:
        """Do the work. Raises whatever went wrong; an executor turns that into an error result."""


class StdAction(SystemAction):
    """A built-in action. A subclass's ``execute(about, …)`` is what it does, and its parameters are the action's.

    ``about`` is the ActionContext, given by position. It returns a plain value or a Result.
    """

    execute: Any

    def __init__(self, name: str) -> None:
        super().__init__(name, inspect.getdoc(type(self)) or "", read_signature(self.execute))

    def run(self, given: Mapping[str, Any], context: ActionContext) -> Result:
        """Call ``execute`` with the input as keyword arguments."""
        value = self.execute(context, **given)
        return value if isinstance(value, Result) else Result(value)
