"""Projects are kept apart: whatever a list is asked for, and whatever an id or a name is tried, nothing foreign comes.

What may be seen is said here a second time, by a plain function over the rows that were made.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from store_rows import action, execution, save, task

from mistralish.errors import ConflictError, ForbiddenError, NotFoundError
from mistralish.store import Store, Tenant, parse_query
from mistralish.store.filters import OPERATORS
from mistralish.store.kinds import KINDS, kind_of

PROJECTS = ("a", "b", "c")
WRITTEN = [kind.name for kind in KINDS.values() if kind.writable]
RUNNING = ["execution", "task", "action_execution"]
ROWS, ASKED = 24, 60

Row = dict[str, Any]


@pytest.fixture(params=[1, 2])
def draw(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)


def fill(store: Store, kind: str, draw: random.Random) -> list[Row]:
    """Rows of three projects, with names that collide, and members in every state."""
    if kind in RUNNING:
        return _fill_running(store, kind, draw)
    made = []
    for number in range(ROWS):
        project, scope = draw.choice(PROJECTS), draw.choice(("private", "private", "public"))
        values = {"name": f"n{number % 7}", "scope": scope, **_values(kind, number)}
        with suppress(ConflictError):
            made.append(store.create(kind, values, tenant=Tenant(project)))
    if kind_of(kind).shared_as:
        for row in made:
            row["members"] = _share(store, kind, row, draw) if row["scope"] == "private" else set()
    return made


def _values(kind: str, number: int) -> Row:
    return {
        "cron_trigger": {"workflow_name": "w", "workflow_id": "w", "next_execution_time": number},
        "event_trigger": {"workflow_id": "w", "exchange": "e", "topic": "t", "event": f"e{number}"},
        "code_source": {"content": "", "version": 1},
        "dynamic_action": {"class_name": "A", "code_source_id": "s", "code_source_name": "m"},
    }.get(kind, {})


def _share(store: Store, kind: str, row: Row, draw: random.Random) -> set[str]:
    accepted = set()
    for project in PROJECTS:
        status = draw.choice((None, "pending", "accepted", "rejected"))
        if status and project != row["project_id"]:
            store.create_member(kind, row["id"], project, tenant=Tenant(row["project_id"]))
            store.update_member(kind, row["id"], project, status, tenant=Tenant(project))
            accepted |= {project} if status == "accepted" else set()
    return accepted


def _fill_running(store: Store, kind: str, draw: random.Random) -> list[Row]:
    runs = [execution(project_id=draw.choice(PROJECTS), name=f"n{n % 7}", created_at=n) for n in range(ROWS)]
    tasks = [task(run, name=f"n{n % 7}", created_at=n) for n, run in enumerate(runs)]
    actions = [action(each, name=f"n{n % 7}", project_id=each.project_id) for n, each in enumerate(tasks)]
    save(store, *(run.id for run in runs), insert=[*runs, *tasks, *actions])
    made = {"execution": runs, "task": tasks, "action_execution": actions}[kind]
    return [{"id": row.id, "name": row.name, "project_id": row.project_id} for row in made]  # type: ignore[attr-defined]


def may_see(row: Row, project: str) -> bool:
    return project == row["project_id"] or row.get("scope") == "public" or project in row.get("members", ())


def requests(kind: str, rows: list[Row], draw: random.Random) -> Iterator[dict[str, str]]:
    """Filters, sort keys, markers and fields, as a client might make them up."""
    attributes = [name for name in kind_of(kind).attributes if name in ("id", "name", "project_id", "scope", "state")]
    for _ in range(ASKED):
        asked = {"limit": str(draw.choice((1, 5, 100)))}
        for name in draw.sample(attributes, draw.randrange(3)):
            value = str(draw.choice(rows).get(name) or draw.choice(PROJECTS))
            operator = draw.choice([each for each in OPERATORS if each != "has"])
            asked[name] = f"{operator}:{value}"
        if draw.random() < 0.5:
            keys = draw.sample(attributes, draw.randint(1, len(attributes)))
            asked |= {"sort_keys": ",".join(keys), "sort_dirs": draw.choice(("asc", "desc"))}
        if draw.random() < 0.3:
            asked["marker"] = draw.choice(rows)["id"]
        if draw.random() < 0.3:
            asked["fields"] = ",".join(draw.sample(attributes, 1))
        yield asked


@pytest.mark.parametrize("kind", [*WRITTEN, *RUNNING])
def test_no_list_shows_a_row_that_the_project_may_not_see(store: Store, kind: str, draw: random.Random) -> None:
    rows = fill(store, kind, draw)
    by_id = {row["id"]: row for row in rows}
    shown = 0
    for asked in requests(kind, rows, draw):
        project = draw.choice(PROJECTS)
        foreign = "marker" in asked and not may_see(by_id[asked["marker"]], project)
        query = parse_query(kind, asked)
        if foreign:
            with pytest.raises(NotFoundError):
                store.list(kind, query, tenant=Tenant(project))
            continue
        items = store.list(kind, query, tenant=Tenant(project)).items
        shown += len(items)
        assert all(may_see(by_id[item["id"]], project) for item in items), (project, asked)
    assert shown
    for project in PROJECTS:
        everything = store.list(kind, parse_query(kind, {"limit": "100"}), tenant=Tenant(project)).items
        assert {item["id"] for item in everything} == {row["id"] for row in rows if may_see(row, project)}
        with pytest.raises(ForbiddenError):
            store.list(kind, parse_query(kind, {"all_projects": "true"}), tenant=Tenant(project))


@pytest.mark.parametrize("kind", [*WRITTEN, *RUNNING])
def test_ids_and_names_lead_to_nothing_that_the_project_may_not_see(
    store: Store, kind: str, draw: random.Random
) -> None:
    rows = fill(store, kind, draw)
    for row in rows:
        for project in PROJECTS:
            tenant = Tenant(project)
            found = store.find(kind, row["id"], tenant=tenant)
            assert (found is not None) == may_see(row, project)
            named = store.find(kind, row["name"], tenant=tenant) if kind_of(kind).by_name else None
            assert named is None or may_see(next(each for each in rows if each["id"] == named["id"]), project)


@pytest.mark.parametrize("kind", WRITTEN)
def test_nobody_but_the_owner_and_an_administrator_changes_a_row(store: Store, kind: str, draw: random.Random) -> None:
    rows = fill(store, kind, draw)
    for row in rows:
        for project in PROJECTS:
            if project == row["project_id"]:
                continue
            for attempt in (
                lambda t, row=row: store.update(kind, row["id"], {"name": "taken"}, tenant=t),
                lambda t, row=row: store.delete(kind, row["id"], tenant=t),
            ):
                with pytest.raises(ForbiddenError if may_see(row, project) else NotFoundError):
                    attempt(Tenant(project))
        kept = store.get(kind, row["id"], tenant=Tenant(row["project_id"]))
        assert kept["name"] == row["name"]
    admin = Tenant("elsewhere", is_admin=True)
    last = rows[-1]
    assert store.update(kind, last["id"], {"name": "put right"}, tenant=admin)["project_id"] == last["project_id"]
    store.delete(kind, last["id"], tenant=admin)
    assert store.find(kind, last["id"], tenant=Tenant(last["project_id"])) is None


def test_an_administrator_reaches_foreign_rows_by_id_and_by_name_only_what_the_own_project_sees(store: Store) -> None:
    private = store.create("workflow", {"name": "flow"}, tenant=Tenant("a"))
    admin = Tenant("b", is_admin=True)
    assert store.get("workflow", private["id"], tenant=admin) == private
    with pytest.raises(NotFoundError, match=r"Workflow not found \[workflow_identifier=flow"):
        store.get("workflow", "flow", tenant=admin)
    assert store.list("workflow", parse_query("workflow", {}), tenant=admin).items == []
    for asked in ({"all_projects": "true"}, {"project_id": "a"}):
        assert [row["id"] for row in store.list("workflow", parse_query("workflow", asked), tenant=admin).items] == [
            private["id"]
        ]


def test_an_administrator_shares_a_workflow_on_its_owner_s_behalf(store: Store) -> None:
    row = store.create("workflow", {"name": "flow"}, tenant=Tenant("a"))
    admin = Tenant("admins", is_admin=True)
    assert store.create_member("workflow", row["id"], "b", tenant=admin)["project_id"] == "a"
    assert store.list_members("workflow", row["id"], tenant=Tenant("a")) == store.list_members(
        "workflow", row["id"], tenant=admin
    )
    with pytest.raises(NotFoundError):
        store.update_member("workflow", row["id"], "b", "accepted", tenant=admin)
    store.delete_member("workflow", row["id"], "b", tenant=admin)
    assert store.list_members("workflow", row["id"], tenant=Tenant("a")) == []
