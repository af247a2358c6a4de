"""The most executions that a project may have under way at once."""

from collections.abc import Iterable

from mistralish.engine.run import Run
from mistralish.errors import TooManyError
from mistralish.store import Turn


class Ceiling:
    """Counts the executions of projects for one turn. ``most``: 0 for no ceiling.

    Only those that somebody started count, not their sub-workflows; a paused one does. What is in the database is
    counted once a turn; what the turn itself has begun and ended is added to that. So within a process the count is
    right; several processes may each let in one turn's starts too many.
    """

    def __init__(self, turn: Turn, most: int) -> None:
        self._turn = turn
        self._most = most
        self._kept: dict[str, int] = {}

    def check(self, project_id: str, runs: Iterable[Run]) -> None:
        """Raise TooManyError where ``project_id`` has no room for one more. ``runs``: those that the turn changed."""
        if not self._most:
            return
        own = [run for run in runs if run.ex.project_id == project_id and run.ex.root_execution_id is None]
        begun = sum(run.is_new and not run.is_finished for run in own)
        ended = sum(run.is_finished and not run.is_new for run in own)
        if project_id not in self._kept:
            # More than the ceiling, so that those that end in this turn make room.
            self._kept[project_id] = self._turn.count_unfinished_roots(project_id, 2 * self._most)
        if self._kept[project_id] + begun - ended >= self._most:
            raise TooManyError(
                f"The project has {self._most} executions that have not ended, as many as it may have at once "
                "(max_running_executions_per_project): try again when some of them have ended"
            )
