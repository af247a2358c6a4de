"""The servers that some tests talk to, and what happens when one is not there."""

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

POSTGRESQL_URL = os.environ.get("MISTRALISH_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
_PORTS = {"postgresql": 5432, "rabbitmq": 5672, "redis": 6379}
_PROGRAMS = {"sshd": "/usr/sbin/sshd"}


def require_service(name: str) -> None:
    """Skip the current test where the server called ``name`` is not there (in CI that is a failure)."""
    if name in _PROGRAMS:
        if not shutil.which(_PROGRAMS[name]):
            pytest.skip(f"{name} is not installed at {_PROGRAMS[name]}")
        return
    try:
        socket.create_connection(("127.0.0.1", _PORTS[name]), 2).close()
    except OSError as error:
        pytest.skip(f"{name} does not answer on 127.0.0.1:{_PORTS[name]}: {error}")


@contextmanager
def new_postgresql_database() -> Iterator[str]:
    """The URL of an empty PostgreSQL database of one's own, dropped at the end."""
    require_service("postgresql")
    psycopg = pytest.importorskip("psycopg")
    name = f"mistralish_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRESQL_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield POSTGRESQL_URL.rpartition("/")[0] + "/" + name
    finally:
        with psycopg.connect(POSTGRESQL_URL, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def execute(url: str, *statements: str) -> None:
    """Run statements on the PostgreSQL database at ``url``."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)
