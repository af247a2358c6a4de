"""An upgrade finds executions under way, may be broken off, may be tried by several, and never goes back."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store_rows import action, execution, save, task

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine
from mistralish.engine.commands import ActionFinished, StartExecution
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.scheduler import Scheduler
from mistralish.store import Store, Tenant, migrations, open_store, parse_query
from mistralish.store.kinds import KINDS
from mistralish.store.migrations import Step, latest

UNDER_WAY = """
version: '2.0'
child: {tasks: {c: {action: std.async_noop}}}
under_way:
  output: {seen: <% $.seen %>}
  tasks:
    before: {action: std.noop, tags: [first], publish: {seen: kept}, on-success: [later, told, below]}
    later: {action: std.noop, wait-before: 1}
    told: {action: std.async_noop}
    below: {workflow: child}
"""
OURS = Tenant("ours")


@contextmanager
def working(store: Store) -> Iterator[Engine]:
    registry = Registry(find_entry_points=list)
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))
    scheduler = Scheduler(store, engine, poll_seconds=0.2)
    engine.on_timer = scheduler.wake_at
    engine.start()
    scheduler.start()
    yield engine
    scheduler.stop()
    engine.stop(5)


def _make_old(store: Store, version: int, schema: str) -> None:
    """Take away all that came after version 1, or 2, and bring back the indexes that have gone since."""
    names = set(re.findall(r'CREATE (?:TABLE|(?:UNIQUE )?INDEX) (?:public\.)?"?(\w+)"?', schema))
    tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
    indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    if store.is_exclusive is False:
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        indexes = "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix%%'"
    with store.transaction() as database:
        for (name,) in database.execute_sql(indexes).fetchall():
            if name not in names:
                database.execute_sql(f'DROP INDEX "{name}"')
        for (name,) in database.execute_sql(tables).fetchall():
            if name not in names and not name.startswith("sqlite_"):
                database.execute_sql(f'DROP TABLE "{name}"')
        for kind in KINDS.values():
            for column in (*kind.keys.values(), *kind.slots.values(), *filter(None, [kind.lasted])):
                database.execute_sql(f'ALTER TABLE "{kind.model._meta.table_name}" DROP COLUMN "{column.name}"')
        there = {name for (name,) in database.execute_sql(indexes).fetchall()}
        for statement, name in re.findall(r'^(CREATE (?:UNIQUE )?INDEX "?(\w+)"? .*);$', schema, re.MULTILINE):
            if name not in there:
                database.execute_sql(statement)
        database.execute_sql("DELETE FROM counters WHERE name = 'maintenance'")
    for step in migrations.STEPS:
        if step.number <= version:
            with store.transaction():
                step.apply(store._connection)
    with store.transaction() as database:
        database.execute_sql(f"UPDATE counters SET value = {version} WHERE name = 'schema_version'")


def _schema_1(database: str) -> str:
    return (Path(__file__).parent / f"schema_1_{database}.sql").read_text()


@pytest.mark.parametrize("version", range(1, latest()))
def test_what_was_under_way_before_an_upgrade_goes_on_after_it(url: str, database: str, version: int) -> None:
    store, identifier = open_store(url), new_id()
    with working(store) as engine:
        Definitions(store, OURS).create_workflows(UNDER_WAY)
        engine.call(StartExecution(identifier, "under_way", project_id="ours"))
        end = time.monotonic() + 10
        while len(_actions(store)) < 3:
            assert time.monotonic() < end
            time.sleep(0.02)
    _make_old(store, version, _schema_1(database))
    store.close()

    upgraded = open_store(url)
    assert upgraded.schema_version() == version
    upgraded.upgrade()
    assert upgraded.schema_version() == latest()
    for name, value in {"published": '{"seen": "kept"}', "tags": "first"}.items():
        query = parse_query("task", {name: value}, default_limit=100, max_limit=100)
        assert [task["name"] for task in upgraded.list("task", query, tenant=OURS).items] == ["before"]
    with working(upgraded) as engine:
        for action in _actions(upgraded):
            if action["name"] == "std.async_noop":
                engine.call(ActionFinished(action["id"], data=1))
        ended = engine.watchers.wait_until(identifier, lambda: _end(upgraded, identifier), 20)
    assert ended is not None
    assert (ended["state"], ended["output"]) == ("SUCCESS", {"seen": "kept"})
    upgraded.close()


def test_rows_of_an_old_version_get_what_they_would_be_written_with_now(url: str, database: str) -> None:
    store, second = open_store(url), 1_000_000
    rows: list[object] = []
    for at, later in enumerate((None, 0, 1, 2, 60, 61, 3_600, 3_601, 360_000, 360_001, -1)):
        changed = None if later is None else (1_000 + later) * second
        tags = [[], ["a"], ["a tag that is too long for a key of its own", "b"]][at % 3]
        run = execution(created_at=1_000 * second, updated_at=changed, tags=tags)
        started = (999 if at == 1 else 1_000) * second
        one = task(run, created_at=1_000 * second, started_at=started, finished_at=changed, tags=tags)
        data = {"input": [{}, {"a": at}][at % 2], "output": [None, {}, {"result": at}][at % 3]}
        rows += [run, one, action(one, created_at=1_000 * second, updated_at=changed, tags=tags, **data)]
    save(store, insert=rows)
    written = _derived(store)
    assert {row[2] for row in written} == {None, 1, 2, 3, 4}
    assert len({row[3] for row in written}) > len({row[4] for row in written}) > 2
    _make_old(store, 4, _schema_1(database))
    store.upgrade()
    assert _derived(store) == written
    store.close()


def _derived(store: Store) -> list[tuple[object, ...]]:
    slots = {"workflow_executions": "NULL, NULL", "task_executions": "NULL, NULL"}
    slots["action_executions"] = "input_slot, output_slot"
    each = " UNION ALL ".join(f"SELECT id, tags_key, lasted, {names} FROM {table}" for table, names in slots.items())
    with store.transaction() as database:
        return sorted(database.execute_sql(each).fetchall())


def _actions(store: Store) -> list[dict[str, object]]:
    query = parse_query("action_execution", {}, default_limit=100, max_limit=100)
    return store.list("action_execution", query, tenant=OURS).items


def _end(store: Store, identifier: str) -> dict[str, object] | None:
    found = store.get("execution", identifier, tenant=OURS)
    return None if found["state"] == "RUNNING" else found


def test_an_upgrade_that_breaks_off_leaves_the_old_version_and_can_be_tried_again(
    url: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(url)
    _make_old(store, 1, _schema_1(database))
    last = migrations.STEPS[-1]

    def broken(connection: object) -> None:
        last.apply(connection)  # type: ignore[arg-type]
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "STEPS", (*migrations.STEPS[:-1], Step(last.number, "broken", broken)))
        with pytest.raises(RuntimeError):
            store.upgrade()
    assert store.schema_version() == 1
    assert store.upgrade() == latest()
    assert store.schema_version() == latest()
    store.close()


def test_several_processes_may_upgrade_an_old_database_at_once(url: str, database: str) -> None:
    stores = [open_store(url) for _ in range(3)]
    _make_old(stores[0], 1, _schema_1(database))
    failed: list[BaseException] = []

    def upgrade(store: Store) -> None:
        try:
            store.upgrade()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=upgrade, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert {store.schema_version() for store in stores} == {latest()}
    for store in stores:
        store.close()


def test_commands_refuse_a_newer_database_in_one_line_and_a_backup_of_it_is_made(
    url: str, database: str, tmp_path: Path
) -> None:
    store = open_store(url)
    with store.transaction() as opened:
        opened.execute_sql(f"UPDATE counters SET value = {latest() + 1} WHERE name = 'schema_version'")
    store.close()
    told = f"The database has schema version {latest() + 1}, this mistralish knows up to {latest()}"
    try:
        for command in (["serve", "--port", "0"], ["db", "upgrade"]):
            done = _command(*command, "--database-url", url)
            assert done.returncode == 2
            assert told in done.stderr
            assert "Traceback" not in done.stderr
        assert _command("db", "backup", str(tmp_path / "copy"), "--database-url", url).returncode == 0
    finally:
        store = open_store(url)
        with store.transaction() as opened:
            opened.execute_sql(f"UPDATE counters SET value = {latest()} WHERE name = 'schema_version'")
        store.close()


def _command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mistralish.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
