"""What a turn left undone when its process died: kept as a message, or found out again by whoever comes after it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine, pace
from mistralish.engine.commands import StartExecution
from mistralish.errors import UnavailableError
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant, open_store

CHAIN = """
version: '2.0'
chain:
  output: {sum: <% $.c %>}
  tasks:
    a: {action: std.echo output=1, publish: {a: <% task().result %>}, on-success: [b]}
    b: {action: mine n=<% $.a %>, publish: {b: <% task().result %>}, on-success: [c]}
    c: {action: std.echo output=<% $.b + 1 %>, publish: {c: <% task().result %>}}
"""
MINE = "{version: '2.0', mine: {input: [n], base: std.echo output=<% $.n + 1 %>}}"

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # shared databases keep messages


@contextmanager
def _engine(store: Store) -> Iterator[Engine]:
    registry = Registry(find_entry_points=list)
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))
    engine.start()
    yield engine
    engine.stop(1)


@pytest.mark.parametrize("kept", [2, 3])
def test_results_of_actions_that_only_compute_are_found_out_again(
    url: str, store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """Turns that decide one command each, of which only the first few reach the disk."""
    monkeypatch.setattr(pace, "TURN_SECONDS", -1.0)
    monkeypatch.setattr(pace, "SECONDS_TO_FINISH", -1.0)
    Definitions(store, tenant).create_actions(MINE)
    Definitions(store, tenant).create_workflows(CHAIN)
    identifier, left, working = new_id(), kept, store.turn

    def turn_until_the_crash(roots: object) -> object:
        nonlocal left
        if left == 0:
            raise UnavailableError("the process has died")
        left -= 1
        return working(roots)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "turn", turn_until_the_crash)
    with _engine(store) as dying:
        dying.call(StartExecution(identifier, "chain", project_id=tenant.project_id))
        end = time.monotonic() + 10
        while left:
            assert time.monotonic() < end
            time.sleep(0.001)
    successor = open_store(url)
    assert successor.get("execution", identifier, tenant=tenant)["state"] == "RUNNING"
    assert successor.pending_messages(10) == []
    with _engine(successor) as engine:
        found = engine.watchers.wait_until(identifier, lambda: _ended(successor, identifier, tenant), 10)
    successor.close()
    assert found is not None, "the execution did not go on"
    assert (found["state"], found["output"]) == ("SUCCESS", {"sum": 3})


def _ended(store: Store, identifier: str, tenant: Tenant) -> dict[str, object] | None:
    execution = store.get("execution", identifier, tenant=tenant)
    return None if execution["state"] == "RUNNING" else execution
