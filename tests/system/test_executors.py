"""Executors that die, and executors with a name: several service processes on one database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import HttpPeer, wait_for
from processes import service_process
from rest import Rest
from services import new_postgresql_database

HEARTBEATS = {"action_heartbeat_check_interval": 1, "action_heartbeat_max_missed_heartbeats": 3}

CALLING = """
version: '2.0'
calling:
  input: [url]
  tasks:
    call:
      action: std.http url=<% $.url %>
      safe-rerun: {safe}
      on-error: told
    told:
      action: std.noop
      publish:
        why: <% task(call).result %>
"""

RESTING = """
version: '2.0'
resting:
  tasks: {rest: {action: std.sleep seconds=2}}
"""

TARGETED = """
version: '2.0'
targeted:
  input: [where]
  output: {said: <% task(say).result %>}
  tasks:
    say:
      action: std.echo output='from afar'
      target: <% $.where %>
"""


@pytest.fixture(scope="module")
def shared_url() -> Iterator[str]:
    with new_postgresql_database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/executors.db"


def _start_a_call(rest: Rest, web: HttpPeer, safe: bool) -> dict[str, Any]:
    rest.call("DELETE", "/workflows/calling")
    rest.post("/workflows", CALLING.format(safe=str(safe).lower()))
    execution = rest.start("calling", {"url": f"{web.url}/slow?seconds=60"})
    wait_for(lambda: web.received("/slow"), 20, "the call")
    return execution


@pytest.mark.slow
def test_an_action_whose_executor_died_fails_and_on_error_takes_care_of_it(
    shared_url: str, tmp_path: Path, web: HttpPeer
) -> None:
    with service_process(tmp_path, "other", shared_url, **HEARTBEATS) as other:
        with service_process(tmp_path, "dying", shared_url, **HEARTBEATS) as dying:
            execution = _start_a_call(dying.rest, web, safe=False)
            dying.kill()
        ended = other.rest.wait(execution["id"], "SUCCESS", seconds=30)
        call = other.rest.task(ended["id"], "call")
        assert call["state"] == "ERROR"
        (action,) = other.rest.actions(call["id"])
        shown = other.rest.get(f"/action_executions/{action['id']}")
        assert json.loads(shown["output"]) == {"result": "Heartbeat wasn't received."}
        assert other.rest.task(ended["id"], "told")["published"] == {"why": "Heartbeat wasn't received."}
        assert len(web.received("/slow")) == 1


@pytest.mark.slow
def test_an_action_that_is_safe_to_run_again_is_run_again_by_another_process(
    shared_url: str, tmp_path: Path, web: HttpPeer
) -> None:
    with service_process(tmp_path, "other", shared_url, **HEARTBEATS) as other:
        with service_process(tmp_path, "dying", shared_url, **HEARTBEATS) as dying:
            execution = _start_a_call(dying.rest, web, safe=True)
            dying.kill()
        wait_for(lambda: len(web.received("/slow")) == 2, 30, "the second call")
        call = other.rest.task(execution["id"], "call")
        (action,) = other.rest.actions(call["id"])
        other.rest.put(f"/action_executions/{action['id']}", {"state": "SUCCESS", "output": {"enough": True}})
        other.rest.wait(execution["id"], "SUCCESS")


@pytest.mark.slow
def test_a_long_action_of_a_living_executor_is_left_alone(shared_url: str, tmp_path: Path, web: HttpPeer) -> None:
    with (
        service_process(tmp_path, "other", shared_url, **HEARTBEATS),
        service_process(tmp_path, "living", shared_url, **HEARTBEATS) as living,
    ):
        living.rest.call("DELETE", "/workflows/calling")
        living.rest.post("/workflows", CALLING.format(safe="false"))
        execution = living.rest.start("calling", {"url": f"{web.url}/slow?seconds=8"})
        living.rest.wait(execution["id"], "SUCCESS", seconds=30)
        assert living.rest.task(execution["id"], "call")["state"] == "SUCCESS"
        assert len(web.received("/slow")) == 1


@pytest.mark.slow
def test_an_action_that_says_itself_that_it_may_be_repeated_needs_no_safe_rerun(
    sqlite_url: str, tmp_path: Path
) -> None:
    with service_process(tmp_path, "dying", sqlite_url) as dying:
        dying.rest.post("/workflows", RESTING)
        execution = dying.rest.start("resting")
        dying.kill()
    with service_process(tmp_path, "next", sqlite_url) as following:
        following.rest.wait(execution["id"], "SUCCESS")


@pytest.mark.slow
@pytest.mark.parametrize("safe", [True, False])
def test_on_sqlite_the_next_process_takes_care_of_it_at_once(
    sqlite_url: str, tmp_path: Path, web: HttpPeer, safe: bool
) -> None:
    with service_process(tmp_path, "dying", sqlite_url) as dying:
        execution = _start_a_call(dying.rest, web, safe)
        dying.kill()
    with service_process(tmp_path, "next", sqlite_url) as following:
        if safe:
            wait_for(lambda: len(web.received("/slow")) == 2, 20, "the second call")
        else:
            following.rest.wait(execution["id"], "SUCCESS")
            assert "not known to be safe" in following.rest.task(execution["id"], "told")["published"]["why"]


def test_a_task_runs_on_the_executor_that_its_target_names(shared_url: str, tmp_path: Path) -> None:
    with (
        service_process(tmp_path, "first", shared_url, executor_host="first") as first,
        service_process(tmp_path, "second", shared_url, executor_host="second") as second,
    ):
        first.rest.post("/workflows", TARGETED)
        assert first.rest.run("targeted", {"where": "first"})["output"] == {"said": "from afar"}
        assert first.rest.run("targeted", {"where": "second"})["output"] == {"said": "from afar"}
        assert second.rest.run("targeted", {"where": "first"})["output"] == {"said": "from afar"}


def test_a_task_for_an_executor_that_is_not_there_waits_for_it(shared_url: str, tmp_path: Path) -> None:
    with service_process(tmp_path, "first", shared_url, executor_host="first") as first:
        first.rest.call("DELETE", "/workflows/targeted")
        first.rest.post("/workflows", TARGETED)
        execution = first.rest.start("targeted", {"where": "third"})
        first.rest.wait_for_task(execution["id"], "say", "RUNNING")
        deleted = first.rest.start("targeted", {"where": "third"})
        first.rest.wait_for_task(deleted["id"], "say", "RUNNING")
        first.rest.delete(f"/executions/{deleted['id']}", force=True)
        with service_process(tmp_path, "third", shared_url, executor_host="third") as third:
            ended = third.rest.wait(execution["id"], "SUCCESS")
            assert ended["output"] == {"said": "from afar"}


def test_a_call_for_an_executor_that_never_comes_fails_after_its_time(shared_url: str, tmp_path: Path) -> None:
    settings = {**HEARTBEATS, "action_heartbeat_first_heartbeat_timeout": 2, "executor_host": "first"}
    with service_process(tmp_path, "first", shared_url, **settings) as first:
        first.rest.call("DELETE", "/workflows/targeted")
        first.rest.post("/workflows", TARGETED)
        ended = first.rest.run("targeted", {"where": "nobody"})
        assert ended["state"] == "ERROR"
        assert "Heartbeat wasn't received." in ended["state_info"]


def test_an_action_run_on_its_own_goes_to_the_executor_that_its_target_names(shared_url: str, tmp_path: Path) -> None:
    with (
        service_process(tmp_path, "first", shared_url, executor_host="first") as first,
        service_process(tmp_path, "second", shared_url, executor_host="second"),
    ):
        params = {"target": "second", "save_result": True}
        body = {"name": "std.echo", "input": json.dumps({"output": 5}), "params": json.dumps(params)}
        action = first.rest.post("/action_executions", body)

        def done() -> bool:
            return first.rest.get(f"/action_executions/{action['id']}")["state"] == "SUCCESS"

        wait_for(done, 20, "the action's end")
        params["run_sync"] = True
        refused = first.rest.post("/action_executions", body | {"params": json.dumps(params)}, status=400)
        assert "Only an executor called 'second'" in refused["faultstring"]
