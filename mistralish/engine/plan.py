"""A workflow specification made ready to run: every expression compiled, every link resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mistralish.expressions import Compiled, compile_value
from mistralish.lang.specs import ENGINE_COMMANDS, Policies, Publish, TaskSpec, Transition, WorkflowSpec


@dataclass(frozen=True, slots=True)
class Link:
    """A transition: where to (a task, or an engine command), under which condition, by which event."""

    target: str
    event: str
    condition: Compiled | None
    params: Compiled | None
    is_command: bool


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """A retry policy, compiled."""

    count: Compiled
    delay: Compiled
    break_on: Compiled | None
    continue_on: Compiled | None


@dataclass(frozen=True, slots=True)
class PoliciesPlan:
    """Policies, compiled; None for one that was not asked for."""

    pause_before: Compiled | None = None
    wait_before: Compiled | None = None
    wait_after: Compiled | None = None
    timeout: Compiled | None = None
    concurrency: Compiled | None = None
    fail_on: Compiled | None = None
    retry: RetryPlan | None = None

    @property
    def any_before(self) -> bool:
        """Whether something is to be done before a task starts."""
        first = (self.pause_before, self.wait_before, self.timeout, self.concurrency, self.wait_after, self.retry)
        return any(policy is not None for policy in first)

    @property
    def any_after(self) -> bool:
        """Whether something is to be done after a task ended."""
        return not (self.wait_after is None and self.fail_on is None and self.retry is None)


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """What to publish in one end state, compiled; None for a reach that was not written."""

    branch: Compiled | None
    global_: Compiled | None
    atomic: Compiled | None


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task made ready to run."""

    spec: TaskSpec
    name: str
    action: Compiled | None
    workflow: Compiled | None
    input: Compiled
    with_items: Compiled | None
    target: Compiled | None
    policies: PoliciesPlan
    has_before: bool
    has_after: bool
    publish: Mapping[str, PublishPlan]
    on_success: tuple[Link, ...]
    on_error: tuple[Link, ...]
    on_complete: tuple[Link, ...]
    on_skip: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow made ready to run.

    ``joins_below``: by task, the join tasks that can be reached from it without passing through another
    join. ``requires`` is filled for a reverse workflow: tasks by what they need.
    """

    spec: WorkflowSpec
    spec_id: str
    tasks: Mapping[str, TaskPlan]
    joins_below: Mapping[str, tuple[str, ...]]
    output: Compiled
    output_on_error: Compiled
    vars: Compiled
    is_reverse: bool = field(default=False)


def build_plan(spec: WorkflowSpec, spec_id: str) -> Plan:
    """Compile ``spec``. An expression that is malformed fails when it is evaluated, as in the reference."""
    return Plan(
        spec=spec,
        spec_id=spec_id,
        tasks={name: _task_plan(task) for name, task in spec.tasks.items()},
        joins_below=_joins_below(spec),
        output=compile_value(spec.output or {}),
        output_on_error=compile_value(spec.output_on_error or {}),
        vars=compile_value(dict(spec.vars or {})),
        is_reverse=spec.type == "reverse",
    )


def _task_plan(task: TaskSpec) -> TaskPlan:
    policies = _policies_plan(task.policies)
    return TaskPlan(
        spec=task,
        name=task.name,
        action=_optional(task.action),
        workflow=_optional(task.workflow),
        input=compile_value(task.input or {}),
        with_items=compile_value(dict(task.with_items)) if task.with_items else None,
        target=_optional(task.target),
        policies=policies,
        has_before=policies.any_before,
        has_after=policies.any_after,
        publish={state: _publish_plan(publish) for state, publish in task.publish.items()},
        on_success=_links(task.on_success, "on-success"),
        on_error=_links(task.on_error, "on-error"),
        on_complete=_links(task.on_complete, "on-complete"),
        on_skip=_links(task.on_skip, "on-skip"),
    )


def _optional(value: object) -> Compiled | None:
    return None if value is None or value == "" else compile_value(value)


def _asked_for(value: object) -> Compiled | None:
    return None if value in (None, 0, False) else compile_value(value)


def _policies_plan(policies: Policies) -> PoliciesPlan:
    retry = policies.retry
    return PoliciesPlan(
        pause_before=_asked_for(policies.pause_before),
        wait_before=_asked_for(policies.wait_before),
        wait_after=_asked_for(policies.wait_after),
        timeout=_asked_for(policies.timeout),
        concurrency=_asked_for(policies.concurrency),
        fail_on=_asked_for(policies.fail_on),
        retry=None
        if retry is None
        else RetryPlan(
            count=compile_value(retry.count),
            delay=compile_value(retry.delay),
            break_on=_optional(retry.break_on),
            continue_on=_optional(retry.continue_on),
        ),
    )


def _publish_plan(publish: Publish) -> PublishPlan:
    def compiled(values: Mapping[str, object] | None) -> Compiled | None:
        return None if values is None else compile_value(dict(values))

    return PublishPlan(compiled(publish.branch), compiled(publish.global_), compiled(publish.atomic))


def _links(transitions: tuple[Transition, ...], event: str) -> tuple[Link, ...]:
    return tuple(
        Link(
            target=t.target,
            event=event,
            condition=_optional(t.condition),
            params=compile_value(dict(t.params)) if t.params else None,
            is_command=t.target in ENGINE_COMMANDS,
        )
        for t in transitions
    )


def _joins_below(spec: WorkflowSpec) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {name: [] for name in spec.tasks}
    for join in (name for name, task in spec.tasks.items() if task.join):
        seen: set[str] = set()
        todo = list(spec.inbound.get(join, ()))
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            found[name].append(join)
            if not spec.tasks[name].join:
                todo.extend(spec.inbound.get(name, ()))
    return {name: tuple(joins) for name, joins in found.items()}
