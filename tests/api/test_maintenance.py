"""``/maintenance`` and ``/info``."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from recording import RecordingEngine, keep
from rows import execution_row

from mistralish.engine.commands import PauseExecution, ResumeExecution
from mistralish.scheduler.maintenance import REASON
from mistralish.store import Store


@pytest.fixture(autouse=True)
def _running_at_the_end(store: Store) -> Iterator[None]:
    yield
    store.set_maintenance("RUNNING")


def test_the_service_runs_is_paused_by_way_of_pausing_and_runs_again(
    client: FlaskClient, service: SimpleNamespace
) -> None:
    assert client.get("/maintenance").get_json() == {"status": "RUNNING"}
    assert client.put("/maintenance", json={"status": "RUNNING"}).get_json() == {"status": "RUNNING"}
    assert client.put("/maintenance", json={"status": "PAUSED"}).get_json() == {"status": "PAUSING"}
    assert client.get("/maintenance").get_json() == {"status": "PAUSING"}
    service.maintenance.work()
    assert client.get("/maintenance").get_json() == {"status": "PAUSED"}
    assert client.put("/maintenance", json={"status": "PAUSED"}).get_json() == {"status": "PAUSED"}
    assert client.put("/maintenance", json={"status": "RUNNING"}).get_json() == {"status": "RUNNING"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"status": "BAD"}, "Not found BAD maintenance state. List of states: ['PAUSING', 'PAUSED', 'RUNNING']"),
        ({"status": "PAUSING"}, "PAUSING is intermediate state. Consider PAUSED, RUNNING as new state"),
        ({}, "Not found None maintenance state"),
        ({"x": 1}, "Unknown attribute: x"),
    ],
)
def test_a_wrong_mode_is_refused(client: FlaskClient, body: dict[str, object], words: str) -> None:
    answer = client.put("/maintenance", json=body)
    assert answer.status_code == 400
    assert words in answer.get_json()["faultstring"]


@pytest.mark.parametrize("mode", ["PAUSING", "PAUSED"])
def test_under_maintenance_is_read_and_nothing_is_changed(client: FlaskClient, store: Store, mode: str) -> None:
    store.set_maintenance(mode)
    for method, path in (
        ("POST", "/v2/executions"),
        ("POST", "/v2/workflows"),
        ("DELETE", "/v2/environments/e"),
        ("PUT", "/v2/executions/e"),
        ("POST", "/v2/events"),
    ):
        answer = client.open(path, method=method, json={"state": "PAUSED"})
        assert answer.status_code == 423
        message = f"Current Mistral state is {mode}. Method is not allowed"
        assert answer.get_json()["faultstring"] == answer.headers["Server-Error-Message"] == message
    assert client.get("/v2/workflows").status_code == 200


def test_under_maintenance_an_execution_can_be_cancelled_and_while_pausing_results_are_taken(
    client: FlaskClient, store: Store
) -> None:
    for mode, taken in (("PAUSING", 404), ("PAUSED", 423)):
        store.set_maintenance(mode)
        assert client.put("/v2/executions/none", json={"state": "CANCELLED"}).status_code == 404
        assert client.put("/v2/action_executions/none", json={"state": "SUCCESS"}).status_code == taken


def test_running_executions_are_paused_and_only_those_are_resumed(
    client: FlaskClient, store: Store, engine: RecordingEngine, service: SimpleNamespace
) -> None:
    keep(store, execution_row("busy", state="RUNNING"), execution_row("done", state="SUCCESS"))
    keep(store, execution_row("waits", state="PAUSED", state_info="for the boss"))
    keep(store, execution_row("child", state="RUNNING", root_execution_id="busy"))
    client.put("/maintenance", json={"status": "PAUSED"})
    paused = execution_row("busy", state="PAUSED", state_info=REASON)

    def pause(command: object, timeout: float = 60) -> None:
        engine.commands.append(command)
        from mistralish.store import Changes

        with store.turn({"busy"}) as turn:
            turn.save(Changes(update=[paused]))

    service.maintenance._engine = SimpleNamespace(call=pause)
    service.maintenance.work()
    assert engine.commands == [PauseExecution("busy", REASON)]
    assert store.maintenance() == "PAUSED"
    engine.commands.clear()
    client.put("/maintenance", json={"status": "RUNNING"})
    service.maintenance.work()
    assert engine.commands == [ResumeExecution("busy")]


def test_info_is_what_a_file_says_unless_it_is_switched_off(
    client: FlaskClient, service: SimpleNamespace, tmp_path: Path
) -> None:
    off = client.get("/info")
    assert off.status_code == 400
    assert off.get_json()["faultstring"].startswith("Info endpoint disabled.")
    file = tmp_path / "info.json"
    service.settings = replace(service.settings, info_file=file)
    missing = client.get("/info")
    assert (missing.status_code, missing.get_json()["faultstring"]) == (400, "Incorrect path to info json file.")
    file.write_text("{oops")
    assert client.get("/info").status_code == 503
    file.write_text('{"release": {"name": "x"}}')
    assert client.get("/info").get_json() == {"release": {"name": "x"}}
