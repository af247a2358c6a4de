"""Engine commands in a workflow, and what callers do to an execution: pause, resume, stop, change."""

import pytest
from unit.engine.simulated import error, ok

from mistralish.actions import Result
from mistralish.engine import commands, steps
from mistralish.errors import InputError, MistralishError, NotAllowedError

ONE = """
version: '2.0'
main:
  tasks:
    t: {action: std.async_noop, on-success: u, on-error: v}
    u: {action: std.noop}
    v: {action: std.noop}
"""


def test_fail_ends_the_execution_in_error_with_its_message(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        t: {action: std.echo output=7, on-success: [before, fail(msg="got <% task().result %>"), after]}
        before: {action: std.async_noop}
        after: {action: std.noop}
    """).start()
    assert sim.state == "ERROR"
    assert sim.ex.state_info == "got 7"
    assert sim.output["result"] == "got 7"
    assert set(sim.states()) == {"t", "before"}


def test_succeed_ends_the_execution_well_though_a_task_failed_and_others_run(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      output: {fine: true}
      tasks:
        t: {action: std.fail, on-error: [succeed msg="enough", after]}
        other: {action: std.async_noop, on-success: after}
        after: {action: std.noop}
    """).start()
    assert sim.state == "SUCCESS"
    assert sim.ex.state_info == "enough"
    assert sim.output == {"fine": True}
    sim.finish("other")
    assert sim.states() == {"t": "ERROR", "other": "SUCCESS"}


def test_pause_keeps_what_is_written_after_it_for_the_resume(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        t:
          publish: {x: 1}
          on-success: [before, pause, {after: <% $.x = 1 %>}, {never: <% $.x = 2 %>}]
        before: {action: std.noop}
        after: {publish: {y: <% $.x %>}}
        never: {action: std.noop}
    """).start()
    assert sim.state == "PAUSED"
    assert sim.states()["before"] != "ERROR"
    assert "after" not in sim.states()
    sim.resume()
    assert sim.state == "SUCCESS"
    assert sim.task("after").published == {"y": 1}
    assert "never" not in sim.states()


def test_a_join_written_after_pause_starts_after_the_resume(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop, on-success: [pause, j]}
        b: {action: std.async_noop, on-success: j}
        j: {join: all}
    """).start()
    sim.finish("b")
    assert sim.state == "PAUSED"
    sim.resume()
    assert sim.states() == {"a": "SUCCESS", "b": "SUCCESS", "j": "SUCCESS"}


def test_noop_handles_an_error(simulate):
    assert simulate("version: '2.0'\nmain: {tasks: {t: {action: std.fail, on-error: noop}}}").start().state == "SUCCESS"


@pytest.mark.parametrize(("result", "follows"), [(ok(), "u"), (error(), "v")])
def test_what_ends_while_paused_is_followed_up_after_the_resume(simulate, result, follows):
    sim = simulate(ONE).start().pause("wait a bit")
    assert (sim.state, sim.ex.state_info) == ("PAUSED", "wait a bit")
    sim.finish("t", result)
    assert set(sim.states()) == {"t"}
    assert sim.state == "PAUSED"
    sim.resume()
    assert set(sim.states()) == {"t", follows}
    assert sim.state == "SUCCESS"


@pytest.mark.parametrize("follow", ["noop", "[{t: <% 1 = 2 %>}]", "pause"])
def test_a_resume_after_which_nothing_follows_ends_the_execution(simulate, follow):
    sim = simulate(f"""
    version: '2.0'
    main:
      tasks:
        s: {{on-success: t}}
        t: {{action: std.async_noop, on-success: {follow}}}
    """).start()
    sim.pause().finish("t").resume()
    assert sim.state == "SUCCESS"


def test_pausing_twice_and_resuming_twice_does_nothing_more(simulate):
    sim = simulate(ONE).start().pause().pause().resume().resume().finish("t")
    assert sim.state == "SUCCESS"
    assert set(sim.states()) == {"t", "u"}


