"""SIGTERM under load: requests in flight are answered, what is under way is handed over, nothing is lost."""

import signal
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from peers import wait_for
from processes import ServiceProcess, service_process
from services import new_postgresql_database

WORKFLOWS = """
version: '2.0'
load:
  output: {seen: <% $.get(seen) %>}
  tasks:
    work: {action: std.echo output='x', publish: {seen: <% task().result %>}, on-success: hold}
    hold: {action: std.sleep seconds=0.4, on-success: later}
    later: {action: std.noop, wait-before: 1, on-success: children}
    children: {with-items: i in <% range(5) %>, workflow: leaf}
leaf: {tasks: {a: {action: std.noop}}}
endless:
  tasks: {t: {action: std.sleep seconds=600}}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/x.db"
        return
    with new_postgresql_database() as made:
        yield made


class Client(threading.Thread):
    """Starts executions until nobody listens any more; notes what it was told."""

    def __init__(self, service: ServiceProcess) -> None:
        super().__init__(daemon=True)
        self._service = service
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self.cut_off: list[str] = []

    def run(self) -> None:
        session = requests.Session()
        while True:
            identifier = str(uuid.uuid4())
            body = {"workflow_name": "load", "id": identifier}
            try:
                answer = session.post(self._service.rest.url + "/executions", json=body, timeout=30)
            except requests.ConnectionError as error:
                if "refused" not in str(error):
                    self.cut_off.append(identifier)
                    continue
                return
            assert answer.status_code in (201, 503), answer.text
            (self.acknowledged if answer.status_code == 201 else self.refused).append(identifier)


def _stop(service: ServiceProcess, seconds: float) -> float:
    began = time.monotonic()
    service.send(signal.SIGTERM)
    assert service.wait(seconds) == 0, service.said[-3000:]
    assert "Traceback" not in service.said, service.said[-4000:]
    return time.monotonic() - began


def test_what_was_acknowledged_before_a_stop_under_load_ends_after_the_next_start(url: str, tmp_path: Path) -> None:
    with service_process(tmp_path, "first", url, drain_seconds=2) as service:
        service.rest.post("/workflows", WORKFLOWS)
        endless = service.rest.start("endless")["id"]
        clients = [Client(service) for _ in range(6)]
        for client in clients:
            client.start()
        time.sleep(1)
        took = _stop(service, 12)
        for client in clients:
            client.join(20)
            assert not client.is_alive()
    acknowledged = [identifier for client in clients for identifier in client.acknowledged]
    refused = [identifier for client in clients for identifier in client.refused]
    cut_off = [identifier for client in clients for identifier in client.cut_off]
    assert len(acknowledged) > 6
    assert took < 8
    with service_process(tmp_path, "second", url) as service:
        ends = [service.rest.wait(identifier) for identifier in acknowledged]
        assert {(end["state"], end["output"]["seen"]) for end in ends} == {("SUCCESS", "x")}
        for identifier in refused:
            assert service.rest.call("GET", f"/executions/{identifier}").status_code == 404
        assert service.rest.execution(endless)["state"] == "RUNNING"
    print(
        f"\n{url.partition(':')[0]}: {len(acknowledged)} acknowledged, all ended; {len(refused)} refused with 503,"
        f" {len(cut_off)} connections closed unanswered; stopped in {took:.1f} s"
    )


def test_who_waits_is_told_when_the_service_stops_and_readiness_says_so(tmp_path: Path) -> None:
    with service_process(tmp_path, "service", f"sqlite:///{tmp_path}/x.db", drain_seconds=5) as service:
        service.rest.post("/workflows", WORKFLOWS)
        waited_for = service.rest.start("endless")["id"]
        answers: list[Any] = []

        def wait() -> None:
            answers.append(service.rest.call("GET", f"/executions/{waited_for}", params={"wait": 50}))

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.5)
        took = _stop(service, 12)
        waiting.join(10)
    assert answers[0].status_code == 200
    assert answers[0].json()["state"] == "RUNNING"
    assert took < 8


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_service_at_once(second: signal.Signals, tmp_path: Path) -> None:
    with service_process(tmp_path, "service", f"sqlite:///{tmp_path}/x.db", drain_seconds=60) as service:
        service.rest.post("/workflows", WORKFLOWS)
        service.rest.start("endless")
        service.send(signal.SIGTERM)
        wait_for(lambda: "Stopping" in service.said, 20, "the service's word that it stops")
        assert service.exit_code is None
        service.send(second)
        assert service.wait(20) == 128 + second
