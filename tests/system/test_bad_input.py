"""Bad input of every kind: a 4xx that names the thing at fault, and nothing in the store has changed."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from rest import Rest, unique

NOBODY = "00000000-0000-4000-8000-000000000000"
COLLECTIONS = (
    "workflows",
    "workbooks",
    "actions",
    "executions",
    "tasks",
    "action_executions",
    "environments",
    "cron_triggers",
)
GOOD = "version: '2.0'\nstored:\n  input: [who]\n  tasks:\n    wait: {action: std.async_noop}\n"
TEXT = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Bad:
    """One bad request, and what its answer must say. ``{wf}``, ``{ex}``, ``{task}``, ``{action}`` are real ids."""

    kind: str
    method: str
    path: str
    body: bytes | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    status: tuple[int, ...] = (400,)
    names: tuple[str, ...] = ()


def workflow(kind: str, body: str, *names: str) -> Bad:
    """A definition that must be refused; ``body`` is what follows the version line."""
    return Bad(kind, "POST", "/workflows", f"version: '2.0'\n{body}", TEXT, names=names)


def as_json(kind: str, method: str, path: str, value: Any, *names: str, status: tuple[int, ...] = (400,)) -> Bad:
    return Bad(kind, method, path, json.dumps(value), JSON, status, names)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = "[" * 5000 + "]" * 5000

DEFINITIONS = [
    workflow("YAML that does not parse", "wf:\n  tasks: {a: [}\n", "line 3"),
    workflow("an unknown key of a task", "wf:\n  tasks: {a: {action: std.noop, on-sucess: b}}\n", "on-sucess"),
    workflow("a transition to no task", "wf:\n  tasks: {a: {action: std.noop, on-success: nowhere}}\n", "nowhere"),
    workflow("tasks that are a list", "wf:\n  tasks: [a, b]\n", "tasks"),
    workflow("a task that is a number", "wf:\n  tasks: {a: 5}\n", "a"),
    workflow("a key twice", "wf:\n  tasks:\n    a: {action: std.noop}\n    a: {action: std.fail}\n", "a", "line"),
    workflow("a YAML tag", "wf:\n  tasks: {a: {action: !!python/object:os.system x}}\n", "tag"),
    workflow("aliases that explode", BOMB + "wf:\n  tasks: {t: {action: std.noop}}\n"),
    workflow("nesting without end", f"wf:\n  tasks: {{a: {{action: std.noop, input: {{x: {DEEP}}}}}}}\n"),
    workflow("no tasks", "wf:\n  description: nothing\n", "tasks"),
    workflow("no workflow at all", "", "workflow"),
    workflow("a YAQL expression that does not parse", "wf:\n  tasks: {a: {publish: {x: <% $. %>}}}\n", "$."),
    workflow("a Jinja2 expression that does not parse", "wf:\n  tasks: {a: {publish: {x: '{{ _. }}'}}}\n", "_."),
    workflow("with-items that is no 'x in list'", "wf:\n  tasks: {a: {with-items: i of <% $.x %>}}\n", "i of"),
    workflow("a join of -1", "wf:\n  tasks: {a: {on-success: b}, b: {action: std.noop, join: -1}}\n", "join"),
    workflow("a timeout that is a word", "wf:\n  tasks: {a: {timeout: soon}}\n", "soon"),
    workflow("a retry without count", "wf:\n  tasks: {a: {retry: {delay: 1}}}\n", "count"),
    workflow(
        "action and workflow at once", "wf:\n  tasks: {a: {action: std.noop, workflow: b}}\n", "action", "workflow"
    ),
    workflow("a type that is none", "wf:\n  type: sideways\n  tasks: {a: {action: std.noop}}\n", "sideways"),
    workflow("a requirement that is no task", "wf:\n  type: reverse\n  tasks: {a: {requires: [ghost]}}\n", "ghost"),
    workflow("input that is a mapping", "wf:\n  input: {a: 1}\n  tasks: {t: {action: std.noop}}\n", "input"),
    workflow("a loop without a way in", "wf:\n  tasks: {a: {on-success: b}, b: {on-success: a}}\n", "task", "line"),
    Bad(
        "no version of the language",
        "POST",
        "/workbooks",
        "name: b\nworkflows: {w: {tasks: {a: {action: std.noop}}}}",
        TEXT,
    ),
    Bad(
        "a workbook without name",
        "POST",
        "/workbooks",
        "version: '2.0'\nworkflows: {w: {tasks: {a: {action: std.noop}}}}",
        TEXT,
    ),
    Bad(
        "an ad-hoc action without base", "POST", "/actions", "version: '2.0'\nmine: {input: [a]}", TEXT, names=("base",)
    ),
    Bad("an empty definition", "POST", "/workflows", "", TEXT),
    Bad("a definition that is no text", "POST", "/workflows", b"\xff\xfe\x00wf", TEXT),
    Bad("a workflow that exists", "POST", "/workflows", GOOD, TEXT, (409,), ("stored",)),
    Bad("an update of no workflow", "PUT", "/workflows", GOOD.replace("stored", "ghost"), TEXT, (404,), ("ghost",)),
]
START = {"workflow_name": "stored", "input": {"who": "me"}}
REQUESTS = [
    Bad("JSON that does not parse", "POST", "/executions", '{"workflow_name": ', JSON),
    Bad("a body of another type", "POST", "/executions", "<a/>", {"Content-Type": "application/xml"}, (400, 415)),
    as_json("a body that is a list", "POST", "/executions", [START]),
    as_json("no workflow to start", "POST", "/executions", {"input": {}}, "workflow"),
    as_json("an unknown workflow", "POST", "/executions", {"workflow_name": "ghost"}, "ghost", status=(404,)),
    as_json("a missing input", "POST", "/executions", {"workflow_name": "stored"}, "who"),
    as_json("an unexpected input", "POST", "/executions", {**START, "input": {"who": 1, "shoe": 2}}, "shoe"),
    as_json("an input that is a list", "POST", "/executions", {**START, "input": [1]}, "input"),
    as_json("an input that is broken text", "POST", "/executions", {**START, "input": "{who"}, "input"),
    as_json("params that are a number", "POST", "/executions", {**START, "params": 5}, "params"),
    as_json(
        "an unknown environment",
        "POST",
        "/executions",
        {**START, "params": {"env": "ghost"}},
        "ghost",
        status=(400, 404),
    ),
    as_json("an execution of no source", "POST", "/executions", {"source_execution_id": NOBODY}, NOBODY, status=(404,)),
    as_json("a state that is none", "PUT", "/executions/{ex}", {"state": "DANCING"}, "DANCING"),
    as_json("an execution made idle", "PUT", "/executions/{ex}", {"state": "IDLE"}, "IDLE"),
    as_json(
        "a state and a description", "PUT", "/executions/{ex}", {"state": "PAUSED", "description": "x"}, "description"
    ),
    as_json("an update of nothing", "PUT", "/executions/{ex}", {}),
    as_json("an unknown execution", "PUT", f"/executions/{NOBODY}", {"state": "PAUSED"}, NOBODY, status=(404,)),
    as_json("a task made successful", "PUT", "/tasks/{task}", {"state": "SUCCESS"}, "state", "RUNNING"),
    as_json("a rerun of a running task", "PUT", "/tasks/{task}", {"state": "RUNNING", "reset": True}, "ERROR", "rerun"),
    as_json("an unknown task", "PUT", f"/tasks/{NOBODY}", {"state": "RUNNING", "reset": True}, NOBODY, status=(404,)),
    as_json("an action made idle", "PUT", "/action_executions/{action}", {"state": "IDLE"}, "IDLE"),
    as_json(
        "an output that is broken text",
        "PUT",
        "/action_executions/{action}",
        {"state": "SUCCESS", "output": "{"},
        "output",
    ),
    as_json("an unknown action", "POST", "/action_executions", {"name": "std.ghost"}, "std.ghost", status=(400, 404)),
    as_json("an action without its input", "POST", "/action_executions", {"name": "std.echo"}, "output"),
    as_json("an action without name", "POST", "/action_executions", {"input": {}}, "name"),
    as_json("an environment without name", "POST", "/environments", {"variables": {}}, "name"),
    as_json("variables that are a list", "POST", "/environments", {"name": "e1", "variables": [1]}, "variables"),
    as_json(
        "an environment that exists",
        "POST",
        "/environments",
        {"name": "known", "variables": {}},
        "known",
        status=(409,),
    ),
    as_json("a name of 300 letters", "POST", "/environments", {"name": "n" * 300, "variables": {}}, "name"),
    as_json("an unknown field", "POST", "/environments", {"name": "e2", "variables": {}, "colour": 1}, "colour"),
]
CRON = {"name": "c1", "workflow_name": "stored", "workflow_input": {"who": "me"}, "pattern": "* * * * *"}
CRONS = [
    as_json("a pattern that is none", "POST", "/cron_triggers", {**CRON, "pattern": "every day"}, "every day"),
    as_json("a pattern out of range", "POST", "/cron_triggers", {**CRON, "pattern": "61 * * * *"}, "61"),
    as_json(
        "a trigger of no workflow", "POST", "/cron_triggers", {**CRON, "workflow_name": "ghost"}, "ghost", status=(404,)
    ),
    as_json("a trigger that never fires", "POST", "/cron_triggers", {**CRON, "pattern": None}, "pattern"),
    as_json("a trigger without input", "POST", "/cron_triggers", {**CRON, "workflow_input": {}}, "who"),
    as_json("a first time that is none", "POST", "/cron_triggers", {**CRON, "first_execution_time": "soon"}, "soon"),
    as_json(
        "a first time long ago",
        "POST",
        "/cron_triggers",
        {**CRON, "first_execution_time": "1999-01-01 10:00"},
        "first_exec",
    ),
    as_json("a negative count", "POST", "/cron_triggers", {**CRON, "remaining_executions": -1}, "-1"),
]
QUERIES = [
    Bad("a negative limit", "GET", "/workflows?limit=-1", names=("limit",)),
    Bad("a limit that is a word", "GET", "/workflows?limit=many", names=("limit", "many")),
    Bad("an unknown marker", "GET", f"/workflows?marker={NOBODY}", status=(400, 404), names=(NOBODY,)),
    Bad("an unknown sort key", "GET", "/workflows?sort_keys=colour", names=("colour",)),
    Bad("an unknown direction", "GET", "/workflows?sort_keys=name&sort_dirs=sideways", names=("sideways",)),
    Bad("an unknown field to show", "GET", "/workflows?fields=id,colour", names=("colour",)),
    Bad("an unknown field to filter by", "GET", "/executions?colour=red", names=("colour",)),
    Bad("a time that is none", "GET", "/executions?created_at=gt:yesterday", names=("yesterday",)),
    Bad("an unknown execution", "GET", f"/executions/{NOBODY}", status=(404,), names=(NOBODY,)),
    Bad("an unknown task", "GET", f"/tasks/{NOBODY}", status=(404,), names=(NOBODY,)),
    Bad("an unknown workflow", "GET", "/workflows/ghost", status=(404,), names=("ghost",)),
    Bad("an unknown page", "GET", "/colours", status=(404,)),
    Bad("a verb that is not there", "PATCH", "/workflows", "{}", JSON, (405,)),
    Bad("deleting no workflow", "DELETE", "/workflows/ghost", status=(404,), names=("ghost",)),
    Bad("deleting no trigger", "DELETE", "/cron_triggers/ghost", status=(404,), names=("ghost",)),
    Bad("deleting no environment", "DELETE", "/environments/ghost", status=(404,), names=("ghost",)),
    Bad("deleting what the service brings", "DELETE", "/actions/std.echo", status=(400, 403), names=("std.echo",)),
    Bad("deleting a running execution", "DELETE", "/executions/{ex}", status=(400, 403), names=("{ex}",)),
    Bad("a body too large", "POST", "/workflows", "x" * (64 << 20), TEXT, (400, 413)),
]
EVERY = DEFINITIONS + REQUESTS + CRONS + QUERIES


@pytest.fixture(scope="module")
def ids(own_rest: Rest) -> dict[str, str]:
    """A store with one of everything, and the ids."""
    own_rest.post("/workflows", GOOD)
    own_rest.post("/environments", {"name": "known", "variables": {}})
    own_rest.post(
        "/workbooks", f"version: '2.0'\nname: {unique('b')}\nworkflows: {{w: {{tasks: {{a: {{action: std.noop}}}}}}}}\n"
    )
    started = own_rest.start("stored", {"who": "me"})
    task = own_rest.wait_for_task(started["id"], "wait", "RUNNING")
    (action,) = own_rest.actions(task["id"])
    return {"wf": started["workflow_id"], "ex": started["id"], "task": task["id"], "action": action["id"]}


def store(rest: Rest) -> dict[str, Any]:
    """Everything in the store, whole."""
    return {name: rest.get(f"/{name}", limit=1000)[name] for name in COLLECTIONS}


@pytest.mark.parametrize("bad", EVERY, ids=lambda bad: f"{bad.kind} ({bad.method} {bad.path.split('?')[0]})")
def test_is_refused_by_name_and_changes_nothing(own_rest: Rest, ids: dict[str, str], bad: Bad) -> None:
    before = store(own_rest)
    path = bad.path.format(**ids)
    response = own_rest.call(bad.method, path, data=bad.body, headers=bad.headers)
    said = f"{response.status_code}: {response.text[:1500]}"
    assert response.status_code in bad.status, said
    text = response.json()["faultstring"]
    assert len(text) > 10, said
    assert len(text) < 2000, "an error a person can read"
    for name in bad.names:
        assert name.format(**ids).lower() in text.lower(), said
    assert "Traceback" not in text
    assert store(own_rest) == before


def test_there_are_many_kinds() -> None:
    assert len({(bad.kind, bad.method) for bad in EVERY}) == len(EVERY) >= 25
