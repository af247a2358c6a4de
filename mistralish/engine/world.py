"""What a decision may ask of the world while it is made. All of it comes in with the call."""

from typing import Any, NamedTuple, Protocol

from mistralish.actions import Action
from mistralish.engine.plan import Plan
from mistralish.records import ActionExecution, WorkflowExecution


class Definition(NamedTuple):
    """A stored workflow definition, ready to run."""

    id: str
    name: str
    namespace: str
    tags: list[str] | None
    workbook_name: str | None
    plan: Plan


class World(Protocol):
    """The clock, the source of ids, and what is known of definitions and of other executions.

    ``merges``: whether the setting ``merge_strategy`` is "merge".
    """

    now: int
    field_limit: int
    merges: bool

    def is_time_up(self) -> bool:
        """Whether the turn has taken so long that what can wait should."""

    def new_id(self) -> str:
        """A new identifier."""

    def find_workflow(self, name: str, namespace: str, project_id: str) -> Definition | None:
        """A definition by name or id: in the namespace, else in the default one."""

    def find_action(self, name: str, namespace: str, project_id: str) -> Action | None:
        """An action by name: in the namespace, else in the default one, else a system action."""

    def find_environment(self, name: str, project_id: str) -> dict[str, Any] | None:
        """The variables of a stored environment."""

    def load_children(self, task_id: str) -> tuple[list[ActionExecution], list[WorkflowExecution]]:
        """All action executions and child executions of a task."""

    def task_of_action(self, action_id: str) -> str | None:
        """The task execution that an action execution belongs to."""

    def tasks(
        self, workflow_execution_id: str | None, recursive: bool, state: str | None, flat: bool, project_id: str
    ) -> list[dict[str, Any]]:
        """Tasks of other executions, as the expression function ``tasks()`` shows them."""

    def executions(self, filters: dict[str, Any], project_id: str) -> list[dict[str, Any]]:
        """Executions, as the expression function ``executions()`` shows them."""
