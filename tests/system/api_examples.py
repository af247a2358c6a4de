"""One example request for every operation of the API, sent to a real server: what api-ref/*.md shows.

Record them anew: ``python tests/system/api_examples.py http://127.0.0.1:8989/v2 > api-ref/examples.json`` against a
service that nobody else uses, then ``python -m mistralish.api.openapi api-ref``.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import requests

Example = dict[str, Any]

_GREET = """version: '2.0'

greet:
  input:
    - name: world
  output:
    said: <% $.said %>
  tasks:
    say:
      action: std.echo
      input:
        output: Hello, <% $.name %>!
      publish:
        said: <% task().result %>
"""
_ON_CALL = """version: '2.0'

ask:
  tasks:
    wait_for_answer:
      action: std.async_noop

ask_both:
  tasks:
    ask_each:
      with-items: who in <% [Ada, Grace] %>
      workflow: ask

check:
  tasks:
    look:
      action: std.sleep seconds=1
      fail-on: true
"""
_SHOUT = """version: '2.0'

shout:
  input:
    - text
  base: std.echo
  base-input:
    output: <% $.text.toUpper() %>!
"""
_OFFICE = """version: '2.0'

name: office

actions:
  note:
    base: std.noop

workflows:
  open:
    tasks:
      write:
        action: note
"""


_SUMS = """class Add:
    def __init__(self, numbers=[]):
        self.numbers = numbers

    def run(self, context):
        return sum(self.numbers)
"""

_LINES = 3  # of an answer that is text


class Recorder:
    """Sends requests to the API at ``url`` and keeps them, with their answers, by the operation's id."""

    def __init__(self, url: str) -> None:
        self._root = url.removesuffix("/v2")
        self.examples: dict[str, Example] = {}

    def send(self, operation: str, method: str, path: str, body: Any = None) -> Any:
        """Send one request; what it answers. ``operation`` empty: it is no example."""
        kind = "text/plain" if isinstance(body, str) else "application/json"
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": kind}
        response = requests.request(method, self._root + path, data=data, headers=headers, timeout=30)
        response.raise_for_status()
        is_json = response.headers.get("Content-Type") == "application/json"
        if operation:
            text = response.text.replace(self._root, "http://127.0.0.1:8989")
            answer = json.loads(text) if is_json else "\n".join(text.splitlines()[:_LINES]) or None
            self.examples[operation] = {
                "request": f"{method} {path}",
                **({} if body is None else {"content_type": kind, "body": body}),
                "status": response.status_code,
                **({} if answer is None else {"answer": answer}),
                **({} if is_json or answer is None else {"shortened": True}),
            }
        return response.json() if is_json else None


def record(url: str) -> dict[str, Example]:
    """An example of every operation of the API at ``url`` (which ends in /v2), by the operation's id."""
    recorder = Recorder(url)
    for part in (
        _root,
        _definitions,
        _environments,
        _runs,
        _actions,
        _cron_triggers,
        _events,
        _members,
        _code,
        _running,
        _removals,
    ):
        part(recorder)
    return dict(sorted(recorder.examples.items()))


def _root(recorder: Recorder) -> None:
    send = recorder.send
    send("list_versions", "GET", "/")
    send("get_version", "GET", "/v2")
    send("get_openapi", "GET", "/v2/openapi.json")
    answer = recorder.examples["get_openapi"]["answer"]
    recorder.examples["get_openapi"]["answer"] = {"openapi": answer["openapi"], "info": answer["info"]}
    recorder.examples["get_openapi"]["shortened"] = True


def _definitions(recorder: Recorder) -> None:
    send = recorder.send
    send("validate_workflows", "POST", "/v2/workflows/validate", _GREET.replace("action: std.echo", "acton: std.echo"))
    send("create_workflows", "POST", "/v2/workflows", _GREET)
    send("", "POST", "/v2/workflows", _ON_CALL)
    send("update_workflows", "PUT", "/v2/workflows", _GREET.replace("world", "you"))
    send("update_workflow", "PUT", "/v2/workflows/greet?scope=public", _GREET)
    send("list_workflows", "GET", "/v2/workflows?limit=1&sort_keys=name&sort_dirs=desc&fields=id,name,input")
    send("get_workflow", "GET", "/v2/workflows/greet")
    send("validate_workbook", "POST", "/v2/workbooks/validate", _OFFICE)
    send("create_workbook", "POST", "/v2/workbooks", _OFFICE)
    send("update_workbook", "PUT", "/v2/workbooks", _OFFICE)
    send("list_workbooks", "GET", "/v2/workbooks")
    send("get_workbook", "GET", "/v2/workbooks/office?fields=name,scope,created_at")
    send("validate_actions", "POST", "/v2/actions/validate", _SHOUT)
    send("create_actions", "POST", "/v2/actions", _SHOUT)
    send("update_actions", "PUT", "/v2/actions", _SHOUT.replace("!", "!!"))
    send("update_actions_by_identifier", "PUT", "/v2/actions/shout", _SHOUT)
    send("list_actions", "GET", "/v2/actions?is_system=false&limit=2")
    send("get_action", "GET", "/v2/actions/std.echo")
    send("", "POST", "/v2/actions?namespace=office", _SHOUT)
    send("get_action_by_namespace", "GET", "/v2/actions/shout/office")


