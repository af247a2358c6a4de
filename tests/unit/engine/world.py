"""What decisions ask of the world, answered from dictionaries: no clock, no database, no randomness."""

from typing import TYPE_CHECKING, Any

from mistralish.actions import Registry, resolve_action
from mistralish.engine.plan import Plan, build_plan
from mistralish.engine.scope import RunScope
from mistralish.engine.world import Definition
from mistralish.lang import load_workflow, parse_actions, parse_workbook, parse_workflows
from mistralish.records import ActionExecution, WorkflowExecution
from mistralish.times import moment

if TYPE_CHECKING:
    from unit.engine.simulated import Simulation

START = 1_700_000_000_000_000
"""The time at which every simulation begins, in microseconds."""

REGISTRY = Registry(find_entry_points=list)


class SimulatedWorld:
    """Implements ``mistralish.engine.world.World`` for one simulation."""

    def __init__(self, simulation: "Simulation", field_limit: int, merges: bool = False) -> None:
        self.now = START
        self.field_limit = field_limit
        self.merges = merges
        self.environments: dict[str, dict[str, Any]] = {}
        self.plans: dict[str, Plan] = {}
        self._simulation = simulation
        self._workflows: dict[tuple[str, str], Definition] = {}
        self._action_specs: dict[tuple[str, str], Any] = {}
        self._actions: dict[tuple[str, str], Any] = {}
        self._ids = 0

    def define(self, text: str, namespace: str = "") -> None:
        """Take in workflows."""
        for spec in parse_workflows(text):
            self._keep(spec, spec.name, namespace, None)

    def define_actions(self, text: str, namespace: str = "") -> None:
        """Take in ad-hoc actions."""
        for spec in parse_actions(text):
            self._action_specs[namespace, spec.name] = spec

    def define_workbook(self, text: str, namespace: str = "") -> None:
        """Take in a workbook: its members get its name as a prefix."""
        book = parse_workbook(text)
        for spec in book.workflows:
            self._keep(spec, f"{book.name}.{spec.name}", namespace, book.name)
        for action in book.actions:
            self._action_specs[namespace, f"{book.name}.{action.name}"] = action

    def is_time_up(self) -> bool:
        return False

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:08d}"

    def find_workflow(self, name: str, namespace: str, project_id: str) -> Definition | None:
        return self._workflows.get((namespace, name)) or self._workflows.get(("", name))

    def find_action(self, name: str, namespace: str, project_id: str) -> Any:
        key = (namespace, name)
        if key not in self._actions:

            def load_spec(wanted: str) -> Any:
                return self._action_specs.get((namespace, wanted)) or self._action_specs.get(("", wanted))

            self._actions[key] = resolve_action(name, REGISTRY, load_spec, namespace)
        return self._actions[key]

    def find_environment(self, name: str, project_id: str) -> dict[str, Any] | None:
        return self.environments.get(name)

    def load_children(self, task_id: str) -> tuple[list[ActionExecution], list[WorkflowExecution]]:
        return self._simulation.rows.children(task_id)

    def task_of_action(self, action_id: str) -> str | None:
        action = self._simulation.rows.actions.get(action_id)
        return None if action is None else action.task_execution_id

    def tasks(
        self, workflow_execution_id: str | None, recursive: bool, state: str | None, flat: bool, project_id: str
    ) -> list[dict[str, Any]]:
        rows = self._simulation.rows
        wanted = [workflow_execution_id] if workflow_execution_id else list(rows.executions)
        found = []
        while wanted:
            run = self._simulation.run(wanted.pop(0))
            scope = RunScope(run, self)
            found += [scope.shown(t) for t in run.tasks.values() if not state or t.rec.state == state]
            if recursive:
                wanted += [c.id for t in run.tasks for c in rows.children(t)[1]]
        return found

    def executions(self, filters: dict[str, Any], project_id: str) -> list[dict[str, Any]]:
        fields = ("id", "root_execution_id", "state")
        return [
            {"id": ex.id, "state": ex.state, "created_at": moment(ex.created_at)}
            for ex in self._simulation.rows.executions.values()
            if all(getattr(ex, name) == filters[name] for name in fields if name in filters)
        ]

    def plan(self, spec_id: str) -> Plan:
        """The plan of a stored specification, as the catalog gives it to a run that is loaded."""
        return self.plans[spec_id]

    def _keep(self, spec: Any, name: str, namespace: str, workbook: str | None) -> None:
        identifier = f"{namespace}/{name}"
        plan = build_plan(load_workflow(spec.data), identifier)
        self.plans[identifier] = plan
        self._workflows[namespace, name] = Definition(identifier, name, namespace, list(spec.tags), workbook, plan)
