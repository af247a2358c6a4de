"""The schema's versions: made once, refused when too new, safe to do twice at once."""

import threading

import pytest

from mistralish.errors import UnavailableError
from mistralish.store import Store, Tenant, open_store
from mistralish.store.migrations import SCHEMA_VERSION, STEPS, latest
from mistralish.store.models import Counter


def test_an_empty_database_is_brought_to_the_newest_version_once(empty_url: str) -> None:
    store = open_store(empty_url)
    assert store.schema_version() == 0
    assert store.upgrade() == store.schema_version() == latest()
    made = store.create("environment", {"name": "kept"}, tenant=Tenant("p"))
    assert store.upgrade() == latest()
    assert store.get("environment", "kept", tenant=Tenant("p")) == made
    store.close()


def test_steps_are_numbered_without_a_gap_from_the_second_version() -> None:
    assert [step.number for step in STEPS] == list(range(2, len(STEPS) + 2))


def test_a_newer_database_is_refused_and_left_alone(store: Store) -> None:
    with store.transaction() as database:
        database.execute(Counter.update(value=latest() + 1).where(Counter.name == SCHEMA_VERSION))
    try:
        with pytest.raises(UnavailableError, match=rf"schema version {latest() + 1}, this mistralish knows up to"):
            store.upgrade()
        assert store.schema_version() == latest() + 1
    finally:
        with store.transaction() as database:
            database.execute(Counter.update(value=latest()).where(Counter.name == SCHEMA_VERSION))


def test_several_processes_may_upgrade_at_once(empty_url: str) -> None:
    failures: list[BaseException] = []

    def upgrade() -> None:
        store = open_store(empty_url)
        try:
            store.upgrade()
        except BaseException as error:
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = open_store(empty_url)
    assert store.schema_version() == latest()
    assert store.revision() == 0
    store.close()
