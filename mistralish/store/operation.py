"""What belongs to the running of the whole service: its maintenance mode, and which events anyone waits for."""

from typing import Any

from mistralish.errors import InputError
from mistralish.store import models
from mistralish.store.connection import Connection
from mistralish.store.counters import Counter
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
        trigger = models.EventTrigger
        self._mode = Counter(connection, MAINTENANCE)
        sources = trigger.select(trigger.exchange, trigger.topic).distinct().order_by(trigger.exchange, trigger.topic)
        self._sources = Statement(connection, sources)
        self._sources_of_project = Statement(connection, sources.where(trigger.project_id == given("project_id")))
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
        return MODES[self._mode.read() or 0]

    def stored_maintenance(self) -> str:
        """Return the same, from the database in any case. Raises UnavailableError where that does not answer."""
        return MODES[self._mode.look_up() or 0]

    def set_maintenance(self, mode: str, *, expected: str | None = None) -> bool:
        """Put the service into ``mode``, where ``expected`` is given only if it is in that one; say whether it was."""
        if mode not in MODES:
            raise InputError(f"The maintenance mode is one of {', '.join(MODES)}, not '{mode}'")
        return self._mode.put(MODES.index(mode), None if expected is None else MODES.index(expected))

    def event_sources(self, project_id: str | None = None) -> list[tuple[str, str]]:
        """Return every (exchange, topic) that an event trigger waits for: one of this project, or of any."""
        rows = self._sources.rows() if project_id is None else self._sources_of_project.rows(project_id=project_id)
        return [(row[0], row[1]) for row in rows]

    def event_triggers_for(self, exchange: str, topic: str, event: str) -> list[dict[str, Any]]:
        """Return the triggers of all projects that wait for this event, the oldest first."""
        kind = KINDS["event_trigger"]
        rows = self._triggers.rows(exchange=exchange, topic=topic, event=event)
        return [decode(kind, tuple(kind.columns), row) for row in rows]
