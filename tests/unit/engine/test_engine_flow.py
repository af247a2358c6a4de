"""Direct workflows: which task follows which."""

import pytest
from unit.engine.simulated import error, ok


def test_on_success_follows_success_and_on_error_failure(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        good: {action: std.noop, on-success: a, on-error: b, on-complete: c}
        bad: {action: std.fail, on-success: d, on-error: e, on-complete: f}
        a: {action: std.noop}
        b: {action: std.noop}
        c: {action: std.noop}
        d: {action: std.noop}
        e: {action: std.noop}
        f: {action: std.noop}
    """).start()
    assert sim.state == "SUCCESS"
    assert sim.states() == {"good": "SUCCESS", "bad": "ERROR", **dict.fromkeys("acef", "SUCCESS")}


def test_conditions_choose_among_transitions(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      input: [n]
      tasks:
        t:
          action: std.echo output=<% $.n %>
          publish: {got: <% task().result %>}
          on-success: [{small: <% $.got < 10 %>}, {big: <% $.got >= 10 %>}, {jinja: "{{ _.got == 5 }}"}]
        small: {action: std.noop}
        big: {action: std.noop}
        jinja: {action: std.noop}
    """).start(given={"n": 5})
    assert set(sim.states()) == {"t", "small", "jinja"}
    assert sim.state == "SUCCESS"


def test_an_error_nobody_handles_fails_the_execution_and_names_the_task(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        good: {action: std.noop}
        bad: {action: std.fail error_data="no way"}
    """).start()
    assert sim.state == "ERROR"
    assert sim.ex.state_info.startswith("Failure caused by error in tasks: bad\n")
    assert "no way" in sim.ex.state_info
    assert sim.output["result"] == sim.ex.state_info


def test_an_error_whose_on_error_condition_does_not_hold_is_not_handled(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        bad: {action: std.fail, on-error: [{never: <% 1 = 2 %>}]}
        never: {action: std.noop}
    """).start()
    assert sim.state == "ERROR"
    assert set(sim.states()) == {"bad"}


def test_on_complete_lets_a_flow_go_on_but_does_not_handle_the_error(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        bad: {action: std.fail, on-complete: next}
        next: {action: std.noop}
    """).start()
    assert sim.states() == {"bad": "ERROR", "next": "SUCCESS"}
    assert sim.state == "ERROR"


def test_the_execution_ends_only_when_all_branches_have(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        bad: {action: std.fail}
        slow: {action: std.async_noop, on-success: after}
        after: {action: std.noop}
    """
    ).start()
    assert sim.state == "RUNNING"
    sim.finish("slow")
    assert sim.states() == {"bad": "ERROR", "slow": "SUCCESS", "after": "SUCCESS"}
    assert sim.state == "ERROR"


def test_a_loop_runs_a_task_again_as_a_new_task_execution(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      vars: {n: 0}
      output: {n: <% $.n %>}
      tasks:
        begin: {on-success: count}
        count:
          action: std.echo output=<% $.n + 1 %>
          publish: {n: <% task().result %>}
          on-success: [{count: <% $.n < 4 %>}]
    """).start()
    assert sim.state == "SUCCESS"
    assert sim.output == {"n": 4}
    assert [t.published["n"] for t in sim.tasks("count")] == [1, 2, 3, 4]


def test_a_loop_over_two_tasks_ends_by_its_condition(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      vars: {n: 0}
      output: {n: <% $.n %>}
      tasks:
        start: {on-success: first}
        first: {publish: {n: <% $.n + 1 %>}, on-success: second}
        second: {on-success: [{first: <% $.n < 3 %>}, {end: <% $.n >= 3 %>}]}
        end: {action: std.noop}
    """).start()
    assert sim.output == {"n": 3}
    assert len(sim.tasks("first")) == 3


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("publish: {x: <% $.missing %>}", "Failed to"),
        ("on-success: [{t2: <% $.missing.too %>}]", "Failed to"),
        ("input: {output: <% $.missing %>}", "Failed to run task"),
        ("action: std.unknown", "Failed to find action"),
        ("input: <% 5 %>", "Wrong dynamic input for task"),
        ("on-success: [fail(msg=<% $.missing %>)]", "Failed to"),
    ],
)
def test_an_error_in_the_workflow_itself_fails_the_task_and_the_execution_whatever_on_error_says(simulate, where, said):
    action = "" if "action:" in where else "action: std.echo, "
    given = "" if "input:" in where else "input: {output: 1}, "
    sim = simulate(f"""
    version: '2.0'
    main:
      tasks:
        t: {{{action}{given}{where}, on-error: t2}}
        t2: {{action: std.noop}}
    """).start()
    assert sim.state == "ERROR"
    assert sim.states() == {"t": "ERROR"}
    assert said in sim.ex.state_info
    assert sim.task("t").state_info == sim.ex.state_info


