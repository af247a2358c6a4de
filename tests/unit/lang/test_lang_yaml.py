"""YAML is read within bounds, and every refusal names its place."""

import contextlib
import time

import pytest

from mistralish.lang import LanguageError, YamlLimits, load_yaml


def refused(text: str, limits: YamlLimits | None = None) -> LanguageError:
    with pytest.raises(LanguageError) as caught:
        load_yaml(text, limits or YamlLimits())
    return caught.value


def test_plain_data_comes_out_as_json_has_it():
    text = "a: [1, 2.5, true, null, x]\nb: {c: '1', 2: d, true: e, null: f}\n"
    assert load_yaml(text) == {"a": [1, 2.5, True, None, "x"], "b": {"c": "1", "2": "d", "true": "e", "null": "f"}}


def test_dates_become_text():
    assert load_yaml("[2015-01-01, 2015-01-01 10:00:00]") == ["2015-01-01", "2015-01-01T10:00:00.000000"]


def test_an_empty_document_is_none():
    assert load_yaml("") is None
    assert load_yaml("# only a comment\n") is None


def test_ampersand_star_and_at_are_ordinary_characters():
    assert load_yaml("a: &b c\nd: *e\nf: [*.txt, @home]\n") == {"a": "&b c", "d": "*e", "f": ["*.txt", "@home"]}


def test_private_use_characters_survive_beside_those():
    assert load_yaml("a: '\ue000 & \ue001'\nb: *x\n") == {"a": "\ue000 & \ue001", "b": "*x"}


def test_nothing_expands():
    levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9))
    assert load_yaml("a0: &a0 x\n" + levels)["a8"] == f"&a8 [{', '.join(['*a7'] * 9)}]"
    assert load_yaml("a0: &a0 x\na1: [*a0, *a0]\n") == {"a0": "&a0 x", "a1": ["*a0", "*a0"]}


def test_inline_merge_keys_are_honoured_and_the_own_key_wins():
    assert load_yaml("a: {<<: [{x: 1, y: 1}, {y: 2, z: 2}], x: 0}") == {"a": {"x": 0, "y": 1, "z": 2}}


def test_a_duplicate_key_names_both_places():
    e = refused("a: 1\nb:\n  c: 1\n  c: 2\n")
    assert (e.line, e.column) == (4, 3)
    assert "duplicate key 'c'" in str(e)
    assert "line 3, column 3" in str(e)


@pytest.mark.parametrize(
    "text", ["a: !!python/object/apply:os.system [x]", "a: !foo bar", "a: !!binary aGk=", "!!set {a}"]
)
def test_tags_are_refused(text):
    e = refused(text)
    assert "tag" in str(e)
    assert e.line == 1


def test_a_core_tag_is_harmless():
    assert load_yaml("a: !!str 12") == {"a": "12"}


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a:\n\tb: 1\n", 2, 1, "spaces"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "indentation"),
        ("a: [1, 2\nb: 3\n", 2, 2, "close"),
        ("a: {x: 1\n", 2, 1, "close"),
        ("a: 'x\nb: 3\n", 3, 1, "quote"),
        ("a: b: c\n", 1, 5, "quote"),
        ("a: %x\n", 1, 4, "quote"),
        ("a: `x`\n", 1, 4, "quote"),
        ("a: {{ _.x }}\n", 1, 5, "'{{ … }}'"),
        ("a: 1\n---\nb: 2\n", 2, 1, "one document"),
        ("a: .nan\n", 1, 4, "quote"),
        ("a: 123456789012345678901234567890\n", 1, 4, "64 bits"),
        ("a: \x00\n", 1, 4, "character"),
        ("a: =\n", 1, 4, "quote"),
        ("a: 2015-13-45\n", 1, 4, "timestamp"),
        ("a: {<<: 1}\n", 1, 9, "mapping"),
    ],
)
def test_a_syntax_error_says_where_and_what_would_be_right(text, line, column, says):
    e = refused(text)
    assert (e.line, e.column) == (line, column), str(e)
    assert says in str(e)
    assert str(e).startswith(f"line {line}, column {column}: ")


def test_half_a_surrogate_pair_is_refused():
    assert refused('a: "\\ud800"').line == 1
    assert refused("a: \ud800").line == 1


def test_size_nodes_and_depth_are_bounded():
    assert "at most 10" in str(refused("a: " + "x" * 20, YamlLimits(size=10)))
    assert "at most 5" in str(refused("[1, 2, 3, 4, 5, 6]", YamlLimits(nodes=5)))
    assert "at most 3" in str(refused("[[[[1]]]]", YamlLimits(depth=3)))
    assert load_yaml("[[[1]]]", YamlLimits(depth=3)) == [[[1]]]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 50_000 + "x",
        "a: " + "1:" * 200_000 + "1",
        "a: " + "9" * 200_000,
        "? " * 50_000,
        "a: " + "&*@" * 50_000,
    ],
)
def test_hostile_texts_are_settled_quickly(text):
    start = time.process_time()
    with contextlib.suppress(LanguageError):
        load_yaml(text)
    assert time.process_time() - start < 3
