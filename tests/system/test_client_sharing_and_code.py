"""The `mistral` command for what not every site uses: event triggers, sharing, code sources and dynamic actions."""

import json
from pathlib import Path
from typing import Any

import test_client_commands
from rest import unique
from test_client_commands import Command, as_json

mistral = test_client_commands.mistral
greeter = test_client_commands.greeter


def test_an_event_trigger_is_created_shown_and_deleted(mistral: Command, greeter: str) -> None:
    workflow = as_json(mistral, "workflow-get", greeter)["ID"]
    place = (unique("exchange"), "notifications", "volume.create")
    arguments = ("made", workflow, *place, '{"who": "Event"}', "--params", '{"env": {"k": 1}}')
    made = as_json(mistral, "event-trigger-create", *arguments)
    assert (made["Name"], made["Workflow ID"], made["Exchange"]) == ("made", workflow, place[0])
    assert made["ID"] in [row["ID"] for row in as_json(mistral, "event-trigger-list")]
    shown = as_json(mistral, "event-trigger-get", made["ID"])
    assert (shown["Topic"], shown["Event"]) == place[1:]
    assert "event triggers associated" in mistral("workflow-delete", greeter, fails=True)
    mistral("event-trigger-delete", made["ID"])
    assert made["ID"] in mistral("event-trigger-get", made["ID"], fails=True)


def test_a_workflow_is_shared_and_that_is_answered_and_ended(mistral: Command, greeter: str) -> None:
    shown = as_json(mistral, "workflow-get", greeter)
    workflow, own = shown["ID"], shown["Project ID"]
    made = as_json(mistral, "member-create", workflow, "workflow", "neighbours")
    assert (made["Resource ID"], made["Member ID"], made["Status"]) == (workflow, "neighbours", "pending")
    mistral("member-create", workflow, "workflow", own)
    listed = as_rows(mistral, "member-list", workflow, "workflow")
    assert [row["Member ID"] for row in listed] == ["neighbours", own]
    assert as_json(mistral, "member-get", workflow, "workflow", "-m", own)["Status"] == "pending"
    assert as_json(mistral, "member-update", workflow, "workflow", "-m", own)["Status"] == "accepted"
    mistral("member-delete", workflow, "workflow", "neighbours")
    assert "neighbours" in mistral("member-get", workflow, "workflow", "-m", "neighbours", fails=True)


def test_a_dynamic_action_is_uploaded_run_changed_and_deleted(mistral: Command, tmp_path: Path) -> None:
    source, action, file = unique("module"), unique("sum"), tmp_path / "module.py"
    file.write_text("class Sum:\n    def __init__(self, a, b=1):\n        self.all = (a, b)\n")
    file.write_text(file.read_text() + "\n    def run(self, context):\n        return sum(self.all)\n")
    assert as_json(mistral, "code-source-create", source, str(file))["Name"] == source
    assert source in [row["Name"] for row in as_rows(mistral, "code-source-list")]
    assert mistral("code-source-get-content", source).strip() == file.read_text().strip()
    made = as_json(mistral, "dynamic-action-create", action, "Sum", source)
    assert (made["Name"], made["Class"], made["Code source name"]) == (action, "Sum", source)
    assert action in [row["Name"] for row in as_rows(mistral, "dynamic-action-list")]
    assert json.loads(mistral("run-action", action, '{"a": 2}')) == {"result": 3}
    file.write_text(file.read_text().replace("sum(self.all)", "max(self.all)") + "\n\nOther = Sum\n")
    assert as_json(mistral, "code-source-update", source, str(file))["Name"] == source
    assert json.loads(mistral("run-action", action, '{"a": 2}')) == {"result": 2}
    assert as_json(mistral, "dynamic-action-update", action, "--class-name", "Other")["Class"] == "Other"
    assert as_json(mistral, "dynamic-action-get", action)["Class"] == "Other"
    mistral("dynamic-action-delete", action)
    mistral("dynamic-action-get", action, fails=True)
    mistral("code-source-delete", source)
    assert source in mistral("code-source-get", source, fails=True)


def as_rows(mistral: Command, *arguments: str) -> list[dict[str, Any]]:
    """Return a list that the command prints as JSON, whatever its columns are."""
    rows: list[dict[str, Any]] = json.loads(mistral(*arguments, "-f", "json"))
    return rows
