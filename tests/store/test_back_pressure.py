"""Where more is under way than can be done soon, nothing new is started, and callers are told so."""

from collections.abc import Callable

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import MOST_QUEUED, Engine, loop, pace
from mistralish.engine.commands import RunAction, StartExecution
from mistralish.errors import UnavailableError
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant

CHILDREN = 60
WIDE = f"""
version: '2.0'
child: {{tasks: {{c: {{action: std.noop}}}}}}
wide: {{tasks: {{t: {{with-items: 'i in <% range({CHILDREN}).toList() %>', workflow: child}}}}}}
"""


def test_a_start_is_refused_until_the_backlog_is_worked_off(
    store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "MOST_LEFT", 20)
    monkeypatch.setattr(pace, "TURN_SECONDS", 0.0)
    registry = Registry()
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))
    engine.start()
    Definitions(store, tenant).create_workflows(WIDE)

    def start(name: str) -> str:
        return str(engine.call(StartExecution(new_id(), name, project_id=tenant.project_id)).id)

    first = start("wide")
    assert "More is under way than can be done soon" in _refusal(start)
    found = engine.watchers.wait_until(first, lambda: _ended(store, first, tenant), 30)
    assert found == "SUCCESS"
    assert start("child")
    engine.stop(5)


def test_a_project_whose_actions_pile_up_starts_nothing_new_and_others_do(
    store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = {tenant.project_id: MOST_QUEUED}
    monkeypatch.setattr(ThreadExecutor, "queued_of", lambda self, project_id: waiting.get(project_id, 0))
    registry = Registry()
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))
    engine.start()
    other = Tenant("theirs")
    for owner in (tenant, other):
        Definitions(store, owner).create_workflows(WIDE)
        asked = (
            StartExecution(new_id(), "child", project_id=owner.project_id),
            RunAction("std.echo", {"output": 1}, project_id=owner.project_id),
        )
        for command in asked:
            if owner is tenant:
                with pytest.raises(UnavailableError, match="Too many actions of this project wait"):
                    engine.call(command)
            else:
                assert engine.call(command).id
    waiting.clear()
    assert engine.call(StartExecution(new_id(), "child", project_id=tenant.project_id)).id
    engine.stop(5)


def _refusal(start: Callable[[str], str]) -> str:
    for _ in range(CHILDREN):
        try:
            start("child")
        except UnavailableError as error:
            return error.message
    return ""


def _ended(store: Store, identifier: str, tenant: Tenant) -> str | None:
    state = str(store.get("execution", identifier, tenant=tenant)["state"])
    return None if state == "RUNNING" else state