def test_a_workflow_that_is_not_there_fails_the_task_and_on_error_can_handle_it(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        t: {workflow: no_such, on-error: rescue}
        rescue: {action: std.noop}
    """).start()
    assert sim.states() == {"t": "ERROR", "rescue": "SUCCESS"}
    assert sim.state == "SUCCESS"


@pytest.mark.parametrize("what", ["action: std.echo, input: {wrong: 1}", "action: std.echo"])
def test_parameters_that_do_not_fit_the_action_fail_the_execution_whatever_on_error_says(simulate, what):
    sim = simulate(f"""
    version: '2.0'
    main:
      tasks:
        t: {{{what}, on-error: rescue}}
        rescue: {{action: std.noop}}
    """).start()
    assert sim.states() == {"t": "ERROR"}
    assert sim.state == "ERROR"
    assert "Invalid input [name=std.echo" in sim.ex.state_info


def test_action_and_workflow_names_may_be_expressions(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      input: [a, w]
      tasks:
        one: {action: <% $.a %>, input: {output: 7}, publish: {one: <% task().result %>}, on-success: two}
        two: {workflow: "{{ _.w }}", publish: {two: <% task().result %>}}
    below:
      output: {x: 8}
      tasks: {t: {action: std.noop}}
    """).start(given={"a": "std.echo", "w": "below"})
    assert sim.state == "SUCCESS"
    assert sim.output == {"one": 7, "two": {"x": 8}}


def test_a_task_without_action_succeeds_with_nothing(simulate):
    sim = simulate("version: '2.0'\nmain: {tasks: {t: {publish: {x: <% task().result %>}}}}").start()
    assert sim.state == "SUCCESS"
    assert sim.output == {"x": None}


def test_a_second_result_is_refused_and_changes_nothing(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        t: {action: std.async_noop, publish: {x: <% task().result %>}, on-success: u}
        u: {action: std.async_noop}
    """).start()
    action = sim.actions("t")[0]
    sim.finish("t", ok("first"))
    from mistralish.engine import steps
    from mistralish.errors import InputError

    before = repr((sim.rows.tasks, sim.rows.actions))
    with pytest.raises(InputError, match="already completed"):
        sim.tell(steps.ActionResult(action.id, "second"))
    assert repr((sim.rows.tasks, sim.rows.actions)) == before
    sim.finish("u")
    assert sim.output == {"x": "first"}


def test_the_error_of_an_action_is_its_tasks_state_info(simulate):
    sim = simulate("version: '2.0'\nmain: {tasks: {t: {action: std.noop}}}", mocks={"t": error({"code": 5})}).start()
    assert sim.task("t").state_info == "{'code': 5}"


def test_history_tells_every_state_of_execution_tasks_and_actions_in_order(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        t: {action: std.async_noop}
    """).start()
    sim.finish("t")
    told = [(e.type, e.payload["state"]) for e in sim.rows.history[sim.root_id]]
    assert told == [
        ("execution", "RUNNING"),
        ("task", "RUNNING"),
        ("action", "SUCCESS"),
        ("task", "SUCCESS"),
        ("execution", "SUCCESS"),
    ]
