"""Pages, links, filters and projections, as far as they are the API's; the store's own tests have the rest."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import keep
from rows import CREATED, execution_row, task_row

from mistralish.store import Store

HOST = "http://localhost"


@pytest.fixture
def seven(store: Store) -> None:
    """Seven executions, some made at the same time, so that ties must be broken."""
    keep(
        store,
        *(
            execution_row(f"e{n}", created_at=CREATED + n // 3, state="ERROR" if n % 2 else "SUCCESS", tags=["x"])
            for n in range(7)
        ),
    )


def follow(client: FlaskClient, link: str, collection: str = "executions") -> tuple[list[str], list[dict[str, Any]]]:
    """Every id from ``link`` to the end, and the pages."""
    ids, pages = [], []
    while link:
        page = client.get(link).get_json()
        pages.append(page)
        ids += [item["id"] for item in page[collection]]
        link = page.get("next", "").removeprefix(HOST)
    return ids, pages


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&sort_dirs=desc",
        "&sort_keys=state&sort_dirs=desc",
        "&sort_keys=state,id&sort_dirs=desc,asc",
        "&sort_keys=id",
    ],
)
@pytest.mark.usefixtures("seven")
def test_links_followed_to_the_end_give_every_row_once_in_order(client: FlaskClient, query: str) -> None:
    whole = [e["id"] for e in client.get(f"/v2/executions?{query[1:]}").get_json()["executions"]]
    for limit in (1, 2, 3, 7):
        ids, pages = follow(client, f"/v2/executions?limit={limit}{query}")
        assert ids == whole
        assert len(pages) == -(-7 // limit)


@pytest.mark.usefixtures("seven")
def test_paging_goes_on_while_the_markers_row_is_removed(client: FlaskClient, store: Store) -> None:
    from mistralish.store import Changes

    first = client.get("/v2/executions?limit=2").get_json()
    last = first["executions"][-1]["id"]
    with store.turn([last]) as turn:
        turn.save(Changes(delete_executions=[last]))
    ids, _ = follow(client, first["next"].removeprefix(HOST))
    assert ids == ["e2", "e3", "e4", "e5", "e6"]


@pytest.mark.usefixtures("seven")
def test_the_link_repeats_what_was_asked_and_ends_the_sort_keys_with_id(client: FlaskClient) -> None:
    query = (
        "limit=1&sort_keys=state&sort_dirs=desc&state=neq:PAUSED&workflow_name=greet&include_output=true&fields=state"
    )
    link = client.get(f"/v2/executions?{query}", headers={"Host": "h:1"}).get_json()["next"]
    for part in (
        "http://h:1/v2/executions?sort_keys=state,id&sort_dirs=desc,asc&",
        "state=neq:PAUSED", "workflow_name=eq:greet", "include_output=true", "limit=1", "marker=", "fields=id,state",
    ):  # fmt: skip
        assert part in link


@pytest.mark.usefixtures("seven")
def test_a_page_that_ends_the_list_has_no_link(client: FlaskClient) -> None:
    assert "next" not in client.get("/v2/executions?limit=7").get_json()


@pytest.mark.usefixtures("seven")
def test_a_marker_without_a_position_is_enough(client: FlaskClient) -> None:
    page = client.get("/v2/executions?limit=2&marker=e1").get_json()
    assert [e["id"] for e in page["executions"]] == ["e2", "e3"]


@pytest.mark.usefixtures("seven")
def test_filters_of_one_attribute_hold_together(client: FlaskClient) -> None:
    found = client.get("/v2/executions?state=in:ERROR,SUCCESS&state=ERROR&tags=x&fields=id").get_json()["executions"]
    assert [e["id"] for e in found] == ["e1", "e3", "e5"]


@pytest.mark.usefixtures("seven")
def test_fields_that_no_column_holds_are_left_out_of_lists(client: FlaskClient) -> None:
    found = client.get("/v2/executions?fields=published_global,source_execution_id&limit=1").get_json()["executions"]
    assert found == [{"id": "e0"}]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("executions?bogus=1", 'Unknown argument: "bogus"'),
        ("executions?limit=-1", "Limit must be positive."),
        ("executions?limit=", "Invalid input for field/attribute limit. Value: ''."),
        ("executions?limit=0", "Limit must be positive."),
        ("executions?limit=many", "Invalid input for field/attribute limit. Value: 'many'."),
        ("executions?sort_keys=bogus", "Sort key supplied is invalid: bogus"),
        ("executions?sort_keys=id&sort_dirs=up", "Unknown sort direction, must be 'desc' or 'asc'"),
        ("executions?sort_keys=id,id&sort_dirs=asc,asc", "Length of sort_keys must be equal or greater than sort_dirs"),
        ("executions?fields=bogus", "Some fields do not exist  [bogus], please choose from [id, workflow_id,"),
        ("executions?state=like:E", "Unknown filter operator 'like'"),
        ("executions?created_at=gt:soon", "Invalid input for field/attribute created_at. Value: 'soon'."),
        ("executions?params={bad", "Invalid input for field/attribute params. Value: '{bad'."),
        ("executions?include_output=maybe", "Invalid input for field/attribute include_output. Value: 'maybe'."),
        ("executions?nulls=bogus", "Invalid input for field/attribute nulls. Value: 'bogus'."),
        ("executions?position=zzz&marker=e1", "Invalid position 'zzz'"),
        ("executions?position=a.zzz&marker=e1", "Invalid position 'zzz'"),
        ("executions?limit=1&limit=2", "The parameter 'limit' is given twice"),
        ("tasks?reset=true", 'Unknown argument: "reset"'),
        ("workflows?fields=bogus", "Some fields do not exist  [bogus]"),
        ("workflows/x?fields=bogus", "Some fields do not exist  [bogus]"),
        ("workflows/x?bogus=1", 'Unknown argument: "bogus". Known are:'),
        ("executions/e1/report?max_depth=deep", "Invalid input for field/attribute max_depth. Value: 'deep'."),
        ("executions/e1/report?errors_only=maybe", "Invalid input for field/attribute errors_only. Value: 'maybe'."),
    ],
)
@pytest.mark.usefixtures("seven")
def test_an_argument_that_does_not_fit_is_refused_with_what_would(client: FlaskClient, path: str, text: str) -> None:
    answer = client.get(f"/v2/{path}")
    assert answer.status_code == 400
    assert answer.get_json()["faultstring"].startswith(text)


def test_an_unknown_marker_is_named(client: FlaskClient) -> None:
    answer = client.get("/v2/executions?marker=none")
    assert answer.status_code == 404
    assert "none" in answer.get_json()["faultstring"]


def test_ids_with_commas_do_not_confuse_the_reading_of_trees(client: FlaskClient, store: Store) -> None:
    child = execution_row("c", task_execution_id="t,1", root_execution_id="e,1")
    keep(store, execution_row("e,1"), task_row("t,1", "e,1", type="WORKFLOW"), child)
    listed = client.get("/v2/executions/e,1/executions").get_json()["executions"]
    assert [e["id"] for e in listed] == ["e,1", "c"]
