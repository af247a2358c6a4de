"""Who may use which route: all of them, each with a request that its owner may make.

A line has the statuses that a stranger, a member, the owner and an administrator get; somebody unknown gets 401. All
that the paths lead to belongs to the owner, see ``roles``.
"""

from typing import Any

from roles import FLOW, IDS

EVERYBODY, OPEN = (200, 200, 200, 200), "open to all"
MADE = (201, 201, 201, 201)
# By id, an administrator reaches what others have; by name, nobody does.
OWN, OWN_NAME, OWN_GONE = (404, 404, 200, 200), (404, 404, 200, 404), (404, 404, 204, 204)
ADMIN, ADMIN_MADE, ADMIN_GONE = (403, 403, 403, 200), (403, 403, 403, 201), (403, 403, 403, 204)

WORKFLOW = "version: '2.0'\n{}:\n  tasks:\n    t: {{action: std.noop}}\n"
ACTION = "version: '2.0'\n{}:\n  base: std.noop\n"
WORKBOOK = "version: '2.0'\nname: {}\n"
TIMES = {"name": "n", "workflow_id": FLOW, "pattern": "@hourly"}
EVENT = {"exchange": "x", "topic": "t", "event": "e"}

Body = dict[str, Any]
TABLE: dict[str, tuple[Any, Body]] = {
    "GET /": (OPEN, {}),
    "GET /v2": (OPEN, {}),
    "GET /info": (OPEN, {}),
    "GET /health": (OPEN, {}),
    "GET /ready": (OPEN, {}),
    "GET /metrics": (ADMIN, {}),
    "GET /v2/openapi.json": (EVERYBODY, {}),
    "GET /maintenance": (EVERYBODY, {}),
    "PUT /maintenance": (ADMIN, {"json": {"status": "PAUSED"}}),
    "GET /v2/workflows": (EVERYBODY, {}),
    "POST /v2/workflows": (MADE, {"data": WORKFLOW.format("new")}),
    "PUT /v2/workflows": ((404, 403, 200, 404), {"data": WORKFLOW.format("flow")}),
    "POST /v2/workflows/validate": (EVERYBODY, {"data": ""}),
    "GET /v2/workflows/<identifier>": ((404, 200, 200, 200), {}),
    "PUT /v2/workflows/<identifier>": ((404, 403, 200, 200), {"data": WORKFLOW.format("flow")}),
    "DELETE /v2/workflows/<identifier>": ((404, 403, 204, 204), {}),
    "GET /v2/workflows/<workflow_id>/members": (EVERYBODY, {}),
    "POST /v2/workflows/<workflow_id>/members": ((404, 403, 201, 201), {"json": {"member_id": "third"}}),
    "GET /v2/workflows/<workflow_id>/members/<member_id>": ((404, 200, 200, 200), {}),
    "PUT /v2/workflows/<workflow_id>/members/<member_id>": ((404, 200, 404, 404), {"json": {"status": "rejected"}}),
    "DELETE /v2/workflows/<workflow_id>/members/<member_id>": (OWN_GONE, {}),
    "GET /v2/workbooks": (EVERYBODY, {}),
    "POST /v2/workbooks": (MADE, {"data": WORKBOOK.format("new")}),
    "PUT /v2/workbooks": (OWN_NAME, {"data": WORKBOOK.format("book")}),
    "POST /v2/workbooks/validate": (EVERYBODY, {"data": ""}),
    "GET /v2/workbooks/<name>": (OWN, {}),
    "DELETE /v2/workbooks/<name>": (OWN_GONE, {}),
    "GET /v2/actions": (EVERYBODY, {}),
    "POST /v2/actions": (MADE, {"data": ACTION.format("new")}),
    "PUT /v2/actions": (OWN_NAME, {"data": ACTION.format("act")}),
    "PUT /v2/actions/<identifier>": (OWN, {"data": ACTION.format("act")}),
    "POST /v2/actions/validate": (EVERYBODY, {"data": ""}),
    "GET /v2/actions/<identifier>": (OWN, {}),
    "GET /v2/actions/<identifier>/<namespace>": (OWN, {}),
    "DELETE /v2/actions/<identifier>": (OWN_GONE, {}),
    "DELETE /v2/actions/<identifier>/<namespace>": (OWN_GONE, {}),
    "GET /v2/environments": (EVERYBODY, {}),
    "POST /v2/environments": (MADE, {"json": {"name": "n", "variables": {}}}),
    "PUT /v2/environments": (OWN_NAME, {"json": {"name": "env", "description": "d"}}),
    "GET /v2/environments/<identifier>": (OWN, {}),
    "DELETE /v2/environments/<identifier>": (OWN_GONE, {}),
    "GET /v2/cron_triggers": (EVERYBODY, {}),
    "POST /v2/cron_triggers": ((404, 201, 201, 404), {"json": TIMES}),
    "GET /v2/cron_triggers/<identifier>": (OWN, {}),
    "DELETE /v2/cron_triggers/<identifier>": (OWN_GONE, {}),
    "GET /v2/event_triggers": (EVERYBODY, {}),
    "POST /v2/event_triggers": ((404, 201, 201, 404), {"json": {**EVENT, "workflow_id": FLOW}}),
    "GET /v2/event_triggers/<identifier>": (OWN, {}),
    "PUT /v2/event_triggers/<identifier>": (OWN, {"json": {"name": "n"}}),
    "DELETE /v2/event_triggers/<identifier>": (OWN_GONE, {}),
    "POST /v2/events": (MADE, {"json": EVENT}),
    "GET /v2/executions": (EVERYBODY, {}),
    "POST /v2/executions": ((404, 201, 201, 404), {"json": {"workflow_id": FLOW}}),
    "GET /v2/executions/<identifier>": (OWN, {}),
    "PUT /v2/executions/<identifier>": (OWN, {"json": {"state": "PAUSED"}}),
    "DELETE /v2/executions/<identifier>": (OWN_GONE, {"query_string": {"force": "true"}}),
    "GET /v2/executions/<identifier>/tasks": (OWN, {}),
    "GET /v2/executions/<identifier>/executions": (OWN, {}),
    "GET /v2/executions/<identifier>/report": (OWN, {}),
    "GET /v2/executions/<identifier>/history": (OWN, {}),
    "GET /v2/tasks": (EVERYBODY, {}),
    "GET /v2/tasks/<identifier>": (OWN, {}),
    "PUT /v2/tasks/<identifier>": (OWN, {"json": {"state": "SKIPPED"}}),
    "GET /v2/tasks/<identifier>/action_executions": (EVERYBODY, {}),
    "GET /v2/tasks/<identifier>/workflow_executions": (EVERYBODY, {}),
    "GET /v2/tasks/<identifier>/executions": (OWN, {}),
    "GET /v2/action_executions": (EVERYBODY, {}),
    "POST /v2/action_executions": (MADE, {"json": {"name": "std.echo", "input": {"output": 1}}}),
    "GET /v2/action_executions/<identifier>": (OWN, {}),
    "PUT /v2/action_executions/<identifier>": (OWN, {"json": {"state": "SUCCESS"}}),
    "DELETE /v2/action_executions/<identifier>": (OWN_GONE, {}),
    "GET /v2/code_sources": (ADMIN, {}),
    "POST /v2/code_sources": (ADMIN_MADE, {"data": "x = 1", "query_string": {"name": "n"}}),
    "PUT /v2/code_sources": (ADMIN, {"data": "x = 1", "query_string": {"identifier": "source-id"}}),
    "GET /v2/code_sources/<identifier>": (ADMIN, {}),
    "DELETE /v2/code_sources/<identifier>": (ADMIN_GONE, {}),
    "GET /v2/dynamic_actions": (ADMIN, {}),
    "POST /v2/dynamic_actions": (
        (403, 403, 403, 404),
        {"json": {"name": "n", "class_name": "C", "code_source_name": "source"}},
    ),
    "PUT /v2/dynamic_actions": (ADMIN, {"json": {"id": "dynamic-id", "class_name": "D"}}),
    "GET /v2/dynamic_actions/<identifier>": (ADMIN, {}),
    "DELETE /v2/dynamic_actions/<identifier>": (ADMIN_GONE, {}),
}


def path_of(rule: str) -> str:
    """The path of a route, to what the owners have."""
    collection = rule.split("/")[2] if rule.count("/") > 1 else ""
    for name in ("identifier", "name"):
        rule = rule.replace(f"<{name}>", IDS.get(collection, ""))
    for name in ("workflow_id", "member_id"):
        rule = rule.replace(f"<{name}>", IDS[name])
    return rule.replace("<namespace>", "ns")
