"""Calls of actions on their way to executors: which wait for one, and whether those under way still live."""

from collections.abc import Iterator, Sequence
from typing import Any

from mistralish import states
from mistralish.records import ActionExecution, QueuedCall
from mistralish.store import models
from mistralish.store.bulk import RowReader, chunks
from mistralish.store.connection import POSTGRESQL, Connection
from mistralish.store.indexes import unfinished
from mistralish.store.statements import Statement, given

_ACTION = RowReader(ActionExecution)
_CALL = RowReader(QueuedCall)


class Calls:
    """What executors ask of the store, outside of turns."""

    def __init__(self, connection: Connection) -> None:
        action = models.ActionExecution
        # The unfinished ones are found by their partial index; of these the few that are silent are wanted.
        silent = (
            unfinished(action)
            & (action.id > given("after"))
            & (action.state == states.RUNNING)
            & (action.is_sync == True)  # noqa: E712 - SQL
            & (action.last_heartbeat < given("before"))
        )
        self._lost = Statement(
            connection, action.select(*_ACTION.columns).where(silent).order_by(action.id).limit(given("limit"))
        )
        call = models.QueuedCall
        self._waiting = Statement(connection, call.select(call.id).where(call.target == given("target")).limit(1))
        self._db = connection

    def beat(self, action_ids: Sequence[str], at: int) -> None:
        """Note that these action executions were alive ``at`` (µs). Waits for nobody: a locked row is left out."""
        action = models.ActionExecution
        for part in chunks(action_ids):
            with self._db.write() as database:
                wanted: Any = action.id.in_(list(part))
                if self._db.dialect == POSTGRESQL:
                    free = action.select(action.id).where(wanted).for_update(skip_locked=True)
                    wanted = action.id.in_(free)
                database.execute(action.update(last_heartbeat=at).where(wanted))

    def silent_actions(self, before: int, limit: int, after: str = "") -> list[ActionExecution]:
        """Return at most ``limit`` running synchronous actions that gave no sign of life since ``before`` (µs).

        They come by id; ``after``: the last id seen.
        """
        return _ACTION.make_all(self._lost.rows(before=before, limit=limit, after=after))

    def take_calls(self, target: str, limit: int, now: int) -> list[QueuedCall]:
        """Take at most ``limit`` calls that wait for ``target``, the oldest first: they are the caller's from now on.

        No other process gets them. They have given a sign of life ``now`` (µs).
        """
        if limit <= 0 or self._waiting.first(target=target) is None:
            return []
        call = models.QueuedCall
        query = call.select(*_CALL.columns).where(call.target == target).order_by(call.id).limit(limit)
        with self._db.write() as database:
            if self._db.dialect == POSTGRESQL:
                query = query.for_update(skip_locked=True)
            taken: list[QueuedCall] = _CALL.make_all(database.execute(query))
            for part in _parts(taken):
                database.execute(call.delete().where(call.id.in_(part)))
                self.beat(part, now)
        return taken


def _parts(taken: Sequence[QueuedCall]) -> Iterator[list[str]]:
    return (list(part) for part in chunks([call.id for call in taken]))
