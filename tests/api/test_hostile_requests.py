"""Requests made to hurt: each is answered by a 4xx that says the bound, or does no harm; none by a 5xx."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import keep
from rows import WORKFLOW, action_row, execution_row, task_row

from mistralish.api import trees
from mistralish.json_reader import MAX_DEPTH
from mistralish.store import Store

TEXT = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}
NESTED = '{"a":' * MAX_DEPTH + "{}" + "}" * MAX_DEPTH


def said(answer: Any) -> str:
    assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.text[:300]}"
    return str(answer.get_json()["faultstring"])


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ('{"name": "e", "variables": ' + NESTED + "}", f"at most {MAX_DEPTH}"),
        ('{"name": "e", "variables": ' + "[" * 90_000, "nested"),
        (json.dumps({"name": "e", "variables": NESTED}), f"at most {MAX_DEPTH}"),
        (json.dumps({"name": "e", "variables": '{"a": NaN}'}), "NaN"),
        (json.dumps({"name": "e", "variables": '{"a": 1e999}'}), "too large"),
        (json.dumps({"name": "e", "variables": '{"a": "\\u0000"}'}), "\\u0000"),
        (json.dumps({"name": "e", "variables": '{"a": "\\ud800"}'}), "surrogate"),
        ('{"name": "e", "variables": {"a": Infinity}}', "Infinity"),
        ('{"name": "e", "variables": {"a": -1e999}}', "too large"),
        ('{"name": "e\\u0000", "variables": {}}', "\\u0000"),
        ('{"name": "e", "variables": {"a": ' + "9" * 5000 + "}}", "JSON"),
        (json.dumps({"name": "n" * 256, "variables": {}}), "255"),
    ],
)
def test_json_that_cannot_be_kept_is_refused(client: FlaskClient, body: str, word: str) -> None:
    assert word in said(client.post("/v2/environments", data=body, headers=JSON))
    assert client.get("/v2/environments").get_json()["environments"] == []


def test_json_as_deep_as_is_allowed_comes_back_as_it_was(client: FlaskClient) -> None:
    deepest = json.loads('{"a":' * (MAX_DEPTH - 3) + "{}" + "}" * (MAX_DEPTH - 3))
    made = client.post("/v2/environments", json={"name": "e", "variables": deepest})
    assert made.status_code == 201
    assert json.loads(client.get("/v2/environments/e").get_json()["variables"]) == deepest


@pytest.mark.parametrize(
    "definition",
    ['w: {description: "a\\0b", tasks: {a: {}}}', 'w: {input: [{a: "\\0"}], tasks: {a: {action: std.noop}}}', "w: \0"],
)
def test_a_definition_with_a_character_that_databases_refuse_is_refused_with_its_line(
    client: FlaskClient, definition: str
) -> None:
    answer = said(client.post("/v2/workflows", data=f"version: '2.0'\n{definition}\n", headers=TEXT))
    assert "line 2" in answer


@pytest.mark.parametrize(
    "headers",
    [
        {**JSON, "Content-Encoding": "gzip"},
        {**JSON, "Content-Encoding": "br, gzip"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "text/xml; charset=utf-8"},
        {"Content-Type": "application/soap+xml"},
    ],
)
@pytest.mark.parametrize("path", ["workflows", "workbooks", "actions", "environments", "executions"])
def test_a_body_in_another_form_is_refused(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    answer = client.post(f"/v2/{path}", data=b"<a/>", headers=headers)
    assert answer.status_code == 415, answer.text
    assert len(said(answer)) > 20


def test_what_clients_send_as_the_type_of_a_definition_is_taken(client: FlaskClient) -> None:
    for number, kind in enumerate(("text/plain", "application/x-www-form-urlencoded", "application/x-yaml", "")):
        text = WORKFLOW.replace("\nw:", f"\nw{number}:")
        answer = client.post("/v2/workflows", data=text, headers={"Content-Type": kind} if kind else {})
        assert answer.status_code in (201, 409), answer.text


MANY = {
    "50 filters at most": [("name", f"neq:{n}") for n in range(51)],
    "1000 values together": [("name", "in:" + ",".join(["a"] * 600))] * 2,
    "1000 values of one": [("name", "in:" + ",".join(["a"] * 1001))],
    "100 tags": [("tags", "in:" + ",".join(["a"] * 101))],
    "100 JSON values": [("input", "in:" + ",".join(["1"] * 101))],
    "100 dates": [("created_at", "in:" + ",".join(["2030-01-01"] * 101))],
    "deep JSON": [("input", "eq:" + "[" * 3000)],
    "JSON that is none": [("input", "eq:NaN")],
    "a number too large": [("input", "eq:1e999")],
    "a position that is none": [("marker", "x"), ("position", "g." + "W" * 3000)],
    "too many directions": [("sort_dirs", ",".join(["asc"] * 1000))],
    "a sort key twice in capitals and one that is none": [("sort_keys", "ID,id,password")],
}


@pytest.mark.parametrize("kind", MANY)
def test_a_list_that_asks_for_too_much_is_refused(client: FlaskClient, kind: str) -> None:
    said(client.get("/v2/executions", query_string=MANY[kind]))


@pytest.mark.parametrize(
    "arguments",
    [
        [("name", f"neq:{n}") for n in range(50)],
        [("name", "in:" + ",".join(["a"] * 1000))],
        [("tags", "in:" + ",".join(["a"] * 100))],
        [("tags", "nin:" + ",".join(["a"] * 20))] * 50,
        [("tags", "eq:" + ",".join(["a"] * 100))],
        [("input", "in:" + ",".join(["1"] * 100))],
        [("input", "nin:" + ",".join(["1"] * 20))] * 50,
        [("input", "in:")],
        [("input", "nin:null,1")],
        [("created_at", "nin:" + ",".join(["2030-01-01"] * 100))],
        [("nulls", ",".join(["output"] * 1000))],
    ],
)
def test_as_many_filters_as_are_allowed_are_no_trouble_for_the_database(
    client: FlaskClient, arguments: list[tuple[str, str]]
) -> None:
    answer = client.get("/v2/executions", query_string=arguments)
    assert answer.status_code == 200, answer.text[:300]


def test_null_in_a_list_of_json_values_is_a_value_among_others(client: FlaskClient, store: Store) -> None:
    keep(
        store,
        execution_row("none", output=None),
        execution_row("one", output={"a": 1}),
        execution_row("two", output={}),
    )

    def found(text: str) -> list[str]:
        rows = client.get("/v2/executions", query_string={"output": text}).get_json()["executions"]
        return sorted(row["id"] for row in rows)

    assert found('in:null,{"a": 1}') == ["none", "one"]
    assert found('in:{"a": 1},{}') == ["one", "two"]
    assert found("in:") == []


@pytest.mark.parametrize("path", ["executions/root/report", "executions/root/executions", "tasks/sub/executions"])
def test_a_tree_too_large_to_show_says_how_to_see_less(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    keep(
        store,
        execution_row("root"),
        task_row("sub", "root", type="WORKFLOW"),
        *(execution_row(f"child{n}", task_execution_id="sub", root_execution_id="root") for n in range(5)),
        *(task_row(f"task{n}", f"child{n}") for n in range(5)),
        *(action_row(f"action{n}", f"task{n}") for n in range(5)),
    )
    assert client.get(f"/v2/{path}").status_code == 200
    monkeypatch.setattr(trees, "MOST_ROWS", 7)
    assert "max_depth" in said(client.get(f"/v2/{path}"))
    assert client.get(f"/v2/{path}?max_depth=0").status_code == 200


@pytest.mark.parametrize("host", ["evil/..", "a b", "<script>", "user@evil", "\xff"])
def test_a_host_that_is_none_never_comes_into_a_link(client: FlaskClient, host: str) -> None:
    said(client.get("/v2/actions?limit=1", headers={"Host": host}))


@pytest.mark.parametrize(
    "identifier", ["%00", "%ff", "%0d%0aX: y", "..%2f..", "'%20or%201=1", "\u202e", "x" * 5000, "%"]
)
@pytest.mark.parametrize("path", ["workflows", "executions", "tasks", "action_executions", "environments", "actions"])
def test_an_identifier_of_any_characters_is_not_found(client: FlaskClient, path: str, identifier: str) -> None:
    said(client.delete(f"/v2/{path}/{identifier}"))
