"""The examples of the API's reference are what a real server answers."""

import json
from pathlib import Path

import pytest
from api_examples import Example, record, shape
from rest import Rest

_COMMITTED: dict[str, Example] = json.loads(
    (Path(__file__).parents[2] / "api-ref" / "examples.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def recorded(own_rest: Rest) -> dict[str, Example]:
    return record(own_rest.url)


@pytest.mark.parametrize("operation", sorted(_COMMITTED))
def test_the_example_in_the_reference_is_what_the_server_answers(operation: str, recorded: dict[str, Example]) -> None:
    assert shape(recorded[operation]) == shape(_COMMITTED[operation]), "record the examples anew: see api_examples.py"


def test_there_is_no_example_that_the_reference_does_not_show(recorded: dict[str, Example]) -> None:
    assert set(recorded) == set(_COMMITTED)
