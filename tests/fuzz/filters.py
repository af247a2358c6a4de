"""Filters and pages of lists: any query is answered or refused, and SQLite and PostgreSQL agree on the answer."""

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fuzz.search import Target, settled
from hypothesis import strategies as st
from services import new_postgresql_database
from store.store_rows import action, execution, save, task

from mistralish.store import Page, Store, Tenant, open_store, parse_query
from mistralish.store.filters import OPERATORS
from mistralish.store.kinds import KINDS
from mistralish.store.pagination import to_token

_TIME = 1_795_246_298_000_000
_TEXTS = ["", "a", "B", "é", "\U0001f600", "\uffff", "50%", "_", "a\\b", "a'b", 'a"b', "null", "%s", "flow.1", "[", "{"]
_STATES = ["RUNNING", "SUCCESS", "ERROR", "PAUSED", "IDLE"]
_JSONS: list[Any] = [
    {},
    {"a": 1},
    {"b": [1, None, {"c": "é"}]},
    {"n": 1.5, "m": 10**20},
    {"\ud800": "\udfff"},
    {"": ""},
]
_CONTROLS = ("sort_keys", "sort_dirs", "limit", "marker", "position", "fields", "nulls", "all_projects", "bogus")
_TENANTS = (Tenant("ours"), Tenant("theirs"), Tenant("ours", is_admin=True), Tenant("ours", all_projects=True))

