"""Scenarios of the commands about what runs: executions, tasks, action executions, triggers, sharing."""

import json
from typing import Any

from peers import wait_for
from rest import unique

from client_matrix.shell import Scenario, Shell

TREE = """version: '2.0'
{name}:
  input: [{{word: hi}}]
  output: {{said: <% $.said %>}}
  tasks:
    call:
      workflow: {name}-child word=<% $.word %>
      publish: {{said: <% task().result.said %>}}
{name}-child:
  input: [word]
  output: {{said: <% $.said %>}}
  tasks:
    say:
      action: std.echo output=<% $.word %>
      publish: {{said: <% task().result %>}}
"""
FAILING = """version: '2.0'
{name}:
  tasks:
    call: {{workflow: {name}-child}}
    fine: {{workflow: {name}-fine}}
{name}-child:
  tasks:
    two:
      with-items: i in <% [0, 1] %>
      action: std.async_noop
{name}-fine:
  tasks:
    t: {{action: std.noop}}
"""
WAITING = "version: '2.0'\n{name}:\n  tasks:\n    wait: {{action: std.async_noop}}\n"


def _tree(shell: Shell, *more: str) -> str:
    name = unique("tree")
    assert len(shell.create("workflow-create", TREE.format(name=name), *more)) == 2
    return name


def _waiting(shell: Shell) -> tuple[dict[str, Any], str]:
    """Return a running execution and the id of the asynchronous action that it waits for."""
    name = unique("waits")
    shell.create("workflow-create", WAITING.format(name=name))
    execution = shell.one("execution-create", name)
    (action,) = wait_for(lambda: shell.rows("action-execution-list", *_of(name)), 30, "the action")
    return execution, action["ID"]


def _of(workflow: str) -> tuple[str, ...]:
    return "--filter", f"workflow_name=eq:{workflow}"


def creating_executions(shell: Shell) -> None:
    """execution-create by name, id, in a namespace and from another one; get, get-input, get-output, get-published."""
    name = _tree(shell, "--namespace", "team")
    params = json.dumps({"env": {"k": 1}})
    wanted = ("--namespace", "team", "-d", "described")
    made = shell.one("execution-create", name, '{"word": "ho"}', params, *wanted)
    assert (made["Workflow name"], made["Workflow namespace"], made["Description"]) == (name, "team", "described")
    shown = shell.until("SUCCESS", "execution-get", made["ID"])
    assert shown["Root Execution ID"] == "<none>"
    assert shell.json("execution-get-input", made["ID"]) == {"word": "ho"}
    assert shell.json("execution-get-output", made["ID"]) == {"said": "ho"}
    assert shell.json("execution-get-published", made["ID"]) == {}
    again = shell.one("execution-create", "-s", made["ID"])
    shell.until("SUCCESS", "execution-get", again["ID"])
    assert shell.json("execution-get-input", again["ID"]) == {"word": "ho"}
    by_id = shell.ended(made["Workflow ID"], '{"word": "id"}')
    assert shell.json("execution-get-output", by_id) == {"said": "id"}
    shell.run("execution-delete", by_id, again["ID"])
    assert "not found" in shell.refused("execution-get", by_id)


def listing_executions(shell: Shell) -> None:
    """execution-list in pages, oldest first, of roots only and of a task; report; sub-executions of both kinds."""
    name = _tree(shell)
    first, second = shell.ended(name), shell.ended(name, "{}", "{}", "-d", "zz")
    listed = [row["ID"] for row in shell.rows("execution-list", *_of(name), "--oldest")]
    assert sorted(listed) == sorted([first, second])
    assert shell.pages(("execution-list",), "ID", "description", _of(name)) == [second, first]
    assert {row["Root Execution ID"] for row in shell.rows("execution-list", "--rootsonly")} == {"<none>"}
    (task,) = shell.rows("task-list", first)
    (child,) = shell.rows("execution-list", "--task", task["ID"])
    assert (child["Workflow name"], child["Task Execution ID"]) == (f"{name}-child", task["ID"])
    assert {row["ID"] for row in shell.rows("execution-get-sub-executions", first)} == {first, child["ID"]}
    assert [row["ID"] for row in shell.rows("execution-get-sub-executions", first, "--max-depth", "0")] == [first]
    assert [row["ID"] for row in shell.rows("task-get-sub-executions", task["ID"])] == [child["ID"]]
    assert [row["ID"] for row in shell.rows("task-get-sub-executions", task["ID"], "--max-depth", "0")] == [child["ID"]]
    said = shell.run("execution-get-report", first, "--no-errors-only")
    assert "Number of tasks in SUCCESS state: 2" in said
    assert f"workflow '{name}-child' [SUCCESS] {child['ID']}" in said
    assert "std.echo" in said
    assert "std.echo" not in shell.run("execution-get-report", first, "--no-errors-only", "--max-depth", "0")
    assert "Execution Tree" not in shell.run("execution-get-report", first, "--statistics-only")


