"""An older database, with rows in it, becomes what a new one is."""

from pathlib import Path
from typing import Any

import pytest
from services import execute

from mistralish.store import Store, Tenant, open_store
from mistralish.store.migrations import latest

OURS = Tenant("ours")
VERSION_1_ROWS = (
    "INSERT INTO counters (name, value) VALUES ('schema_version', 1), ('catalog_revision', 7)",
    "INSERT INTO environments (id, project_id, created_at, name, variables, scope)"
    " VALUES ('e1', 'ours', 5, 'kept', '{\"a\": 1}', 'private')",
    "INSERT INTO workflow_definitions (id, project_id, created_at, name, namespace, definition, spec, scope, is_system)"
    " VALUES ('w1', 'ours', 5, 'flow', '', 'text', '{}', 'private', FALSE)",
)


@pytest.fixture
def old_url(empty_url: str, database: str) -> str:
    """The URL of a database of version 1 with a few rows."""
    schema = (Path(__file__).parent / f"schema_1_{database}.sql").read_text()
    statements = [*(part for part in schema.split(";\n") if part.strip()), *VERSION_1_ROWS]
    if database == "sqlite":
        store = open_store(empty_url)
        with store.transaction() as opened:
            for statement in statements:
                opened.execute_sql(statement)
        store.close()
    else:
        execute(empty_url, *statements)
    return empty_url


def schema(store: Store, database: str) -> list[Any]:
    """Every table with its columns, and every index, as the database itself tells them."""
    with store.transaction() as opened:
        if database == "sqlite":
            tables = opened.execute_sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            columns = [(name, opened.execute_sql(f'PRAGMA table_info("{name}")').fetchall()) for (name,) in tables]
            indexes = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'index' ORDER BY tbl_name, name"
            return [columns, opened.execute_sql(indexes).fetchall()]
        columns = (
            "SELECT table_name, column_name, data_type, is_nullable, collation_name, ordinal_position"
            " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 6"
        )
        indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
        return [opened.execute_sql(columns).fetchall(), opened.execute_sql(indexes).fetchall()]


def test_a_database_of_version_1_keeps_its_rows_and_gets_what_is_new(old_url: str) -> None:
    store = open_store(old_url)
    assert store.schema_version() == 1
    assert store.upgrade() == store.schema_version() == latest()
    assert store.get("environment", "kept", tenant=OURS)["variables"] == {"a": 1}
    assert store.revision() == 7
    assert store.maintenance() == "RUNNING"
    store.create_member("workflow", "w1", "theirs", tenant=OURS)
    values = {"workflow_id": "w1", "exchange": "x", "topic": "t", "event": "e"}
    made = store.create("event_trigger", values, tenant=OURS)
    assert store.get("event_trigger", made["id"], tenant=OURS) == made
    assert store.upgrade() == latest()
    store.close()


def test_an_upgraded_database_has_the_schema_of_a_new_one(
    old_url: str, database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    upgraded = open_store(old_url)
    upgraded.upgrade()
    found = schema(upgraded, database)
    upgraded.close()
    if database == "sqlite":
        new = open_store(f"sqlite:///{tmp_path}/new.db")
    else:
        new = open_store(request.getfixturevalue("empty_url"))
        with new.transaction() as opened:
            opened.execute_sql("DROP SCHEMA public CASCADE")
            opened.execute_sql("CREATE SCHEMA public")
    new.upgrade()
    assert found == schema(new, database)
    new.close()
