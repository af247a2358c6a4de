"""What the language means once read: immutable values, with defaults merged and links resolved.

Values that may hold expressions (``<% %>``, ``{{ }}``) are kept as they were written; the engine
compiles them. Source of the rules: the language reference, ``doc/source/user/wf_lang_v2.rst``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Value = Any


class _Required:
    """The default of an input parameter that has none."""

    def __repr__(self) -> str:
        return "REQUIRED"

    def __reduce__(self) -> str:
        return "REQUIRED"  # copies and pickles are the one object


REQUIRED: Final = _Required()

ENGINE_COMMANDS: Final = frozenset(("noop", "fail", "succeed", "pause"))


@dataclass(frozen=True, slots=True)
class Transition:
    """One entry of an ``on-*`` clause: a task or engine command, when ``condition`` holds.

    ``condition`` is None where there is none; ``params`` are an engine command's (``msg``).
    """

    target: str
    condition: Value = None
    params: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publish:
    """What a task makes known, by reach. None where the clause was not written."""

    branch: Mapping[str, Value] | None = None
    global_: Mapping[str, Value] | None = None
    atomic: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class OnClause:
    """An ``on-*`` clause: what to publish, and what comes next."""

    next: tuple[Transition, ...] = ()
    publish: Publish | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry policy. Each value may be an expression; ``delay`` is in seconds."""

    count: Value
    delay: Value = 0
    break_on: Value = None
    continue_on: Value = None


@dataclass(frozen=True, slots=True)
class Policies:
    """Task policies, task-defaults merged in. Each may be an expression; waits and timeout in seconds."""

    pause_before: Value = False
    wait_before: Value = 0
    wait_after: Value = 0
    timeout: Value = 0
    concurrency: Value = 0
    fail_on: Value = False
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task. Clauses and policies are after ``task-defaults``.

    ``publish``: by the state the task ends in (``SUCCESS``, ``ERROR``, ``SKIPPED``), the short form and
    the one in the clause merged as the reference does it. ``with_items`` maps variable to list or
    expression. ``input`` is a dict, or an expression giving one. ``data`` is the task as written (plain
    dicts, with ``name``, ``version`` and ``type`` as the reference's ``spec`` has them).
    """

    name: str
    type: str
    action: Value = None
    workflow: Value = None
    description: str | None = None
    input: Value = field(default_factory=dict)
    with_items: Mapping[str, Value] | None = None
    publish: Mapping[str, Publish] = field(default_factory=dict)
    on_success: tuple[Transition, ...] = ()
    on_error: tuple[Transition, ...] = ()
    on_complete: tuple[Transition, ...] = ()
    on_skip: tuple[Transition, ...] = ()
    join: str | int | None = None
    requires: tuple[str, ...] = ()
    policies: Policies = Policies()
    target: Value = None
    keep_result: bool = True
    safe_rerun: bool = False
    tags: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkflowSpec:
    """A workflow. ``inbound``/``outbound`` name the tasks before and after each task, in file order.

    ``outbound`` holds tasks only, no engine commands. ``input`` maps parameter to default or REQUIRED.
    ``definition`` is the YAML text that makes this workflow alone. ``data`` is the workflow as written
    (plain dicts, ``name`` and ``version`` included), from which ``load_workflow`` makes the same spec.
    """

    name: str
    type: str
    tasks: Mapping[str, TaskSpec]
    description: str | None = None
    tags: tuple[str, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Value = None
    output_on_error: Value = None
    vars: Mapping[str, Value] = field(default_factory=dict)
    inbound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outbound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    start_tasks: tuple[str, ...] = ()
    definition: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """An ad-hoc action: ``base`` with ``base_input`` evaluated from ``input``, ``output`` from the result."""

    name: str
    base: str
    base_input: Value = field(default_factory=dict)
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Value = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    definition: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkbookSpec:
    """A workbook: workflows and actions under one name. Their ``name`` here is without the prefix."""

    name: str
    workflows: tuple[WorkflowSpec, ...] = ()
    actions: tuple[ActionSpec, ...] = ()
    description: str | None = None
    tags: tuple[str, ...] = ()
    definition: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
