"""How much a definition may hold; what is refused says the bound, and costs little."""

import time

import pytest

from mistralish import lang
from mistralish.lang.sizes import MAX_EXPRESSIONS, MAX_MEMBERS, MAX_TASKS

HEAD = "version: '2.0'\n"


def tasks(count: int) -> str:
    return "    tasks:\n" + "".join(f"      t{n}: {{action: std.noop}}\n" for n in range(count))


def with_expressions(count: int) -> str:
    values = "".join(f"<% $.a{n} %>" for n in range(count))
    return f"{HEAD}w:\n  tasks: {{a: {{publish: {{x: '{values}'}}}}}}\n"


def workflows(count: int) -> str:
    return HEAD + "".join(f"w{n}: {{tasks: {{a: {{action: std.noop}}}}}}\n" for n in range(count))


def workbook(section: str, members: str) -> str:
    return f"{HEAD}name: b\n{section}:\n{members}"


TOO_MUCH = {
    "tasks": (lang.parse_workflows, f"{HEAD}w:\n{tasks(MAX_TASKS + 1)}", f"{MAX_TASKS}"),
    "tasks of several workflows": (
        lang.parse_workflows,
        f"{HEAD}w:\n{tasks(MAX_TASKS // 2)}v:\n{tasks(MAX_TASKS // 2 + 1)}",
        f"{MAX_TASKS}",
    ),
    "expressions": (lang.parse_workflows, with_expressions(MAX_EXPRESSIONS + 1), f"{MAX_EXPRESSIONS}"),
    "workflows": (lang.parse_workflows, workflows(MAX_MEMBERS + 1), f"{MAX_MEMBERS}"),
    "workflows of a workbook": (
        lang.parse_workbook,
        workbook("workflows", "".join(f"  w{n}: {{tasks: {{a: {{}}}}}}\n" for n in range(MAX_MEMBERS + 1))),
        f"{MAX_MEMBERS}",
    ),
    "actions of a workbook": (
        lang.parse_workbook,
        workbook("actions", "".join(f"  a{n}: {{base: std.noop}}\n" for n in range(MAX_MEMBERS + 1))),
        f"{MAX_MEMBERS}",
    ),
    "actions": (
        lang.parse_actions,
        HEAD + "".join(f"a{n}: {{base: std.noop}}\n" for n in range(MAX_MEMBERS + 1)),
        f"{MAX_MEMBERS}",
    ),
    "values": (lang.parse_workflows, f"{HEAD}w: [{'1,' * 200_000}]", "200000"),
    "text": (lang.parse_workflows, HEAD + "#" * 5_000_000, "4194304"),
}


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_too_much_is_refused_with_its_bound(kind: str) -> None:
    parse, text, bound = TOO_MUCH[kind]
    with pytest.raises(lang.LanguageError, match=f"at most {bound} are allowed"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [f"{HEAD}w:\n{tasks(MAX_TASKS)}", with_expressions(MAX_EXPRESSIONS - 1), workflows(MAX_MEMBERS)],
    ids=["tasks", "expressions", "workflows"],
)
def test_as_much_as_is_allowed_is_taken_in_little_time(text: str) -> None:
    began = time.process_time()
    assert lang.parse_workflows(text)
    assert time.process_time() - began < 6  # about one second where nothing else runs


def test_many_workflows_in_a_long_text_are_cut_out_in_little_time() -> None:
    text = workflows(MAX_MEMBERS) + "#\n" * 1_000_000
    began = time.process_time()
    assert len(lang.parse_workflows(text)) == MAX_MEMBERS
    assert time.process_time() - began < 6
