"""Whatever the text, the loader answers with specs or with LanguageError, soon."""

import json
import time

import pytest
import yaml
from definition_texts import texts
from hypothesis import given, settings
from hypothesis import strategies as st

from mistralish.lang import LanguageError, load_workflow, load_yaml, parse_actions, parse_workbook, parse_workflows

PARSERS = (parse_workflows, parse_actions, parse_workbook)
names = st.sampled_from(["t1", "t2", "t3", "noop", "fail msg='x'", "t-4", ""])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 2**70),
    st.floats(),
    st.text(max_size=8),
    names,
    st.sampled_from(["<% $.x %>", "<% * %>", "{{ _.x }}", "i in <% $.l %>", "count=1 delay=2", "all", "direct"]),
)
keys = st.sampled_from(
    [
        *(
            "action",
            "workflow",
            "input",
            "publish",
            "on-success",
            "on-error",
            "on-complete",
            "next",
            "branch",
            "global",
        ),
        *("join", "requires", "with-items", "retry", "count", "delay", "timeout", "tags", "type", "base", "output"),
        *("t1", "t2"),
    ]
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=8,
)
tasks = st.dictionaries(
    st.sampled_from(["t1", "t2", "t3", "t-4"]), st.dictionaries(keys, anything, max_size=3), min_size=1
)
workflows = st.fixed_dictionaries(
    {"tasks": tasks}, optional={"task-defaults": anything, "type": anything, "input": anything}
)


def settles(parse, text):
    """What the parser answers, None where it refuses; nothing else may happen, and not late."""
    start = time.process_time()
    answer, refusal = None, None
    try:
        answer = parse(text)
    except LanguageError as e:
        refusal = e
    assert time.process_time() - start < 2
    assert refusal is None or len(str(refusal)) < 5000
    return answer


class PlainDumper(yaml.SafeDumper):
    """Writes equal objects out each time: the language has no aliases."""

    def ignore_aliases(self, data):
        return True


@pytest.mark.parametrize("parse", [load_yaml, *PARSERS])
@given(text=texts)
@settings(max_examples=150, deadline=None)
def test_no_text_makes_the_loader_fail_otherwise(parse, text):
    settles(parse, text)


@given(workflow=workflows)
@settings(max_examples=300, deadline=None)
def test_no_structure_makes_the_loader_fail_otherwise_and_what_it_accepts_reloads_the_same(workflow):
    text = yaml.dump({"version": "2.0", "wf": workflow}, Dumper=PlainDumper, sort_keys=False)
    for spec in settles(parse_workflows, text) or ():
        assert load_workflow(json.loads(json.dumps(spec.data)), spec.definition) == spec


good_tasks = st.dictionaries(
    st.sampled_from(["t1", "t2", "t3"]),
    st.fixed_dictionaries(
        {"action": st.sampled_from(["std.noop", "std.echo output='a b' n=1"])},
        optional={"publish": st.just({"a": 1}), "input": st.just({"x": {"y": "é # no comment"}})},
    ),
    min_size=1,
)
indents = st.integers(2, 5)


@given(
    members=st.dictionaries(st.sampled_from(["wf1", "wf2", "wf3"]), good_tasks, min_size=2),
    indent=indents,
    comment=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_each_definition_cut_out_means_what_it_meant_in_the_file(members, indent, comment):
    parts = []
    for name, tasks_ in members.items():
        body = yaml.dump(
            {name: {"tasks": tasks_}}, Dumper=PlainDumper, sort_keys=False, indent=indent, allow_unicode=True
        )
        parts.append(("# about it\n" if comment else "") + body)
    joined = "\n".join(parts)
    for spec in parse_workflows(f"version: '2.0'\n{joined}"):
        assert parse_workflows(spec.definition) == (spec,)
        assert ("# about it" in spec.definition) == comment
    indented = "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in joined.split("\n"))
    book = parse_workbook(f"version: '2.0'\nname: b\nworkflows:\n{indented}")
    for spec in book.workflows:
        assert parse_workflows(spec.definition)[0].data == spec.data
