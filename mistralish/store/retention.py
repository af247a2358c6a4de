"""Which finished executions are old enough, or too many. Asked rarely, outside of turns."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from mistralish.store import models
from mistralish.store.connection import Connection

_EXECUTION = models.WorkflowExecution


class Since(NamedTuple):
    """A place in the order in which executions ended: the time (µs), and the id among those of the same time."""

    updated_at: int
    id: str = ""


class Place(NamedTuple):
    """A place in the order in which executions were made."""

    created_at: int
    id: str


class Retention:
    """Reads of the expiration policy. Executions of all projects; of a tree only its root, in whatever it ended."""

    def __init__(self, connection: Connection) -> None:
        self._database = connection

    def nth_finished(self, number: int, states: Sequence[str]) -> Since | None:
        """Return where the execution lies that ended before ``number`` later ones, None where there is none.

        Reads all finished roots: there is no index by end, since every change of a running execution would pay for it.
        """
        query = (
            _EXECUTION.select(_EXECUTION.updated_at, _EXECUTION.id)
            .where(_finished_roots(states))
            .order_by(_EXECUTION.updated_at.desc(), _EXECUTION.id.desc())
            .limit(1)
            .offset(number)
        )
        rows = self._rows(query)
        return Since(*rows[0]) if rows else None

    def finished_before(self, since: Since, states: Sequence[str], limit: int, after: Place | None) -> list[Place]:
        """Return at most ``limit`` executions that ended in one of ``states``, at ``since`` or before.

        They come in the order in which they were made, by an index; ``after``: the last one seen.
        """
        ended = (_EXECUTION.updated_at < since.updated_at) | (
            (_EXECUTION.updated_at == since.updated_at) & (_EXECUTION.id <= since.id)
        )
        # Nothing ends before it is made: so the index need not be read to its end.
        wanted = _finished_roots(states) & (_EXECUTION.created_at <= since.updated_at) & ended
        if after is not None:
            later = (_EXECUTION.created_at == after.created_at) & (_EXECUTION.id > after.id)
            wanted &= (_EXECUTION.created_at >= after.created_at) & ((_EXECUTION.created_at > after.created_at) | later)
        order = (_EXECUTION.created_at, _EXECUTION.id)
        query = _EXECUTION.select(*order).where(wanted).order_by(*order).limit(limit)
        return [Place(*row) for row in self._rows(query)]

    def _rows(self, query: Any) -> list[Any]:
        with self._database.read() as database:
            return list(database.execute(query).fetchall())


def _finished_roots(states: Sequence[str]) -> Any:
    return _EXECUTION.task_execution_id.is_null() & _EXECUTION.state.in_(list(states))
