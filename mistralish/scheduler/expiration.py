"""Deleting finished executions that are too old, or too many.

Source: the reference's settings group ``execution_expiration_policy``. Only the roots of trees count and are chosen;
what is below goes with them.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any

from mistralish.engine.commands import DeleteExecution
from mistralish.errors import MistralishError
from mistralish.store import Store
from mistralish.store.retention import Place, Since

logger = logging.getLogger(__name__)

ENDS = frozenset(("SUCCESS", "ERROR", "CANCELLED"))

ROWS = 1_000
"""About how many rows are deleted in one go: some 20 to 40 ms of SQLite's time."""

_MINUTE = 60_000_000


class Expiration:
    """Deletes through the engine, a few executions at a time, so that other work goes on between them.

    ``older_than``: minutes since the end, 0 for any age. ``max_finished``: how many are kept, 0 for any number.
    ``now`` gives microseconds since the epoch; once ``is_stopping`` it ends with the batch under way. Several processes
    may do it at once: each execution goes once.
    """

    def __init__(
        self,
        store: Store,
        submit: "Callable[[Any], Future[Any]]",
        *,
        older_than: int,
        max_finished: int,
        batch_size: int,
        ignored_states: Sequence[str],
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._submit = submit
        self._older_than = older_than
        self._max_finished = max_finished
        self._batch_size = batch_size
        self._states = sorted(ENDS - set(ignored_states))
        self._now = now
        self._is_stopping = is_stopping

    @property
    def is_wanted(self) -> bool:
        """Whether there can be anything to delete."""
        return bool(self._states and (self._older_than or self._max_finished))

    def run(self) -> int:
        """Delete what has expired by now; return how many executions went."""
        count = 0
        if self._older_than:
            count += self._delete(Since(self._now() - self._older_than * _MINUTE))
        if self._max_finished:
            first = self._store.nth_finished(self._max_finished, self._states)
            count += self._delete(first) if first else 0
        if count:
            logger.info("%d expired executions were deleted", count)
        return count

    def _delete(self, since: Since) -> int:
        count = 0
        after: Place | None = None
        while batch := self._next(since, after):
            after = batch[-1]
            count += self._delete_batch([place.id for place in batch])
        return count

    def _delete_batch(self, ids: Sequence[str]) -> int:
        count, todo = 0, list(ids)
        while todo and not self._is_stopping():
            share = max(1, ROWS // len(todo))
            futures = [self._submit(DeleteExecution(each, at_most=share)) for each in todo]
            wait(futures)
            answers = [_answer(future) for future in futures]
            count += answers.count(True)
            todo = [each for each, answer in zip(todo, answers, strict=True) if answer is False]
        return count

    def _next(self, since: Since, after: Place | None) -> list[Place]:
        if self._is_stopping():
            return []
        return self._store.finished_before(since, self._states, self._batch_size, after)


def _answer(future: "Future[Any]") -> bool | None:
    """Whether an execution is gone; None where it is not to be deleted, or not by us."""
    error = future.exception()
    if error is None:
        return bool(future.result())
    # It runs again, another process was quicker, or the service stops: the next look will find what is left.
    if not isinstance(error, MistralishError):
        logger.error("An expired execution could not be deleted: %s", error)
    return None
