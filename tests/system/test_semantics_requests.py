"""What requests about executions do: ids given by the client, sources, descriptions, environments, what is deleted."""

from typing import Any

import pytest
from peers import HttpPeer, wait_for
from rest import Rest, unique

ECHO = "version: '2.0'\nmain:\n  input: [who]\n  output: {said: <% $.who %>}\n  tasks:\n    t: {action: std.noop}\n"
WAITS = "version: '2.0'\nmain:\n  output: {c: <% env().get(colour) %>}\n  tasks:\n    t: {action: std.async_noop}\n"
TREE = (
    "version: '2.0'\nmain:\n  tasks:\n    call: {workflow: child}\n"
    "child:\n  tasks:\n    wait: {action: std.async_noop}\n"
)


@pytest.fixture
def namespace() -> str:
    return unique("requests")


def test_an_id_given_by_the_client_starts_one_execution(rest: Rest) -> None:
    name, identifier = unique("once"), unique("my-own-id")
    rest.post("/workflows", ECHO.replace("main", name))
    first = rest.start(name, {"who": "one"}, id=identifier)
    again = rest.start(name, {"who": "two"}, id=identifier)
    assert first["id"] == again["id"] == identifier
    assert rest.wait(identifier)["output"] == {"said": "one"}
    assert len(rest.get("/executions", workflow_name=name)["executions"]) == 1


def test_an_execution_may_be_made_from_another(rest: Rest, namespace: str) -> None:
    rest.post("/workflows", ECHO, namespace=namespace)
    source = rest.run("main", {"who": "Ada"}, namespace=namespace)
    copy = rest.post("/executions", {"source_execution_id": source["id"], "description": "once more"})
    assert copy["id"] != source["id"]
    ended = rest.wait(copy["id"])
    assert ended["output"] == {"said": "Ada"}
    assert ended["description"].startswith("once more")
    assert source["id"] in ended["description"]


def test_a_workflow_is_started_by_its_id(rest: Rest, namespace: str) -> None:
    (workflow,) = rest.post("/workflows", ECHO, namespace=namespace)["workflows"]
    started = rest.post("/executions", {"workflow_id": workflow["id"], "input": {"who": "x"}})
    assert rest.wait(started["id"])["output"] == {"said": "x"}


def test_the_description_may_be_changed_even_after_the_end(rest: Rest, namespace: str) -> None:
    rest.post("/workflows", ECHO, namespace=namespace)
    ended = rest.run("main", {"who": "x"}, namespace=namespace)
    assert rest.put(f"/executions/{ended['id']}", {"description": "kept"})["description"] == "kept"
    assert rest.execution(ended["id"])["description"] == "kept"


def test_an_environment_may_be_changed_while_paused(rest: Rest, namespace: str) -> None:
    rest.post("/workflows", WAITS, namespace=namespace)
    started = rest.start("main", params={"env": {"colour": "red"}}, namespace=namespace)
    task = rest.wait_for_task(started["id"], "t", "RUNNING")
    rest.put(f"/executions/{started['id']}", {"state": "PAUSED"})
    rest.put(f"/executions/{started['id']}", {"params": {"env": {"colour": "blue"}}})
    rest.put(f"/executions/{started['id']}", {"state": "RUNNING"})
    (action,) = rest.actions(task["id"])
    rest.put(f"/action_executions/{action['id']}", {"state": "SUCCESS", "output": {}})
    assert rest.wait(started["id"])["output"] == {"c": "blue"}


def test_deleting_an_execution_takes_all_below_with_it(rest: Rest, namespace: str) -> None:
    rest.post("/workflows", TREE, namespace=namespace)
    started = rest.start("main", namespace=namespace)
    call = rest.wait_for_task(started["id"], "call", "RUNNING")
    (child,) = rest.children(call["id"])
    wait = rest.wait_for_task(child["id"], "wait", "RUNNING")
    (action,) = rest.actions(wait["id"])
    rest.delete(f"/executions/{started['id']}", force="true")
    for path in (
        f"/executions/{started['id']}",
        f"/executions/{child['id']}",
        f"/tasks/{call['id']}",
        f"/tasks/{wait['id']}",
        f"/action_executions/{action['id']}",
    ):
        rest.get(path, status=404)


