"""What happened to an execution, and waiting for it to happen."""

import re
import threading
import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from recording import keep
from rows import execution_row

from mistralish.records import HistoryEvent
from mistralish.store import Changes, Store

LONG = 30.0
EVENTS = (
    ("execution", {"state": "RUNNING"}),
    ("task", {"task_id": "t-1", "name": "first", "state": "RUNNING"}),
    ("action", {"action_id": "a-1", "task_id": "t-1", "name": "std.echo", "state": "SUCCESS"}),
    ("task", {"task_id": "t-1", "name": "first", "state": "ERROR", "state_info": "It broke"}),
)


@pytest.fixture
def recorded(store: Store) -> str:
    row = execution_row("e-1")
    keep(store, row)
    _add(store, 1, *EVENTS)
    return "/v2/executions/e-1/history"


def _add(store: Store, first: int, *events: tuple[str, dict[str, str]]) -> None:
    history = [HistoryEvent("e-1", seq, 1_000_000 + seq, *event) for seq, event in enumerate(events, first)]
    with store.turn(["e-1"]) as turn:
        turn.save(Changes(history=history))


def _numbers(client: FlaskClient, path: str) -> list[int]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.json
    return [event["seq"] for event in answer.json["history"]]


def test_the_history_tells_what_happened_in_order(client: FlaskClient, recorded: str) -> None:
    events = client.get(recorded).json["history"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert events[0] == {"seq": 1, "time": "1970-01-01 00:00:01.000001", "type": "execution", "state": "RUNNING"}
    assert events[3]["state_info"] == "It broke"
    described = client.get("/v2/openapi.json").json["components"]["schemas"]["HistoryEvent"]["properties"]["time"]
    assert re.search(described["pattern"], events[0]["time"])


def test_pages_follow_each_other_by_their_links(client: FlaskClient, recorded: str) -> None:
    first = client.get(f"{recorded}?limit=2&type=task").json
    assert [event["seq"] for event in first["history"]] == [2, 4]
    rest = client.get(first["next"]).json
    assert rest == {"history": []}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("after=2", [3, 4]),
        ("state=RUNNING", [1, 2]),
        ("task_id=t-1", [2, 3, 4]),
        ("action_id=a-1", [3]),
        ("name=no", []),
    ],
)
def test_events_are_chosen(client: FlaskClient, recorded: str, query: str, numbers: list[int]) -> None:
    assert _numbers(client, f"{recorded}?{query}") == numbers


@pytest.mark.parametrize("query", ["after=-1", "limit=0", "type=tasks", "wait=61", "wait=x", "seq=1"])
def test_an_argument_that_does_not_fit_is_refused(client: FlaskClient, recorded: str, query: str) -> None:
    assert client.get(f"{recorded}?{query}").status_code == 400


def test_the_history_of_nothing_is_not_found(client: FlaskClient) -> None:
    assert client.get("/v2/executions/none/history").status_code == 404


def _while_waiting(engine: object, act: Callable[[], None], ask: Callable[[], object]) -> object:
    """What ``ask`` returns when ``act`` is done, and told, while it waits."""
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    end = time.monotonic() + LONG
    while not engine.watchers.waiting:  # type: ignore[attr-defined]
        assert thread.is_alive()
        assert time.monotonic() < end
        time.sleep(0.001)
    act()
    engine.watchers.tell(["e-1"])  # type: ignore[attr-defined]
    thread.join(LONG)
    return answers[0]


def test_an_empty_page_waits_for_the_next_event(
    client: FlaskClient, store: Store, engine: object, recorded: str
) -> None:
    found = _while_waiting(
        engine,
        lambda: _add(store, 5, ("execution", {"state": "ERROR"})),
        lambda: _numbers(client, f"{recorded}?after=4&wait=30"),
    )
    assert found == [5]


def _end(store: Store) -> None:
    row = execution_row("e-1")
    row.state, row.updated_at = "SUCCESS", row.created_at + 5
    with store.turn(["e-1"]) as turn:
        turn.save(Changes(update=[row]))


def test_a_client_waits_for_the_end_of_an_execution(
    client: FlaskClient, store: Store, engine: object, recorded: str
) -> None:
    found = _while_waiting(
        engine, lambda: _end(store), lambda: client.get("/v2/executions/e-1?wait=30&fields=state").json["state"]
    )
    assert found == "SUCCESS"


def test_what_a_client_has_already_is_not_sent_again(client: FlaskClient, store: Store, recorded: str) -> None:
    first = client.get("/v2/executions/e-1")
    tag = first.headers["ETag"]
    again = client.get("/v2/executions/e-1", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client.get("/v2/executions/e-1?fields=state", headers={"If-None-Match": tag}).status_code == 200
    _end(store)
    changed = client.get("/v2/executions/e-1", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json["state"]) == (200, "SUCCESS")
    assert changed.headers["ETag"] != tag


def test_a_client_waits_for_another_state_than_it_has(
    client: FlaskClient, store: Store, engine: object, recorded: str
) -> None:
    tag = client.get("/v2/executions/e-1").headers["ETag"]
    found = _while_waiting(
        engine,
        lambda: _end(store),
        lambda: client.get("/v2/executions/e-1?wait=30", headers={"If-None-Match": tag}).status_code,
    )
    assert found == 200


def test_time_is_up_with_what_is_there(client: FlaskClient, recorded: str) -> None:
    began = time.monotonic()
    assert client.get("/v2/executions/e-1?wait=1&fields=state").json["state"] == "RUNNING"
    assert time.monotonic() - began >= 1
