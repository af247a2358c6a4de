"""Lists over HTTP with many rows: filters, sorting, pages that hold still while rows come and go."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from rest import Rest, unique

ROWS = 240


@pytest.fixture(scope="module")
def prefix(own_rest: Rest) -> str:
    """The common beginning of the names of 240 environments: number N has description ``d<N % 4>``."""
    name = unique("many")

    def make(number: int) -> None:
        body = {"name": f"{name}-{number:03}", "description": f"d{number % 4}", "variables": {"n": number}}
        own_rest.post("/environments", body)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(ROWS)))
    return name


@pytest.fixture(scope="module")
def executions(own_rest: Rest) -> list[dict[str, Any]]:
    """Forty finished executions, every fourth of them failed."""
    workflow = unique("listed")
    own_rest.post(
        "/workflows",
        f"version: '2.0'\n{workflow}:\n  input: [n, bad]\n  output: {{n: <% $.n %>}}\n  tasks:\n"
        "    t: {action: std.noop, on-success: [{fail: <% $.bad %>}]}\n",
    )
    started = [
        own_rest.start(workflow, {"n": n, "bad": n % 4 == 0}, description=f"number {n}")["id"] for n in range(40)
    ]
    return [own_rest.wait(identifier) for identifier in started]


def follow(rest: Rest, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield the pages of a list, by its ``next`` links to the end."""
    collection = path.strip("/")
    page = rest.get(path, **query)
    yield page[collection]
    while "next" in page:
        page = rest.get(page["next"])
        yield page[collection]


def names(pages: Iterator[list[dict[str, Any]]]) -> list[str]:
    return [row["name"] for page in pages for row in page]


def test_next_links_lead_through_every_row_once(own_rest: Rest, prefix: str) -> None:
    pages = list(follow(own_rest, "/environments", limit=50, name=f"has:{prefix}", sort_keys="name"))
    assert [len(page) for page in pages if page] == [50, 50, 50, 50, 40]
    assert [row["name"] for page in pages for row in page] == [f"{prefix}-{number:03}" for number in range(ROWS)]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_ties_are_kept_apart_by_the_id(own_rest: Rest, prefix: str, direction: str) -> None:
    query = {"limit": 7, "sort_keys": "description", "sort_dirs": direction, "name": f"has:{prefix}"}
    seen = [row for page in follow(own_rest, "/environments", **query) for row in page]
    assert len({row["id"] for row in seen}) == len(seen) == ROWS
    kinds = [row["description"] for row in seen]
    assert kinds == sorted(kinds, reverse=direction == "desc")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"description": "d1"}, lambda n: n % 4 == 1),
        ({"description": "eq:d1"}, lambda n: n % 4 == 1),
        ({"description": "neq:d1"}, lambda n: n % 4 != 1),
        ({"description": "in:d0,d3"}, lambda n: n % 4 in (0, 3)),
        ({"description": "nin:d0,d3"}, lambda n: n % 4 not in (0, 3)),
        ({"description": "gt:d1"}, lambda n: n % 4 > 1),
        ({"description": "gte:d1"}, lambda n: n % 4 >= 1),
        ({"description": "lt:d1"}, lambda n: n % 4 < 1),
        ({"description": "lte:d1"}, lambda n: n % 4 <= 1),
        ({"description": "d2", "scope": "private"}, lambda n: n % 4 == 2),
        ({"description": "d2", "scope": "public"}, lambda n: False),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_every_operator_filters(own_rest: Rest, prefix: str, filters: dict[str, str], expected: Any) -> None:
    found = names(follow(own_rest, "/environments", limit=100, name=f"has:{prefix}", sort_keys="name", **filters))
    assert found == [f"{prefix}-{number:03}" for number in range(ROWS) if expected(number)]


def test_a_list_holds_still_while_rows_come_and_go(own_rest: Rest, prefix: str) -> None:
    """Rows that were there all the time come exactly once, however many others are added and removed meanwhile."""
    done = threading.Event()
    churn = prefix.replace("many", "churn")
    made: list[str] = []

    def disturb() -> None:
        number = 0
        while not done.is_set():
            name = f"{churn}-{number % 10}-{number}"
            own_rest.post("/environments", {"name": name, "description": f"d{number % 4}", "variables": {}})
            made.append(name)
            if number % 2:
                own_rest.delete(f"/environments/{made[number - 1]}")
            number += 1

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        for query in ({"sort_keys": "description"}, {"sort_keys": "name", "sort_dirs": "desc"}, {}):
            seen = names(follow(own_rest, "/environments", limit=10, **query))
            kept = [name for name in seen if name.startswith(prefix)]
            assert sorted(kept) == [f"{prefix}-{number:03}" for number in range(ROWS)], query
            assert len(seen) == len(set(seen)), query
    finally:
        done.set()
        disturber.join(30)
    assert len(made) > 5, "the other thread did something"


