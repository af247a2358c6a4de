"""Trees of executions: as a list and as a report."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import keep
from rows import CREATED, CREATED_TEXT, action_row, execution_row, task_row

from mistralish.api import reports
from mistralish.records import HistoryEvent
from mistralish.store import Store


@pytest.fixture
def tree(store: Store) -> None:
    """root: bad (failed action), sub → child: inner (action), deeper → grandchild: last (no children)."""
    keep(
        store,
        execution_row("root", state="ERROR", output={"o": 1}),
        task_row("bad", "root", state="ERROR", runtime_context={"retry_task_policy": {"retry_no": 2}}),
        action_row("bad action", "bad", state="ERROR", accepted=True, last_heartbeat=CREATED),
        task_row("sub", "root", type="WORKFLOW", state="SUCCESS"),
        execution_row("child", task_execution_id="sub", root_execution_id="root", state="SUCCESS"),
        task_row("inner", "child", state="SUCCESS"),
        action_row("inner action", "inner", state="SUCCESS", accepted=True),
        task_row("deeper", "child", type="WORKFLOW", state="DELAYED", created_at=CREATED + 1),
        execution_row("grandchild", task_execution_id="deeper", root_execution_id="root"),
        task_row("last", "grandchild"),
        history=[
            HistoryEvent("root", 1, CREATED, "execution", {"state": "RUNNING"}),
            HistoryEvent("root", 2, CREATED, "task", {"task_id": "bad", "name": "bad", "state": "RUNNING"}),
            HistoryEvent("root", 3, CREATED + 1, "action", {"action_id": "bad action", "state": "ERROR"}),
            HistoryEvent("root", 4, CREATED + 2, "task", {"task_id": "bad", "name": "bad", "state": "ERROR"}),
            HistoryEvent("root", 5, CREATED + 3, "execution", {"state": "ERROR"}),
        ],
    )


def ids(client: FlaskClient, path: str) -> list[str]:
    return [execution["id"] for execution in client.get(f"/v2/{path}").get_json()["executions"]]


@pytest.mark.usefixtures("tree")
def test_an_execution_and_all_below_it_are_listed_parents_first(client: FlaskClient) -> None:
    assert ids(client, "executions/root/executions") == ["root", "child", "grandchild"]
    assert ids(client, "executions/child/executions") == ["child", "grandchild"]
    assert ids(client, "tasks/sub/executions") == ["child", "grandchild"]


@pytest.mark.usefixtures("tree")
def test_the_depth_of_the_list_counts_from_where_it_begins(client: FlaskClient) -> None:
    assert ids(client, "executions/root/executions?max_depth=0") == ["root"]
    assert ids(client, "executions/root/executions?max_depth=1") == ["root", "child"]
    assert ids(client, "tasks/sub/executions?max_depth=0") == ["child"]


@pytest.mark.usefixtures("tree")
def test_the_list_can_be_of_failed_paths_only(client: FlaskClient) -> None:
    assert ids(client, "executions/root/executions?errors_only=true") == ["root"]
    assert ids(client, "tasks/sub/executions?errors_only=true") == []


@pytest.mark.usefixtures("tree")
def test_outputs_are_in_the_list_only_when_asked_for(client: FlaskClient) -> None:
    plain, full = (
        client.get(f"/v2/executions/root/executions?max_depth=0&include_output={flag}").get_json()["executions"][0]
        for flag in ("false", "true")
    )
    assert "output" not in plain
    assert full["output"] == '{"o": 1}'


@pytest.mark.usefixtures("tree")
def test_the_report_is_the_whole_tree_with_figures(client: FlaskClient) -> None:
    report = client.get("/v2/executions/root/report").get_json()
    # A task that is neither running, paused, idle, failed nor successful is in no figure, as in the reference.
    assert report["statistics"] == {
        "total_tasks_count": 4,
        "running_tasks_count": 1,
        "success_tasks_count": 2,
        "error_tasks_count": 1,
        "idle_tasks_count": 0,
        "paused_tasks_count": 0,
        "estimated_time": 0,
    }
    bad, sub = report["root_workflow_execution"]["task_executions"]
    assert bad == {
        "id": "bad",
        "name": "bad",
        "created_at": CREATED_TEXT,
        "updated_at": CREATED_TEXT,
        "state": "ERROR",
        "state_info": None,
        "state_changes": [
            {"state": "RUNNING", "time": f"{CREATED_TEXT}.000000"},
            {"state": "ERROR", "time": f"{CREATED_TEXT}.000002"},
        ],
        "retry_count": 2,
        "action_executions": [
            {
                "id": "bad action",
                "name": "std.echo",
                "created_at": CREATED_TEXT,
                "updated_at": CREATED_TEXT,
                "state": "ERROR",
                "state_info": None,
                "state_changes": [{"state": "ERROR", "time": f"{CREATED_TEXT}.000001"}],
                "accepted": True,
                "last_heartbeat": CREATED_TEXT,
            }
        ],
        "workflow_executions": [],
    }
    (child,) = sub["workflow_executions"]
    assert [task["id"] for task in child["task_executions"]] == ["inner", "deeper"]
    changes = [change["state"] for change in report["root_workflow_execution"]["state_changes"]]
    assert changes == ["RUNNING", "ERROR"]


@pytest.mark.usefixtures("tree")
def test_the_states_in_a_report_are_those_that_the_history_ends_in(client: FlaskClient, store: Store) -> None:
    changed = [
        HistoryEvent("grandchild", 1, CREATED, "task", {"task_id": "last", "name": "last", "state": "PAUSED"}),
        HistoryEvent("grandchild", 2, CREATED, "execution", {"state": "PAUSED"}),
    ]
    keep(store, history=changed)
    report = client.get("/v2/executions/root/report").get_json()
    assert (report["statistics"]["running_tasks_count"], report["statistics"]["paused_tasks_count"]) == (0, 1)
    figures = client.get("/v2/executions/root/report?statistics_only=true").get_json()
    assert figures["statistics"] == report["statistics"]
    node = report["root_workflow_execution"]
    for at in (1, 1):
        (node,) = node["task_executions"][at]["workflow_executions"]
    assert (node["id"], node["state"]) == ("grandchild", "PAUSED")


@pytest.mark.usefixtures("tree")
def test_below_the_greatest_depth_the_report_names_executions_without_their_tasks(client: FlaskClient) -> None:
    report = client.get("/v2/executions/root/report?max_depth=0").get_json()
    assert report["statistics"]["total_tasks_count"] == 2
    (child,) = report["root_workflow_execution"]["task_executions"][1]["workflow_executions"]
    assert child["id"] == "child"
    assert "task_executions" not in child


@pytest.mark.usefixtures("tree")
def test_the_report_can_be_of_failed_tasks_or_figures_only(client: FlaskClient) -> None:
    report = client.get("/v2/executions/root/report?errors_only=true").get_json()
    assert [task["id"] for task in report["root_workflow_execution"]["task_executions"]] == ["bad"]
    figures = client.get("/v2/executions/root/report?statistics_only=true").get_json()
    assert set(figures) == {"statistics"}
    assert figures["statistics"]["total_tasks_count"] == 4


@pytest.mark.usefixtures("tree")
def test_beyond_very_many_events_a_report_has_the_state_alone(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "_MOST_EVENTS", 4)
    root = client.get("/v2/executions/root/report").get_json()["root_workflow_execution"]
    assert (root["state"], "state_changes" in root) == ("ERROR", False)
    monkeypatch.setattr(reports, "_MOST_EVENTS", 5)
    root = client.get("/v2/executions/root/report").get_json()["root_workflow_execution"]
    assert len(root["state_changes"]) == 2


def statistics(client: FlaskClient, execution: str) -> Any:
    return client.get(f"/v2/executions/{execution}/report").get_json()["statistics"]


def test_the_time_left_is_unknown_without_earlier_executions(client: FlaskClient, store: Store) -> None:
    keep(store, execution_row("e"))
    assert statistics(client, "e")["estimated_time"] == -1


def test_the_time_left_is_estimated_from_those_that_succeeded(client: FlaskClient, store: Store) -> None:
    import time

    now = time.time_ns() // 1000
    hour = 3600 * 1_000_000
    keep(store, execution_row("old", state="SUCCESS", created_at=CREATED, updated_at=CREATED + hour))
    keep(store, execution_row("e", created_at=now))
    keep(store, execution_row("overdue", created_at=now - 2 * hour))
    assert 3500 <= statistics(client, "e")["estimated_time"] <= 3600
    assert statistics(client, "overdue")["estimated_time"] == 1


def test_a_tree_wider_than_one_query_is_read_whole(client: FlaskClient, store: Store) -> None:
    rows: list[Any] = [execution_row("root")]
    for n in range(250):
        rows.append(task_row(f"t{n}", "root", type="WORKFLOW", created_at=CREATED + n))
        rows.append(execution_row(f"c{n}", task_execution_id=f"t{n}", root_execution_id="root"))
    keep(store, *rows)
    assert ids(client, "executions/root/executions") == ["root", *(f"c{n}" for n in range(250))]
