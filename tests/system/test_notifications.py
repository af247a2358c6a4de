"""What ``notify`` publishers are told: by HTTP to a real receiver, and through a plug-in that was installed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import HttpPeer, Request, wait_for
from processes import ServiceProcess, service_process
from rest import Rest

DEFINITION = """
version: '2.0'
told:
  tasks:
    bad:
      action: std.fail
      retry: {count: 1, delay: 1}
      on-error: kid
    kid:
      workflow: told_below
told_below:
  tasks:
    inner: {action: std.noop}
"""

COMMON = ["id", "name"]
WORKFLOW = ["workflow_name", "workflow_namespace", "workflow_id"]
TASK_KEYS = [*COMMON, "workflow_execution_id", *WORKFLOW, "state", "state_info", "type", "project_id", "created_at"]
TASK_KEYS += ["updated_at", "started_at", "finished_at", "event"]
WORKFLOW_KEYS = [*COMMON, *WORKFLOW, "state", "state_info", "project_id", "task_execution_id", "root_execution_id"]
WORKFLOW_KEYS += ["created_at", "updated_at", "event"]

PLUGIN = """
import json

class Writer:
    def publish(self, ctx, ex_id, data, event, timestamp, **kwargs):
        with open(kwargs["file"], "a") as out:
            out.write(json.dumps([ex_id, event, timestamp, data["state"], kwargs]) + "\\n")

class Broken:
    def publish(self, ctx, ex_id, data, event, timestamp, **kwargs):
        raise RuntimeError("this publisher always breaks")
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed distribution that brings two publishers."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "acme_publishers.py").write_text(PLUGIN)
    info = folder / "acme_publishers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-publishers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mistral.notification.publishers]\n"
        "acme_writer = acme_publishers:Writer\n"
        "acme_broken = acme_publishers:Broken\n"
    )
    return folder


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("notifications")
    with service_process(folder, "service", f"sqlite:///{folder}/n.db", packages=packages) as started:
        started.rest.post("/workflows", DEFINITION)
        yield started


def _events(web: HttpPeer, path: str) -> list[tuple[str | None, str, str]]:
    told = [request.json for request in web.received(path)]
    return [(each["event"], each["name"], each["state"]) for each in told]


def _run(rest: Rest, publishers: Any) -> dict[str, Any]:
    return rest.run("told", params={"notify": publishers})


def test_a_webhook_is_told_of_all_that_happens_in_a_tree_in_its_order(service: ServiceProcess, web: HttpPeer) -> None:
    execution = _run(service.rest, [{"type": "webhook", "url": f"{web.url}/hooks/all", "headers": {"X-Who": "me"}}])
    wait_for(lambda: ("WORKFLOW_SUCCEEDED", "told", "SUCCESS") in _events(web, "/hooks/all"), 10, "the last event")
    assert _events(web, "/hooks/all") == [
        ("WORKFLOW_LAUNCHED", "told", "RUNNING"),
        ("TASK_LAUNCHED", "bad", "RUNNING"),
        ("TASK_FAILED", "bad", "ERROR"),
        (None, "bad", "DELAYED"),
        ("TASK_LAUNCHED", "bad", "RUNNING"),
        ("TASK_FAILED", "bad", "ERROR"),
        ("TASK_LAUNCHED", "kid", "RUNNING"),
        ("WORKFLOW_LAUNCHED", "told_below", "RUNNING"),
        ("TASK_LAUNCHED", "inner", "RUNNING"),
        ("TASK_SUCCEEDED", "inner", "SUCCESS"),
        ("WORKFLOW_SUCCEEDED", "told_below", "SUCCESS"),
        ("TASK_SUCCEEDED", "kid", "SUCCESS"),
        ("WORKFLOW_SUCCEEDED", "told", "SUCCESS"),
    ]
    requests: list[Request] = web.received("/hooks/all")
    assert {request.headers["X-Who"] for request in requests} == {"me"}
    first, second = requests[0].json, requests[1].json
    assert list(first) == WORKFLOW_KEYS
    assert list(second) == TASK_KEYS
    assert first["id"] == second["workflow_execution_id"] == execution["id"]
    assert first["created_at"] == execution["created_at"]
    below = requests[7].json
    assert below["root_execution_id"] == execution["id"]
    assert below["task_execution_id"] == service.rest.task(execution["id"], "kid")["id"]


