"""Workflows end as they end on the reference: same states, outputs, published values, actions and sub-workflows."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from casebook import Run, load_cases, load_expected
from rest import Rest

CASES, EXPECTED = load_cases(), load_expected()


@pytest.fixture(scope="module")
def results(rest: Rest, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Any]]]:
    """All cases that were asked for, running at the same time."""
    asked = {item.callspec.params["name"] for item in request.session.items if "name" in _params(item)}
    with ThreadPoolExecutor(16) as pool:
        yield {name: pool.submit(Run(rest, name, CASES[name]).result) for name in CASES if name in asked}


def _params(item: pytest.Item) -> dict[str, Any]:
    return getattr(getattr(item, "callspec", None), "params", {})


@pytest.mark.parametrize("name", CASES)
def test_ends_as_on_the_reference(results: dict[str, Future[Any]], name: str) -> None:
    assert results[name].result(timeout=120) == EXPECTED[name], CASES[name]["about"]


def test_every_case_was_recorded() -> None:
    assert set(CASES) == set(EXPECTED)
