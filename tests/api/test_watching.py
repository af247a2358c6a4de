"""Health, readiness, metrics, and what every answer and every request's record has."""

import json
import logging
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from mistralish.api import create_app
from mistralish.config import Settings
from mistralish.errors import UnavailableError
from mistralish.identity import Identity
from mistralish.logs import JsonFormatter
from mistralish.readiness import Readiness
from mistralish.service import Service

SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MOVING = SimpleNamespace(seconds_in_turn=lambda: 0.0, seconds_since_look=lambda: 0.0)
REQUEST_ID = f"req-{uuid.UUID(int=7)}"


class Somebody:
    """Says that every request is this caller's."""

    def __init__(self, caller: Identity) -> None:
        self.caller = caller

    def identify(self, request: Any) -> Identity:
        return self.caller


class Nobody:
    """Lets nobody in."""

    def identify(self, request: Any) -> Identity:
        raise AssertionError("asked who it is")


def broken() -> None:
    raise UnavailableError("postgresql://ann:hunter2@db is gone")


def test_health_asks_neither_who_nor_the_database(service: SimpleNamespace) -> None:
    service.store = service.readiness = None
    answer = create_app(service, Nobody()).test_client().get("/health")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "alive"})


def test_a_service_whose_parts_move_is_ready_and_says_so_to_anybody(service: SimpleNamespace) -> None:
    service.readiness = Readiness(service.store.maintenance, MOVING, MOVING)
    answer = create_app(service, Nobody()).test_client().get("/ready")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready"})


def test_a_service_that_is_not_ready_answers_503_with_all_reasons_and_no_details(service: SimpleNamespace) -> None:
    service.readiness = Readiness(broken, MOVING, MOVING)
    service.readiness.is_stopping = True
    answer = create_app(service, Nobody()).test_client().get("/ready")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    told = answer.get_json()["faultstring"]
    assert told == "The service is not ready: it is stopping; the database does not answer, or cannot be written"


@pytest.mark.parametrize("path", ["/", "/v2/", "/health", "/v2/workflows", "/v2/workflows/nowhere", "/nowhere", "/%00"])
def test_every_answer_has_the_headers_that_keep_browsers_and_proxies_from_harm(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers.get(name) for name in SAFE} == SAFE
    assert "Strict-Transport-Security" not in answer.headers


def test_with_tls_a_browser_is_told_to_stay_with_it(client: FlaskClient) -> None:
    assert client.get("/v2/", base_url="https://h").headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("name", ["X-Openstack-Request-Id", "X-Request-Id"])
def test_a_client_may_give_the_request_id(client: FlaskClient, name: str) -> None:
    assert client.get("/", headers={name: REQUEST_ID}).headers["X-Request-Id"] == REQUEST_ID


