"""Requests made up from the API's own description: none may fail the service, and it must keep to what it says."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rest import Rest, unique

# How long to go on making up requests; more, for a search by hand, is in MISTRALISH_FUZZ_SECONDS.
_SECONDS = int(os.environ.get("MISTRALISH_FUZZ_SECONDS", "30"))
# Three things that OpenAPI cannot say: which text is a definition that is right, that a path such as
# /v2/workflows/validate is also that of a workflow called "validate", and that a proposal is another project's to take.
_NOT_SAYABLE = "positive_data_acceptance,allow_header_conformance,ensure_resource_availability"
_TEXTS = ["version: '2.0'", "{", "", "version: '2.0'\na: [", "version: 2.0\nt: {tasks: {a: {action: std.noop}}}"]

_WORKFLOWS = """version: '2.0'
{name}:
  input:
    - who: you
  output:
    said: <% $.said %>
  tasks:
    say:
      action: std.echo output=<% $.who %>
      publish:
        said: <% task().result %>
      on-success: [wait, fall]
    wait:
      action: std.async_noop
      timeout: 5
    fall:
      action: std.fail
{name}_parent:
  tasks:
    all:
      with-items: i in <% [1, 2] %>
      workflow: {name} who=<% $.i %>
"""
_ACTIONS = "version: '2.0'\n{name}:\n  base: std.echo\n  base-input:\n    output: <% $.text %>\n  input: [text: hi]\n"
_WORKBOOK = """version: '2.0'
name: {name}
workflows: {{w: {{tasks: {{t: {{action: a}}}}}}}}
actions: {{a: {{base: std.noop}}}}
"""


def _something_of_everything(rest: Rest) -> dict[str, Any]:
    """Make definitions and runs, and tell what there is to be aimed at."""
    flow, action, book = unique("flow"), unique("action"), unique("book")
    definitions = {
        "workflows": _WORKFLOWS.format(name=flow),
        "actions": _ACTIONS.format(name=action),
        "workbooks": _WORKBOOK.format(name=book),
    }
    for resource, text in definitions.items():
        rest.post(f"/{resource}", text)
    rest.post("/environments", {"name": "place", "variables": {"a": 1}})
    rest.post("/cron_triggers", {"name": "daily", "workflow_name": flow, "pattern": "@daily"})
    rest.post("/action_executions", {"name": "std.echo", "input": {"output": 1}, "params": {"save_result": True}})
    shared = rest.get(f"/workflows/{flow}")
    event = {"exchange": "shop", "topic": "orders", "event": "placed"}
    rest.post("/event_triggers", {"workflow_id": shared["id"], **event})
    for project in ("neighbours", shared["project_id"]):
        rest.post(f"/workflows/{shared['id']}/members", {"member_id": project})
    started = [rest.start(name)["id"] for name in (flow, flow, f"{flow}_parent")]
    rest.wait_for_task(started[0], "fall", "ERROR")
    kinds = ("executions", "tasks", "action_executions", "event_triggers")
    rows = {name: rest.get(f"/{name}", limit=20)[name] for name in kinds}
    return {
        "ids": {name: [row["id"] for row in found] for name, found in rows.items()}
        | {"workflows": [flow, f"{flow}_parent", shared["id"]], "actions": [action, "std.echo"], "workbooks": [book]}
        | {"environments": ["place"], "cron_triggers": ["daily"], "members": ["neighbours", shared["project_id"]]},
        "definitions": {name: [text, *_TEXTS] for name, text in definitions.items()},
        "workflows": [flow, f"{flow}_parent"],
        "actions": ["std.echo", "std.noop", "std.fail", action],
        "states": ["RUNNING", "PAUSED", "SUCCESS", "ERROR", "CANCELLED", "SKIPPED"],
    }


def test_requests_made_from_the_description_get_the_answers_that_it_promises(own_rest: Rest, tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps(_something_of_everything(own_rest)))
    environment = os.environ | {
        "MISTRALISH_FUZZ_DATA": str(data),
        "SCHEMATHESIS_HOOKS": "fuzz_hooks",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{own_rest.url}/openapi.json", "--no-color"]
    command += ["--phases", "coverage,fuzzing,stateful", "--max-time", str(_SECONDS), "--request-timeout", "10"]
    # Under maintenance nothing else would be answered.
    command += ["--exclude-operation-id", "update_maintenance"]
    command += ["--checks", "all", "--exclude-checks", _NOT_SAYABLE, "--warnings", "off"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=_SECONDS + 60)
    print(done.stdout[-2000:])
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-5000:]
    assert own_rest.call("GET", "/").status_code == 200