def tasks(shell: Shell) -> None:
    """task-list of an execution and of all, in pages; get, get-result, get-published."""
    name = _tree(shell)
    identifier = shell.ended(name, '{"word": "x"}')
    (call,) = shell.rows("task-list", identifier)
    assert (call["Name"], call["State"], call["Workflow name"]) == ("call", "SUCCESS", name)
    wanted = ("--filter", f"workflow_name=has:{name}")
    assert shell.names("task-list", *wanted, "--oldest") == ["call", "say"]
    assert shell.pages(("task-list",), "Name", "name", wanted) == ["say", "call"]
    shown = shell.one("task-get", call["ID"])
    assert (shown["Workflow Execution ID"], shown["State info"]) == (identifier, None)
    assert shell.json("task-get-result", call["ID"]) == {"said": "x"}
    assert shell.json("task-get-published", call["ID"]) == {"said": "x"}


def rerunning(shell: Shell) -> None:
    """What failed is found with errors-only, and task-rerun runs it again: all of it, or (--resume) what failed."""
    name = unique("fails")
    assert len(shell.create("workflow-create", FAILING.format(name=name))) == 3
    root = shell.one("execution-create", name)["ID"]
    of_child = _of(f"{name}-child")

    def running(count: int) -> list[dict[str, Any]]:
        def found() -> list[dict[str, Any]] | None:
            rows = shell.rows("action-execution-list", *of_child, "--filter", "state=RUNNING")
            return rows if len(rows) == count else None

        return wait_for(found, 30, f"{count} running actions")

    first, second = running(2)
    shell.run("action-execution-update", first["ID"], "--state", "SUCCESS")
    shell.run("action-execution-update", second["ID"], "--state", "ERROR", "--output", '{"why": "no"}')
    shell.until("ERROR", "execution-get", root)
    failed = [row["Workflow name"] for row in shell.rows("execution-get-sub-executions", root, "--errors-only")]
    assert sorted(failed) == [name, f"{name}-child"]
    said = shell.run("execution-get-report", root)
    assert "task 'call' [ERROR]" in said
    assert "task 'fine'" not in said
    (call,) = shell.rows("task-list", root, "--filter", "name=call")
    below = shell.rows("task-get-sub-executions", call["ID"], "--errors-only")
    assert [row["Workflow name"] for row in below] == [f"{name}-child"]
    (two,) = shell.rows("task-list", below[0]["ID"])
    again = shell.one("task-rerun", two["ID"], "--resume", "-e", '{"k": 1}')
    assert (again["ID"], again["State"]) == (two["ID"], "RUNNING")
    (only,) = running(1)
    shell.run("action-execution-update", only["ID"], "--state", "ERROR", "--output", '{"why": "again"}')
    shell.until("ERROR", "execution-get", root)
    shell.one("task-rerun", two["ID"])
    for action in running(2):
        shell.run("action-execution-update", action["ID"], "--state", "SUCCESS")
    shell.until("SUCCESS", "execution-get", root)


def updating_executions(shell: Shell) -> None:
    """execution-update describes, pauses, resumes with another environment and cancels; delete --force removes."""
    execution, _ = _waiting(shell)
    identifier = execution["ID"]
    assert shell.one("execution-update", identifier, "-d", "described")["Description"] == "described"
    assert shell.one("execution-update", identifier, "-s", "PAUSED")["State"] == "PAUSED"
    assert shell.one("execution-update", identifier, "-s", "RUNNING", "-e", '{"k": 2}')["State"] == "RUNNING"
    assert shell.refused("execution-delete", identifier)
    assert shell.one("execution-update", identifier, "-s", "CANCELLED")["State"] == "CANCELLED"
    other, _ = _waiting(shell)
    shell.run("execution-delete", other["ID"], "--force")
    assert other["ID"] in shell.refused("execution-get", other["ID"])


def action_executions(shell: Shell) -> None:
    """action-execution-list of a task and of all, in pages; get, get-input, get-output, update."""
    execution, action = _waiting(shell)
    shown = shell.one("action-execution-get", action)
    assert (shown["Name"], shown["State"], shown["Accepted"]) == ("std.async_noop", "RUNNING", False)
    assert shell.json("action-execution-get-input", action) == {}
    changed = shell.one("action-execution-update", action, "--state", "SUCCESS", "--output", '{"ok": 1}')
    assert changed["State"] == "SUCCESS"
    assert shell.json("action-execution-get-output", action) == {"result": {"ok": 1}}
    shell.until("SUCCESS", "execution-get", execution["ID"])
    assert [row["ID"] for row in shell.rows("action-execution-list", shown["Task ID"], "--oldest")] == [action]
    found = shell.pages(("action-execution-list",), "Name", "name", ("--filter", "state=SUCCESS"))
    assert found == sorted(found, reverse=True)


