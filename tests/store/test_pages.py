"""Paging: every row exactly once, in the right order, whatever happens meanwhile."""

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_rows import execution, listed, save

from mistralish.errors import InputError, NotFoundError
from mistralish.ids import new_id
from mistralish.store import Page, Store

COLUMNS = ("state", "updated_at", "state_info", "created_at", "workflow_name", "id")


def walk(store: Store, with_position: bool = True, **arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    link: dict[str, str] = {}
    while True:
        page = listed(store, "execution", **arguments, **link)
        rows += page.items
        if page.marker is None:
            return rows
        link = following(page) if with_position else {"marker": page.marker}


def following(page: Page) -> dict[str, str]:
    assert page.marker is not None
    assert page.position is not None
    return {"marker": page.marker, "position": page.position}


def in_order(rows: list[Any], keys: list[tuple[str, str]]) -> list[str]:
    """What Python makes of the order: NULLs before all values, created_at and id last, as the last key goes."""
    last = keys[-1][1]
    result = list(rows)
    for name, direction in reversed([*keys, ("created_at", last), ("id", last)]):
        result.sort(key=null_first(name), reverse=direction == "desc")
    return [row.id for row in result]


def null_first(name: str) -> Callable[[Any], tuple[Any, ...]]:
    def key(row: Any) -> tuple[Any, ...]:
        value = getattr(row, name)
        return () if value is None else (value,)

    return key


def some_rows(count: int) -> list[Any]:
    chance = random.Random(7)
    return [
        execution(
            state=chance.choice(("SUCCESS", "ERROR")),
            updated_at=chance.choice((None, 5, 6)),
            state_info=chance.choice((None, "", "a", "B", "é", "\U0001f600", "\uffff")),
            created_at=chance.randrange(4),
            workflow_name=chance.choice(("x", "y")),
        )
        for _ in range(count)
    ]


@pytest.fixture
def rows(store: Store) -> list[Any]:
    made = some_rows(40)
    save(store, insert=made)
    return made


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(
        st.tuples(st.sampled_from(COLUMNS), st.sampled_from(("asc", "desc"))),
        min_size=1,
        max_size=3,
        unique_by=lambda key: key[0],
    ),
    limit=st.integers(1, 41),
    with_position=st.booleans(),
)
def test_pages_in_any_order_and_size_give_every_row_once_in_that_order(
    store: Store, rows: list[Any], keys: list[tuple[str, str]], limit: int, with_position: bool
) -> None:
    found = walk(
        store,
        with_position,
        sort_keys=",".join(name for name, _ in keys),
        sort_dirs=",".join(direction for _, direction in keys),
        limit=str(limit),
    )
    assert [row["id"] for row in found] == in_order(rows, keys)


def test_the_last_page_has_no_marker(store: Store) -> None:
    save(store, insert=some_rows(4))
    page = listed(store, "execution", limit="2")
    assert page.marker == page.items[-1]["id"]
    page = listed(store, "execution", limit="2", **following(page))
    assert len(page.items) == 2
    assert page.marker is None
    assert page.position is None


def test_filters_hold_on_every_page(store: Store, rows: list[Any]) -> None:
    found = walk(store, state="ERROR", sort_keys="updated_at", sort_dirs="desc", limit="3")
    errors = [row for row in rows if row.state == "ERROR"]
    assert [row["id"] for row in found] == in_order(errors, [("updated_at", "desc")])


def test_paging_goes_on_when_the_row_of_the_marker_was_removed(store: Store) -> None:
    made = [execution(created_at=at) for at in range(6)]
    save(store, insert=made)
    page = listed(store, "execution", limit="2")
    save(store, delete_executions=[made[1].id, made[2].id])
    page = listed(store, "execution", limit="10", **following(page))
    assert [item["id"] for item in page.items] == [row.id for row in made[3:]]


def test_a_marker_that_is_not_there_is_refused_as_the_reference_does(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r"WorkflowExecution not found \[id=gone\]"):
        listed(store, "execution", marker="gone")


def test_a_marker_of_another_project_is_not_found(store: Store) -> None:
    save(store, insert=[execution(id="z", project_id="theirs")])
    with pytest.raises(NotFoundError):
        listed(store, "execution", marker="z")


@pytest.mark.parametrize("position", ["", "x", "WzFd", "W251bGwsImEiXQ", "WzEsMl0", "bnVsbA", "\u00e9", "WzEsImIiXQ"])
def test_a_forged_position_is_refused(store: Store, position: str) -> None:
    save(store, insert=[execution(id="a"), execution(id="b")])
    if position == "":
        assert [item["id"] for item in listed(store, "execution", marker="a", position="").items] == ["b"]
        return
    with pytest.raises(InputError, match="position"):
        listed(store, "execution", marker="a", position=position)


def test_every_row_that_stays_comes_exactly_once_while_others_come_and_go(store: Store, url: str) -> None:
    chance = random.Random(3)
    staying = [execution(id=new_id(), created_at=chance.randrange(50)) for _ in range(60)]
    going = [execution(created_at=chance.randrange(50)) for _ in range(60)]
    save(store, insert=[*staying, *going])
    done = threading.Event()

    def disturb() -> None:
        while not done.is_set():
            if going:
                save(store, delete_executions=[going.pop().id])
            save(store, insert=[execution(created_at=chance.randrange(50))])

    writer = threading.Thread(target=disturb)
    writer.start()
    try:
        for _ in range(3):
            found = [row["id"] for row in walk(store, limit="5", sort_keys="created_at", sort_dirs="desc")]
            kept = {row.id for row in staying}
            assert len(found) == len(set(found))
            assert [each for each in found if each in kept] == in_order(staying, [("created_at", "desc")])
    finally:
        done.set()
        writer.join()
