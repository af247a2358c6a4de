"""Due timers and cron triggers, with the real engine on both databases."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from peers import wait_for
from services import new_postgresql_database

from mistralish.config import load_settings
from mistralish.definitions import Definitions
from mistralish.scheduler import Scheduler
from mistralish.service import Service
from mistralish.store import Tenant, parse_query

MINUTE = 60_000_000
TENANT = Tenant("<default-project>")
DEFINITION = """
version: '2.0'
tick:
  input: [word: tock]
  output: {word: <% $.word %>}
  tasks: {t: {action: std.noop}}
"""

MakeService = Callable[[], Service]


@pytest.fixture(params=["sqlite", "postgresql"])
def make_service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeService]:
    """Makes services on one database; on PostgreSQL several, as so many processes would be."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/test.db"
        if request.param == "postgresql":
            url = stack.enter_context(new_postgresql_database())

        def make() -> Service:
            service = Service(load_settings({"database_url": url}, environ={}))
            service.engine.start()  # its scheduler stands still: the tests bring their own
            stack.callback(service.stop, 2)
            return service

        yield make


@pytest.fixture
def service(make_service: MakeService) -> Service:
    made = make_service()
    Definitions(made.store, TENANT).create_workflows(DEFINITION)
    return made


def now() -> int:
    return time.time_ns() // 1000


def add_trigger(service: Service, name: str, due: int, **values: Any) -> dict[str, Any]:
    workflow = service.store.get("workflow", "tick", tenant=TENANT)
    trigger = {
        "name": name,
        "pattern": "@yearly",  # so that no test runs into the next time
        "time_zone": None,
        "workflow_id": workflow["id"],
        "workflow_name": "tick",
        "workflow_namespace": "",
        "workflow_input": {},
        "workflow_params": {},
        "first_execution_time": None,
        "next_execution_time": due,
        "remaining_executions": None,
        "scope": "private",
        **values,
    }
    return service.store.create("cron_trigger", trigger, tenant=TENANT)


def listed(service: Service, kind: str) -> list[dict[str, Any]]:
    query = parse_query(kind, {"include_output": "true"} if kind == "execution" else {}, default_limit=1000)
    return service.store.list(kind, query, tenant=TENANT).items


def ended(service: Service, count: int) -> list[dict[str, Any]]:
    """The executions, once there are so many and all have ended."""

    def there() -> list[dict[str, Any]] | None:
        found = [execution for execution in listed(service, "execution") if execution["state"] == "SUCCESS"]
        return found if len(found) >= count else None

    return wait_for(there, 20, f"{count} executions")


def trigger_of(execution: dict[str, Any]) -> dict[str, Any]:
    return json.loads(execution["description"])["triggered_by"]


def test_an_execution_says_which_trigger_made_it_and_gets_its_input_and_params(service: Service) -> None:
    trigger = add_trigger(
        service, "mine", now() - 1, workflow_input={"word": "tack"}, workflow_params={"env": {"k": "v"}}
    )
    Scheduler(service.store, service.engine).look()
    (execution,) = ended(service, 1)
    assert trigger_of(execution) == {"type": "cron_trigger", "id": trigger["id"], "name": "mine"}
    assert execution["output"] == {"word": "tack"}
    assert execution["params"]["env"] == {"k": "v"}


def test_a_trigger_that_is_not_due_does_not_fire(service: Service) -> None:
    add_trigger(service, "later", now() + MINUTE)
    Scheduler(service.store, service.engine).look()
    time.sleep(0.3)
    assert listed(service, "execution") == []


def test_times_that_were_missed_are_made_up_for_by_one_firing(service: Service) -> None:
    add_trigger(service, "missed", now() - 3 * 60 * MINUTE, pattern="30 * * * *")
    before = now()
    scheduler = Scheduler(service.store, service.engine, now=lambda: before)
    scheduler.look()
    ended(service, 1)
    scheduler.look()
    time.sleep(0.3)
    assert len(listed(service, "execution")) == 1
    (trigger,) = listed(service, "cron_trigger")
    assert before < trigger["next_execution_time"] <= before + 61 * MINUTE