def test_a_page_survives_the_removal_of_its_marker_row(own_rest: Rest) -> None:
    prefix = unique("gone")
    for number in range(6):
        own_rest.post("/environments", {"name": f"{prefix}-{number}", "variables": {}})
    page = own_rest.get("/environments", limit=2, sort_keys="name", name=f"has:{prefix}")
    last = page["environments"][-1]["name"]
    own_rest.delete(f"/environments/{last}")
    assert _rest_of(own_rest, page) == [f"{prefix}-{number}" for number in range(2, 6)]


def _rest_of(rest: Rest, page: dict[str, Any]) -> list[str]:
    found = []
    while "next" in page:
        page = rest.get(page["next"])
        found += [row["name"] for row in page["environments"]]
    return found


def test_fields_shows_only_what_was_asked_for(own_rest: Rest, prefix: str) -> None:
    (row,) = own_rest.get("/environments", name=f"{prefix}-007", fields="name,description")["environments"]
    assert {key for key, value in row.items() if value is not None} == {"id", "name", "description"}


def test_executions_filter_by_state_description_and_workflow(own_rest: Rest, executions: list[dict[str, Any]]) -> None:
    workflow = executions[0]["workflow_name"]
    failed = own_rest.get("/executions", workflow_name=workflow, state="ERROR")["executions"]
    assert {row["id"] for row in failed} == {row["id"] for row in executions if row["input"]["n"] % 4 == 0}
    assert len(failed) == 10
    (one,) = own_rest.get("/executions", workflow_name=workflow, description="number 7")["executions"]
    assert one["id"] == executions[7]["id"]
    several = own_rest.get("/executions", workflow_name=workflow, state="in:SUCCESS,PAUSED")["executions"]
    assert len(several) == 30
    none = own_rest.get("/executions", workflow_name=workflow, state="nin:SUCCESS,ERROR")["executions"]
    assert none == []


def test_executions_filter_by_time(own_rest: Rest, executions: list[dict[str, Any]]) -> None:
    first = executions[0]
    ids = {row["id"] for row in executions}
    since = own_rest.get("/executions", created_at=f"gte:{first['created_at']}", limit=1000)["executions"]
    assert ids <= {row["id"] for row in since}
    iso = first["created_at"].replace(" ", "T")
    assert own_rest.get("/executions", created_at=f"lt:{iso}", workflow_name=first["workflow_name"])["executions"] == []


def test_tasks_filter_by_their_execution_and_sort(own_rest: Rest, executions: list[dict[str, Any]]) -> None:
    (task,) = own_rest.get("/tasks", workflow_execution_id=executions[3]["id"])["tasks"]
    assert task["workflow_execution_id"] == executions[3]["id"]
    workflow = executions[0]["workflow_name"]
    pages = follow(own_rest, "/tasks", workflow_name=workflow, limit=9, sort_keys="created_at", sort_dirs="desc")
    seen = [row for page in pages for row in page]
    assert len({row["id"] for row in seen}) == len(seen) == 40
    times = [row["created_at"] for row in seen]
    assert times == sorted(times, reverse=True)


def test_outputs_are_in_the_list_only_when_asked_for(own_rest: Rest, executions: list[dict[str, Any]]) -> None:
    workflow = executions[0]["workflow_name"]
    plain = own_rest.get("/executions", workflow_name=workflow, state="SUCCESS", limit=1)["executions"][0]
    assert not plain.get("output")
    full = own_rest.get("/executions", workflow_name=workflow, state="SUCCESS", limit=1, include_output="true")
    assert full["executions"][0]["output"] == f'{{"n": {executions[1]["input"]["n"]}}}'


def test_a_limit_beyond_the_most_is_lowered(own_rest: Rest, prefix: str) -> None:
    page = own_rest.get("/environments", limit=10**9, name=f"has:{prefix}")
    assert len(page["environments"]) == ROWS
