"""Lists by data: what stands for it in indexes, and that they give what reading all rows would."""

import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from store_rows import action, execution, listed, save, task

from mistralish.store import Store
from mistralish.store.data_keys import ABSENT, data_key, data_slot

LONG = {"name": "a text that is too long for a key", "z": [1, 2, 3]}


def test_equal_values_have_one_key_whatever_the_order_of_their_keys():
    assert data_key({"b": [1, {"d": 2, "c": 3}], "a": "é"}) == data_key({"a": "é", "b": [1, {"c": 3, "d": 2}]})
    assert data_key({"b": 1, "a": 2}) == '{"a":2,"b":1}'


def test_most_rows_have_no_key_and_rows_without_a_value_have_one_of_their_own():
    assert data_key({}) is data_key([]) is data_key({"env": {}}, {"env": {}}) is None
    assert data_key(None) == ABSENT


def test_long_values_differ_in_their_keys_though_they_begin_alike():
    other = {**LONG, "z": [1, 2, 4]}
    one, two = data_key(LONG), data_key(other)
    assert one != two
    assert one[:32] == two[:32] == json.dumps(LONG, separators=(",", ":"))[:32]
    assert len(one) == len(two) == 54


@pytest.mark.parametrize("value", [{"n": 10**30}, {"half": "\ud800"}, {"nul": "\0" * 40}, {"x": 1e300}, [0], "text"])
def test_every_value_that_is_kept_has_a_key(value: Any):
    assert data_key(value) == data_key(json.loads(json.dumps(value)))


VALUES: list[Any] = [
    {}, {"result": None}, {"env": {}, "namespace": ""}, {"a": 1}, {"a": 2}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, LONG,
    {**LONG, "z": [3, 2, 1]}, {"z": [1, 2, 3], "name": LONG["name"]}, {"n": 10**30}, {"deep": {"in": ["it", None]}},
]  # fmt: skip


def _filled(store: Store) -> dict[str, list[Any]]:
    """Rows with all kinds of data; by kind, their ids and data in the order of creation."""
    chance = Random(7)
    kinds_of_tags = (None, [], ["a"], ["b"], ["a", "b"], ["a tag that is too long for a key", "b"], ["b", "é"])
    found: dict[str, list[Any]] = {"execution": [], "task": [], "action_execution": []}
    for at in range(60):
        given, gives = chance.choice(VALUES), chance.choice(VALUES)
        tags = chance.choice(kinds_of_tags)
        run = execution(created_at=at, input=given, output=gives, params=chance.choice(VALUES), tags=tags)
        one = task(run, created_at=at, published=chance.choice([*VALUES, None]), tags=tags)
        act = action(one, created_at=at, input=given, output=chance.choice([*VALUES, None]), tags=tags)
        save(store, insert=[run, one, act])
        for kind, row in (("execution", run), ("task", one), ("action_execution", act)):
            found[kind].append(row)
    return found


DATA = {"execution": ("input", "output", "params"), "task": ("published",), "action_execution": ("input", "output")}
EACH = [(kind, name) for kind, names in DATA.items() for name in names]


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_a_filter_by_data_finds_what_a_look_at_all_rows_finds(store: Store, kind: str, name: str) -> None:
    rows = _filled(store)[kind]
    for value in VALUES:
        text = json.dumps(value)
        for operator, fits in (
            ("eq", lambda row, value=value: row == value),
            ("neq", lambda row, value=value: row is not None and row != value),
        ):
            wanted = [row.id for row in rows if fits(getattr(row, name))]
            assert [item["id"] for item in listed(store, kind, **{name: f"{operator}:{text}"}).items] == wanted
    chosen = [VALUES[3], VALUES[0], LONG]
    text = "in:" + ",".join(json.dumps(value) for value in chosen)
    wanted = [row.id for row in rows if getattr(row, name) in chosen]
    assert [item["id"] for item in listed(store, kind, **{name: text}).items] == wanted
    absent = [row.id for row in rows if getattr(row, name) is None]
    assert [item["id"] for item in listed(store, kind, nulls=name).items] == absent


def _usual(kind: str, name: str) -> tuple[str, ...]:
    """What most rows have there, and so has no key."""
    if name == "tags":
        return "[]", "null"
    more = {("action_execution", "output"): '{"result": null}', ("execution", "params"): '{"env": {}, "namespace": ""}'}
    return ("{}", *(text for place, text in more.items() if place == (kind, name)))


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(("kind", "name"), [*EACH, *((kind, "tags") for kind in DATA)])
def test_a_list_sorted_by_data_has_every_row_once_and_those_of_one_place_together(
    store: Store, kind: str, name: str, direction: str
) -> None:
    rows = {row.id: row for row in _filled(store)[kind]}
    found: list[str] = []
    more: dict[str, str] = {}
    while len(found) <= len(rows):
        page = listed(store, kind, sort_keys=name, sort_dirs=direction, limit="7", **more)
        found += [item["id"] for item in page.items]
        if page.marker is None:
            break
        more = {"marker": page.marker} | ({"position": page.position} if page.position and len(found) % 2 else {})
    assert sorted(found) == sorted(rows)
    texts = [json.dumps(getattr(rows[row_id], name), sort_keys=True) for row_id in found]
    with_keys = [text for text in texts if text not in _usual(kind, name)]
    assert texts[: len(with_keys)] == with_keys
    places = [_place(kind, name, json.loads(text)) for text in with_keys]
    assert sum(one != other for one, other in pairwise(places)) == len(set(places)) - 1


def _place(kind: str, name: str, value: Any) -> str | None:
    """Where a value is in the order. Of actions' data, that is a place for those that begin alike and share a slot."""
    key = data_key(value)
    return data_slot(key) if kind == "action_execution" and name != "tags" else key


def test_keys_that_begin_alike_share_few_slots_and_one_without_a_key_has_none():
    keys = [data_key({"output": number}) for number in range(1_000)]
    slots = [data_slot(key) for key in keys]
    assert slots == [data_slot(key) for key in keys]
    assert len(set(slots)) == 32
    assert {slot[:-1] for slot in slots if slot} == {'{"output'}
    assert data_slot(data_key({})) is None
    assert data_slot(data_key(None)) is not None


def test_data_that_changes_is_found_by_what_it_is_now(store: Store) -> None:
    run = execution(output=LONG)
    save(store, insert=[run])
    run.output = {"a": 1}
    save(store, run.id, update=[run])
    assert listed(store, "execution", output=json.dumps(LONG)).items == []
    assert [item["id"] for item in listed(store, "execution", output='{"a": 1}').items] == [run.id]
