"""Making a new execution: its input, parameters, environment and variables, all checked before it exists."""

from collections.abc import Mapping
from typing import Any

from mistralish.engine.machine import data
from mistralish.engine.machine.state import check_size, require_json
from mistralish.engine.run import Environment, Run
from mistralish.engine.scope import RunScope
from mistralish.engine.world import Definition, World
from mistralish.errors import InputError
from mistralish.expressions import compile_value
from mistralish.lang.specs import REQUIRED, WorkflowSpec
from mistralish.masking import shown
from mistralish.records import WorkflowExecution

PLACE = ("root_execution_id", "task_execution_id", "parent_execution_id")
"""Of an execution's params, those that say where it is in a tree."""


def create_run(
    world: World,
    definition: Definition,
    *,
    execution_id: str,
    given: dict[str, Any],
    description: str = "",
    params: dict[str, Any] | None = None,
    project_id: str = "",
    parent: Run | None = None,
    openstack: dict[str, Any] | None = None,
) -> Run:
    """A new execution of ``definition``, not yet begun. ``openstack``: who asked for it; a child's is its parent's.

    Raises InputError where ``given`` or ``params`` do not fit; EvaluationError from ``vars`` or the environment.
    """
    spec = definition.plan.spec
    check_input(spec.name, spec.type, spec.input, given)
    params = dict(params or {})
    if definition.plan.is_reverse:
        _check_target(spec, params.get("task_name"))
    params.setdefault("namespace", definition.namespace)
    params["env"] = _environment(params, world, project_id)
    if parent is not None:
        openstack = parent.ex.context.get("openstack")
    require_json(given, "the input")
    require_json(params, "params")
    ex = WorkflowExecution(
        id=execution_id,
        name=definition.name,
        workflow_name=definition.name,
        workflow_id=definition.id,
        spec_id=definition.plan.spec_id,
        workflow_namespace=definition.namespace,
        description=description,
        tags=definition.tags,
        input={**given, **{k: v for k, v in spec.input.items() if k not in given}},
        params=params,
        context={"__execution": {"id": execution_id}} | ({"openstack": openstack} if openstack else {}),
        runtime_context={"index": params.get("index", 0)},
        task_execution_id=params.get("task_execution_id"),
        parent_execution_id=parent.ex.id if parent else None,
        root_execution_id=params.get("root_execution_id"),
        project_id=project_id,
        created_at=world.now,
        updated_at=world.now,
    )
    if parent is not None:
        ex.runtime_context["depth"] = depth_of(parent) + 1
    if definition.workbook_name:
        ex.runtime_context["wb_name"] = definition.workbook_name
    check_size(ex.input, world, "WorkflowExecution", "input")
    check_size(ex.params, world, "WorkflowExecution", "params")
    environment = parent.environment if parent else Environment(params["env"])
    run = Run(ex, definition.plan, environment, world.merges)
    run.is_new = True
    if spec.vars:
        view = data.workflow_view(run)
        ex.context.update(definition.plan.vars.evaluate(view, RunScope(run, world)))
        check_size(ex.context, world, "WorkflowExecution", "context")
    return run


def check_place(params: Mapping[str, Any]) -> None:
    """Raise InputError where ``params`` claim a place in a tree of executions: it could be another project's."""
    for name in PLACE:
        if params.get(name):
            raise InputError(f"params.{name} says where an execution is in a tree: leave it out, the service sets it")


def depth_of(run: Run) -> int:
    """How many executions are above this one."""
    depth = run.ex.runtime_context.get("depth", 0)
    return depth if isinstance(depth, int) else 0


def check_input(name: str, kind: str, expected: Any, given: dict[str, Any]) -> None:
    """Raise InputError where parameters are missing or not known. ``kind``: direct or reverse."""
    missing = [k for k, default in expected.items() if default is REQUIRED and k not in given]
    unexpected = [k for k in given if k not in expected]
    if missing or unexpected:
        said = f"Invalid input [name={name}, class={kind.capitalize()}WorkflowSpec"
        if missing:
            said += f", missing={missing}"
        if unexpected:
            said += f", unexpected={unexpected}"
        raise InputError(f"{said}]: the parameters are {sorted(expected)}")


def _check_target(spec: WorkflowSpec, target: Any) -> None:
    if not isinstance(target, str) or target not in spec.tasks:
        raise InputError(
            f"Invalid task name [wf_spec={spec.name}, task_name={target}]: "
            f"a reverse workflow needs the parameter 'task_name', one of {sorted(spec.tasks)}"
        )


def _environment(params: dict[str, Any], world: World, project_id: str) -> dict[str, Any]:
    env = params.get("env") or {}
    if isinstance(env, str):
        stored = world.find_environment(env, project_id)
        if stored is None:
            raise InputError(f"Environment is not found: {env}")
        env = stored
    if not isinstance(env, dict):
        raise InputError(
            f"Unexpected value type for environment [env={shown(env)}, type={type(env).__name__}]: "
            "a name or an object is needed"
        )
    if not params.get("evaluate_env", True):
        return env
    result: dict[str, Any] = compile_value(env).evaluate({"__env": env}, _EnvironmentScope(env, project_id))
    return result


class _EnvironmentScope:
    """The scope in which an environment's own expressions are evaluated: only ``env()`` means something."""

    def __init__(self, env: dict[str, Any], project: str) -> None:
        self.project = project
        self._env = env

    def env(self) -> dict[str, Any]:
        return self._env

    def _nothing(self, *args: Any, **kwargs: Any) -> Any:
        raise InputError("an environment is evaluated before its execution exists: only env() can be used in it")

    task = tasks = execution = executions = global_ = _nothing
