"""The `mistral` command of python-mistralclient, as a user types it: OS_MISTRAL_URL set, and no authentication."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers import wait_for
from rest import unique
from serving import Server

Command = Callable[..., str]


@pytest.fixture(scope="module")
def mistral(server: Server, clean_environment: dict[str, str]) -> Command:
    """Run ``mistral ARGUMENTS`` and return what it prints; AssertionError when it fails."""
    program = shutil.which("mistral", path=str(Path(sys.executable).parent)) or shutil.which("mistral")
    if program is None:
        pytest.skip("the command mistral is not installed (pip install python-mistralclient)")
    environment = {**clean_environment, "OS_MISTRAL_URL": server.url}

    def run(*arguments: str, fails: bool = False) -> str:
        done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=90)
        assert (done.returncode != 0) == fails, f"mistral {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr if fails else done.stdout

    return run


def as_json(mistral: Command, *arguments: str) -> Any:
    """Return what the command prints as JSON; the client shows an empty list as one row without values: dropped."""
    shown = json.loads(mistral(*arguments, "-f", "json"))
    return [row for row in shown if row.get("ID") or row.get("Name")] if isinstance(shown, list) else shown


@pytest.fixture
def greeter(mistral: Command, tmp_path: Path) -> str:
    """A workflow of a name of its own, created by the client."""
    name = unique("greeter")
    file = tmp_path / "greeter.yaml"
    file.write_text(
        f"version: '2.0'\n{name}:\n  description: Greets.\n  tags: [demo]\n  input: [who, {{word: Hello}}]\n"
        "  output: {said: <% $.said %>}\n  tasks:\n    greet:\n"
        '      action: std.echo output="<% $.word %>, <% $.who %>"\n      publish: {said: <% task().result %>}\n'
    )
    (created,) = as_json(mistral, "workflow-create", str(file))
    assert created["Name"] == name
    return name


def run_to_end(mistral: Command, workflow: str, *arguments: str) -> str:
    """Create an execution, wait for its end and return its id."""
    created = as_json(mistral, "execution-create", workflow, *arguments)
    assert created["Workflow name"] == workflow
    identifier = created["ID"]

    def ended() -> bool:
        return as_json(mistral, "execution-get", identifier)["State"] in ("SUCCESS", "ERROR", "CANCELLED")

    wait_for(ended, 30, f"the end of {identifier}")
    return identifier


def test_a_workflow_is_created_listed_shown_updated_and_deleted(mistral: Command, greeter: str, tmp_path: Path) -> None:
    listed = as_json(mistral, "workflow-list", "--filter", f"name=eq:{greeter}")
    assert [row["Name"] for row in listed] == [greeter]
    assert listed[0]["Input"] == 'who, word="Hello"'
    shown = as_json(mistral, "workflow-get", greeter)
    assert (shown["Name"], shown["Tags"], shown["Scope"]) == (greeter, "demo", "private")
    text = mistral("workflow-get-definition", greeter)
    assert f"{greeter}:" in text
    changed = tmp_path / "changed.yaml"
    changed.write_text(text.replace("word: Hello", "word: Hi"))
    (updated,) = as_json(mistral, "workflow-update", str(changed))
    assert (updated["ID"], updated["Input"]) == (shown["ID"], 'who, word="Hi"')
    mistral("workflow-delete", greeter)
    assert greeter in mistral("workflow-get", greeter, fails=True)


def test_an_execution_runs_and_its_output_is_read(mistral: Command, greeter: str) -> None:
    identifier = run_to_end(mistral, greeter, '{"who": "Ada"}', "-d", "for Ada")
    shown = as_json(mistral, "execution-get", identifier)
    assert (shown["State"], shown["Description"]) == ("SUCCESS", "for Ada")
    assert json.loads(mistral("execution-get-output", identifier)) == {"said": "Hello, Ada"}
    assert json.loads(mistral("execution-get-input", identifier)) == {"who": "Ada", "word": "Hello"}
    assert greeter in mistral("execution-get-report", identifier)
    assert identifier in [
        row["ID"] for row in as_json(mistral, "execution-list", "--filter", f"workflow_name={greeter}")
    ]
    mistral("execution-delete", identifier)
    assert identifier in mistral("execution-get", identifier, fails=True)


def test_input_may_come_from_a_file(mistral: Command, greeter: str, tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text('{"who": "Grace", "word": "Hey"}')
    identifier = run_to_end(mistral, greeter, str(file))
    assert json.loads(mistral("execution-get-output", identifier)) == {"said": "Hey, Grace"}


def test_tasks_and_actions_of_an_execution_are_looked_into(mistral: Command, greeter: str) -> None:
    identifier = run_to_end(mistral, greeter, '{"who": "Ada"}')
    (task,) = as_json(mistral, "task-list", identifier)
    assert (task["Name"], task["State"], task["Workflow name"]) == ("greet", "SUCCESS", greeter)
    assert as_json(mistral, "task-get", task["ID"])["Workflow Execution ID"] == identifier
    assert json.loads(mistral("task-get-result", task["ID"])) == "Hello, Ada"
    assert json.loads(mistral("task-get-published", task["ID"])) == {"said": "Hello, Ada"}
    (action,) = as_json(mistral, "action-execution-list", task["ID"])
    assert (action["Name"], action["State"], action["Task ID"]) == ("std.echo", "SUCCESS", task["ID"])
    assert as_json(mistral, "action-execution-get", action["ID"])["Task ID"] == task["ID"]
    assert json.loads(mistral("action-execution-get-output", action["ID"])) == {"result": "Hello, Ada"}
    assert json.loads(mistral("action-execution-get-input", action["ID"]))["output"] == "Hello, Ada"


def test_a_wrong_definition_is_refused_with_the_reason(mistral: Command, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("version: '2.0'\nbroken_one:\n  tasks:\n    a: {action: std.noop, on-success: nowhere}\n")
    said = mistral("workflow-create", str(file), fails=True)
    assert "nowhere" in said
    assert as_json(mistral, "workflow-validate", str(file))["Valid"] is False


def test_a_missing_input_is_named(mistral: Command, greeter: str) -> None:
    assert "who" in mistral("execution-create", greeter, fails=True)


def test_an_approval_is_given_with_the_client(mistral: Command, tmp_path: Path) -> None:
    name, file = unique("waits"), tmp_path / "waits.yaml"
    file.write_text(
        f"version: '2.0'\n{name}:\n  output: {{got: <% $.got %>}}\n  tasks:\n"
        "    wait: {action: std.async_noop, publish: {got: <% task().result %>}}\n"
    )
    mistral("workflow-create", str(file))
    identifier = as_json(mistral, "execution-create", name)["ID"]
    (task,) = wait_for(lambda: as_json(mistral, "task-list", identifier), 15, "the task")
    (action,) = wait_for(lambda: as_json(mistral, "action-execution-list", task["ID"]), 15, "the action")
    assert action["State"] == "RUNNING"
    mistral("action-execution-update", action["ID"], "--state", "SUCCESS", "--output", '{"ok": true}')
    wait_for(lambda: as_json(mistral, "execution-get", identifier)["State"] == "SUCCESS", 15, "the end")
    assert json.loads(mistral("execution-get-output", identifier)) == {"got": {"ok": True}}


def test_an_execution_is_paused_resumed_cancelled_and_a_task_rerun(mistral: Command, tmp_path: Path) -> None:
    name, file = unique("waits"), tmp_path / "waits.yaml"
    file.write_text(f"version: '2.0'\n{name}:\n  tasks:\n    wait: {{action: std.async_noop}}\n")
    mistral("workflow-create", str(file))
    identifier = as_json(mistral, "execution-create", name)["ID"]
    (task,) = wait_for(lambda: as_json(mistral, "task-list", identifier), 15, "the task")
    assert as_json(mistral, "execution-update", identifier, "-s", "PAUSED")["State"] == "PAUSED"
    assert as_json(mistral, "execution-update", identifier, "-s", "RUNNING")["State"] == "RUNNING"
    (action,) = wait_for(lambda: as_json(mistral, "action-execution-list", task["ID"]), 15, "the action")
    mistral("action-execution-update", action["ID"], "--state", "ERROR", "--output", '{"why": "no"}')
    wait_for(lambda: as_json(mistral, "execution-get", identifier)["State"] == "ERROR", 15, "the error")
    assert as_json(mistral, "task-rerun", task["ID"])["ID"] == task["ID"]
    wait_for(lambda: as_json(mistral, "execution-get", identifier)["State"] == "RUNNING", 15, "the rerun")
    assert as_json(mistral, "execution-update", identifier, "-s", "CANCELLED")["State"] == "CANCELLED"


def test_actions_are_listed_made_and_run(mistral: Command, tmp_path: Path) -> None:
    listed = {row["Name"] for row in as_json(mistral, "action-list")}
    assert {"std.echo", "std.http", "std.ssh", "std.email", "std.noop", "std.fail", "std.async_noop"} <= listed
    name, file = unique("shout"), tmp_path / "shout.yaml"
    file.write_text(
        f"version: '2.0'\n{name}:\n  base: std.echo\n  input: [text]\n"
        "  base-input: {output: <% $.text.toUpper() %>}\n"
    )
    (created,) = as_json(mistral, "action-create", str(file))
    assert (created["Name"], created["Input"]) == (name, "text")
    assert json.loads(mistral("run-action", name, '{"text": "hi"}')) == {"result": "HI"}
    assert name in mistral("action-get-definition", name)
    saved = as_json(mistral, "run-action", "std.echo", '{"output": 5}', "-s")
    wait_for(lambda: as_json(mistral, "action-execution-get", saved["ID"])["State"] == "SUCCESS", 15, "the action")
    mistral("action-delete", name)
    mistral("action-get", name, fails=True)


def test_a_workbook_is_created_and_its_workflow_runs(mistral: Command, tmp_path: Path) -> None:
    name, file = unique("book"), tmp_path / "book.yaml"
    file.write_text(
        f"version: '2.0'\nname: {name}\nworkflows:\n  main:\n    output: {{r: <% $.r %>}}\n    tasks:\n"
        "      t: {workflow: sub, publish: {r: <% task().result.n %>}}\n"
        "  sub:\n    output: {n: 5}\n    tasks:\n      t: {action: std.noop}\n"
    )
    assert as_json(mistral, "workbook-validate", str(file))["Valid"] is True
    assert as_json(mistral, "workbook-create", str(file))["Name"] == name
    assert name in [row["Name"] for row in as_json(mistral, "workbook-list")]
    identifier = run_to_end(mistral, f"{name}.main")
    assert json.loads(mistral("execution-get-output", identifier)) == {"r": 5}
    (task,) = as_json(mistral, "task-list", identifier)
    assert [row["Workflow name"] for row in as_json(mistral, "task-get-sub-executions", task["ID"])] == [f"{name}.sub"]
    mistral("workbook-delete", name)
    mistral("workbook-get", name, fails=True)


def test_an_environment_is_created_used_updated_and_deleted(mistral: Command, tmp_path: Path) -> None:
    name, file, workflow = unique("env"), tmp_path / "env.json", tmp_path / "reads.yaml"
    file.write_text(json.dumps({"name": name, "description": "d", "variables": {"city": "Porto"}}))
    assert as_json(mistral, "environment-create", str(file))["Name"] == name
    workflow.write_text(
        f"version: '2.0'\nreads-{name}:\n  output: {{c: <% env().city %>}}\n  tasks:\n    t: {{action: std.noop}}\n"
    )
    mistral("workflow-create", str(workflow))
    identifier = run_to_end(mistral, f"reads-{name}", "{}", json.dumps({"env": name}))
    assert json.loads(mistral("execution-get-output", identifier)) == {"c": "Porto"}
    file.write_text(json.dumps({"name": name, "variables": {"city": "Lima"}}))
    mistral("environment-update", str(file))
    assert json.loads(as_json(mistral, "environment-get", name)["Variables"]) == {"city": "Lima"}
    assert name in [row["Name"] for row in as_json(mistral, "environment-list")]
    mistral("environment-delete", name)
    mistral("environment-get", name, fails=True)


@pytest.mark.slow
def test_a_cron_trigger_fires_and_says_so(mistral: Command, greeter: str) -> None:
    name = unique("every-minute")
    made = as_json(
        mistral, "cron-trigger-create", name, greeter, '{"who": "Cron"}', "--pattern", "* * * * *", "--count", "1"
    )
    assert (made["Name"], made["Workflow"], made["Pattern"]) == (name, greeter, "* * * * *")
    assert name in [row["Name"] for row in as_json(mistral, "cron-trigger-list")]
    assert made["Remaining executions"] == 1

    def executions() -> list[dict[str, Any]]:
        return as_json(mistral, "execution-list", "--filter", f"workflow_name={greeter}")

    (fired,) = wait_for(executions, 80, "an execution made by the trigger")
    wait_for(lambda: as_json(mistral, "execution-get", fired["ID"])["State"] == "SUCCESS", 15, "its end")
    assert json.loads(mistral("execution-get-output", fired["ID"])) == {"said": "Hello, Cron"}
    description = json.loads(as_json(mistral, "execution-get", fired["ID"])["Description"])
    assert description["triggered_by"]["type"] == "cron_trigger"
    assert name in mistral("cron-trigger-get", name, fails=True)  # its one firing is used up


def test_a_cron_trigger_is_deleted_before_it_fires(mistral: Command, greeter: str) -> None:
    name = unique("never")
    mistral("cron-trigger-create", name, greeter, '{"who": "x"}', "--pattern", "0 0 1 1 *")
    mistral("cron-trigger-delete", name)
    mistral("cron-trigger-get", name, fails=True)


def test_an_example_of_the_readers_runs(mistral: Command, definitions: Path) -> None:
    (created,) = as_json(mistral, "workflow-create", str(definitions / "hello.yaml"))
    try:
        assert created["Name"] == "hello"
        identifier = run_to_end(mistral, "hello", '{"names": ["World"]}')
        assert json.loads(mistral("execution-get-output", identifier))["greetings"] == ["Hello, World!"]
    finally:
        mistral("workflow-delete", "hello")
