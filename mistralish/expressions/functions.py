"""The functions that expressions of both languages may call: the standard ones and plug-ins.

A function is called with the context first: a YAQL context or, from Jinja2, the ``_`` mapping. Both answer
``context['__env']``, ``['__execution']`` and ``['__task_execution']``. Parameter names are part of the
language: YAQL callers write them in camel case, Jinja2 callers as they are.
Source of the rules: the language reference, "Workflow language functions".
"""

import json
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import yaml

from mistralish.expressions.errors import UseError
from mistralish.expressions.scope import Scope
from mistralish.expressions.values import plain, unbox
from mistralish.expressions.yaml_text import dump_yaml, parse_yaml

GROUP = "mistral.expression.functions"

Function = Callable[..., Any]


@cache
def plug_ins() -> Mapping[str, Function]:
    """Return the plug-in functions by name. None can replace a standard one; raises what loading them raises."""
    return {point.name: point.load() for point in entry_points(group=GROUP) if point.name not in STANDARD}


def scope_of(context: Any, function: str) -> Scope:
    """Return the scope of the evaluation that ``context`` belongs to; raises UseError where there is none."""
    scope: Scope | None = getattr(context, "scope", None)
    if scope is None:
        raise UseError(f"{function}() can only be used within a running workflow")
    return scope


def env_(context: Any) -> Any:
    """Return the environment."""
    found = context["__env"] if _has(context, "__env") else None
    if found is None and getattr(context, "scope", None) is not None:
        return scope_of(context, "env").env()
    return found


def _has(context: Any, name: str) -> bool:
    return not isinstance(context, Mapping) or name in context


def execution_(context: Any) -> Any:
    """Return the current workflow execution."""
    return scope_of(context, "execution").execution()


def executions_(
    context: Any,
    id: Any = None,
    root_execution_id: Any = None,
    state: Any = None,
    from_time: Any = None,
    to_time: Any = None,
) -> Any:
    """Return the workflow executions that fit all that is given."""
    return scope_of(context, "executions").executions(id, root_execution_id, state, from_time, to_time)


def task_(context: Any, task_name: Any = None) -> Any:
    """Return the current task, or the one of that name."""
    return scope_of(context, "task").task(task_name or None)


def tasks_(
    context: Any, workflow_execution_id: Any = None, recursive: Any = False, state: Any = None, flat: Any = False
) -> Any:
    """Return the tasks that fit all that is given."""
    return scope_of(context, "tasks").tasks(workflow_execution_id, bool(recursive), state, bool(flat))


def global_(context: Any, var_name: Any) -> Any:
    """Return a variable that was published globally."""
    return scope_of(context, "global").global_(var_name)


def uuid_(context: Any = None) -> str:
    """Return a random UUID as text."""
    return str(uuid.uuid4())


def json_dump_(context: Any, data: Any) -> str:
    """Return ``data`` as JSON text, indented by four spaces."""
    return json.dumps(plain(data), indent=4)


def json_parse_(context: Any, data: Any) -> Any:
    """Return what the JSON text says."""
    if not isinstance(data, str | bytes):
        raise UseError(f"json_parse() takes JSON text, not a {type(data).__name__}")
    try:
        return json.loads(data)
    except json.JSONDecodeError as e:
        raise UseError(f"json_parse(): not JSON: {e.msg} (line {e.lineno}, column {e.colno})") from None


def yaml_dump_(context: Any, data: Any) -> str:
    """Return ``data`` as YAML text in block style."""
    return dump_yaml(unbox(data))


def yaml_parse_(context: Any, data: Any) -> Any:
    """Return what the YAML text says; anchors and aliases are plain text, tags beyond YAML's own are refused."""
    if not isinstance(data, str | bytes):
        raise UseError(f"yaml_parse() takes YAML text, not a {type(data).__name__}")
    try:
        return parse_yaml(data)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise UseError(f"yaml_parse(): not YAML: {_safe_problem(e)}{place}") from None
    except (yaml.YAMLError, ValueError) as e:
        raise UseError(f"yaml_parse(): not YAML ({type(e).__name__})") from None


def _safe_problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "syntax error"
    return problem.split("'")[0].split('"')[0].strip() or "syntax error"


STANDARD: Mapping[str, Function] = {
    "env": env_,
    "execution": execution_,
    "executions": executions_,
    "global": global_,
    "json_dump": json_dump_,
    "json_parse": json_parse_,
    "task": task_,
    "tasks": tasks_,
    "uuid": uuid_,
    "yaml_dump": yaml_dump_,
    "yaml_parse": yaml_parse_,
}
