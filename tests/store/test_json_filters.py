"""JSON attributes are compared by value, and what cannot be compared never breaks a list."""

import pytest

from mistralish.errors import InputError
from mistralish.store import Store, Tenant, parse_query


def names(store: Store, tenant: Tenant, text: str) -> list[str]:
    query = parse_query("environment", {"variables": text}, default_limit=100, max_limit=100)
    return [row["name"] for row in store.list("environment", query, tenant=tenant).items]


@pytest.fixture
def kept(store: Store, tenant: Tenant) -> Store:
    for name, variables in (
        ("ab", {"a": 1, "b": [1, 2]}),
        ("ba", {"b": [1, 2], "a": 1}),
        ("nul", {"a": "\0"}),
        ("wide", {"a": "grün"}),
    ):
        store.create("environment", {"name": name, "variables": variables, "scope": "private"}, tenant=tenant)
    return store


def test_the_order_of_keys_is_kept_and_does_not_matter_to_a_filter(kept: Store, tenant: Tenant) -> None:
    assert names(kept, tenant, '{"b": [1, 2], "a": 1}') == ["ab", "ba"]
    assert list(kept.get("environment", "ba", tenant=tenant)["variables"]) == ["b", "a"]


def test_values_that_no_json_type_of_a_database_takes_can_be_found_and_passed_over(kept: Store, tenant: Tenant) -> None:
    assert names(kept, tenant, '{"a": "\\u0000"}') == ["nul"]
    assert names(kept, tenant, 'neq:{"a": "\\u0000"}') == ["ab", "ba", "wide"]
    assert names(kept, tenant, '{"a": "grün"}') == names(kept, tenant, '{"a": "gr\\u00fcn"}') == ["wide"]


def test_one_of_several_values_is_found(kept: Store, tenant: Tenant) -> None:
    assert names(kept, tenant, 'in:{"a": "grün"},{"a": 1, "b": [1, 2]}') == ["ab", "ba", "wide"]
    assert names(kept, tenant, 'nin:{"a": "grün"},{"a": 1, "b": [1, 2]}') == ["nul"]


def test_broken_json_is_refused(kept: Store, tenant: Tenant) -> None:
    with pytest.raises(InputError, match="variables"):
        names(kept, tenant, '{"a":')