@pytest.mark.parametrize(
    "given", ["", "7", REQUEST_ID.upper(), REQUEST_ID + "0", f"{REQUEST_ID} forged", "req-" + "0" * 99]
)
def test_an_id_that_is_none_is_replaced(client: FlaskClient, given: str) -> None:
    answered = client.get("/", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert re.fullmatch(r"req-[0-9a-f-]{36}", answered)
    assert answered != given


def requests_logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The records of requests, as JSON has them."""
    return [json.loads(line) for line in caplog.handler.stream.getvalue().splitlines()]


@pytest.fixture
def as_json(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.DEBUG, "mistralish.requests")
    before = caplog.handler.formatter
    caplog.handler.setFormatter(JsonFormatter())
    yield caplog
    caplog.handler.setFormatter(before)


def test_each_request_leaves_a_record_without_its_query(client: FlaskClient, as_json: pytest.LogCaptureFixture) -> None:
    client.get("/v2/executions/abc?fields=state", headers={"X-Request-Id": REQUEST_ID})
    (entry,) = requests_logged(as_json)
    assert entry.pop("duration_ms") > 0
    del entry["timestamp"]
    assert entry.pop("message").startswith("GET /v2/executions/abc 404 ")
    assert entry == {
        "level": "INFO",
        "logger": "mistralish.requests",
        "request_id": REQUEST_ID,
        "project_id": Settings().project_id,
        "execution_id": "abc",
        "method": "GET",
        "path": "/v2/executions/abc",
        "status": 404,
    }


def test_what_a_record_tells_ends_with_its_request(client: FlaskClient, as_json: pytest.LogCaptureFixture) -> None:
    client.get("/v2/executions/abc")
    client.get("/")
    assert {"project_id", "execution_id"} & set(requests_logged(as_json)[1]) == set()


def test_a_path_forges_no_record_and_tells_no_secret(client: FlaskClient, as_json: pytest.LogCaptureFixture) -> None:
    client.get("/v2/workflows/a%0A2026 ERROR forged?")
    client.get("/v2/workflows/token=hunter2hunter2")
    assert len(requests_logged(as_json)) == 2
    assert "hunter2" not in as_json.text


def test_what_changes_something_or_is_refused_is_worth_more_than_what_reads(
    client: FlaskClient, as_json: pytest.LogCaptureFixture
) -> None:
    client.get("/health")
    client.get("/v2/workflows")
    client.get("/nowhere")
    client.post("/v2/environments", json={"name": "e", "variables": {}})
    levels = [(entry["level"], entry["path"]) for entry in requests_logged(as_json)]
    assert levels == [
        ("DEBUG", "/health"),
        ("DEBUG", "/v2/workflows"),
        ("INFO", "/nowhere"),
        ("INFO", "/v2/environments"),
    ]


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Service]:
    settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/real.db")
    started = Service(settings)
    started.start()
    yield started
    started.stop(5)


def numbers(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """What ``/metrics`` tells, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


WORKFLOW = """version: '2.0'
counted:
  tasks:
    first: {action: std.noop, wait-before: 1, on-success: second}
    second: {action: std.fail}
"""


def test_metrics_count_what_was_done(real: Service) -> None:
    client = create_app(real).test_client()
    assert client.post("/v2/workflows", data=WORKFLOW).status_code == 201
    identifier = client.post("/v2/executions", json={"workflow_name": "counted"}).get_json()["id"]
    while client.get(f"/v2/executions/{identifier}").get_json()["state"] == "RUNNING":
        time.sleep(0.02)
    found = numbers(client)
    assert found["mistralish_execution_states_total", "RUNNING"] == 1
    assert found["mistralish_execution_states_total", "ERROR"] == 1
    assert found["mistralish_task_states_total", "SUCCESS"] == 1
    assert found["mistralish_task_states_total", "ERROR"] == 1
    assert found["mistralish_action_states_total", "SUCCESS"] == 1
    assert found["mistralish_engine_commands_total",] >= 2
    assert found["mistralish_engine_turn_duration_seconds_count",] >= 2
    assert found["mistralish_engine_commit_duration_seconds_count",] >= 2
    assert found["mistralish_scheduler_timer_lag_seconds_count",] == 1
    assert found["mistralish_http_requests_total", "/v2/executions", "201", "POST"] == 1
    assert found["mistralish_http_request_duration_seconds_count", "/v2/executions", "POST"] == 1
    assert found["process_resident_memory_bytes",] > 1e6
    for name in (
        "engine_waiting_commands",
        "engine_cached_executions",
        "executor_calls_total",
        "executor_queued_calls",
        "executor_calls_in_flight",
        "executor_stuck_threads",
        "scheduler_cron_lag_seconds_count",
        "database_errors_total",
    ):
        assert found[f"mistralish_{name}",] >= 0


def test_no_client_can_make_more_time_series_or_put_names_into_them(real: Service) -> None:
    client = create_app(real).test_client()
    client.get("/v2/workflows/hunter2")
    client.get("/nowhere")
    numbers(client)
    before = set(numbers(client))
    for number in range(20):
        client.get(f"/nowhere/{number}")
        client.get(f"/v2/workflows/hunter{number}")
        client.open("/", method=f"METHOD{number}")
    more = set(numbers(client)) - before
    assert {series[1:] for series in more if series[0].endswith("_total")} <= {
        ("/", "405", "other"),
        ("405", "none", "other"),
    }
    assert "hunter" not in str(more | before)


def test_metrics_are_for_administrators(service: SimpleNamespace) -> None:
    member = create_app(service, Somebody(Identity("p", roles=frozenset(("member",))))).test_client()
    answer = member.get("/metrics")
    assert answer.status_code == 403
    assert "metrics:get" in answer.get_json()["faultstring"]
