"""Results become JSON values or are refused."""

import datetime
import json
import math
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistralish.actions.plain import to_plain

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(st.characters()) | st.integers() | st.booleans(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
def test_json_values_stay_as_they_are(value):
    assert to_plain(value) == value


@given(anything)
def test_what_comes_out_can_be_written_as_utf8_json_or_nothing_comes_out(value):
    try:
        plain = to_plain(value)
    except ValueError:
        return  # bytes that are not UTF-8
    assert json.loads(json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()) == plain


def test_python_s_own_kinds_become_the_nearest_json_kind():
    identifier = uuid.uuid4()
    value = {"t": (1, 2), "s": {3}, "b": b"caf\xc3\xa9", "d": datetime.date(2026, 1, 2), "u": identifier, 5: math.inf}
    expected = {"t": [1, 2], "s": [3], "b": "café", "d": "2026-01-02", "u": str(identifier), "5": None}
    assert to_plain(value) == expected


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_joined():
    assert to_plain("a\ud800b") == "a\ufffdb"
    assert to_plain("\ud83d\ude00") == "😀"


def test_an_object_is_refused_by_the_name_of_its_class():
    with pytest.raises(ValueError, match="holds a object, which is not a JSON value"):
        to_plain({"a": [object()]})


def test_a_value_that_contains_itself_is_refused():
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match="contains itself"):
        to_plain(value)


def test_bytes_that_are_not_text_are_refused():
    with pytest.raises(UnicodeDecodeError):
        to_plain(b"\xff\xfe")
