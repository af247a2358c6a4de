"""What an event is, and what it starts."""

import json
from typing import Any

import pytest

from mistralish.events import Event, listeners, starts
from mistralish.events.event import NoEventError, read_event


class Kept:
    """Triggers without a store."""

    def __init__(self, *triggers: dict[str, Any]) -> None:
        self._triggers = triggers

    def event_triggers_for(self, exchange: str, topic: str, event: str) -> list[dict[str, Any]]:
        return list(self._triggers)


def trigger(**values: Any) -> dict[str, Any]:
    return {
        "id": "t1",
        "name": "made",
        "project_id": "ours",
        "scope": "private",
        "workflow_id": "w1",
        "workflow_namespace": "space",
        "workflow_input": {"a": 1},
        "workflow_params": {"env": "e"},
        **values,
    }


def read(body: Any, message_id: str | None = None) -> Event:
    return read_event("x", "t", body if isinstance(body, bytes) else json.dumps(body).encode(), message_id)


def test_a_notification_is_read_with_and_without_its_envelope() -> None:
    message = {
        "event_type": "created",
        "payload": [1],
        "publisher_id": "host",
        "timestamp": "now",
        "message_id": "m",
        "_context_project_id": "p",
        "_context_user_id": "u",
    }
    plain = read(message)
    assert plain == read({"oslo.version": "2.0", "oslo.message": json.dumps(message)})
    assert (plain.exchange, plain.topic, plain.event_type, plain.message_id) == ("x", "t", "created", "m")
    assert plain.as_params() == {
        "service": "host",
        "project_id": "p",
        "user_id": "u",
        "timestamp": "now",
        "event_type": "created",
        "payload": [1],
    }


def test_a_short_message_is_an_event_and_its_id_may_be_in_the_properties() -> None:
    event = read({"event": "created", "context": {"project_id": "p"}}, "from-properties")
    assert (event.event_type, event.project_id, event.message_id) == ("created", "p", "from-properties")
    assert read({"event": "created", "message_id": "own"}, "from-properties").message_id == "own"


@pytest.mark.parametrize(
    "body", [b"\xff", b"{", b"[]", b"1", {}, {"event_type": 1}, {"oslo.version": "2", "oslo.message": "["}, b"[" * 9999]
)
def test_what_is_no_event_says_so(body: Any) -> None:
    with pytest.raises(NoEventError):
        read(body)


def test_an_event_starts_the_workflow_as_the_trigger_says() -> None:
    (start,) = starts(read({"event": "created", "payload": 5}), Kept(trigger()), "ours")
    command = start.command
    assert (start.trigger_id, command.workflow, command.namespace, command.project_id) == ("t1", "w1", "space", "ours")
    assert (command.input, command.params["env"], command.params["event_params"]["payload"]) == ({"a": 1}, "e", 5)


@pytest.mark.parametrize(
    ("project", "wanted"),
    [
        ("ours", ["own", "public"]),
        ("theirs", ["public", "theirs"]),
        ("strangers", ["public"]),
        (None, ["own", "public"]),
    ],
)
def test_a_trigger_knows_of_its_own_project_s_events_and_a_public_one_of_all(
    project: str | None, wanted: list[str]
) -> None:
    kept = Kept(
        trigger(id="own"),
        trigger(id="theirs", project_id="theirs"),
        trigger(id="public", project_id="others", scope="public"),
    )
    event = Event("x", "t", "e", context={"project_id": project})
    assert sorted(start.trigger_id for start in starts(event, kept, "ours")) == wanted


def test_the_same_event_gives_the_same_execution_for_each_trigger() -> None:
    def ids(message_id: str | None, exchange: str = "x") -> list[str]:
        event = Event(exchange, "t", "e", message_id=message_id)
        return [start.command.execution_id for start in starts(event, Kept(trigger(), trigger(id="t2")), "ours")]

    first = ids("m")
    assert first == ids("m")
    assert len({*first, *ids("m2"), *ids("m", "y"), *ids(None), *ids(None)}) == 10


class Sources:
    """A store whose triggers wait for so many topics."""

    def __init__(self, count: int) -> None:
        self.count = count

    def event_sources(self) -> list[tuple[str, str]]:
        return [("x", f"t{number:03}") for number in range(self.count)]


class Silent:
    """A listener that only counts."""

    def __init__(self, source: tuple[str, str], log: list[tuple[str, tuple[str, str]]]) -> None:
        self.source, self.log = source, log

    def start(self) -> None:
        self.log.append(("start", self.source))

    def stop(self, *, forget: bool = False) -> None:
        self.log.append(("stop", self.source))


def test_only_so_many_topics_are_listened_to_and_the_rest_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("kombu")
    monkeypatch.setattr(listeners, "MOST_SOURCES", 3)
    store, log = Sources(5), []
    found = listeners.Listeners(store, None, "amqp://u:p@h", "pool", "ours")  # type: ignore[arg-type]  # not asked
    monkeypatch.setattr(found, "_make", lambda *source: Silent(source, log))
    found._refresh()
    assert log == [("start", ("x", f"t00{number}")) for number in range(3)]
    assert "No more than 3 topics are listened to; left out: [('x', 't003'), ('x', 't004')]" in caplog.text
    store.count = 1
    found._refresh()
    store.count = 4
    found._refresh()
    assert len(found._listeners) == 3
