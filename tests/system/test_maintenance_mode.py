"""Maintenance of a running service, and uploaded code in its workflows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import wait_for
from processes import service_process
from rest import Rest, unique

WORKFLOWS = """version: '2.0'
{name}:
  tasks:
    first:
      action: std.async_noop
      on-success: second
    second:
      action: std.noop
{name}_parent:
  tasks:
    below:
      workflow: {name}
"""


@pytest.fixture
def flow(own_rest: Rest) -> str:
    name = unique("flow")
    own_rest.post("/workflows", WORKFLOWS.format(name=name))
    return name


def maintain(rest: Rest, status: str, until: str = "") -> None:
    url = rest.url.removesuffix("/v2") + "/maintenance"
    rest.put(url, {"status": status})
    wait_for(lambda: rest.get(url)["status"] == (until or status), 20, f"maintenance {until or status}")


@pytest.fixture
def running_again(own_rest: Rest) -> Iterator[None]:
    yield
    maintain(own_rest, "RUNNING")


def asked_action(rest: Rest, execution_id: str) -> dict[str, Any]:
    task = rest.wait_for_task(execution_id, "first", "RUNNING")
    (action,) = rest.actions(task["id"])
    return action


@pytest.mark.usefixtures("running_again")
def test_maintenance_pauses_trees_waits_for_their_actions_and_goes_on_with_them(own_rest: Rest, flow: str) -> None:
    parent = own_rest.start(f"{flow}_parent")["id"]
    child = wait_for(lambda: own_rest.get("/executions", workflow_name=flow)["executions"], 20, "the child")[0]["id"]
    action = asked_action(own_rest, child)
    by_hand = own_rest.start(f"{flow}_parent")["id"]
    own_rest.wait_for_task(by_hand, "below", "RUNNING")
    own_rest.put(f"/executions/{by_hand}", {"state": "CANCELLED"})
    idle = own_rest.start(flow)["id"]
    own_rest.put(f"/action_executions/{asked_action(own_rest, idle)['id']}", {"state": "SUCCESS"})
    maintain(own_rest, "PAUSED", until="PAUSING")
    own_rest.wait(parent, "PAUSED")
    own_rest.wait(child, "PAUSED")
    own_rest.put(f"/action_executions/{action['id']}", {"state": "SUCCESS", "output": {"result": 1}})
    maintain(own_rest, "PAUSED")
    assert {task["name"] for task in own_rest.tasks(child)} == {"first"}
    assert own_rest.post("/executions", {"workflow_name": flow}, 423)["faultstring"].startswith("Current Mistral state")
    maintain(own_rest, "RUNNING")
    own_rest.wait(parent, "SUCCESS")
    assert {task["name"] for task in own_rest.tasks(child)} == {"first", "second"}


@pytest.mark.usefixtures("running_again")
def test_what_somebody_else_has_paused_stays_paused(own_rest: Rest, flow: str) -> None:
    execution = own_rest.start(flow)["id"]
    action = asked_action(own_rest, execution)
    own_rest.put(f"/executions/{execution}", {"state": "PAUSED"})
    own_rest.put(f"/action_executions/{action['id']}", {"state": "SUCCESS"})
    maintain(own_rest, "PAUSED")
    maintain(own_rest, "RUNNING")
    assert own_rest.execution(execution)["state"] == "PAUSED"
    own_rest.put(f"/executions/{execution}", {"state": "RUNNING"})
    own_rest.wait(execution, "SUCCESS")


def test_maintenance_outlives_a_killed_service(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'killed.sqlite'}"
    name = unique("flow")
    with service_process(tmp_path, "first", url) as first:
        first.rest.post("/workflows", WORKFLOWS.format(name=name))
        execution = first.rest.start(name)["id"]
        action = asked_action(first.rest, execution)
        maintain(first.rest, "PAUSED", until="PAUSING")
        first.rest.wait(execution, "PAUSED")
        first.kill()
    with service_process(tmp_path, "second", url) as second:
        second.rest.post("/workflows", WORKFLOWS.format(name="more"), 423)
        second.rest.put(f"/action_executions/{action['id']}", {"state": "SUCCESS"})
        maintain(second.rest, "PAUSED")
        maintain(second.rest, "RUNNING")
        second.rest.wait(execution, "SUCCESS")


CODE = """
class Add:
    def __init__(self, a, b=10):
        self.a, self.b = a, b

    def run(self, context):
        return {"sum": self.a + self.b}


class Fails:
    def run(self, context):
        raise ValueError("as meant")
"""


def test_a_workflow_runs_uploaded_code_its_newest_version_and_its_errors(own_rest: Rest) -> None:
    module, add, fails, flow = (unique(word) for word in ("module", "add", "fails", "flow"))
    own_rest.post(f"/code_sources?name={module}", CODE)
    for name, class_name in ((add, "Add"), (fails, "Fails")):
        body = {"name": name, "class_name": class_name, "code_source_name": module}
        own_rest.post("/dynamic_actions", body)
    text = f"version: '2.0'\n{flow}:\n  output: {{r: <% $.r %>, e: <% task(bad).result %>}}\n  tasks:\n"
    text += f"    good: {{action: {add} a=5, publish: {{r: <% task().result %>}}, on-success: bad}}\n"
    text += f"    bad: {{action: {fails}, on-error: end}}\n    end: {{action: std.noop}}\n"
    own_rest.post("/workflows", text.replace("a=5,", "a=5 ,").replace(f"{add} a=5 ", f"{add}, input: {{a: 5}}"))
    done = own_rest.run(flow)
    assert done["state"] == "SUCCESS", done
    assert done["output"]["r"] == {"sum": 15}
    assert "as meant" in done["output"]["e"]
    own_rest.put(f"/code_sources?identifier={module}", CODE.replace("self.a + self.b", "self.a * self.b"))
    assert own_rest.run(flow)["output"]["r"] == {"sum": 50}


def test_code_that_cannot_be_loaded_fails_its_task_with_the_reason(own_rest: Rest) -> None:
    module, action, flow = (unique(word) for word in ("module", "action", "flow"))
    own_rest.post(f"/code_sources?name={module}", "import sys\nsys.exit(3)\n")
    own_rest.post("/dynamic_actions", {"name": action, "class_name": "A", "code_source_name": module})
    own_rest.post("/workflows", f"version: '2.0'\n{flow}:\n  tasks:\n    t: {{action: {action}}}\n")
    done = own_rest.run(flow)
    assert done["state"] == "ERROR"
    assert f"The code source {module} cannot be loaded: line 2: SystemExit: 3" in done["state_info"]
    own_rest.put(f"/code_sources?identifier={module}", "x = (\n")
    assert "SyntaxError" in own_rest.run(flow)["state_info"]
    own_rest.put(f"/code_sources?identifier={module}", "class B: pass\n")
    assert "has no class A with a method run(context)" in own_rest.run(flow)["state_info"]