def test_a_trigger_fires_as_often_as_it_may_and_is_then_removed(service: Service) -> None:
    due = now() - 1
    add_trigger(service, "twice", due, remaining_executions=2)
    add_trigger(service, "at a time", due, pattern=None, first_execution_time=due, remaining_executions=1)
    Scheduler(service.store, service.engine).look()
    ended(service, 2)
    (left,) = listed(service, "cron_trigger")
    assert (left["name"], left["remaining_executions"]) == ("twice", 1)
    later = left["next_execution_time"] + 1
    Scheduler(service.store, service.engine, now=lambda: later).look()
    ended(service, 3)
    assert listed(service, "cron_trigger") == []


def test_a_trigger_whose_workflow_refuses_to_start_goes_on_to_its_next_time(service: Service) -> None:
    due = now() - 1
    add_trigger(service, "wrong", due, workflow_input={"wrod": 1})
    add_trigger(service, "right", due)
    Scheduler(service.store, service.engine).look()
    ended(service, 1)
    wait_for(
        lambda: all(trigger["next_execution_time"] > due for trigger in listed(service, "cron_trigger")),
        10,
        "both triggers' next time",
    )
    assert [trigger_of(execution)["name"] for execution in listed(service, "execution")] == ["right"]


def test_every_due_trigger_fires_exactly_once_however_many_schedulers_look(
    service: Service, make_service: MakeService
) -> None:
    due = now() - 1
    names = {add_trigger(service, f"trigger-{number}", due)["name"] for number in range(120)}
    # SQLite belongs to one process, which may still look twice; PostgreSQL is shared by several.
    other = service if service.settings.database_url.startswith("sqlite") else make_service()
    schedulers = [Scheduler(each.store, each.engine, poll_seconds=0.1) for each in (service, other)]
    for scheduler in schedulers:
        scheduler.start()
    try:
        ended(service, len(names))
        time.sleep(0.5)  # a second firing would come by now
    finally:
        for scheduler in schedulers:
            scheduler.stop()
    fired = sorted(trigger_of(execution)["name"] for execution in listed(service, "execution"))
    assert fired == sorted(names)


def test_a_look_comes_when_something_is_due_and_not_at_the_next_poll(service: Service) -> None:
    scheduler = Scheduler(service.store, service.engine, poll_seconds=3600)
    scheduler.start()
    try:
        time.sleep(0.2)
        add_trigger(service, "soon", now() + 500_000)
        scheduler.wake()
        started = time.monotonic()
        (execution,) = ended(service, 1)
        assert 0.3 < time.monotonic() - started < 5
        assert trigger_of(execution)["name"] == "soon"
    finally:
        scheduler.stop()


def test_many_timers_that_are_due_at_once_are_all_handled(service: Service) -> None:
    text = "version: '2.0'\nlate: {tasks: {a: {action: std.noop, wait-before: 1}}}\n"
    text += "many: {input: [n], tasks: {c: {with-items: 'i in <% range($.n) %>', workflow: late}}}\n"
    Definitions(service.store, TENANT).create_workflows(text)
    scheduler = Scheduler(service.store, service.engine)
    service.engine.on_timer = scheduler.wake_at
    scheduler.start()
    try:
        service.engine.call(_start("many", {"n": 1200}))
        wait_for(
            lambda: any(e["workflow_name"] == "many" and e["state"] == "SUCCESS" for e in _roots(service)),
            40,
            "the end of 1200 delayed sub-workflows",
        )
    finally:
        scheduler.stop()
    assert service.store.next_timer_at() is None


def _roots(service: Service) -> list[dict[str, Any]]:
    return service.store.list("execution", parse_query("execution", {"workflow_name": "many"}), tenant=TENANT).items


def _start(workflow: str, given: dict[str, Any]) -> Any:
    from mistralish.engine.commands import StartExecution
    from mistralish.ids import new_id

    return StartExecution(new_id(), workflow, input=given, project_id=TENANT.project_id)
