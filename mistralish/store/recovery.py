"""What is waiting: timers, messages, triggers, unfinished work. Every answer is bounded and comes from an index."""

from typing import Any

from peewee import JOIN, SQL, Expression, Model, fn

from mistralish.records import ActionExecution, Message, Timer, WorkflowExecution
from mistralish.states import RUNNING
from mistralish.store import models
from mistralish.store.bulk import RowReader
from mistralish.store.connection import Connection
from mistralish.store.documents import decode
from mistralish.store.indexes import unfinished
from mistralish.store.kinds import KINDS
from mistralish.store.statements import Statement, given

_ACTION = RowReader(ActionExecution)
_EXECUTION = RowReader(WorkflowExecution)
_TIMER = RowReader(Timer)
_MESSAGE = RowReader(Message)


class Recovery:
    """Reads of the engine and the scheduler, outside of turns."""

    def __init__(self, connection: Connection) -> None:
        execution, task, action = models.WorkflowExecution, models.TaskExecution, models.ActionExecution
        timer, message, trigger = models.Timer, models.Message, models.CronTrigger
        root = fn.COALESCE(execution.root_execution_id, execution.id)

        def statement(query: Any) -> Statement:
            return Statement(connection, query)

        self._execution_place = statement(execution.select(execution.id, root).where(execution.id == given("id")))
        self._task_place = statement(
            task.select(execution.id, root)
            .join(execution, on=execution.id == task.workflow_execution_id)
            .where(task.id == given("id"))
        )
        self._action_place = statement(
            action.select(execution.id, fn.COALESCE(execution.root_execution_id, execution.id, action.id))
            .join(execution, JOIN.LEFT_OUTER, on=execution.id == action.workflow_execution_id)
            .where(action.id == given("id"))
        )
        self._due_timers = statement(
            timer.select(*_TIMER.columns)
            .where(timer.due_at <= given("now"))
            .order_by(timer.due_at, timer.id)
            .limit(given("limit"))
        )
        self._next_timer = statement(timer.select(fn.MIN(timer.due_at)))
        self._messages = statement(message.select(*_MESSAGE.columns).order_by(message.id).limit(given("limit")))
        self._actions = statement(_unfinished(action, _ACTION))
        is_running = (action.state == RUNNING) & Expression(action.is_sync, "IS NOT", SQL("FALSE"))
        self._under_way = statement(_unfinished(action, _ACTION).where(is_running))
        self._executions = statement(_unfinished(execution, _EXECUTION))
        self._due_triggers = statement(
            trigger.select()
            .where(trigger.next_execution_time <= given("now"))
            .order_by(trigger.next_execution_time, trigger.id)
            .limit(given("limit"))
        )
        self._next_trigger = statement(trigger.select(fn.MIN(trigger.next_execution_time)))

    def locate_execution(self, execution_id: str) -> tuple[str, str] | None:
        """Return (execution id, root id), None where there is no such execution."""
        row = self._execution_place.first(id=execution_id)
        return (row[0], row[1]) if row else None

    def locate_task(self, task_id: str) -> tuple[str, str] | None:
        """Return (workflow execution id, root id) of a task execution, None where there is none."""
        row = self._task_place.first(id=task_id)
        return (row[0], row[1]) if row else None

    def locate_action(self, action_id: str) -> tuple[str | None, str] | None:
        """Return (workflow execution id, root id) of an action execution, None where there is none.

        An action outside any workflow answers (None, its own id): lock that as its root.
        """
        row = self._action_place.first(id=action_id)
        return (row[0], row[1]) if row else None

    def due_timers(self, now: int, limit: int) -> list[Timer]:
        """Return at most ``limit`` timers due at ``now`` or before, the most overdue first."""
        return _TIMER.make_all(self._due_timers.rows(now=now, limit=limit))

    def next_timer_at(self) -> int | None:
        """Return when the next timer is due, None for no timer."""
        return self._next_timer.rows()[0][0]

    def pending_messages(self, limit: int) -> list[Message]:
        """Return at most ``limit`` messages that wait to be handled, by id: the oldest first."""
        return _MESSAGE.make_all(self._messages.rows(limit=limit))

    def unfinished_actions(self, limit: int, after: str = "") -> list[ActionExecution]:
        """Return at most ``limit`` action executions that are not completed, by id; ``after``: the last id seen."""
        return _ACTION.make_all(self._actions.rows(after=after, limit=limit))

    def actions_under_way(self, limit: int, after: str = "") -> list[ActionExecution]:
        """Return of ``unfinished_actions`` those that run somewhere; asynchronous ones only wait for a result."""
        return _ACTION.make_all(self._under_way.rows(after=after, limit=limit))

    def unfinished_executions(self, limit: int, after: str = "") -> list[WorkflowExecution]:
        """Return at most ``limit`` workflow executions that are not completed, by id; ``after``: the last id seen."""
        return _EXECUTION.make_all(self._executions.rows(after=after, limit=limit))

    def due_cron_triggers(self, now: int, limit: int) -> list[dict[str, Any]]:
        """Return at most ``limit`` cron triggers of all projects that are due at ``now``, the most overdue first."""
        kind = KINDS["cron_trigger"]
        return [decode(kind, tuple(kind.columns), row) for row in self._due_triggers.rows(now=now, limit=limit)]

    def next_cron_at(self) -> int | None:
        """Return when the next cron trigger is due, None for no trigger."""
        return self._next_trigger.rows()[0][0]


def _unfinished(model: type[Model], form: RowReader) -> Any:
    columns = model._meta.fields
    query = model.select(*form.columns).where(unfinished(model) & (columns["id"] > given("after")))
    return query.order_by(columns["id"]).limit(given("limit"))
