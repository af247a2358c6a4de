"""What work costs, in counts that no machine's speed changes: statements, commits, rows, steps of SQLite, calls.

The bounds are what it costs today, rounded up a little: who passes one has made something dearer, and should know.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from store_rows import execution, listed, save

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine, pace
from mistralish.engine.commands import ActionFinished, StartExecution
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant, narrowing, open_store

LONG = 60.0
ONE_IN = 100


def chain(length: int) -> str:
    tasks = (f"    t{at}: {{action: std.noop, on-success: [t{at + 1}]}}\n" for at in range(length - 1))
    return f"chain_{length}:\n  tasks:\n{''.join(tasks)}    t{length - 1}: {{action: std.noop}}\n"


def join(branches: int) -> str:
    tasks = (f"    t{at}: {{action: std.noop, on-success: [j]}}\n" for at in range(branches))
    return f"join_{branches}:\n  tasks:\n{''.join(tasks)}    j: {{join: all, action: std.noop}}\n"


def items(name: str, action: str) -> str:
    return f"{name}:\n  input: [n]\n  tasks:\n    t: {{with-items: i in <% range($.n).toList() %>, action: {action}}}\n"


DEFINITIONS = "version: '2.0'\n" + "".join(
    (
        chain(40),
        chain(320),
        join(40),
        join(320),
        items("fan", "std.echo output=<% $.i %>"),
        items("wait", "std.async_noop"),
    )
)


@dataclass(frozen=True)
class Spent:
    """What something cost; ``steps`` are hundreds of SQLite's instructions, ``calls`` those of Python functions."""

    statements: int
    commits: int
    rows: int
    steps: int
    calls: int


Work = tuple[str, dict[str, Any]]
Run = Callable[..., Spent]


class Cost:
    """What is spent from ``reset`` on. The database is in memory: one connection, so all of it is seen."""

    def __init__(self, store: Store) -> None:
        self._connection: Any = store._connection.database.connection()
        self._connection.set_trace_callback(self._note)
        self._connection.set_progress_handler(self._step, ONE_IN)
        self.reset()

    def reset(self) -> None:
        self._statements = self._commits = self._steps = self._calls = 0
        self._rows_before = self._connection.total_changes

    def spent(self) -> Spent:
        rows = self._connection.total_changes - self._rows_before
        return Spent(self._statements, self._commits, rows, self._steps, self._calls)

    def profile(self, frame: Any, event: str, argument: Any) -> None:
        self._calls += event == "call"

    def _note(self, statement: str) -> None:
        self._statements += 1
        self._commits += statement.startswith("COMMIT")

    def _step(self) -> int:
        self._steps += 1
        return 0


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store("sqlite://")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def cost(store: Store) -> Cost:
    return Cost(store)


