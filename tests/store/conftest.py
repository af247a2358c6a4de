"""Every test here runs on a SQLite file and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from services import execute, new_postgresql_database

from mistralish.store import Store, Tenant, open_store
from mistralish.store.models import TABLES, Counter


@pytest.fixture(scope="session")
def postgresql_store_url() -> Iterator[str]:
    with new_postgresql_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    return str(request.param)


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table."""
    if database == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgresql_store_url")
    execute(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return url


@pytest.fixture
def url(database: str, request: pytest.FixtureRequest) -> str:
    """The URL of an upgraded database without any row."""
    if database == "sqlite":
        url: str = request.getfixturevalue("empty_url")
        prepare(url)
        return url
    url = request.getfixturevalue("postgresql_store_url")
    prepare(url)
    names = (model._meta.table_name for model in TABLES if model is not Counter)
    execute(url, *(f'DELETE FROM "{name}"' for name in names))
    return url


def prepare(url: str) -> None:
    store = open_store(url)
    store.upgrade()
    store.close()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store without any row."""
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def second_store(store: Store, url: str) -> Iterator[Store]:
    """The same database as ``store``, as another process would have it open."""
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def tenant() -> Tenant:
    return Tenant("ours")