def _environments(recorder: Recorder) -> None:
    send = recorder.send
    variables = {"region": "north"}
    body = {"name": "office", "description": "where we work", "variables": variables}
    send("create_environment", "POST", "/v2/environments", body)
    send("update_environment", "PUT", "/v2/environments", {"name": "office", "variables": {"region": "south"}})
    send("list_environments", "GET", "/v2/environments?name=has:off")
    send("get_environment", "GET", "/v2/environments/office")


def _runs(recorder: Recorder) -> None:
    send = recorder.send
    body = {"workflow_name": "greet", "input": {"name": "Ada"}, "params": {"env": "office"}}
    greeted = send("create_execution", "POST", "/v2/executions", body)["id"]
    _until(lambda: send("get_execution", "GET", f"/v2/executions/{greeted}")["state"] == "SUCCESS")
    (said,) = send("list_tasks_of_execution", "GET", f"/v2/executions/{greeted}/tasks")["tasks"]
    send("get_task", "GET", f"/v2/tasks/{said['id']}")
    send("list_actions_of_task", "GET", f"/v2/tasks/{said['id']}/action_executions")
    send("get_report", "GET", f"/v2/executions/{greeted}/report")
    send("list_history", "GET", f"/v2/executions/{greeted}/history?type=task&limit=2")
    send("list_executions", "GET", "/v2/executions?state=SUCCESS&limit=1&include_output=true")
    send("list_tasks", "GET", "/v2/tasks?state=in:SUCCESS,ERROR&sort_keys=created_at&limit=1")

    both = send("", "POST", "/v2/executions", {"workflow_name": "ask_both"})["id"]
    (each,) = send("", "GET", f"/v2/executions/{both}/tasks")["tasks"]
    send("list_executions_of_task", "GET", f"/v2/tasks/{each['id']}/workflow_executions?limit=1")
    send("list_executions_below_task", "GET", f"/v2/tasks/{each['id']}/executions?max_depth=1")
    send("list_executions_below", "GET", f"/v2/executions/{both}/executions?errors_only=false")
    send("update_execution", "PUT", f"/v2/executions/{both}", {"state": "CANCELLED", "state_info": "no longer needed"})

    checked = send("", "POST", "/v2/executions", {"workflow_name": "check"})["id"]
    _until(lambda: send("", "GET", f"/v2/executions/{checked}")["state"] == "ERROR")
    (looked,) = send("", "GET", f"/v2/executions/{checked}/tasks")["tasks"]
    send("update_task", "PUT", f"/v2/tasks/{looked['id']}", {"state": "RUNNING", "reset": True})


def _actions(recorder: Recorder) -> None:
    send = recorder.send
    body = {"name": "std.echo", "input": {"output": "hello"}, "params": {"save_result": True, "run_sync": True}}
    ran = send("run_action", "POST", "/v2/action_executions", body)["id"]
    send("get_action_execution", "GET", f"/v2/action_executions/{ran}")
    send("list_action_executions", "GET", "/v2/action_executions?name=std.echo&limit=1")
    asked = send("", "POST", "/v2/executions", {"workflow_name": "ask"})["id"]
    (waits,) = send("", "GET", f"/v2/executions/{asked}/tasks")["tasks"]
    (action,) = send("", "GET", f"/v2/tasks/{waits['id']}/action_executions")["action_executions"]
    path = f"/v2/action_executions/{action['id']}"
    send("update_action_execution", "PUT", path, {"state": "SUCCESS", "output": {"result": "yes"}})
    send("delete_action_execution", "DELETE", f"/v2/action_executions/{ran}")


