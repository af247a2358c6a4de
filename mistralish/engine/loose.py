"""Action executions that belong to no workflow: made and ended by callers directly."""

from typing import Any

from mistralish import states
from mistralish.engine import commands
from mistralish.engine.lookups import TurnWorld
from mistralish.engine.machine.reports import check_new_state, outcome
from mistralish.errors import NotAllowedError, NotFoundError
from mistralish.executors import ActionCall
from mistralish.records import ActionExecution
from mistralish.store import Turn


class LooseActions:
    """What a turn does with action executions outside workflows."""

    def __init__(self, turn: Turn, world: TurnWorld) -> None:
        self._turn = turn
        self._world = world
        self.created: list[ActionExecution] = []
        self.changed: list[ActionExecution] = []
        self.deleted: list[str] = []

    def handle(self, command: Any, project_id: str | None = None) -> ActionExecution | None:
        """Carry out a command for such an action execution, ``project_id``'s where that is given.

        Raises MistralishError where it may not be.
        """
        if isinstance(command, KeepAction):
            self.created.append(command.record)
            return command.record
        action = self._load(command.action_id)
        if project_id not in (None, action.project_id):
            raise NotFoundError(f"ActionExecution not found [id={action.id}]")
        if isinstance(command, commands.ActionFinished):
            return self._finish(action, command)
        if isinstance(command, commands.UpdateAction):
            return self._update(action, command.state)
        self._delete(action)
        return None

    def _load(self, action_id: str) -> ActionExecution:
        for action in (*self.created, *self.changed):
            if action.id == action_id:
                return action
        stored = self._turn.load_action(action_id)
        if stored is None or action_id in self.deleted:
            raise NotFoundError(f"ActionExecution not found [id={action_id}]")
        return stored

    def _finish(self, action: ActionExecution, command: commands.ActionFinished) -> ActionExecution:
        state, result = outcome(action, command)
        found = self._world.find_action(action.name, action.workflow_namespace, action.project_id)
        if found is not None:
            result = found.post_process(result, {}, None)
        action.state = state
        action.output = result.to_output()
        action.accepted = True
        return self._changed(action)

    def _update(self, action: ActionExecution, state: str) -> ActionExecution:
        check_new_state(action, state)
        action.state = state
        return self._changed(action)

    def _delete(self, action: ActionExecution) -> None:
        if action.task_execution_id is not None:
            raise NotAllowedError("Only ad-hoc action execution can be deleted.")
        if action.state not in states.COMPLETED:
            raise NotAllowedError(
                f"Only completed action execution can be deleted: {action.id} is in state {action.state}"
            )
        self.deleted.append(action.id)

    def _changed(self, action: ActionExecution) -> ActionExecution:
        action.updated_at = self._world.now
        if not any(action is other for other in (*self.created, *self.changed)):
            self.changed.append(action)
        return action


class KeepAction:
    """Keep the record of an action that a caller has run, or is about to run: by ``call``, where it has not yet."""

    __slots__ = ("call", "record")

    def __init__(self, record: ActionExecution, call: ActionCall | None = None) -> None:
        self.record = record
        self.call = call