def running_actions(shell: Shell) -> None:
    """run-action at once, on a named executor, in a namespace, and saved; what was saved may be deleted."""
    name = unique("shout")
    text = f"version: '2.0'\n{name}:\n  base: std.echo\n  input: [text]\n  base-input: {{output: <% $.text %>}}\n"
    shell.create("action-create", text, "--namespace", "team")
    assert shell.json("run-action", name, '{"text": "a"}', "--namespace", "team") == {"result": "a"}
    assert shell.json("run-action", "std.echo", '{"output": 1}', "--run-sync") == {"result": 1}
    assert shell.json("run-action", "std.echo", '{"output": 2}', "--run-sync", "-t", "0.0.0.0") == {"result": 2}
    saved = shell.one("run-action", "std.echo", '{"output": 3}', "-s")
    shell.until("SUCCESS", "action-execution-get", saved["ID"])
    assert shell.json("action-execution-get-output", saved["ID"]) == {"result": 3}
    assert shell.json("action-execution-get-input", saved["ID"]) == {"output": 3}
    shell.run("action-execution-delete", saved["ID"])
    assert saved["ID"] in shell.refused("action-execution-get", saved["ID"])
    assert "Failed to find action" in shell.refused("run-action", unique("nothing"))


def cron_triggers(shell: Shell) -> None:
    """Create by pattern and by first time, list in pages, get, delete several."""
    name, workflow = unique("cron"), _tree(shell)
    given = ('{"word": "x"}', "--params", '{"env": {"k": 1}}', "--pattern", "0 3 * * 1", "--count", "5")
    made = shell.one("cron-trigger-create", name, workflow, *given)
    assert (made["Workflow"], made["Pattern"], made["Remaining executions"]) == (workflow, "0 3 * * 1", 5)
    assert json.loads(made["Params"]) == {"env": {"k": 1}}
    once = shell.one("cron-trigger-create", f"{name}-b", workflow, "--first-time", "2099-01-01 10:00", "--utc")
    assert (once["Next execution time"], once["Remaining executions"]) == ("2099-01-01 10:00:00", 1)
    wanted = ("--filter", f"name=has:{name}")
    first, second = shell.names("cron-trigger-list", *wanted, "--sort_keys=name", "--sort_dirs=desc")
    assert (first, second) == (f"{name}-b", name)
    assert shell.names("cron-trigger-list", *wanted, "--limit=1", "--sort_keys=name", "--sort_dirs=asc") == [name]
    after = shell.marker("cron_triggers", name)
    assert shell.names("cron-trigger-list", *wanted, "--sort_keys=name", after) == [f"{name}-b"]
    assert shell.one("cron-trigger-get", name)["Name"] == name
    shell.run("cron-trigger-delete", name, f"{name}-b")
    assert "not found" in shell.refused("cron-trigger-get", name)


def event_triggers(shell: Shell) -> None:
    """Create with input and params, list in pages, get, delete several."""
    workflow = shell.one("workflow-get", _tree(shell))["ID"]
    place = (unique("exchange"), "notifications", "volume.create")
    made = shell.one(
        "event-trigger-create", "first", workflow, *place, '{"word": "x"}', "--params", '{"env": {"k": 1}}'
    )
    assert (made["Name"], made["Workflow ID"], made["Topic"], made["Event"]) == ("first", workflow, *place[1:])
    assert json.loads(made["Params"]) == {"env": {"k": 1}}
    other = shell.one("event-trigger-create", "second", workflow, place[0], "notifications", "volume.delete")
    wanted = ("--filter", f"exchange=eq:{place[0]}")
    assert shell.pages(("event-trigger-list",), "Name", "name", wanted) == ["second", "first"]
    assert shell.one("event-trigger-get", other["ID"])["Event"] == "volume.delete"
    shell.run("event-trigger-delete", made["ID"], other["ID"])
    assert made["ID"] in shell.refused("event-trigger-get", made["ID"])


def members(shell: Shell) -> None:
    """A workflow is offered to projects, which is listed, shown, answered and taken back."""
    workflow = shell.create("workflow-create", WAITING.format(name=unique("waits")))
    own = workflow["Project ID"]
    made = shell.one("member-create", workflow["ID"], "workflow", "neighbours")
    assert (made["Resource ID"], made["Member ID"], made["Status"]) == (workflow["ID"], "neighbours", "pending")
    shell.one("member-create", workflow["ID"], "workflow", own)
    shown = shell.rows("member-list", workflow["ID"], "workflow")
    assert sorted(row["Member ID"] for row in shown) == sorted(["neighbours", own])
    assert shell.one("member-get", workflow["ID"], "workflow", "-m", "neighbours")["Resource Owner"] == own
    changed = shell.one("member-update", workflow["ID"], "workflow", "-m", own, "-s", "rejected")
    assert (changed["Member ID"], changed["Status"]) == (own, "rejected")
    shell.run("member-delete", workflow["ID"], "workflow", "neighbours")
    assert "neighbours" in shell.refused("member-get", workflow["ID"], "workflow", "-m", "neighbours")


SCENARIOS: tuple[Scenario, ...] = (
    rerunning,
    listing_executions,
    creating_executions,
    tasks,
    updating_executions,
    action_executions,
    running_actions,
    cron_triggers,
    event_triggers,
    members,
)
