"""Lists by the common filters and sort keys are ranges of an index: they cost the page, not the table.

Asked of SQLite's planner, on an empty database: it must not depend on what is in it.
"""

import pytest
from store_rows import ADMIN, execution, listed, save

from mistralish.store import Store

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

RANGES = [
    ("execution", {}),
    ("execution", {"sort_dirs": "desc", "sort_keys": "created_at"}),
    ("execution", {"sort_keys": "updated_at", "sort_dirs": "desc"}),
    ("execution", {"sort_keys": "state"}),
    ("execution", {"sort_keys": "workflow_name"}),
    ("execution", {"sort_keys": "id"}),
    ("execution", {"state": "RUNNING"}),
    ("execution", {"state": "RUNNING", "all_projects": "true"}),
    ("execution", {"all_projects": "true"}),
    ("execution", {"workflow_name": "w"}),
    ("execution", {"workflow_id": "w"}),
    ("execution", {"root_execution_id": "r"}),
    ("execution", {"task_execution_id": "t"}),
    ("execution", {"nulls": "task_execution_id"}),
    ("execution", {"created_at": "gt:2026-01-01"}),
    ("execution", {"updated_at": "gt:2026-01-01", "sort_keys": "updated_at"}),
    ("task", {"workflow_execution_id": "e"}),
    ("task", {"workflow_execution_id": "e", "state": "RUNNING"}),
    ("task", {"state": "RUNNING"}),
    ("task", {"name": "t"}),
    ("task", {"workflow_name": "w"}),
    ("task", {"sort_keys": "updated_at"}),
    ("action_execution", {"task_execution_id": "t"}),
    ("action_execution", {"state": "RUNNING"}),
    ("action_execution", {"workflow_name": "w"}),
    *(
        (kind, arguments)
        for kind, name in (
            ("execution", "input"),
            ("execution", "output"),
            ("execution", "params"),
            ("task", "published"),
            ("action_execution", "input"),
            ("action_execution", "output"),
        )
        for arguments in (
            {name: '{"a": 1}'},
            {name: '{"a": "long enough to need a digest of what is left out"}'},
            {"nulls": name},
            {"sort_keys": name},
            {"sort_keys": name, "sort_dirs": "desc"},
        )
    ),
]


def plans(store: Store, kind: str, arguments: dict[str, str]) -> list[str]:
    asked: list[tuple[str, tuple[object, ...]]] = []
    with store.transaction() as database:
        database.query_hooks.append(lambda event: asked.append((event.sql, event.params)))
        try:
            listed(store, kind, ADMIN, **arguments)
        finally:
            database.query_hooks.clear()
        found = []
        for sql, parameters in asked:
            rows = database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
            found.append("; ".join(row[3] for row in rows))
    return found


@pytest.mark.parametrize(("kind", "arguments"), RANGES)
def test_the_first_page_is_a_range_of_an_index(store: Store, kind: str, arguments: dict[str, str]) -> None:
    for plan in plans(store, kind, arguments):
        assert "USING INDEX" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"sort_keys": "updated_at", "sort_dirs": "desc"},
        {"state": "RUNNING"},
        {"sort_keys": "state,created_at", "sort_dirs": "desc,desc"},
    ],
)
def test_a_later_page_begins_where_the_one_before_ended(store: Store, arguments: dict[str, str]) -> None:
    save(store, insert=[execution(state="RUNNING", created_at=at, updated_at=at) for at in range(3)])
    page = listed(store, "execution", limit="1", **arguments)
    assert page.marker is not None
    assert page.position is not None
    link = {"marker": page.marker, "position": page.position, "limit": "1"}
    for plan in plans(store, "execution", {**arguments, **link}):
        assert plan.startswith("SEARCH")
        assert "created_at,id" in plan or "updated_at<?" in plan or "updated_at=?" in plan
        assert "TEMP B-TREE" not in plan


def test_an_execution_s_tasks_are_found_by_it_and_not_by_the_project(store: Store) -> None:
    (plan,) = plans(store, "task", {"workflow_execution_id": "e"})
    assert "(workflow_execution_id=?)" in plan
