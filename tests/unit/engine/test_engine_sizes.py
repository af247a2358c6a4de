"""What an execution keeps is bounded as a whole, and what cannot be kept fails its task and nothing else."""

import re

import pytest

CHAIN = """
version: '2.0'
main:
  input: [big]
  tasks:
    t0: {{action: std.noop, publish: {{{first}: <% $.big %>}}, on-success: t1}}
    {more}
"""


def _chain(count: int, name: str) -> str:
    tasks = [
        f"t{n}: {{action: std.noop, publish: {{{name.format(n)}: <% $.big %>}}, on-success: t{n + 1}}}"
        for n in range(1, count)
    ]
    return CHAIN.format(first=name.format(0), more="\n    ".join([*tasks, f"t{count}: {{action: std.noop}}"]))


def test_all_published_variables_together_are_bounded(simulate):
    sim = simulate(_chain(40, "v{}"), field_limit=1).start(given={"big": "x" * 900})
    assert sim.state == "ERROR"
    assert "All published variables together take 16KB, but not more than 16KB are allowed" in sim.ex.state_info


def test_a_variable_that_is_overwritten_counts_once(simulate):
    sim = simulate(_chain(60, "same"), field_limit=1).start(given={"big": "x" * 900})
    assert sim.state == "SUCCESS"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("<% range(250).aggregate([$1], []) %>", "lists and dictionaries within each other|nested too deeply"),
        ("<% $.n * $.n %>", "cannot be kept as JSON.*Integer exceeds 64-bit range"),
        ("{{ '\\\\ud800' * 2 }}", "cannot be kept as JSON.*surrogates not allowed"),
        ("<% [$.s, $.s, $.s] %>", "Field size limit exceeded"),
    ],
)
def test_what_cannot_be_kept_fails_the_task_that_publishes_it(simulate, expression, said):
    text = f"""
    version: '2.0'
    main:
      input: [n, s]
      tasks:
        a:
          action: std.noop
          publish:
            x: "{expression}"
    """
    sim = simulate(text, field_limit=1).start(given={"n": 2**40, "s": "x" * 400})
    assert sim.state == "ERROR"
    assert sim.task("a").state == "ERROR"
    assert re.search(said, sim.ex.state_info), sim.ex.state_info


def test_a_message_that_ends_an_execution_is_no_longer_than_a_field(simulate):
    text = """
    version: '2.0'
    main:
      input: [s]
      tasks:
        a:
          action: std.noop
          on-success:
            - fail(msg=<% $.s * 40 %>)
    """
    sim = simulate(text, field_limit=1).start(given={"s": "x" * 100})
    assert sim.state == "ERROR"
    assert len(sim.ex.state_info) == 1024
