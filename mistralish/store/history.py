"""The record of what happened to an execution: read in order, a page at a time."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter

from mistralish.records import HistoryEvent
from mistralish.store import models
from mistralish.store.bulk import RowReader, chunks
from mistralish.store.connection import Connection

_EVENT = RowReader(HistoryEvent)
_CHUNK = 1_000


class HistoryReader:
    """Reads ``history``, which turns only ever add to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def history(
        self,
        execution_id: str,
        *,
        after: int = 0,
        limit: int,
        kind: str | None = None,
        payload: Mapping[str, str] | None = None,
    ) -> list[HistoryEvent]:
        """Return at most ``limit`` events of an execution in order, from the first with ``seq`` beyond ``after``.

        ``kind`` (execution, task, action) and ``payload`` (what some of its attributes must be) choose among them: the
        cost is that of the execution's events that are passed over.
        """
        wanted = payload or {}
        found: list[HistoryEvent] = []
        for event in self._events(execution_id, after, kind, limit if not wanted else _CHUNK):
            if all(event.payload.get(name) == value for name, value in wanted.items()):
                found.append(event)
                if len(found) == limit:
                    break
        return found

    def histories(
        self, execution_ids: Iterable[str], *, limit: int, kind: str | None = None
    ) -> Iterator[list[HistoryEvent]]:
        """Give each execution's events in order, whole; not of those with which there would be more than ``limit``.

        ``kind`` as in ``history``.
        """
        history, left = models.History, limit
        for ids in chunks(sorted(execution_ids)):
            query = history.select(*_EVENT.columns).where(history.execution_id.in_(ids))
            if kind is not None:
                query = query.where(history.type == kind)
            with self._connection.read() as database:
                ordered = query.order_by(history.execution_id, history.seq).limit(left + 1)
                events = _EVENT.make_all(database.execute(ordered).fetchall())
            is_cut = len(events) > left
            for execution_id, of_one in groupby(events, key=attrgetter("execution_id")):
                if not is_cut or execution_id != events[-1].execution_id:
                    yield list(of_one)
            left -= len(events)
            if left <= 0:
                return

    def _events(self, execution_id: str, after: int, kind: str | None, chunk: int) -> Iterator[HistoryEvent]:
        history = models.History
        while True:
            query = history.select(*_EVENT.columns).where(
                (history.execution_id == execution_id) & (history.seq > after)
            )
            if kind is not None:
                query = query.where(history.type == kind)
            with self._connection.read() as database:
                rows = database.execute(query.order_by(history.seq).limit(chunk)).fetchall()
            events = _EVENT.make_all(rows)
            yield from events
            if len(events) < chunk:
                return
            after = events[-1].seq
