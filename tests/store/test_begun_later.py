"""A start is answered once it is kept; the first tasks come right after, before anybody can miss them."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from store_rows import listed

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine, commands, pace
from mistralish.engine.commands import StartExecution
from mistralish.errors import MistralishError, UnavailableError
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant

DEFINITIONS = """
version: '2.0'
waiting: {tasks: {a: {action: std.async_noop}}}
quick: {tasks: {a: {action: std.noop, on-success: b}, b: {action: std.noop}}}
outer: {tasks: {below: {workflow: waiting}}}
forgiving: {tasks: {below: {workflow: failing, on-error: noop}}}
failing: {tasks: {f: {action: std.fail}}}
"""


@pytest.fixture(autouse=True)
def _definitions(store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    # As it is among many callers, however few there are here.
    monkeypatch.setattr(pace, "TURNS_OF_A_LONE_CALLER", 0)
    Definitions(store, tenant).create_workflows(DEFINITIONS)


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    with made(store) as engine:
        yield engine


@contextmanager
def made(store: Store) -> Iterator[Engine]:
    """An engine that has not been started."""
    registry = Registry()
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))
    yield engine
    engine.stop(5)


def start(name: str, tenant: Tenant) -> StartExecution:
    return StartExecution(new_id(), name, project_id=tenant.project_id, is_new=True)


def state(store: Store, identifier: str, tenant: Tenant) -> str:
    return str(store.get("execution", identifier, tenant=tenant)["state"])


def ended(store: Store, identifier: str, tenant: Tenant) -> Callable[[], str | None]:
    def look() -> str | None:
        found = state(store, identifier, tenant)
        return None if found == "RUNNING" else found

    return look


def names(store: Store, tenant: Tenant) -> list[str]:
    return sorted(task["name"] for task in listed(store, "task", tenant).items)


def test_who_waits_for_what_was_started_finds_its_first_tasks(store: Store, engine: Engine, tenant: Tenant) -> None:
    engine.start()
    for count in range(1, 6):
        engine.call(start("waiting", tenant))
        engine.admissions.wait(tenant.project_id)
        assert names(store, tenant) == ["a"] * count


def test_a_command_about_an_execution_that_has_not_begun_begins_it(
    store: Store, engine: Engine, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, answers = start("waiting", tenant), []

    def pause(_: Iterable[str]) -> None:
        # The turn that has kept the start has not yet put what is left of it back into the queue.
        if not answers:
            answers.append(engine.submit(commands.PauseExecution(wanted.execution_id)))

    monkeypatch.setattr(engine._loop, "_on_commit", pause)
    engine.start()
    assert engine.call(wanted).state == "RUNNING"
    assert answers[0].result(10).state == "PAUSED"
    assert names(store, tenant) == ["a"]


def test_what_was_answered_for_is_begun_by_the_next_process(store: Store, tenant: Tenant, monkeypatch: Any) -> None:
    wanted, turns, working = start("quick", tenant), [], store.turn

    def only_one(roots: Any) -> Any:
        turns.append(roots)
        if len(turns) > 1:
            raise UnavailableError("the process has died")
        return working(roots)

    monkeypatch.setattr(store, "turn", only_one)
    with made(store) as dying:
        dying.start()
        assert dying.call(wanted).state == "RUNNING"
    assert names(store, tenant) == []
    monkeypatch.undo()
    with made(store) as successor:
        successor.start()
        look = ended(store, wanted.execution_id, tenant)
        assert successor.watchers.wait_until(wanted.execution_id, look, 10) == "SUCCESS"
    assert names(store, tenant) == ["a", "b"]


def test_a_rerun_that_the_executions_above_do_not_allow_changes_nothing(
    store: Store, engine: Engine, tenant: Tenant
) -> None:
    engine.start()
    wanted = start("forgiving", tenant)
    engine.call(wanted)
    look = ended(store, wanted.execution_id, tenant)
    assert engine.watchers.wait_until(wanted.execution_id, look, 10) == "SUCCESS"
    (failed,) = listed(store, "task", tenant, name="f").items
    with pytest.raises(MistralishError, match="Can't change workflow execution state from SUCCESS to RUNNING"):
        engine.call(commands.RerunTask(failed["id"]))
    assert [task["state"] for task in listed(store, "task", tenant, name="f").items] == ["ERROR"]
    assert {row["state"] for row in listed(store, "execution", tenant).items} == {"SUCCESS", "ERROR"}
    assert store.pending_messages(10) == []


def test_a_rerun_is_not_undone_by_the_end_that_came_before_it(
    store: Store, engine: Engine, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent has not been told yet that its sub-workflow has failed, when that is run again."""
    for name in ("TURN_SECONDS", "SECONDS_TO_FINISH", "SECONDS_TO_FINISH_BETWEEN_CALLERS"):
        monkeypatch.setattr(pace, name, -1.0)  # one command a turn
    tell, answers = engine._loop._on_commit, []

    def rerun(executions: Iterable[str]) -> None:
        tell(executions)
        failed = listed(store, "task", tenant, name="a", state="ERROR").items
        if failed and not answers:
            answers.append(engine.submit(commands.RerunTask(failed[0]["id"])))

    engine.start()
    wanted = start("outer", tenant)
    engine.call(wanted)
    first = _action(engine, store, tenant, "")
    monkeypatch.setattr(engine._loop, "_on_commit", rerun)
    engine.call(commands.ActionFinished(first, error="broken", is_error=True))
    second = _action(engine, store, tenant, first)
    assert answers[0].result(10).state == "RUNNING"
    engine.call(commands.ActionFinished(second, data=1))
    look = ended(store, wanted.execution_id, tenant)
    assert engine.watchers.wait_until(wanted.execution_id, look, 10) == "SUCCESS"


def _action(engine: Engine, store: Store, tenant: Tenant, known: str) -> str:
    """The action that waits for its result, once it is there."""
    end = time.monotonic() + 10
    while True:
        rows = listed(store, "action_execution", tenant, name="std.async_noop", state="RUNNING").items
        found = [row["id"] for row in rows if row["id"] != known]
        if found:
            return str(found[0])
        assert time.monotonic() < end
        time.sleep(0.005)