_words = st.sampled_from([*_TEXTS, *_STATES, "ours", "theirs", "private", "public", "x-1", "x-2", "x-7"])
_any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_numbers = st.one_of(
    st.integers(), st.integers(-(2**65), 2**65), st.floats(), st.sampled_from([0, 1, -1, _TIME, 2**63])
)
_dates = st.one_of(
    st.datetimes().map(str),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.sampled_from(["2026-11-21", "2026-11-21T07:31:38Z", "2026-11-21 07:31:38.5+14:00", "0001-01-01T00:00:00+14:00"]),
    st.sampled_from(["9999-12-31T23:59:59.999999-12:00", "2026-11-21T24:00", "2026-02-30", "20261121", "2026-W47-6"]),
)
_json = st.one_of(
    st.sampled_from(_JSONS).map(json.dumps),
    st.recursive(
        st.one_of(st.none(), st.booleans(), _numbers, st.text(max_size=4)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
        max_leaves=5,
    ).map(json.dumps),
    st.sampled_from(["{", "[1,", "NaN", "Infinity", "1e999", "[" * 2000, '{"a": 1, "a": 2}', "9" * 5000, '"\\u0000"']),
)
_value = st.one_of(
    _words, _any_text, _numbers.map(str), _dates, _json, st.sampled_from(["true", "FALSE", "0", "maybe"])
)
_values = st.one_of(_value, st.lists(_value, max_size=5).map(",".join), st.just("x," * 1100), st.just("1," * 300))
_prefixes = st.sampled_from(["", *(f"{name}:" for name in OPERATORS), "ne:", "EQ:", "like:", ":", "http:"])
_filter_values = st.builds(str.__add__, _prefixes, _values)


def _controls(names: Sequence[str]) -> st.SearchStrategy[tuple[str, str]]:
    keys = st.lists(st.one_of(st.sampled_from(names), st.sampled_from(names), _any_text), max_size=4).map(",".join)
    position = st.one_of(
        st.lists(
            st.one_of(st.none(), _words, _numbers, st.booleans(), st.text(max_size=3)), min_size=1, max_size=4
        ).map(_position),
        _any_text,
        st.binary(max_size=20).map(lambda data: base64.urlsafe_b64encode(data).decode()),
    )
    values = {
        "sort_keys": keys,
        "fields": keys,
        "nulls": keys,
        "sort_dirs": st.lists(st.sampled_from(["asc", "desc", "ASC", "up", ""]), max_size=4).map(",".join),
        "limit": st.one_of(st.sampled_from(["1", "2", "3"]), _value),
        "marker": st.one_of(st.sampled_from(["x-1", "x-2"]), _value),
        "position": position,
    }
    return st.sampled_from(_CONTROLS).flatmap(lambda name: st.tuples(st.just(name), values.get(name, _value)))


def _position(values: list[Any]) -> str:
    try:
        return to_token(values) or ""
    except (TypeError, ValueError):  # a text or a number that no row can have
        return "W10"


def _queries(kind: str) -> st.SearchStrategy[tuple[str, list[tuple[str, str]], Tenant]]:
    names = KINDS[kind].attributes
    filters = st.tuples(st.sampled_from([*names, "task_name"]), _filter_values)
    arguments = st.lists(st.one_of(filters, filters, _controls(names)), max_size=4)
    return st.tuples(st.just(kind), arguments, st.sampled_from(_TENANTS))


class Arguments:
    """As much of a MultiDict as ``parse_query`` needs: parameters may be given several times."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def getlist(self, name: str) -> list[str]:
        """The values of a parameter."""
        return [value for key, value in self._pairs if key == name]

    def items(self, multi: bool = False) -> Iterator[tuple[str, str]]:
        """All parameters."""
        return iter(self._pairs)


@contextmanager
def filters_target(folder: Path) -> Iterator[Target]:
    """The target, with the same rows in both databases; the one of SQLite is in ``folder``."""
    with new_postgresql_database() as url:
        stores = [open_store(each) for each in (f"sqlite:///{folder}/filters.db", url)]
        for store in stores:
            store.upgrade()
            _fill(store)
        yield Target("filters", st.sampled_from(sorted(KINDS)).flatmap(_queries), lambda drawn: _ask(stores, *drawn))
        for store in stores:
            store.close()


def _ask(stores: Sequence[Store], kind: str, pairs: list[tuple[str, str]], tenant: Tenant) -> str:
    pages: list[list[Page]] = [[] for _ in stores]

    def listed(store: Store, into: list[Page]) -> None:
        query = parse_query(kind, Arguments(pairs))
        into.append(store.list(kind, query, tenant=tenant))
        if into[0].marker and into[0].position:
            rest = [pair for pair in pairs if pair[0] not in ("marker", "position")]
            links = [("marker", into[0].marker), ("position", into[0].position)]
            into.append(store.list(kind, parse_query(kind, Arguments(rest + links)), tenant=tenant))

    answers = [settled(listed, store, into) for store, into in zip(stores, pages, strict=True)]
    found = [[[item["id"] for item in page.items] for page in each] for each in pages]
    assert answers[0] == answers[1], f"SQLite {answers[0]}, PostgreSQL {answers[1]}"
    assert found[0] == found[1], f"SQLite {found[0]}, PostgreSQL {found[1]}"
    for each in found:
        together = [row for page in each for row in page]
        assert len(together) == len(set(together)), f"twice on two pages: {together}"
    return answers[0]


def _fill(store: Store) -> None:
    rows: list[Any] = []
    for number in range(12):
        common = {
            "created_at": _TIME + number // 3 * 500_000,
            "updated_at": None if number % 3 else _TIME + number,
            "state": _STATES[number % len(_STATES)],
            "state_info": None if number % 4 == 1 else _TEXTS[number % len(_TEXTS)],
            "tags": None if number % 5 == 2 else _TEXTS[number : number + 2],
            "project_id": "theirs" if number % 6 == 5 else "ours",
        }
        flow = execution(
            id=f"x-{number}",
            name=_TEXTS[number % len(_TEXTS)],
            input=_JSONS[number % len(_JSONS)],
            output=None if number % 2 else _JSONS[number // 2 % len(_JSONS)],
            accepted=number % 2 == 0,
            **common,
        )
        step = task(flow, id=f"t-{number}", name=_TEXTS[-number], processed=number % 2 == 1, **common)
        rows += [flow, step, action(step, id=f"a-{number}", input=_JSONS[-number % len(_JSONS)], **common)]
        for kind in ("workflow", "action", "environment", "cron_trigger", "event_trigger"):
            store.create(kind, _document(kind, number), tenant=Tenant(common["project_id"]))
    save(store, *(row.id for row in rows if row.id.startswith("x-")), insert=rows)


def _document(kind: str, number: int) -> dict[str, Any]:
    values = {
        "id": f"{kind}-{number}",
        "name": f"{_TEXTS[number]}{number}",
        "scope": "public" if number % 5 == 0 else "private",
        "created_at": _TIME + number // 3 * 500_000,
        "definition": _TEXTS[number % 7],
        "tags": None if number % 2 else _TEXTS[number : number + 2],
        "description": None if number % 3 else _TEXTS[-number],
        "variables": _JSONS[number % len(_JSONS)],
        "workflow_id": f"workflow-{number}",
        "workflow_name": _TEXTS[number],
        "workflow_input": None if number % 2 else _JSONS[number % len(_JSONS)],
        "pattern": "* * * * *",
        "next_execution_time": _TIME + 7 * number,
        "remaining_executions": None if number % 3 == 0 else number - 5,
        "exchange": "shop",
        "topic": _TEXTS[number],
        "event": "placed",
    }
    return {name: value for name, value in values.items() if name in KINDS[kind].columns}