def test_resume_may_change_the_environment(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        t: {action: std.async_noop, publish: {seen: <% env() %>}}
    """).start(params={"env": {"a": 1, "deep": {"x": 1}}})
    sim.pause().resume({"b": 2, "deep": {"y": 2}}).finish("t")
    assert sim.output == {"seen": {"a": 1, "b": 2, "deep": {"x": 1, "y": 2}}}


def test_a_joins_branch_that_ends_while_paused_is_counted_after_the_resume(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: j}
        b: {action: std.async_noop, on-success: j, on-error: noop}
        j: {join: all}
    """)
    sim.start().finish("a").pause().finish("b", error()).resume()
    assert sim.states() == {"a": "SUCCESS", "b": "ERROR", "j": "ERROR"}


def test_timers_that_become_due_while_paused_run_their_task_but_nothing_after_it(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        t: {action: std.noop, wait-before: 5, on-success: u}
        u: {action: std.noop}
    """
    ).start()
    sim.pause().advance(5)
    assert sim.states() == {"t": "SUCCESS"}
    assert sim.resume().state == "SUCCESS"


@pytest.mark.parametrize("state", ["SUCCESS", "ERROR", "CANCELLED"])
def test_stop_ends_a_running_execution_and_late_results_change_nothing_of_it(simulate, state):
    sim = simulate(ONE).start().stop(state, "because")
    assert (sim.state, sim.ex.state_info) == (state, "because")
    sim.finish("t")
    assert (sim.state, sim.states()) == (state, {"t": "SUCCESS"})


def test_a_cancelled_action_cancels_its_task_and_then_the_execution(simulate):
    sim = simulate(ONE).start().finish("t", Result(cancel=True))
    assert sim.states() == {"t": "CANCELLED"}
    assert sim.state == "CANCELLED"
    assert sim.ex.state_info == "Cancelled tasks: t"


@pytest.mark.parametrize("state", ["SUCCESS", "ERROR", "CANCELLED"])
def test_a_finished_execution_cannot_be_paused_and_is_unchanged_by_the_try(simulate, state):
    sim = simulate(ONE).start().stop(state)
    before = repr(sim.rows.executions)
    with pytest.raises(MistralishError, match=f"from {state} to PAUSED"):
        sim.pause()
    assert repr(sim.rows.executions) == before
    assert sim.resume().state == state


def test_a_paused_execution_can_be_cancelled(simulate):
    assert simulate(ONE).start().pause().stop("CANCELLED").state == "CANCELLED"


def test_an_asynchronous_action_that_is_paused_pauses_task_and_execution_until_it_goes_on(simulate):
    sim = simulate(ONE).start()
    action = sim.actions("t")[0].id
    sim.tell(steps.ActionState(action, "PAUSED"))
    assert (sim.state, sim.task("t").state) == ("PAUSED", "PAUSED")
    sim.tell(steps.ActionState(action, "RUNNING"))
    assert (sim.state, sim.task("t").state) == ("RUNNING", "RUNNING")
    assert sim.finish("t").state == "SUCCESS"


def test_a_synchronous_action_cannot_be_paused(simulate):
    sim = simulate(ONE.replace("std.async_noop", "std.sleep")).start()
    with pytest.raises(InputError, match="asynchronous"):
        sim.tell(steps.ActionState(sim.actions("t")[0].id, "PAUSED"))


def test_the_environment_changes_only_while_nothing_runs(simulate):
    sim = simulate(ONE).start(params={"env": {"a": 1}})
    with pytest.raises(NotAllowedError):
        sim.tell(commands.UpdateExecution(sim.root_id, env={"a": 2}))
    sim.pause().tell(commands.UpdateExecution(sim.root_id, env={"a": 2}))
    sim.tell(commands.UpdateExecution(sim.root_id, description="other"))
    assert sim.ex.params["env"] == {"a": 2}
    assert sim.ex.description == "other"


def test_notify_tells_the_publishers_of_the_events_they_asked_for(simulate):
    params = {"notify": [{"type": "webhook", "event_types": ["WORKFLOW_SUCCEEDED"]}, {"type": "all"}]}
    sim = simulate("version: '2.0'\nmain: {tasks: {t: {action: std.noop}}}").start(params=params)
    assert [n.event for n in sim.notices] == [
        "WORKFLOW_LAUNCHED",
        "TASK_LAUNCHED",
        "TASK_SUCCEEDED",
        "WORKFLOW_SUCCEEDED",
    ]
    assert [len(n.publishers) for n in sim.notices] == [1, 1, 1, 2]
