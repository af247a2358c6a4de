"""Two projects on one service, with tokens: what one may do with what the other shares, and may not find out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import service_process
from rest import Rest

from mistralish.tokens import create_token

SHARED = """version: '2.0'
shared:
  input: [other]
  output:
    tasks: <% $.tasks %>
    executions: <% $.executions %>
  tasks:
    look:
      action: std.noop
      publish:
        tasks: <% tasks($.other).name %>
        executions: <% executions().project_id.distinct() %>
      on-success: below
    below:
      workflow: helper
"""
HELPER = "version: '2.0'\nhelper:\n  tasks:\n    t: {action: std.noop}\n"
WAITING = "version: '2.0'\nwaiting:\n  tasks:\n    t: {action: std.async_noop}\n"
# Says to be at another place than its own in the tree of executions.
CLAIMING = """version: '2.0'
claiming:
  input: [place]
  tasks:
    t:
      workflow: helper root_execution_id=<% $.place %>
"""


class Caller(Rest):
    """The API as somebody with a token uses it."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url)
        self._token = token

    def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {**options.pop("headers", {}), "Authorization": f"Bearer {self._token}"}
        return super().call(method, path, headers=headers, **options)


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Caller, Caller, Caller]]:
    """Somebody of the project ``a``, of ``b``, and an administrator."""
    folder: Path = tmp_path_factory.mktemp("projects")
    tokens = folder / "tokens.json"
    known = [
        create_token(tokens, project, "", roles)[0] for project, roles in (("a", ()), ("b", ()), ("z", ("admin",)))
    ]
    database = f"sqlite:///{folder}/mistralish.db"
    with service_process(folder, "projects", database, auth="tokens", tokens_file=tokens) as service:
        a, b, admin = (Caller(service.rest.url, token) for token in known)
        yield a, b, admin


def share(a: Caller, definition: str) -> str:
    """Share a workflow of ``a`` with ``b``; its id."""
    identifier: str = a.post("/workflows", definition)["workflows"][0]["id"]
    a.post(f"/workflows/{identifier}/members", {"member_id": "b"})
    return identifier


def test_what_a_member_starts_is_the_member_s_and_sees_only_what_is(callers: tuple[Caller, Caller, Caller]) -> None:
    a, b, _ = callers
    identifier = share(a, SHARED)
    b.post("/executions", {"workflow_id": identifier}, status=404)
    b.put(f"/workflows/{identifier}/members/b", {"status": "accepted"})
    a.post("/workflows", WAITING)
    other = a.start("waiting")
    started = b.post("/executions", {"workflow_id": identifier, "input": {"other": other["id"]}})
    assert started["project_id"] == "b"
    # Names of workflows that it starts mean the member's own, as in Mistral.
    failed = b.wait(started["id"])
    assert "Failed to find workflow [name=helper]" in failed["state_info"]
    b.post("/workflows", HELPER)
    done = b.wait(b.post("/executions", {"workflow_id": identifier, "input": {"other": other["id"]}})["id"])
    assert (done["state"], done["output"]) == ("SUCCESS", {"tasks": [], "executions": ["b"]})
    for path in (f"/executions/{done['id']}", f"/executions/{done['id']}/report"):
        a.get(path, status=404)
    a.put(f"/executions/{other['id']}", {"state": "CANCELLED"})


def test_an_id_of_another_project_s_execution_gives_nothing_away(callers: tuple[Caller, Caller, Caller]) -> None:
    a, b, _ = callers
    a.post("/workflows", "version: '2.0'\nsecret:\n  tasks:\n    t: {action: std.async_noop}\n")
    kept = a.start("secret", params={"env": {"password": "only-a"}})["id"]
    b.post("/workflows", "version: '2.0'\nplain:\n  tasks:\n    t: {action: std.noop}\n")
    b.post("/executions", {"workflow_name": "plain", "id": kept}, status=409)
    b.post("/executions", {"workflow_name": "plain", "source_execution_id": kept}, status=404)
    refused = b.post("/executions", {"workflow_name": "plain", "params": {"root_execution_id": kept}}, status=400)
    assert "params.root_execution_id" in refused["faultstring"]
    if b.call("GET", "/workflows/helper").status_code == 404:
        b.post("/workflows", HELPER)
    b.post("/workflows", CLAIMING)
    claimed = b.wait(b.start("claiming", {"place": kept})["id"])
    assert claimed["state"] == "ERROR"
    assert "params.root_execution_id" in claimed["state_info"]
    for change in ({"state": "CANCELLED"}, {"description": "taken over"}):
        b.put(f"/executions/{kept}", change, status=404)
    b.delete(f"/executions/{kept}", status=404, force="true")
    (task,) = a.tasks(kept)
    (action,) = a.actions(task["id"])
    b.put(f"/action_executions/{action['id']}", {"state": "SUCCESS"}, status=404)
    b.put(f"/tasks/{task['id']}", {"state": "SKIPPED"}, status=404)
    assert (a.execution(kept)["state"], a.execution(kept)["description"]) == ("RUNNING", "")
    a.put(f"/action_executions/{action['id']}", {"state": "SUCCESS"})
    assert a.wait(kept)["state"] == "SUCCESS"


def test_an_administrator_reads_changes_and_removes_what_others_have(callers: tuple[Caller, Caller, Caller]) -> None:
    a, _, admin = callers
    a.post("/workflows", "version: '2.0'\nkept:\n  tasks:\n    t: {action: std.async_noop}\n")
    kept = a.start("kept")["id"]
    (task,) = admin.tasks(kept)
    (action,) = admin.actions(task["id"])
    report = admin.get(f"/executions/{kept}/report")
    assert [each["id"] for each in report["root_workflow_execution"]["task_executions"]] == [task["id"]]
    admin.put(f"/executions/{kept}", {"description": "set by an administrator"})
    admin.put(f"/action_executions/{action['id']}", {"state": "ERROR"})
    assert a.wait(kept, "ERROR")["description"] == "set by an administrator"
    assert kept not in [row["id"] for row in admin.get("/executions")["executions"]]
    assert kept in [row["id"] for row in admin.get("/executions", all_projects="true")["executions"]]
    admin.delete(f"/executions/{kept}")
    a.get(f"/executions/{kept}", status=404)