@pytest.fixture
def engine(store: Store, cost: Cost, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine whose turns end when there is nothing left to do, however slow the machine is."""
    for name in ("TURN_SECONDS", "SECONDS_BETWEEN_CALLERS"):
        monkeypatch.setattr(pace, name, LONG)
    Definitions(store, tenant).create_workflows(DEFINITIONS)
    registry = Registry()
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1), field_limit_kb=-1)
    threading.setprofile(cost.profile)
    engine.start()
    threading.setprofile(None)
    yield engine
    engine.stop(5)


@pytest.fixture
def run(engine: Engine, store: Store, cost: Cost, tenant: Tenant) -> Run:
    """Start a workflow; what that costs is counted from nothing, its definition being known already."""

    def start(name: str, state: str = "SUCCESS", **given: Any) -> Spent:
        for _ in range(2):
            command = StartExecution(new_id(), name, input=given, project_id=tenant.project_id)
            cost.reset()
            engine.call(command)
            engine.admissions.wait(tenant.project_id)
            assert engine.watchers.wait_until(
                command.execution_id, partial(_is_in, store, command.execution_id, state, tenant), 30
            )
            spent = cost.spent()
        return spent

    return start


def _is_in(store: Store, execution_id: str, state: str, tenant: Tenant) -> bool | None:
    return store.get("execution", execution_id, tenant=tenant)["state"] == state or None


@pytest.mark.parametrize(
    ("name", "given", "tasks", "most_statements", "most_rows"),
    [
        ("chain_320", {}, 320, 0.25, 5.1),
        ("join_320", {}, 321, 0.25, 5.1),
        ("fan", {"n": 320}, 320, 0.13, 2.1),
    ],
)
def test_a_task_is_a_few_rows_and_shares_its_statements_and_its_commit(
    run: Run, name: str, given: dict[str, Any], tasks: int, most_statements: float, most_rows: float
) -> None:
    spent = run(name, **given)
    assert spent.commits == 1
    assert spent.statements / tasks <= most_statements
    assert spent.rows / tasks <= most_rows


def test_many_executions_at_once_are_taken_one_after_the_other_so_that_their_rows_are_written_once(
    engine: Engine, store: Store, cost: Cost, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TURN_SECONDS", "SECONDS_BETWEEN_CALLERS"):
        monkeypatch.setattr(pace, name, 0.0)  # each turn is over at once, but for what it has begun
    for name in ("SECONDS_TO_FINISH", "SECONDS_TO_FINISH_BETWEEN_CALLERS"):
        monkeypatch.setattr(pace, name, LONG)
    cost.reset()
    wanted = [StartExecution(new_id(), "chain_40", project_id=tenant.project_id, is_new=True) for _ in range(20)]
    for answer in [engine.submit(command) for command in wanted]:
        answer.result(30)
    for command in wanted:
        look = partial(_is_in, store, command.execution_id, "SUCCESS", tenant)
        assert engine.watchers.wait_until(command.execution_id, look, 30)
    # A task, its action and three events each; the execution twice, two events of it, and the message between.
    assert cost.spent().rows <= 20 * (40 * 5 + 2 + 2 + 2) + 10


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (("chain_40", {}), ("chain_320", {})),
        (("join_40", {}), ("join_320", {})),
        (("fan", {"n": 40}), ("fan", {"n": 320})),
    ],
    ids=["chain", "join", "items"],
)
def test_a_task_of_a_large_execution_costs_no_more_than_one_of_a_small(run: Run, small: Work, large: Work) -> None:
    few, many = (run(name, **given) for name, given in (small, large))
    assert many.calls <= few.calls * 8 * 1.1
    assert many.steps <= few.steps * 8 * 1.1


def test_completing_one_of_many_items_costs_the_same_however_many_there_are(
    run: Run, cost: Cost, engine: Engine, store: Store, tenant: Tenant
) -> None:
    spent = []
    for count in (50, 400):
        run("wait", "RUNNING", n=count)
        newest = {"sort_keys": "created_at", "sort_dirs": "desc", "limit": "1"}
        (action,) = listed(store, "action_execution", tenant, **newest).items
        cost.reset()
        engine.call(ActionFinished(action["id"], data=1))
        spent.append(cost.spent())
    few, many = spent
    assert (many.statements, many.commits, many.rows) == (few.statements, 1, few.rows)
    assert many.calls <= few.calls * 1.1
    assert many.steps <= few.steps + 2


SORT_KEYS = ("id", "name", "workflow_namespace", "description", "state", "state_info", "accepted", "updated_at", "tags")
FILTERS = (
    *({key: f"{operator}:{value}"} for key, values in {
        "workflow_name": ("common", "rare", "none"),
        "state": ("SUCCESS", "ERROR", "none"),
        "description": ("", "order 7", "none"),
        "state_info": ("none", "Failure 7"),
        "workflow_id": ("id 7", "none"),
    }.items() for value in values for operator in ("eq", "neq", "in", "nin")),
    {"state": "gt:ERROR"}, {"state": "has:RR"}, {"workflow_name": "gt:common"},
    {"description": "gt:"}, {"workflow_id": "lte:id 7"},
    *({"accepted": value} for value in ("eq:true", "eq:false", "neq:false")),
    *({"created_at": f"{operator}:2001-09-09 01:46:50"} for operator in ("gte", "lt")),
    *({"updated_at": f"{operator}:2001-09-09 02:36:40"} for operator in ("gt", "gte", "lt", "lte")),
    *({"tags": f"{operator}:{tag}"} for operator in ("has", "eq", "nin") for tag in ("all", "rare", "none")),
    {"project_id": "neq:theirs"}, {"project_id": "in:theirs,others"},
    {"nulls": "state_info"},
    {"nulls": "task_execution_id"},
)  # fmt: skip


def test_a_page_costs_the_same_however_many_rows_there_are(
    store: Store, cost: Cost, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "_MOST_VALUES": 10,
        "_MOST_MERGED": 5,
        "_FEW_ROWS": 60,
        "_GLANCE_ROWS": 30,
        "_FIRST_ROWS": 1_000,
    }.items():
        monkeypatch.setattr(narrowing, name, value)
    arguments = [*FILTERS, *({"sort_keys": key, "sort_dirs": way} for key in SORT_KEYS for way in ("asc", "desc"))]
    save_executions(store, tenant, 0, 6_000)
    few = [pages(store, cost, tenant, each) for each in arguments]
    save_executions(store, tenant, 6_000, 24_000)
    many = [pages(store, cost, tenant, each) for each in arguments]
    grown = {str(each): (a, b) for each, a, b in zip(arguments, few, many, strict=True) if b > a * 1.5 + 20}
    assert grown == {}


def test_what_runs_and_what_is_read_by_id_costs_the_same_however_much_is_stored(
    run: Run, store: Store, cost: Cost, tenant: Tenant
) -> None:
    spent = []
    for first, last in ((0, 10), (10, 12_000)):
        save_executions(store, tenant, first, last)
        started = run("chain_40")
        cost.reset()
        store.get("execution", f"execution {first}", tenant=tenant)
        spent.append((started, cost.spent()))
    (few, one_of_few), (many, one_of_many) = spent
    assert (many.statements, many.rows) == (few.statements, few.rows)
    assert many.steps <= few.steps * 1.1
    assert one_of_many.steps <= one_of_few.steps + 1


def save_executions(store: Store, tenant: Tenant, first: int, last: int) -> None:
    save(store, insert=[
        execution(
            id=f"execution {at}", project_id=tenant.project_id, created_at=1_000_000_000_000_000 + at * 1_000_000,
            updated_at=1_000_000_000_000_000 + at * 1_000_000, workflow_id=f"id {at % 50}",
            state="ERROR" if at % 20 == 7 else "SUCCESS", state_info=f"Failure {at}" if at % 20 == 7 else None,
            workflow_name="rare" if at == 5 else "common", description=f"order {at}" if at % 10 == 7 else "",
            accepted=at % 20 != 7, tags=["all", "rare"] if at == 5 else ["all"] if at % 3 else [],
        )
        for at in range(first, last)
    ])  # fmt: skip


def pages(store: Store, cost: Cost, tenant: Tenant, arguments: dict[str, str]) -> int:
    """The steps of SQLite that the first page takes, and the one after it."""
    cost.reset()
    page = listed(store, "execution", tenant, limit="10", **arguments)
    if page.marker and page.position:
        listed(store, "execution", tenant, limit="10", **arguments, marker=page.marker, position=page.position)
    return cost.spent().steps