def _cron_triggers(recorder: Recorder) -> None:
    send = recorder.send
    body = {"name": "every_morning", "workflow_name": "greet", "pattern": "0 7 * * 1-5", "time_zone": "Europe/Berlin"}
    send("create_cron_trigger", "POST", "/v2/cron_triggers", body | {"workflow_input": {"name": "Grace"}})
    send("list_cron_triggers", "GET", "/v2/cron_triggers?next_execution_time=gt:2020-01-01")
    send("get_cron_trigger", "GET", "/v2/cron_triggers/every_morning")
    send("delete_cron_trigger", "DELETE", "/v2/cron_triggers/every_morning")


def _events(recorder: Recorder) -> None:
    send = recorder.send
    workflow = send("", "GET", "/v2/workflows/greet")["id"]
    place = {"exchange": "shop", "topic": "orders", "event": "order.placed"}
    body = {"name": "greet_customer", "workflow_id": workflow, **place}
    path = f"/v2/event_triggers/{send('create_event_trigger', 'POST', '/v2/event_triggers', body)['id']}"
    send("update_event_trigger", "PUT", path, {"workflow_input": {"name": "customer"}})
    send("list_event_triggers", "GET", "/v2/event_triggers?exchange=shop")
    send("get_event_trigger", "GET", f"{path}?fields=event,workflow_input")
    send("create_event", "POST", "/v2/events", {**place, "payload": {"order": 7}, "message_id": "order-7"})
    send("delete_event_trigger", "DELETE", path)


def _members(recorder: Recorder) -> None:
    send = recorder.send
    workflow = send("", "POST", "/v2/workflows", _GREET.replace("greet:", "greet_members:"))["workflows"][0]
    path, own = f"/v2/workflows/{workflow['id']}/members", quote(workflow["project_id"])
    send("create_member", "POST", path, {"member_id": "neighbours"})
    send("", "POST", path, {"member_id": workflow["project_id"]})
    send("get_member", "GET", f"{path}/neighbours")
    send("list_members", "GET", path)
    send("update_member", "PUT", f"{path}/{own}", {"status": "accepted"})
    send("delete_member", "DELETE", f"{path}/neighbours")


def _code(recorder: Recorder) -> None:
    send = recorder.send
    send("create_code_source", "POST", "/v2/code_sources?name=sums", _SUMS)
    send("update_code_source", "PUT", "/v2/code_sources?identifier=sums", _SUMS.replace("[]", "()"))
    send("list_code_sources", "GET", "/v2/code_sources?fields=name,version")
    send("get_code_source", "GET", "/v2/code_sources/sums")
    body = {"name": "sums.add", "class_name": "Add", "code_source_name": "sums"}
    send("create_dynamic_action", "POST", "/v2/dynamic_actions", body)
    send("update_dynamic_action", "PUT", "/v2/dynamic_actions", {"name": "sums.add", "scope": "public"})
    send("list_dynamic_actions", "GET", "/v2/dynamic_actions?name=sums.add")
    send("get_dynamic_action", "GET", "/v2/dynamic_actions/sums.add?fields=class_name")
    send("delete_dynamic_action", "DELETE", "/v2/dynamic_actions/sums.add")
    send("delete_code_source", "DELETE", "/v2/code_sources/sums")


def _running(recorder: Recorder) -> None:
    recorder.send("get_maintenance", "GET", "/maintenance")
    recorder.send("update_maintenance", "PUT", "/maintenance", {"status": "RUNNING"})
    recorder.send("get_info", "GET", "/info")
    recorder.send("get_health", "GET", "/health")
    recorder.send("get_readiness", "GET", "/ready")
    recorder.send("get_metrics", "GET", "/metrics")


def _removals(recorder: Recorder) -> None:
    send = recorder.send
    finished = send("", "GET", "/v2/executions?workflow_name=greet&limit=1")["executions"][0]
    send("delete_execution", "DELETE", f"/v2/executions/{finished['id']}")
    send("delete_environment", "DELETE", "/v2/environments/office")
    send("delete_action", "DELETE", "/v2/actions/shout")
    send("delete_action_by_namespace", "DELETE", "/v2/actions/shout/office")
    send("delete_workbook", "DELETE", "/v2/workbooks/office")
    send("delete_workflow", "DELETE", "/v2/workflows/greet")


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("what an example waits for did not come")
        time.sleep(0.1)


def shape(value: Any) -> Any:
    """What stays the same each time that an example is recorded: names and kinds of values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str):
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", re.sub(r"\d{4}-\d\d-\d\d.*", "<time>", value))[:40]
    return value


if __name__ == "__main__":
    json.dump(record(sys.argv[1]), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
