"""What belongs to the running of the whole service: its maintenance mode, and which events anyone waits for."""

from typing import Any

from mistralish.errors import InputError
from mistralish.store import models
from mistralish.store.connection import Connection
from mistralish.store.documents import decode
from mistralish.store.kinds import KINDS
from mistralish.store.migrations import MAINTENANCE
from mistralish.store.statements import Statement, given

RUNNING, PAUSING, PAUSED = "RUNNING", "PAUSING", "PAUSED"
# The place of a mode in this list is what the database keeps.
MODES = (RUNNING, PAUSING, PAUSED)


class Operation:
    """Reads and writes of no project's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        counter, trigger = models.Counter, models.EventTrigger
        self._mode = Statement(connection, counter.select(counter.value).where(counter.name == MAINTENANCE))
        self._sources = Statement(
            connection,
            trigger.select(trigger.exchange, trigger.topic).distinct().order_by(trigger.exchange, trigger.topic),
        )
        self._triggers = Statement(
            connection,
            trigger.select()
            .where(
                (trigger.exchange == given("exchange"))
                & (trigger.topic == given("topic"))
                & (trigger.event == given("event"))
            )
            .order_by(trigger.created_at, trigger.id),
        )

    def maintenance(self) -> str:
        """Return the service's mode: RUNNING, PAUSING or PAUSED. Cheap: asked for every request that writes."""
        row = self._mode.first()
        return MODES[row[0]] if row else RUNNING

    def set_maintenance(self, mode: str, *, expected: str | None = None) -> bool:
        """Put the service into ``mode``, where ``expected`` is given only if it is in that one; say whether it was."""
        if mode not in MODES:
            raise InputError(f"The maintenance mode is one of {', '.join(MODES)}, not '{mode}'")
        counter = models.Counter
        match = counter.name == MAINTENANCE
        if expected is not None:
            match &= counter.value == MODES.index(expected)
        with self._connection.write() as database:
            changed: int = database.execute(counter.update(value=MODES.index(mode)).where(match)).rowcount
        return changed == 1

    def event_sources(self) -> list[tuple[str, str]]:
        """Return every (exchange, topic) that an event trigger of any project waits for."""
        return [(row[0], row[1]) for row in self._sources.rows()]

    def event_triggers_for(self, exchange: str, topic: str, event: str) -> list[dict[str, Any]]:
        """Return the triggers of all projects that wait for this event, the oldest first."""
        kind = KINDS["event_trigger"]
        rows = self._triggers.rows(exchange=exchange, topic=topic, event=event)
        return [decode(kind, tuple(kind.columns), row) for row in rows]
