"""The API's description: complete, right, and the one that is kept in api-ref."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from mistralish.api.openapi.__main__ import reference

_API_REF = Path(__file__).parents[2] / "api-ref"
_VALUES = {"text": "a", "time": "2030-01-31", "flag": "true", "number": "1", "JSON": '"a"', "tags": "a,b"}
_OPERATORS = ("eq", "neq", "in", "nin", "gt", "gte", "lt", "lte", "has")
_HOW_TO_WRITE = "write it with: python -m mistralish.api.openapi api-ref"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return client.get("/v2/openapi.json").get_json()


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m.upper(), path, o) for path, by_method in document["paths"].items() for m, o in by_method.items()]


def _routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_described_and_nothing_else(client: FlaskClient, document: dict[str, Any]) -> None:
    assert {(method, path) for method, path, _ in _operations(document)} == _routes(client.application)


def test_the_description_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_the_description_describes_itself(document: dict[str, Any]) -> None:
    assert set(document) <= set(document["components"]["schemas"]["OpenApi"]["properties"])


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in _operations(document)]
    assert sorted(names) == sorted(set(names))


def test_every_attribute_argument_and_operation_is_explained(document: dict[str, Any]) -> None:
    silent = [o["operationId"] for _, _, o in _operations(document) if not o["summary"]]
    for method, path, operation in _operations(document):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query" and not parameter.get("description"):
                silent.append(f"{method} {path}?{parameter['name']}")
    for name, schema in document["components"]["schemas"].items():
        silent += [f"{name}.{key}" for key, value in schema["properties"].items() if not value.get("description")]
    assert not silent, f"mistralish/api/openapi/words.py should say what these mean: {silent}"


def test_lists_take_every_filter_with_every_operator_that_they_describe(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    lists = [(path, o) for method, path, o in _operations(document) if method == "GET" and _has_filters(o)]
    assert len(lists) >= 8
    for path, operation in lists:
        if "{" in path:
            continue  # lists below something have the same filters as the whole
        for parameter in operation["parameters"]:
            for operator in parameter.get("x-filter-operators", ()):
                query = {parameter["name"]: f"{operator}:{_VALUES[parameter['x-filter-type']]}"}
                answer = client.get(path, query_string=query)
                assert answer.status_code == 200, (path, query, answer.text)


def test_lists_refuse_operators_that_they_do_not_describe(client: FlaskClient, document: dict[str, Any]) -> None:
    refused = 0
    for method, path, operation in _operations(document):
        if method != "GET" or "{" in path:
            continue
        for parameter in operation.get("parameters", []):
            for operator in set(_OPERATORS) - set(parameter.get("x-filter-operators", _OPERATORS)):
                query = {parameter["name"]: f"{operator}:{_VALUES[parameter['x-filter-type']]}"}
                assert client.get(path, query_string=query).status_code == 400, (path, query)
                refused += 1
    assert refused


def test_every_list_describes_its_filters(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        schema = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if method == "GET" and "next" in schema.get("properties", {}):
            assert _has_filters(operation), f"{path}: give lists() the kind of what it lists"


@pytest.mark.parametrize("name", sorted(path.name for path in _API_REF.iterdir() if path.name != "differences.md"))
def test_the_reference_in_the_repository_is_up_to_date(name: str) -> None:
    examples = json.loads((_API_REF / "examples.json").read_text())
    wanted = reference(examples)
    if name == "examples.json":
        assert set(wanted) <= {path.name for path in _API_REF.iterdir()}, _HOW_TO_WRITE
        return
    assert name in wanted, f"nothing makes {name} any more: remove it"
    assert (_API_REF / name).read_text() == wanted[name], f"{name} is out of date: {_HOW_TO_WRITE}"


def test_every_operation_has_an_example_and_every_example_an_operation(document: dict[str, Any]) -> None:
    examples = json.loads((_API_REF / "examples.json").read_text())
    assert set(examples) == {operation["operationId"] for _, _, operation in _operations(document)}


def test_a_link_of_the_index_leads_to_each_operation(document: dict[str, Any]) -> None:
    index = (_API_REF / "README.md").read_text()
    links = re.findall(r"\]\((\w+\.md)#([^)]+)\)", index)
    assert len(links) == len(_operations(document))
    for page, anchor in links:
        heads = re.findall(r"^## (.+)$", (_API_REF / page).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}, (page, anchor)


def _has_filters(operation: dict[str, Any]) -> bool:
    return any("x-filter-operators" in parameter for parameter in operation.get("parameters", []))
