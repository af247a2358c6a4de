"""Events start workflows: from a real RabbitMQ, as OpenStack sends them and as anybody may, and by HTTP."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from peers import free_port, wait_for
from processes import service_process
from rest import Rest, unique
from services import require_service
from serving import running_server

BROKER_URL = os.environ.get("MISTRALISH_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")
BROKER = {"MISTRALISH_EVENT_BROKER_URL": BROKER_URL}
TOPIC, EVENT = "notifications", "compute.instance.create.end"

Execution = dict[str, Any]


class Broker:
    """What a test sends to the broker, and what it sees there."""

    def __init__(self, channel: Any, exchange: str) -> None:
        self._channel = channel
        self.exchange = exchange
        self._queue = f"mistralish.events.{exchange}.{TOPIC}"

    def send(self, body: Any, key: str = TOPIC, **properties: Any) -> None:
        import kombu

        kombu.Producer(self._channel).publish(body, exchange=self.exchange, routing_key=key, **properties)

    def is_listened_to(self) -> bool:
        """Whether the service consumes its queue, which it does once that is bound to the exchange."""
        with self._channel.connection.client.channel() as channel:
            try:
                return int(channel.queue_declare(self._queue, passive=True).consumer_count) > 0
            except Exception as error:
                if getattr(error, "code", None) == 404:
                    return False
                raise

    def waiting(self) -> int | None:
        """How many messages are in the service's queue, not delivered; None where there is no queue."""
        try:
            with self._channel.connection.client.channel() as channel:
                return int(channel.queue_declare(self._queue, passive=True).message_count)
        except Exception as error:
            if getattr(error, "code", None) == 404:
                return None
            raise

    def clean(self) -> None:
        self._channel.queue_delete(self._queue)
        self._channel.exchange_delete(self.exchange)


@pytest.fixture(scope="module")
def used_exchanges() -> Iterator[list[str]]:
    """What to remove from the broker once no service listens any more: one that does makes it anew."""
    require_service("rabbitmq")
    kombu = pytest.importorskip("kombu")
    used: list[str] = []
    yield used
    with kombu.Connection(BROKER_URL) as connection:
        for exchange in used:
            Broker(connection.channel(), exchange).clean()


@pytest.fixture
def broker(used_exchanges: list[str]) -> Iterator[Broker]:
    """A broker, and an exchange of one's own that is not there yet."""
    import kombu

    with kombu.Connection(BROKER_URL) as connection:
        made = Broker(connection.channel(), unique("exchange"))
        used_exchanges.append(made.exchange)
        yield made


@contextmanager
def listening_service(folder: Path) -> Iterator[Rest]:
    with running_server(folder, BROKER) as started:
        yield Rest(started.url)


