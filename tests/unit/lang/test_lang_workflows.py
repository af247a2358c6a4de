"""Workflows, workbooks and ad-hoc actions as wholes."""

import copy
import json
import pickle
import textwrap

from mistralish.lang import REQUIRED, load_action, load_workflow, parse_actions, parse_workbook, parse_workflows

FULL = """\
version: '2.0'

wf:
  description: everything at once
  type: direct
  tags: [a, b]
  input:
    - name
    - size: 3
    - nothing: null
  vars: {v: <% $.name %>}
  output: {o: <% $.o %>}
  output-on-error: {e: 1}
  task-defaults:
    on-error: [t3]
    retry: {count: 1, delay: 2}
  tasks:
    t1:
      action: std.echo output=<% $.name %>
      publish: {o: <% task().result %>}
      on-success: [t2, {t3: <% $.x %>}]
      on-complete: {publish: {global: {g: 1}}, next: [t2]}
    t2:
      workflow: sub a=1
      on-skip: t1x
    t3: {join: all}
    t1x: {with-items: 'i in [1, 2]'}
"""


def test_all_of_a_workflow_is_read():
    (spec,) = parse_workflows(FULL)
    assert (spec.name, spec.type, spec.description, spec.tags) == ("wf", "direct", "everything at once", ("a", "b"))
    assert spec.input == {"name": REQUIRED, "size": 3, "nothing": None}
    assert (spec.vars, spec.output, spec.output_on_error) == ({"v": "<% $.name %>"}, {"o": "<% $.o %>"}, {"e": 1})
    assert spec.outbound == {"t1": ("t2", "t3"), "t2": ("t3", "t1x"), "t3": (), "t1x": ("t3",)}
    assert spec.inbound == {"t1": (), "t2": ("t1",), "t3": ("t1", "t2", "t1x"), "t1x": ("t2",)}
    assert spec.start_tasks == ("t1",)
    assert spec.definition == FULL


def test_data_has_the_shape_of_the_reference_and_loads_to_the_same_spec():
    (spec,) = parse_workflows(FULL)
    assert spec.data["name"] == "wf"
    assert spec.data["version"] == "2.0"
    assert spec.data["tasks"]["t3"] == {"join": "all", "name": "t3", "version": "2.0", "type": "direct"}
    assert load_workflow(json.loads(json.dumps(spec.data)), spec.definition) == spec


def test_a_reverse_workflow_goes_along_requires():
    (spec,) = parse_workflows(
        textwrap.dedent("""\
            version: '2.0'
            wf:
              type: reverse
              task-defaults: {requires: t1, on-success: nowhere}
              tasks:
                t1: {action: a}
                t2: {requires: [t2, t3]}
                t3: {action: a}
            """)
    )
    assert {name: task.requires for name, task in spec.tasks.items()} == {"t1": (), "t2": ("t3", "t1"), "t3": ("t1",)}
    assert spec.inbound["t2"] == ("t1", "t3")
    assert spec.outbound["t1"] == ("t2", "t3")
    assert spec.start_tasks == ("t1",)
    assert spec.tasks["t3"].on_success == ()


def test_keys_that_the_language_does_not_know_are_let_be_in_a_workflow():
    (spec,) = parse_workflows("version: 3.0\nwf: {x-owner: me, description: [1], tasks: {t1: {action: a}}}\n")
    assert spec.data["x-owner"] == "me"
    assert spec.description is None


def test_each_of_several_workflows_keeps_its_own_text():
    text = textwrap.dedent("""\
        # the file
        version: "2.0"

        # the first
        wf1:
          # inside
          tasks:
            t1: {action: std.echo output="# no comment"}   # beside

        # the second,
        # in two lines
        wf2:
          tasks:
            t1:
              action: std.ssh
              input:
                cmd: |
                  echo
                  # in the script
        wf3: {tasks: {t1: {action: a}}}""")
    first, second, third = parse_workflows(text)
    assert first.definition == (
        "version: '2.0'\n\n# the first\nwf1:\n  # inside\n  tasks:\n"
        '    t1: {action: std.echo output="# no comment"}   # beside\n'
    )
    assert second.definition.startswith("version: '2.0'\n\n# the second,\n# in two lines\nwf2:\n")
    assert second.definition.endswith("          # in the script\n")
    assert third.definition == "version: '2.0'\n\nwf3: {tasks: {t1: {action: a}}}\n"
    for spec in (first, second, third):
        assert parse_workflows(spec.definition) == (spec,)


def test_several_workflows_in_braces_are_written_anew():
    text = "{version: '2.0',\n wf1: {tasks: {t1: {action: a}}},\n wf2: {tasks: {t1: {action: b}}}}"
    for spec in parse_workflows(text):
        assert parse_workflows(spec.definition) == (spec,)


WORKBOOK = """\
version: '2.0'
name: book
description: two of each
tags: [x]

workflows:
    # how to
    wf1:
        tasks:
            t1: {action: act1}
    # and then
    wf2:
        type: reverse
        tasks:
            t1: {workflow: wf1}
    # the end

actions:
    act1:
        base: std.echo output='<% $.s %>!'
        input: [s]
        output: <% $ %>
"""


def test_all_of_a_workbook_is_read():
    book = parse_workbook(WORKBOOK)
    assert (book.name, book.description, book.tags, book.definition) == ("book", "two of each", ("x",), WORKBOOK)
    assert [w.name for w in book.workflows] == ["wf1", "wf2"]
    assert [a.name for a in book.actions] == ["act1"]
    assert book.data["workflows"]["version"] == "2.0"
    assert book.data["workflows"]["wf1"]["tasks"]["t1"]["type"] == "direct"


def test_members_of_a_workbook_keep_their_own_text():
    book = parse_workbook(WORKBOOK)
    assert book.workflows[0].definition == (
        "version: '2.0'\n\n# how to\nwf1:\n    tasks:\n        t1: {action: act1}\n"
    )
    for workflow in book.workflows:
        (again,) = parse_workflows(workflow.definition)
        assert again.data == workflow.data
    (action,) = parse_actions(book.actions[0].definition)
    assert action == book.actions[0]


def test_a_workbook_may_write_its_version_as_a_number():
    for version in ("2.0", "2", "'2.0'"):
        assert parse_workbook(f"version: {version}\nname: b\n").workflows == ()


def test_all_of_an_action_is_read():
    text = textwrap.dedent("""\
        version: '2.0'
        a1:
          base: std.echo output='<% $.s %>' n=1
          base-input: {output: no, deep: {x: 1}}
          input: [s, {t: 5}]
          output: {r: <% $ %>}
          description: says
          tags: [q]
        a2: {base: a1}
        """)
    first, second = parse_actions(text)
    assert (first.name, first.base, first.description, first.tags) == ("a1", "std.echo", "says", ("q",))
    assert first.base_input == {"output": "<% $.s %>", "deep": {"x": 1}, "n": 1}
    assert first.input == {"s": REQUIRED, "t": 5}
    assert first.output == {"r": "<% $ %>"}
    assert (second.base, second.base_input, second.output) == ("a1", {}, None)
    assert first.definition == second.definition == text
    for spec in (first, second):
        assert load_action(json.loads(json.dumps(spec.data)), text) == spec


def test_required_stays_one_object_when_specs_are_copied():
    assert copy.deepcopy(REQUIRED) is REQUIRED
    assert pickle.loads(pickle.dumps(REQUIRED)) is REQUIRED
