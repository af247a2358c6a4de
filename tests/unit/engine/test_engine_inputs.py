"""What an execution starts with: input, params, environment, variables; and reverse workflows."""

import pytest
from unit.engine.simulated import error, ok

from mistralish.errors import InputError, MistralishError

ECHO = """
version: '2.0'
main:
  input: [x, {y: 2}]
  output: {x: <% $.x %>, y: <% $.y %>}
  tasks: {t: {action: std.noop}}
"""


def test_input_is_completed_by_defaults(simulate):
    sim = simulate(ECHO).start(given={"x": 1})
    assert sim.output == {"x": 1, "y": 2}
    assert sim.ex.input == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("given", "said"),
    [({}, r"missing=\['x'\]"), ({"x": 1, "z": 1}, r"unexpected=\['z'\]"), ({"z": 1}, "missing.*unexpected")],
)
def test_input_that_does_not_fit_is_refused_before_anything_exists(simulate, given, said):
    sim = simulate(ECHO)
    with pytest.raises(InputError, match=said):
        sim.start(given=given)
    assert not sim.rows.executions


def test_null_is_a_value_of_a_parameter(simulate):
    assert simulate(ECHO).start(given={"x": None}).output == {"x": None, "y": 2}


def test_vars_are_evaluated_once_from_input_and_environment(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      input: [x]
      vars: {a: <% $.x + 1 %>, b: <% env().e %>, c: {deep: "{{ _.x }}"}}
      output: {a: <% $.a %>, b: <% $.b %>, c: <% $.c %>}
      tasks: {t: {action: std.noop}}
    """).start(given={"x": 1}, params={"env": {"e": 5}})
    assert sim.output == {"a": 2, "b": 5, "c": {"deep": 1}}


def test_an_error_in_vars_refuses_the_start(simulate):
    sim = simulate("version: '2.0'\nmain: {vars: {a: <% $.no %>}, tasks: {t: {action: std.noop}}}")
    with pytest.raises(MistralishError):
        sim.start()
    assert not sim.rows.executions


ENV = """
version: '2.0'
main:
  output: {e: <% env() %>}
  tasks: {t: {action: std.noop}}
"""


def test_an_environment_is_given_by_value_or_by_the_name_of_a_stored_one(simulate):
    assert simulate(ENV).start(params={"env": {"a": 1}}).output == {"e": {"a": 1}}
    sim = simulate(ENV)
    sim.world.environments["stored"] = {"b": 2}
    assert sim.start(params={"env": "stored"}).output == {"e": {"b": 2}}


@pytest.mark.parametrize("env", ["unknown", 5, ["a"]])
def test_an_environment_that_is_not_there_or_none_at_all_is_refused(simulate, env):
    with pytest.raises(InputError, match=r"[Ee]nvironment"):
        simulate(ENV).start(params={"env": env})


def test_expressions_in_an_environment_are_evaluated_unless_evaluate_env_is_false(simulate):
    env = {"a": 1, "b": "<% env().a + 1 %>"}
    assert simulate(ENV).start(params={"env": env}).output == {"e": {"a": 1, "b": 2}}
    assert simulate(ENV).start(params={"env": env, "evaluate_env": False}).output == {"e": env}


def test_the_environment_gives_defaults_of_action_inputs(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.echo, publish: {a: <% task().result %>}}
        b: {action: std.echo, input: {output: own}, publish: {b: <% task().result %>}}
    """).start(params={"env": {"__actions": {"std.echo": {"output": "default"}}}})
    assert sim.output == {"a": "default", "b": "own"}


def test_an_ad_hoc_action_is_its_base_with_input_and_output_rewritten(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks: {t: {action: twice s="ab", publish: {r: <% task().result %>}}}
    """,
        actions="""
    version: '2.0'
    join2: {base: std.echo, base-input: {output: "<% $.a %><% $.b %>"}, input: [a, b]}
    twice: {base: join2, base-input: {a: <% $.s %>, b: <% $.s %>}, input: [s, {end: "!"}], output: "<% $ %>?"}
    """,
    ).start()
    assert sim.output == {"r": "abab?"}
    assert sim.actions("t")[0].name == "twice"
    assert sim.actions("t")[0].input == {"s": "ab", "end": "!"}


REVERSE = """
version: '2.0'
main:
  type: reverse
  output: {d: <% $.d %>}
  tasks:
    a: {action: std.async_noop, publish: {a: 1}}
    b: {action: std.async_noop, publish: {b: 2}}
    c: {action: std.noop, requires: [a], publish: {c: <% $.a + 10 %>}}
    d: {action: std.noop, requires: [b, c], publish: {d: <% $.b + $.c %>}}
    e: {action: std.noop, requires: [d]}
"""


def test_a_reverse_workflow_runs_what_its_target_needs_and_nothing_else(simulate):
    sim = simulate(REVERSE).start(params={"task_name": "d"})
    assert sim.states() == {"a": "RUNNING", "b": "RUNNING"}
    sim.finish("b")
    assert set(sim.states()) == {"a", "b"}
    sim.finish("a")
    assert sim.states() == dict.fromkeys("abcd", "SUCCESS")
    assert sim.output == {"d": 13}


def test_an_error_in_a_reverse_workflow_fails_it_and_a_rerun_goes_on(simulate):
    sim = simulate(REVERSE, mocks={"a": [error(), ok()]}).start(params={"task_name": "d"})
    sim.finish("b")
    assert sim.state == "ERROR"
    sim.rerun(sim.task("a"))
    assert sim.output == {"d": 13}


def test_a_reverse_workflow_that_was_paused_goes_on(simulate):
    sim = simulate(REVERSE).start(params={"task_name": "d"}).pause().finish("a").finish("b")
    assert set(sim.states()) == {"a", "b"}
    assert sim.resume().output == {"d": 13}


@pytest.mark.parametrize("params", [{}, {"task_name": "z"}, {"task_name": ["d"]}])
def test_a_reverse_workflow_without_a_target_is_refused_before_it_exists(simulate, params):
    sim = simulate(REVERSE)
    with pytest.raises(InputError, match="task_name"):
        sim.start(params=params)
    assert not sim.rows.executions
