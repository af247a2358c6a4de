"""A page by one filter or sort key is the same rows, in the same order, however they are found."""

from collections.abc import Iterator
from random import Random

import pytest
from store_rows import ADMIN, OURS, action, execution, listed, save, task

from mistralish.store import Store, Tenant, narrowing

STATES = ("SUCCESS", "SUCCESS", "SUCCESS", "ERROR", "RUNNING")
TEXTS = {
    "execution": ("name", "workflow_name", "workflow_id", "workflow_namespace", "description", "state", "state_info"),
    "task": ("name", "workflow_execution_id", "workflow_id", "workflow_namespace", "type", "state", "state_info"),
    "action_execution": ("name", "task_execution_id", "workflow_id", "description", "state", "state_info"),
}
TIMES = {"execution": ("updated_at",), "task": ("started_at", "finished_at"), "action_execution": ("last_heartbeat",)}
FLAGS = {
    "execution": ("accepted",),
    "task": ("processed", "has_next_tasks", "error_handled"),
    "action_execution": ("accepted", "is_sync"),
}
VALUES = ("n0", "", "ACTION", "SUCCESS")
MOMENTS = ("1970-01-01 00:00:05", "1970-01-01 00:00:40", "1970-01-01 01:00:00", "2030-01-01")
SECOND = 1_000_000


@pytest.fixture
def rows(store: Store) -> Store:
    """A store with forty executions of one project, a task and an action in each, and some of another project."""
    chance = Random(3)

    def text(most: int, usual: str | None) -> str | None:
        return usual if chance.random() < 0.6 else f"n{chance.randrange(most)}"

    found: list[object] = []
    for at in range(48):
        project = "ours" if at < 40 else "theirs"
        common = {
            "project_id": project,
            "created_at": chance.randrange(30) * SECOND,
            "state": chance.choice(STATES),
            "workflow_id": f"n{at % 20}",
            "workflow_namespace": text(3, ""),
            "state_info": text(30, None),
            "tags": chance.choice((None, [], ["a"], ["b", "n7"])),
        }
        name, flag = f"n{at % 9}", chance.random() < 0.3
        later = chance.choice((None, chance.randrange(60), chance.randrange(60), chance.randrange(4_000), 500_000))
        later = None if later is None else later * SECOND
        own = execution(
            **common, name=name, workflow_name=name, description=text(30, ""), accepted=flag, updated_at=later
        )
        inner = task(
            own, **common, name=name, type=chance.choice(("ACTION", "ACTION", "WORKFLOW")), processed=not flag,
            has_next_tasks=flag, error_handled=flag, started_at=later, finished_at=later,
        )  # fmt: skip
        found += [own, inner, action(
            inner, **common, name=name, description=text(30, ""), accepted=not flag,
            is_sync=chance.choice((None, True, True, False)), last_heartbeat=later,
        )]  # fmt: skip
    save(store, insert=found)
    return store


BOUNDS = ((200, 50, 10_000, 400, 3_000), (3, 2, 5, 2, 8), (3, 2, 0, 0, 3))


@pytest.fixture(params=range(len(BOUNDS)), ids=["as it is", "small", "none"])
def share(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> slice:
    """With other bounds between the ways to find rows, so that few rows go every way: which filters are tried."""
    names = ("_MOST_VALUES", "_MOST_MERGED", "_FEW_ROWS", "_GLANCE_ROWS", "_FIRST_ROWS")
    for name, value in zip(names, BOUNDS[request.param], strict=True):
        monkeypatch.setattr(narrowing, name, value)
    return slice(request.param, None, len(BOUNDS))


def filters(kind: str) -> Iterator[tuple[str, str]]:
    for name in TEXTS[kind]:
        for operator in ("eq", "neq", "in", "nin", "gt", "gte", "lt", "lte", "has"):
            yield from ((name, f"{operator}:{value}") for value in VALUES)
        yield from ((name, f"{operator}:n0,n7,SUCCESS,,ACTION") for operator in ("in", "nin"))
    for name in (*TIMES[kind], "created_at"):
        for operator in ("eq", "neq", "in", "nin", "gt", "gte", "lt", "lte"):
            yield from ((name, f"{operator}:{moment}") for moment in MOMENTS)
    for name in FLAGS[kind]:
        yield from ((name, f"{op}:{value}") for op in ("eq", "neq", "in", "nin") for value in ("true", "false"))
    yield from (("tags", f"{op}:{value}") for op in ("eq", "neq", "in", "nin", "has") for value in ("a", "b,n7", ","))
    yield from (("project_id", f"{op}:{value}") for op in ("eq", "neq", "in", "nin", "gt") for value in ("ours", "o"))
    yield from (("nulls", name) for name in ("state_info", "tags"))


def paged(store: Store, kind: str, tenant: Tenant, **arguments: str) -> list[str]:
    found: list[str] = []
    link: dict[str, str] = {}
    while True:
        page = listed(store, kind, tenant, limit="9", **arguments, **link)
        found += [item["id"] for item in page.items]
        if page.marker is None or page.position is None:
            return found
        link = {"marker": page.marker, "position": page.position}


def plainly(store: Store, kind: str, **arguments: str) -> list[str]:
    """The same by one query of the database, since what all projects have is not narrowed."""
    page = listed(store, kind, ADMIN, all_projects="true", limit="1000", fields="id,project_id", **arguments)
    return [item["id"] for item in page.items if item["project_id"] == "ours"]


@pytest.mark.parametrize("kind", list(TEXTS))
def test_every_filter_finds_the_same_rows_page_by_page(rows: Store, kind: str, share: slice) -> None:
    for at, (name, value) in enumerate(list(filters(kind))[share]):
        arguments = {name: value, "sort_keys": "created_at", "sort_dirs": ("asc", "desc")[at % 2]}
        assert paged(rows, kind, OURS, **arguments) == plainly(rows, kind, **arguments), arguments


@pytest.mark.parametrize("kind", list(TEXTS))
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_every_sort_key_gives_the_same_order_page_by_page(rows: Store, kind: str, direction: str) -> None:
    everything = listed(rows, kind, limit="1000", fields="created_at").items
    for name in (*TEXTS[kind], *TIMES[kind], *FLAGS[kind]):
        found = listed(rows, kind, limit="1000", fields=f"{name},created_at").items
        assert len(found) == len(everything)

        def key(item: dict[str, object], name: str = name) -> tuple[object, ...]:
            value = item[name]
            return (
                value is not None,
                value or "" if not isinstance(value, int) else value,
                item["created_at"],
                item["id"],
            )

        expected = sorted((item for item in found if item[name] is not None), key=key)
        nulls = sorted(
            (item for item in found if item[name] is None), key=lambda item: (item["created_at"], item["id"])
        )
        order = [item["id"] for item in [*nulls, *expected]]
        order = order if direction == "asc" else order[::-1]
        assert paged(rows, kind, OURS, sort_keys=name, sort_dirs=direction) == order, name
