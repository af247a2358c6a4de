"""Evaluates expressions where they can do no harm: in processes that can be ended whatever they are doing.

Python can neither interrupt what runs in C (a regular expression, a sort, the power of two integers) nor bound the
memory of one thread. A process can be bounded in both by the kernel, and has nothing in it that is worth reaching.
"""

import atexit
import threading
from typing import Any

from mistralish.errors import UnavailableError
from mistralish.expressions.functions import plug_ins
from mistralish.expressions.sandbox.conversation import BrokenError, Conversation, FailedError, Question
from mistralish.expressions.sandbox.process import Parent, Process
from mistralish.expressions.spending import OverdrawnError, budget

__all__ = ["BrokenError", "FailedError", "Question", "check", "evaluate", "start", "stop"]

_IDLE = 4
_SERVES = 10_000


class _Pool:
    """The processes that wait for work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parent: Parent | None = None
        self._idle: list[Process] = []

    def warm_up(self) -> None:
        """Start the parent of all processes, without waiting for it."""
        with self._lock:
            if self._parent is None:
                self._parent = Parent(list(plug_ins()))

    def take(self) -> Process:
        """Return a process that nobody else uses; raises UnavailableError."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.is_alive():
                    return process
        try:
            return self._start()
        except UnavailableError:
            return self._start()  # with another parent, should this one have been ended from without

    def _start(self) -> Process:
        self.warm_up()
        with self._lock:
            assert self._parent is not None
            try:
                return self._parent.start()
            except UnavailableError:
                self._parent.close()
                self._parent = None
                raise

    def give_back(self, process: Process) -> None:
        """Keep a process for further work, if it is not worn out."""
        process.served += 1
        with self._lock:
            if self._parent is not None and len(self._idle) < _IDLE and process.served < _SERVES:
                self._idle.append(process)
                return
        process.close()

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for process in self._idle:
                process.close()
            self._idle.clear()
            if self._parent is not None:
                self._parent.close()
                self._parent = None


_pool = _Pool()
atexit.register(_pool.close)

start = _pool.warm_up
stop = _pool.close


def evaluate(question: Question) -> Any:
    """Return the result of an expression, JSON data; it is charged to the project in whose name it runs.

    Raises FailedError, or BrokenError where it was cut off; OverdrawnError where the project has no time left;
    UnavailableError where the scope, or the machine, cannot serve now.
    """
    project = getattr(question.scope, "project", "")
    return _talk(question, "evaluate", budget.allowance(project), project)


def check(language: str, text: str) -> None:
    """Raise FailedError where a text is malformed, BrokenError where it takes too long to find out.

    The time is charged to the thread: there may be many in one request. Raises UnavailableError where none is left.
    """
    reader = f"#{threading.get_ident()}"
    try:
        seconds = budget.allowance(reader)
    except OverdrawnError:
        raise UnavailableError("Reading expressions took too long just now: try again in a few seconds") from None
    _talk(Question(language, text, False, {}, None), "check", seconds, reader)


def _talk(question: Question, task: str, seconds: float, project: str) -> Any:
    process = _pool.take()
    conversation = Conversation(process, question, seconds)
    try:
        return conversation.run(task)
    finally:
        budget.charge(project, conversation.seconds_used)
        if conversation.is_process_fit:
            _pool.give_back(process)
        else:
            process.close()