@pytest.fixture(scope="module")
def listening(used_exchanges: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """A service that listens to the broker."""
    with listening_service(tmp_path_factory.mktemp("listening")) as rest:
        yield rest


def add_workflow(rest: Rest) -> str:
    """A workflow whose output is the event; its id."""
    name = unique("on-event")
    text = f"version: '2.0'\n{name}:\n  input: [{{a: 1}}]\n"
    text += "  output: {a: <% $.a %>, event: <% execution().params.event_params %>}\n"
    text += "  tasks:\n    t: {action: std.noop}\n"
    return str(rest.post("/workflows", text)["workflows"][0]["id"])


def add_trigger(rest: Rest, exchange: str, **values: Any) -> dict[str, Any]:
    body = {"name": "made", "exchange": exchange, "topic": TOPIC, "event": EVENT, **values}
    body.setdefault("workflow_id", add_workflow(rest))
    created: dict[str, Any] = rest.post("/event_triggers", body)
    return created


def add_listened_trigger(rest: Rest, broker: Broker, **values: Any) -> dict[str, Any]:
    """A trigger whose queue is bound and consumed: from now on nothing is missed."""
    trigger = add_trigger(rest, broker.exchange, **values)
    wait_for(broker.is_listened_to, 20, "the service's consumer")
    return trigger


def executions(rest: Rest, trigger: dict[str, Any]) -> list[Execution]:
    rows = rest.get("/executions", workflow_id=trigger["workflow_id"], include_output="true")["executions"]
    return [row for row in rows if row["state"] == "SUCCESS"]


def started(rest: Rest, trigger: dict[str, Any], count: int = 1) -> list[Execution]:
    """The executions that a trigger has started, once there are so many and they have ended."""
    return wait_for(lambda: (rows := executions(rest, trigger)) and len(rows) >= count and rows, 20, "the executions")


def outputs(rows: list[Execution]) -> list[dict[str, Any]]:
    return [json.loads(row["output"]) for row in rows]


def notification(number: int, **more: Any) -> dict[str, Any]:
    """What oslo.messaging sends (driver messagingv2): a JSON text in an envelope."""
    message = {
        "message_id": f"message-{number}",
        "publisher_id": "compute.host1",
        "event_type": EVENT,
        "priority": "INFO",
        "payload": {"instance": number},
        "timestamp": "2026-01-31 12:00:00.000000",
        "_unique_id": f"u{number}",
        "_context_project_id": "<default-project>",
        "_context_user_id": "ada",
        **more,
    }
    return {"oslo.version": "2.0", "oslo.message": json.dumps(message)}


def test_a_notification_of_an_openstack_service_starts_the_workflow(listening: Rest, broker: Broker) -> None:
    trigger = add_listened_trigger(listening, broker, workflow_input={"a": 7}, workflow_params={"env": {"k": 1}})
    broker.send(notification(1), f"{TOPIC}.info")
    (execution,) = started(listening, trigger)
    assert json.loads(execution["output"]) == {
        "a": 7,
        "event": {
            "service": "compute.host1",
            "project_id": "<default-project>",
            "user_id": "ada",
            "timestamp": "2026-01-31 12:00:00.000000",
            "event_type": EVENT,
            "payload": {"instance": 1},
        },
    }
    assert json.loads(execution["params"])["env"] == {"k": 1}
    told = json.loads(execution["description"])
    assert told["triggered_by"] == {"type": "event_trigger", "id": trigger["id"], "name": "made"}
    assert told["description"] == f"Workflow execution created by event trigger '({trigger['id']})'."


def test_a_plain_message_starts_the_workflow_too(listening: Rest, broker: Broker) -> None:
    trigger = add_listened_trigger(listening, broker)
    broker.send(json.dumps({"event_type": EVENT, "payload": [1]}), content_type="text/plain")
    assert outputs(started(listening, trigger))[0]["event"]["payload"] == [1]


def test_a_message_that_is_delivered_twice_starts_one_execution(listening: Rest, broker: Broker) -> None:
    trigger = add_listened_trigger(listening, broker)
    for number in (1, 1, 2, 1, 3):
        broker.send(notification(number), f"{TOPIC}.info")
    rows = started(listening, trigger, 3)
    assert sorted(row["event"]["payload"]["instance"] for row in outputs(rows)) == [1, 2, 3]
    wait_for(lambda: broker.waiting() == 0, 10, "an empty queue")
    assert len(executions(listening, trigger)) == 3


def test_only_the_triggers_of_that_event_and_project_start(listening: Rest, broker: Broker) -> None:
    trigger = add_listened_trigger(listening, broker)
    another = add_trigger(listening, broker.exchange, event="volume.create")
    public = add_trigger(listening, broker.exchange, scope="public")
    broker.send(notification(1, _context_project_id="theirs"), f"{TOPIC}.info")
    broker.send(notification(2), f"{TOPIC}.info")
    assert [row["event"]["payload"] for row in outputs(started(listening, trigger))] == [{"instance": 2}]
    assert {row["event"]["payload"]["instance"] for row in outputs(started(listening, public, 2))} == {1, 2}
    assert executions(listening, another) == []


def test_what_is_no_event_is_left_out_and_the_next_message_counts(listening: Rest, broker: Broker) -> None:
    trigger = add_listened_trigger(listening, broker)
    for body in (b"\xff\xfe", b"no json", b"[1]", {"payload": 1}, {"oslo.version": "2.0", "oslo.message": "{"}):
        properties = {} if isinstance(body, dict) else {"content_type": "text/plain", "content_encoding": "binary"}
        broker.send(body, **properties)
    broker.send(notification(9), f"{TOPIC}.error")
    assert outputs(started(listening, trigger))[0]["event"]["payload"] == {"instance": 9}
    wait_for(lambda: broker.waiting() == 0, 10, "an empty queue")


def test_an_exchange_that_is_there_is_taken_as_it_is(listening: Rest, broker: Broker) -> None:
    broker._channel.exchange_declare(broker.exchange, "topic", durable=True, auto_delete=False)
    trigger = add_listened_trigger(listening, broker)
    broker.send(notification(1), TOPIC)
    assert len(started(listening, trigger)) == 1


def test_a_trigger_whose_workflow_cannot_start_does_not_hold_up_others(listening: Rest, broker: Broker) -> None:
    broken = add_listened_trigger(listening, broker)
    listening.put(f"/event_triggers/{broken['id']}", {"workflow_input": {"unknown": 1}})
    trigger = add_trigger(listening, broker.exchange)
    broker.send(notification(1), TOPIC)
    assert len(started(listening, trigger)) == 1
    wait_for(lambda: broker.waiting() == 0, 10, "an empty queue")
    assert executions(listening, broken) == []


def test_the_last_trigger_of_a_topic_takes_its_queue_along(listening: Rest, broker: Broker) -> None:
    trigger = add_listened_trigger(listening, broker)
    listening.delete(f"/event_triggers/{trigger['id']}")
    wait_for(lambda: broker.waiting() is None, 20, "the end of the queue")


def test_under_maintenance_events_wait_in_the_broker(listening: Rest, broker: Broker) -> None:
    trigger = add_listened_trigger(listening, broker)
    maintenance = listening.url.removesuffix("/v2") + "/maintenance"
    listening.put(maintenance, {"status": "PAUSED"})
    try:
        wait_for(lambda: listening.get(maintenance)["status"] == "PAUSED", 20, "the maintenance")
        broker.send(notification(1), TOPIC)
        broker.send(notification(2), TOPIC)
        listening.post("/events", {"exchange": "e", "topic": "t", "event": "x"}, 423)
        assert executions(listening, trigger) == []
    finally:
        listening.put(maintenance, {"status": "RUNNING"})
    assert len(started(listening, trigger, 2)) == 2


def test_what_comes_while_the_service_is_stopped_is_handled_after_its_next_start(
    broker: Broker, tmp_path: Path
) -> None:
    with listening_service(tmp_path) as rest:
        trigger = add_listened_trigger(rest, broker)
    broker.send(notification(1), f"{TOPIC}.info")
    broker.send(notification(2), f"{TOPIC}.info")
    wait_for(lambda: broker.waiting() == 2, 10, "the messages")
    with listening_service(tmp_path) as rest:
        assert len(started(rest, trigger, 2)) == 2
        wait_for(lambda: broker.waiting() == 0, 10, "an empty queue")


def test_no_event_is_lost_or_counted_twice_when_the_service_is_killed(broker: Broker, tmp_path: Path) -> None:
    url, count = f"sqlite:///{tmp_path / 'killed.sqlite'}", 300
    with service_process(tmp_path, "first", url, event_broker_url=BROKER_URL) as first:
        trigger = add_listened_trigger(first.rest, broker)
        for number in range(count):
            broker.send(notification(number), f"{TOPIC}.info")
        started(first.rest, trigger)
        first.kill()
    wait_for(broker.waiting, 20, "what was not acknowledged, back in the queue")
    with service_process(tmp_path, "second", url, event_broker_url=BROKER_URL) as second:
        rows = started(second.rest, trigger, count)
        assert sorted(row["event"]["payload"]["instance"] for row in outputs(rows)) == list(range(count))
        wait_for(lambda: broker.waiting() == 0, 10, "an empty queue")
        assert len(executions(second.rest, trigger)) == count


def test_a_service_without_its_broker_serves_and_stops(tmp_path: Path) -> None:
    pytest.importorskip("kombu")
    nowhere = {"MISTRALISH_EVENT_BROKER_URL": f"amqp://guest:s3cret@127.0.0.1:{free_port()}//"}
    with running_server(tmp_path, nowhere) as server:
        rest = Rest(server.url)
        trigger = add_trigger(rest, "shop")
        assert server.log is not None
        log: Path = server.log
        told = re.compile(r"no connection to amqp://guest:\*+@127.0.0.1")
        wait_for(lambda: told.search(log.read_text()), 10, "a word in the log")
        assert "s3cret" not in log.read_text()
        rest.post("/events", {"exchange": "shop", "topic": TOPIC, "event": EVENT, "payload": 1})
        assert len(started(rest, trigger)) == 1


@pytest.fixture
def post_event(rest: Rest) -> Callable[..., Any]:
    def post(exchange: str, **values: Any) -> Any:
        return rest.post("/events", {"exchange": exchange, "topic": TOPIC, "event": EVENT, **values})["executions"]

    return post


def test_an_event_by_http_starts_the_workflow_and_tells_the_execution(
    rest: Rest, post_event: Callable[..., Any]
) -> None:
    exchange = unique("shop")
    trigger = add_trigger(rest, exchange)
    (row,) = post_event(exchange, payload={"order": 7}, publisher="till", message_id="m1")
    assert (row["event_trigger_id"], row["error"]) == (trigger["id"], None)
    execution = rest.wait(row["execution_id"], "SUCCESS")
    event = json.loads(rest.get(f"/executions/{execution['id']}")["output"])["event"]
    assert (event["payload"], event["service"], event["project_id"]) == ({"order": 7}, "till", "<default-project>")
    assert post_event(exchange, message_id="m1") == [row]
    assert post_event(exchange, message_id="m2") != [row]
    assert len(started(rest, trigger, 2)) == 2
