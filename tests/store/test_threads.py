"""Many threads and several processes at once."""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_rows import execution, ids, save, task

from mistralish.actions import Registry
from mistralish.definitions import sync_system_actions
from mistralish.errors import ConflictError, InputError, UnavailableError
from mistralish.store import Changes, Store, Tenant, open_store


def together(count: int, work: Callable[[int], Any]) -> list[BaseException]:
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_readers_and_writers_in_many_threads_do_not_disturb_each_other(store: Store) -> None:
    def work(number: int) -> None:
        for _ in range(5):
            run = execution(workflow_name=f"w{number}")
            save(store, run.id, insert=[run, task(run)])
            ids(store, "execution", limit="3")
            with store.turn([run.id]) as turn:
                assert turn.load_run(run.id) is not None

    assert together(12, work) == []
    assert len(ids(store, "execution")) == 60


def test_a_reader_sees_nothing_of_an_unfinished_turn_and_is_not_kept_waiting(store: Store) -> None:
    run = execution()
    seen: list[list[str]] = []
    with store.turn([run.id]) as turn:
        turn.save(Changes(insert=[run]))
        reader = threading.Thread(target=lambda: seen.append(ids(store, "execution")))
        reader.start()
        reader.join(10)
    assert seen == [[]]
    assert ids(store, "execution") == [run.id]


def test_several_processes_that_start_at_once_put_the_system_actions_there_together(url: str) -> None:
    def start(_: int) -> None:
        opened = open_store(url)
        sync_system_actions(opened, Registry(find_entry_points=list).all())
        opened.close()

    assert together(4, start) == []


def test_one_of_many_creators_of_a_name_wins(store: Store) -> None:
    failures = together(8, lambda _: store.create("environment", {"name": "env"}, tenant=Tenant("p")))
    assert len(failures) == 7
    assert {type(failure) for failure in failures} == {ConflictError}


def test_two_processes_never_lose_each_others_turns(store: Store, second_store: Store) -> None:
    run = execution(runtime_context={"n": 0})
    save(store, run.id, insert=[run])

    def count(number: int) -> None:
        mine = (store, second_store)[number % 2]
        done = 0
        while done < 10:
            with mine.turn([run.id]) as turn:
                if run.id not in turn.locked:
                    continue
                loaded = turn.load_run(run.id)
                assert loaded is not None
                context = {"n": loaded.execution.runtime_context["n"] + 1}
                turn.save(Changes(update=[replace(loaded.execution, runtime_context=context)]))
                done += 1

    assert together(4, count) == []
    assert store.get("execution", run.id, tenant=Tenant("ours"))["runtime_context"] == {"n": 40}


def test_two_processes_never_claim_one_firing_of_a_trigger(store: Store, second_store: Store) -> None:
    values = {"name": "c", "workflow_name": "flow", "next_execution_time": 0}
    trigger = store.create("cron_trigger", values, tenant=Tenant("p"))["id"]
    claims: list[int] = []

    def claim(number: int) -> None:
        mine = (store, second_store)[number % 2]
        for due in range(10):
            with mine.turn([]) as turn:
                if turn.claim_cron_trigger(trigger, due, due + 1, None):
                    claims.append(due)

    assert together(4, claim) == []
    assert sorted(claims) == list(range(len(claims)))
    assert len(claims) == 10


@pytest.mark.parametrize("url", ["sqlite", "mysql://x", "sqlite://relative.db", "nonsense"])
def test_a_url_of_no_known_database_is_refused_with_what_is_right(url: str) -> None:
    with pytest.raises(InputError, match="sqlite:///"):
        open_store(url)


def test_a_database_that_cannot_be_reached_is_unavailable(tmp_path: Any) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such/folder/x.db", "postgresql://postgres@127.0.0.1:1/none"):
        with pytest.raises(UnavailableError, match="database cannot do this now"):
            open_store(url).upgrade()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Any) -> None:
    (tmp_path / "x.db").write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(UnavailableError, match="not a database"):
        open_store(f"sqlite:///{tmp_path}/x.db").upgrade()


def test_a_database_in_memory_serves_many_threads() -> None:
    store = open_store("sqlite://")
    store.upgrade()

    def work(number: int) -> None:
        run = execution()
        save(store, run.id, insert=[run])
        ids(store, "execution")

    assert together(8, work) == []
    assert len(ids(store, "execution")) == 8
    store.close()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_lost_connection_fails_one_turn_and_the_next_one_works(store: Store, url: str) -> None:
    psycopg = pytest.importorskip("psycopg")

    def cut_all() -> None:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    run = execution()

    def lose_it() -> None:
        with store.turn([run.id]) as turn:
            cut_all()
            turn.save(Changes(insert=[run]))

    with pytest.raises(UnavailableError):
        lose_it()
    save(store, run.id, insert=[run])
    cut_all()
    assert ids(store, "execution") == [run.id]


def test_a_connection_that_found_its_file_damaged_within_a_transaction_is_let_go(tmp_path: Path) -> None:
    """It keeps what it has read: with the file repaired, it would still find it damaged."""
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    store.upgrade()

    def find_it_damaged() -> None:
        with store.transaction(), store._connection.read():
            raise sqlite3.DatabaseError("database disk image is malformed")

    with pytest.raises(UnavailableError, match="damaged"):
        find_it_damaged()
    assert store._connection.database.is_closed()
    assert store.maintenance() == "RUNNING"
    store.close()
