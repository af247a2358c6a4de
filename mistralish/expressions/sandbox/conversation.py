"""One evaluation in a process of its own: what it is asked, what it asks back, and what can go wrong."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from mistralish.errors import UnavailableError
from mistralish.expressions.errors import UseError, explain
from mistralish.expressions.fastpath import Call
from mistralish.expressions.functions import plug_ins
from mistralish.expressions.limits import MAX_SIZE
from mistralish.expressions.sandbox.process import Process
from mistralish.expressions.sandbox.wire import TooLongError
from mistralish.expressions.scope import Scope
from mistralish.expressions.spending import budget
from mistralish.expressions.values import Meter, copy_plain, plain

_QUESTIONS = frozenset(("env", "task", "tasks", "execution", "executions", "global_"))


class Question(NamedTuple):
    """An expression that is to be evaluated. ``printed``: as it stands within a text."""

    language: str
    text: str
    printed: bool
    context: Any
    scope: Scope | None


class FailedError(UseError):
    """The expression failed. The message holds no data; ``line`` is where, if it is malformed and that is known."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


class BrokenError(UseError):
    """The evaluation was cut off: the process is of no more use."""


class Conversation:
    """What is said about one question. ``seconds_used``: how long it held up the service, so far as is known;
    ``is_process_fit``: whether the process may be used again.

    ``seconds`` is the time that the processor may spend on it; by the clock it may be twice as much.
    """

    def __init__(self, process: Process, question: Question, seconds: float) -> None:
        self._process = process
        self._question = question
        self._names = list(question.context) if isinstance(question.context, Mapping) else None
        self._seconds = seconds
        self._deadline = time.monotonic() + 2 * seconds
        self.seconds_used = 0.0
        self.is_process_fit = False

    def run(self, task: str) -> Any:
        """Return the result, JSON data; for the task ``check`` there is none.

        Raises FailedError; BrokenError where it took too long or too much; UnavailableError from the scope.
        """
        question = self._question
        try:
            self._process.send(
                (task, question.language, question.text, self._seconds, *self._rest(task)), self._deadline
            )
            return self._until_done()
        except TooLongError:
            raise BrokenError("its result is too large") from None
        except (EOFError, OSError):
            raise self._cut_off() from None

    def _rest(self, task: str) -> tuple[Any, ...]:
        if task == "check":
            return ()
        question = self._question
        names, data = self._names, question.context
        if names is not None:
            data = {name: data[name] for name in names if _is_named(name, question.text)}
        return question.printed, question.scope is not None, names, _sendable(data)

    def _until_done(self) -> Any:
        answering = 0.0
        while True:
            kind, used, *message = self._process.receive(self._deadline)
            self.seconds_used = used + answering
            if kind == "done":
                self.is_process_fit, result = message
                return result
            if kind == "failed":
                self.is_process_fit, *reason = message
                raise FailedError(*reason)
            if self.seconds_used > self._seconds:
                raise TimeoutError
            start = time.thread_time()
            self._process.send(self._answer(kind, message), self._deadline)
            answering += time.thread_time() - start

    def _cut_off(self) -> BrokenError:
        took_long = time.monotonic() >= self._deadline - self._seconds or self.seconds_used > self._seconds
        if not took_long:
            return BrokenError("it was cut off, because it needs more memory or is nested deeper than is allowed")
        self.seconds_used = max(self._seconds, self.seconds_used)
        why = ", all that its project has left after other slow expressions," if self._seconds < budget.seconds else ""
        return BrokenError(
            f"it took longer than {self._seconds:.2g} s{why} and was cut off: make it simpler, let it go over fewer "
            "elements, or do the work in an action"
        )

    def _answer(self, kind: str, message: list[Any]) -> tuple[bool, Any]:
        try:
            return True, _sendable(self._find(kind, message))
        except UnavailableError:
            raise
        except Exception as error:
            return False, explain(error, self._question.text)

    def _find(self, kind: str, message: list[Any]) -> Any:
        question = self._question
        if kind == "variable" and self._names is not None:
            return question.context[self._names[message[0]]]
        if kind == "scope" and message[0] in _QUESTIONS:
            return getattr(question.scope, message[0])(*message[1:])
        if kind == "plug_in":
            return self._plug_in(*message)
        raise UseError(f"there is no such question: {kind}")

    def _plug_in(self, name: str, given: list[Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call a plug-in. It is the administrator's code: its time is not the expression's."""
        start = time.monotonic()
        context = given[0] if given else Call(self._question.context, self._question.scope)
        try:
            return plain(plug_ins()[name](context, *args, **kwargs))
        finally:
            self._deadline += time.monotonic() - start


def _is_named(name: Any, text: str) -> bool:
    return not isinstance(name, str) or name.lstrip("_") in text


def _sendable(value: Any) -> Any:
    Meter(MAX_SIZE * 2).take(value)
    return copy_plain(value)
