"""A service as those see it who watch it: its readiness when the database goes or it stops, and its logs."""

import json
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from peers import wait_for
from processes import ServiceProcess, service_process
from services import POSTGRESQL_URL, new_postgresql_database
from serving import GIVEN_URL

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.skipif(bool(GIVEN_URL), reason="starts services with settings of its own")

SECRET = "hunter2hunter2"
REQUEST_ID = f"req-{uuid.UUID(int=11)}"

SLOW = """import pathlib
import time


class Slow:
    def __init__(self, began):
        self.began = began

    def run(self, context):
        pathlib.Path(self.began).touch()
        time.sleep(2.5)
"""

WORKFLOW = """version: '2.0'
fails:
  input: [password]
  tasks:
    look:
      action: std.fail
    post:
      action: std.http url=http://127.0.0.1:1/
"""


def state(process: ServiceProcess, path: str) -> tuple[int, str]:
    """The status of ``/health`` or ``/ready``, and what it says."""
    answer = requests.get(process.rest.url.removesuffix("/v2") + path, timeout=30)
    return answer.status_code, answer.text


@contextmanager
def nobody_may_connect(url: str) -> Iterator[None]:
    """Take a PostgreSQL database away from its users."""
    name = url.rpartition("/")[2]
    with psycopg.connect(POSTGRESQL_URL, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        yield
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_without_its_database_a_service_lives_and_is_not_ready_until_the_database_is_back(tmp_path: Path) -> None:
    with new_postgresql_database() as url, service_process(tmp_path, "watched", url) as process:
        wait_for(lambda: state(process, "/ready")[0] == 200, 10, "readiness")
        with nobody_may_connect(url):
            status, said = wait_for(lambda: _unless_ready(state(process, "/ready")), 10, "no readiness")
            assert status == 503
            assert "the database does not answer" in said
            assert url.rpartition("/")[2] not in said
            assert state(process, "/health")[0] == 200
            counted = re.search(r"^mistralish_database_errors_total (.+)$", state(process, "/metrics")[1], re.MULTILINE)
            assert counted
            assert float(counted[1]) > 0
        wait_for(lambda: state(process, "/ready")[0] == 200, 20, "readiness again")


def _unless_ready(answer: tuple[int, str]) -> tuple[int, str] | None:
    return None if answer[0] == 200 else answer


def test_while_it_stops_a_service_says_that_it_is_not_ready(tmp_path: Path) -> None:
    url, began = f"sqlite:///{tmp_path}/db.sqlite", tmp_path / "began"
    with service_process(tmp_path, "stopping", url, http_threads=1, dynamic_actions="true") as process:
        process.rest.post("/code_sources?name=slow", SLOW)
        process.rest.post("/dynamic_actions", {"name": "slow", "class_name": "Slow", "code_source_name": "slow"})
        answers: dict[str, Any] = {}
        body = {"name": "slow", "input": {"began": str(began)}, "params": {"run_sync": True}}
        working = _aside(lambda: answers.update(work=process.rest.call("POST", "/action_executions", json=body)))
        wait_for(began.exists, 10, "the slow request's start")
        # The only thread is busy: this one waits, and is answered while the service stops.
        asking = _aside(lambda: answers.update(ready=state(process, "/ready")))
        time.sleep(0.7)  # nothing tells from outside that it waits
        process.terminate()
        working.join(10)
        asking.join(10)
    assert answers["work"].status_code == 201
    assert answers["ready"][0] == 503
    assert "it is stopping" in answers["ready"][1]


ENDS = """
import threading, warnings
from mistralish.config import Settings
from mistralish.logs import configure

configure(Settings(log_format="json"))
warnings.warn("password=hunter2hunter2")
thread = threading.Thread(target=lambda: {}["password=hunter2hunter2"])
thread.start()
thread.join()
raise ValueError("password=hunter2hunter2")
"""


def test_warnings_and_unexpected_ends_are_records_like_others() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=60)
    entries = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [entry["level"] for entry in entries] == ["WARNING", "ERROR", "CRITICAL"]
    assert [entry.get("exception", "").rpartition("\n")[2] for entry in entries[1:]] == [
        "KeyError: 'password=***'",
        "ValueError: password=***",
    ]
    assert SECRET not in ended.stderr
    assert ended.returncode == 1


def _aside(function: Any) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def test_logs_are_json_line_by_line_with_the_ids_of_requests_and_executions_and_no_secret(tmp_path: Path) -> None:
    settings = {"log_format": "json", "log_level": "DEBUG"}
    with service_process(tmp_path, "logging", f"sqlite:///{tmp_path}/db.sqlite", **settings) as process:
        process.rest.post("/workflows", WORKFLOW)
        hook = {"type": "webhook", "url": f"http://ann:{SECRET}@127.0.0.1:1/"}
        unknown = {"type": f"token={SECRET}"}
        given = {"workflow_name": "fails", "input": {"password": SECRET}, "params": {"notify": [hook, unknown]}}
        headers = {"X-Openstack-Request-Id": REQUEST_ID, "Authorization": f"Bearer {SECRET}", "X-Auth-Token": SECRET}
        answer = process.rest.call("POST", f"/executions?token={SECRET}", json=given, headers=headers)
        assert answer.headers["X-Request-Id"] == REQUEST_ID
        answer = process.rest.call("POST", "/executions", json=given, headers=headers)
        identifier = answer.json()["id"]
        process.rest.wait(identifier, "ERROR")
        process.rest.call("GET", f"/nowhere%0Aforged/token={SECRET}")
    entries = [json.loads(line) for line in process.said.splitlines()]
    assert all({"timestamp", "level", "logger", "message"} <= set(entry) for entry in entries)
    (started,) = [e for e in entries if e.get("request_id") == REQUEST_ID and e.get("status") == 201]
    assert (started["method"], started["path"], started["execution_id"]) == ("POST", "/v2/executions", identifier)
    about_it = {entry["logger"] for entry in entries if entry.get("execution_id") == identifier}
    assert "mistralish.executors.run" in about_it, "what an action says tells its execution"
    assert SECRET not in process.said
