"""The language loader: any text is accepted or refused, soon; what is accepted loads again, and can be run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz.search import Target, settled
from hypothesis import strategies as st
from properties.definition_texts import PIECES, texts

from mistralish.engine.plan import build_plan
from mistralish.lang import load_workflow, load_yaml, parse_actions, parse_workbook, parse_workflows

_ROOT = Path(__file__).parents[2]
_GOOD = [
    *(file.read_text() for folder in ("workflows", "tests/system/cases") for file in (_ROOT / folder).glob("*.yaml")),
    "version: '2.0'\na:\n  base: std.echo output=<% $.x %>\n  input: [x, y: 1]\n  output: '{{ _ }}'\n",
]
_GOOD.sort()

_DEEP: dict[str, Callable[[int], str]] = {
    "[": lambda n: "[" * n,
    "[]": lambda n: "a: " + "[" * n + "]" * n,
    "{": lambda n: "{a: " * n + "1" + "}" * n,
    "- -": lambda n: "- " * n + "x",
    "? ?": lambda n: "? " * n + "x",
    "steps": lambda n: "".join(f"{' ' * depth}a:\n" for depth in range(min(n, 1500))),
    "anchors": lambda n: "".join(f"a{each}: &a{each} [*a{each - 1}, *a{each - 1}]\n" for each in range(min(n, 20_000))),
    "merges": lambda n: "<<: {a: " * min(n, 100_000),
    "documents": lambda n: "--- a\n" * min(n, 200_000),
    "tags": lambda n: "!!python/object/apply:os.system ['x']\n" * min(n, 1000),
    "one text": lambda n: f"version: '2.0'\nw: {{description: {'x' * n}, tasks: {{t: {{action: std.noop}}}}}}\n",
    "digits": lambda n: f"version: {'9' * n}",
    "a name": lambda n: f"version: '2.0'\n{'w' * n}: {{tasks: {{t: {{action: std.noop}}}}}}\n",
    "tasks": lambda n: _workflow("".join(f"    t{each}: {{action: std.noop}}\n" for each in range(min(n, 20_000)))),
    "a chain": lambda n: _workflow(
        "".join(f"    t{each}: {{on-success: t{each + 1}}}\n" for each in range(min(n, 5000))) + "    t1: {}\n"
    ),
    "a net": lambda n: _workflow(
        "".join(f"    t{each}: {{join: all, on-success: [{_all(n)}]}}\n" for each in range(min(n, 300)))
    ),
    "expressions": lambda n: _workflow(f"    t: {{action: std.echo, input: {{a: '{'<% $.x %>' * n}'}}}}\n"),
    "an expression": lambda n: _workflow(f"    t: {{action: std.echo, input: {{a: '<% {'(' * n}1{')' * n} %>'}}}}\n"),
    "jinja": lambda n: _workflow(f'    t: {{action: std.echo, input: {{a: "{"{{ " * n}"}}}}\n'),
    "inline": lambda n: _workflow('    t: {action: "std.echo ' + " ".join(f"a{each}=1" for each in range(n)) + '"}\n'),
    "inline brackets": lambda n: _workflow(f'    t: {{action: "std.echo a={"[" * n}"}}\n'),
    "inline quotes": lambda n: _workflow(f"    t: {{action: std.echo a={'x' * n} b='}}\n"),
    "with-items": lambda n: _workflow(f"    t: {{action: std.noop, with-items: [{'i in [1], ' * n}]}}\n"),
    "quotes": lambda n: "'" * n,
    "tabs": lambda n: "a:\n" + "\t" * n + "b",
    "comments": lambda n: "#" * n + "\n" + "# c\n" * n,
    "lines": lambda n: "\n" * n + "{",
    "escapes": lambda n: '"' + "\\x41" * n + '"',
    "folded": lambda n: "a: >\n" + "  b\n\n" * n,
}
_SIZES = st.sampled_from([1, 2, 10, 63, 64, 65, 300, 1000, 10_000])
# Rarely: such texts are as large as a request may be, and take their second or two.
_LARGE = st.sampled_from([50_000, 250_000])


def _workflow(tasks: str) -> str:
    return f"version: '2.0'\nw:\n  tasks:\n{tasks}"


def _all(n: int) -> str:
    return ", ".join(f"t{each}" for each in range(min(n, 300)))


def _mutated(drawn: tuple[str, list[tuple[str, int, int, str]]]) -> str:
    text, changes = drawn
    for how, where, much, piece in changes:
        text = _CHANGES[how](text, where, much, piece)
    return text


def _at_line(change: Callable[[list[str], int, int], None]) -> Callable[[str, int, int, str], str]:
    def changed(text: str, where: int, much: int, _: str) -> str:
        lines = text.splitlines(keepends=True) or [""]
        change(lines, where % len(lines), much % len(lines))
        return "".join(lines)

    return changed


def _swap(lines: list[str], at: int, other: int) -> None:
    lines[at], lines[other] = lines[other], lines[at]


def _indent(lines: list[str], at: int, much: int) -> None:
    lines[at] = " " * (much % 7) + lines[at].lstrip(" ")


def _insert(text: str, where: int, _: int, piece: str) -> str:
    at = where % (len(text) + 1)
    return text[:at] + piece + text[at:]


def _replace(text: str, where: int, much: int, piece: str) -> str:
    at = where % (len(text) + 1)
    return text[:at] + piece + text[at + much % 20 :]


_CHANGES: dict[str, Callable[[str, int, int, str], str]] = {
    "cut": _at_line(lambda lines, at, much: lines.pop(at) and None),
    "double": _at_line(lambda lines, at, much: lines.insert(much, lines[at])),
    "swap": _at_line(_swap),
    "indent": _at_line(_indent),
    "insert": _insert,
    "replace": _replace,
    "end": lambda text, where, much, piece: text[: where % (len(text) + 1)] + piece,
    "join": lambda text, where, much, piece: text + _GOOD[much % len(_GOOD)],
}
_pieces = st.one_of(st.sampled_from(PIECES), st.text(max_size=5))
_changes = st.tuples(st.sampled_from(sorted(_CHANGES)), st.integers(0, 10_000), st.integers(0, 10_000), _pieces)
mutated = st.tuples(st.sampled_from(_GOOD), st.lists(_changes, min_size=1, max_size=6)).map(_mutated)
deep = st.tuples(st.sampled_from(sorted(_DEEP)), st.one_of(*[_SIZES] * 9, _LARGE)).map(lambda of: _DEEP[of[0]](of[1]))


def _load(drawn: tuple[Callable[[str], Any], str]) -> str:
    parse, text = drawn
    return settled(_load_and_plan, parse, text)


def _load_and_plan(parse: Callable[[str], Any], text: str) -> None:
    specs = parse(text)
    if parse is parse_workbook:
        specs = specs.workflows
    if parse in (parse_workbook, parse_workflows):
        for spec in specs:
            build_plan(spec, "an id")
            assert load_workflow(json.loads(json.dumps(spec.data)), spec.definition) == spec


_parsers = st.sampled_from(
    [load_yaml, parse_workflows, parse_workflows, parse_workflows, parse_actions, parse_workbook]
)
LOADER = Target("loader", st.tuples(_parsers, st.one_of(texts, mutated, mutated, mutated, deep)), _load)