def test_a_publisher_with_event_types_is_told_of_these_only(service: ServiceProcess, web: HttpPeer) -> None:
    wanted = ["TASK_FAILED", "WORKFLOW_SUCCEEDED"]
    _run(
        service.rest,
        [
            {"type": "noop"},
            {"type": "webhook", "url": f"{web.url}/hooks/some", "event_types": wanted},
            {"type": "webhook", "url": f"{web.url}/hooks/last", "event_types": ["WORKFLOW_SUCCEEDED"]},
        ],
    )
    wait_for(lambda: len(_events(web, "/hooks/last")) == 2, 10, "the last event")
    assert [event for event, _, _ in _events(web, "/hooks/some")] == [
        "TASK_FAILED",
        "TASK_FAILED",
        "WORKFLOW_SUCCEEDED",
        "WORKFLOW_SUCCEEDED",
    ]


def test_a_publisher_from_an_installed_package_gets_the_other_keys_of_its_entry(
    service: ServiceProcess, tmp_path: Path
) -> None:
    written = tmp_path / "events"
    entry = {"type": "acme_writer", "file": str(written), "event_types": ["WORKFLOW_SUCCEEDED"], "extra": {"a": [1]}}
    execution = _run(service.rest, [entry])
    wait_for(lambda: written.exists() and len(written.read_text().splitlines()) == 2, 10, "both lines")
    identifier, event, timestamp, state, given = json.loads(written.read_text().splitlines()[1])
    assert (identifier, event, state) == (execution["id"], "WORKFLOW_SUCCEEDED", "SUCCESS")
    assert timestamp == execution["updated_at"]
    assert given == {key: value for key, value in entry.items() if key != "type"}


def test_a_publisher_that_fails_or_does_not_exist_is_logged_and_hinders_nobody(
    service: ServiceProcess, web: HttpPeer
) -> None:
    last = {"event_types": ["WORKFLOW_SUCCEEDED"]}
    publishers = [
        {"type": "acme_broken", **last},
        {"type": "acme_unknown", **last},
        {"type": "webhook", "url": f"{web.url}/status/500", **last},
        {"url": "no type", **last},
        "not even an object",
        {"type": "webhook", "url": f"{web.url}/hooks/good", **last},
    ]
    assert _run(service.rest, publishers)["state"] == "SUCCESS"
    wait_for(lambda: len(_events(web, "/hooks/good")) == 2, 10, "the good publisher's events")
    for why in ("this publisher always breaks", "no notification publisher 'acme_unknown'", "answered 500"):
        assert why in service.said


@pytest.mark.parametrize("publishers", [5, {"type": "webhook"}, "webhook", None, []])
def test_a_notify_parameter_that_is_no_list_tells_nobody(service: ServiceProcess, publishers: Any) -> None:
    assert _run(service.rest, publishers)["state"] == "SUCCESS"


def test_publishers_of_the_settings_are_told_besides_an_executions_own(tmp_path: Path, web: HttpPeer) -> None:
    last = {"type": "webhook", "event_types": ["WORKFLOW_SUCCEEDED"]}
    always = json.dumps([{"url": f"{web.url}/hooks/always", **last}])
    with service_process(tmp_path, "always", f"sqlite:///{tmp_path}/n.db", notifier_notify=always) as started:
        started.rest.post("/workflows", DEFINITION)
        started.rest.run("told")
        started.rest.run("told", params={"notify": [{"url": f"{web.url}/hooks/own", **last}]})
    assert len(web.received("/hooks/always")) == 4
    assert len(web.received("/hooks/own")) == 2


def test_events_on_their_way_are_delivered_before_the_service_stops(tmp_path: Path, web: HttpPeer) -> None:
    slow = [{"type": "webhook", "url": f"{web.url}/slow?seconds=0.2"}]
    with service_process(tmp_path, "stopping", f"sqlite:///{tmp_path}/n.db") as started:
        started.rest.post("/workflows", DEFINITION)
        started.rest.run("told", params={"notify": slow})
    assert len(web.received("/slow")) == 13