def test_a_sub_workflow_knows_its_parents(rest: Rest, namespace: str) -> None:
    rest.post("/workflows", TREE, namespace=namespace)
    started = rest.start("main", namespace=namespace)
    call = rest.wait_for_task(started["id"], "call", "RUNNING")
    (child,) = rest.children(call["id"])
    assert (child["root_execution_id"], child["task_execution_id"]) == (started["id"], call["id"])
    assert started["root_execution_id"] is None
    below = rest.get(f"/executions/{started['id']}/executions")["executions"]
    assert {row["id"] for row in below} == {started["id"], child["id"]}
    roots = rest.get("/executions", root_execution_id=started["id"])["executions"]
    assert [row["id"] for row in roots] == [child["id"]]
    rest.delete(f"/executions/{started['id']}", force="true")


def test_an_updated_definition_does_not_touch_what_runs(rest: Rest, namespace: str) -> None:
    rest.post("/workflows", WAITS, namespace=namespace)
    started = rest.start("main", params={"env": {"colour": "red"}}, namespace=namespace)
    task = rest.wait_for_task(started["id"], "t", "RUNNING")
    rest.put("/workflows", WAITS.replace("{c: <% env().get(colour) %>}", "{new: 1}"), namespace=namespace)
    (action,) = rest.actions(task["id"])
    rest.put(f"/action_executions/{action['id']}", {"state": "SUCCESS", "output": {}})
    assert rest.wait(started["id"])["output"] == {"c": "red"}
    later = rest.start("main", namespace=namespace)
    later_task = rest.wait_for_task(later["id"], "t", "RUNNING")
    (later_action,) = rest.actions(later_task["id"])
    rest.put(f"/action_executions/{later_action['id']}", {"state": "SUCCESS", "output": {}})
    assert rest.wait(later["id"])["output"] == {"new": 1}


def test_namespaces_keep_workflows_of_one_name_apart(rest: Rest, namespace: str) -> None:
    rest.post("/workflows", ECHO.replace("main", "same"), namespace=namespace)
    other = unique("requests")
    rest.post("/workflows", ECHO.replace("main", "same").replace("$.who", "2"), namespace=other)
    assert rest.run("same", {"who": "x"}, namespace=namespace)["output"] == {"said": "x"}
    assert rest.run("same", {"who": "x"}, namespace=other)["output"] == {"said": 2}


def test_mistral_http_waits_for_the_callback(rest: Rest, web: HttpPeer, namespace: str) -> None:
    rest.post(
        "/workflows",
        "version: '2.0'\nmain:\n  input: [url]\n  output: {r: <% $.r %>}\n  tasks:\n"
        "    ask: {action: std.mistral_http url=<% $.url %> method='POST', publish: {r: <% task().result %>}}\n",
        namespace=namespace,
    )
    started = rest.start("main", {"url": f"{web.url}/hooks/job"}, namespace=namespace)
    task = rest.wait_for_task(started["id"], "ask", "RUNNING")
    (action,) = rest.actions(task["id"])
    (asked,) = _received(web, "/hooks/job")
    assert asked.headers["Mistral-Action-Execution-Id"] == action["id"]
    assert asked.headers["Mistral-Workflow-Execution-Id"] == started["id"]
    assert asked.headers["Mistral-Task-Id"] == task["id"]
    assert asked.headers["Mistral-Workflow-Name"] == "main"
    assert rest.task(started["id"], "ask")["state"] == "RUNNING"
    rest.put(f"/action_executions/{action['id']}", {"state": "SUCCESS", "output": {"done": True}})
    assert rest.wait(started["id"])["output"] == {"r": {"done": True}}


def _received(web: HttpPeer, path: str) -> list[Any]:
    return wait_for(lambda: web.received(path), 15, f"a request to {path}")
