"""Task policies, with time that passes only when the test says so."""

import pytest
from unit.engine.simulated import error, ok


def one_task(policies: str, action: str = "std.async_noop", more: str = "") -> str:
    return f"""
    version: '2.0'
    main:
      input: [{{n: 3}}]
      tasks:
        t:
          action: {action}
          {policies}
          {more}
    """


def test_retry_tries_again_after_each_delay_until_it_works(simulate):
    sim = simulate(one_task("retry: {count: 5, delay: 10}"), mocks={"t": [error(1), error(2), ok("fine")]}).start()
    assert sim.task("t").state == "DELAYED"
    sim.advance(9)
    assert len(sim.actions("t")) == 1
    sim.advance(1)
    assert len(sim.actions("t")) == 2
    sim.advance(10)
    assert sim.state == "SUCCESS"
    assert [a.accepted for a in sim.actions("t")] == [False, False, True]
    assert sim.tasks("t") == [sim.task("t")]


def test_retry_gives_up_after_count_and_keeps_the_last_error(simulate):
    sim = simulate(one_task("retry: {count: 2, delay: 1}"), mocks={"t": [error("a"), error("b"), error("c")]}).start()
    sim.advance(100)
    assert sim.state == "ERROR"
    assert len(sim.actions("t")) == 3
    assert sim.task("t").state_info == "c"
    assert sim.actions("t")[-1].accepted


def test_retry_without_delay_goes_on_by_a_timer_that_is_due_at_once(simulate):
    sim = simulate(one_task("retry: {count: 3, delay: 0}"), mocks={"t": [error(), ok()]}).start()
    assert sim.advance(0).state == "SUCCESS"


def test_break_on_ends_the_retries_of_a_failing_task(simulate):
    sim = simulate(
        one_task("retry: {count: 9, delay: 1, break-on: <% task().result = fatal %>}"),
        mocks={"t": [error("light"), error("fatal")]},
    ).start()
    sim.advance(100)
    assert sim.state == "ERROR"
    assert len(sim.actions("t")) == 2


def test_continue_on_repeats_a_task_that_succeeds(simulate):
    sim = simulate(
        one_task("retry: {count: 9, delay: 1, continue-on: <% task().result < 3 %>}"),
        mocks={"t": [ok(1), ok(2), ok(3)]},
    ).start()
    sim.advance(100)
    assert sim.state == "SUCCESS"
    assert len(sim.actions("t")) == 3


def test_retry_values_may_be_expressions(simulate):
    sim = simulate(one_task("retry: {count: <% $.n %>, delay: <% $.n * 2 %>}"), mocks={"t": [error()]}).start()
    sim.advance(6)
    assert len(sim.actions("t")) == 2
    sim.advance(100)
    assert len(sim.actions("t")) == 4


def test_wait_before_holds_the_task_back(simulate):
    sim = simulate(one_task("wait-before: 7"), mocks={"t": ok()}).start()
    assert sim.task("t").state == "DELAYED"
    sim.advance(6.999)
    assert sim.calls == []
    sim.advance(0.001)
    assert sim.state == "SUCCESS"


def test_wait_after_holds_back_what_follows_and_then_ends_as_the_task_had_ended(simulate):
    sim = simulate(one_task("wait-after: 7", more="on-error: u\n        u: {action: std.noop}"), mocks={"t": error()})
    sim.start()
    assert sim.states() == {"t": "DELAYED"}
    sim.advance(7)
    assert sim.states() == {"t": "ERROR", "u": "SUCCESS"}


def test_timeout_fails_a_task_that_takes_too_long_and_its_late_result_changes_nothing(simulate):
    sim = simulate(one_task("timeout: 4")).start()
    sim.advance(4)
    assert sim.task("t").state == "ERROR"
    assert sim.task("t").state_info == "Task timed out [timeout(s)=4]."
    assert sim.state == "ERROR"
    sim.finish("t", ok("late"))
    assert sim.task("t").state == "ERROR"
    assert sim.actions("t")[0].output == {"result": "late"}


def test_a_task_that_ends_in_time_leaves_no_timer(simulate):
    sim = simulate(one_task("timeout: 4")).start().finish("t")
    assert sim.state == "SUCCESS"
    assert not sim.rows.timers


def test_the_timeout_counts_from_the_first_try_and_is_itself_a_failure_to_retry(simulate):
    sim = simulate(one_task("timeout: 5\n          retry: {count: 9, delay: 2}")).start()
    for _ in range(2):
        sim.finish("t", error())
        sim.advance(2)
    assert sim.task("t").state == "RUNNING"
    sim.advance(1)
    assert sim.task("t").state_info == "Delayed by 'retry' policy [delay=2]"
    assert len(sim.actions("t")) == 3
    sim.advance(2)
    assert len(sim.actions("t")) == 4


def test_pause_before_pauses_the_execution_before_the_task(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop, on-success: t}
        t: {action: std.noop, pause-before: true, on-success: b}
        b: {action: std.noop}
    """
    ).start()
    assert sim.state == "PAUSED"
    assert sim.states() == {"a": "SUCCESS", "t": "IDLE"}
    sim.resume()
    assert sim.state == "SUCCESS"
    assert sim.states() == {"a": "SUCCESS", "t": "SUCCESS", "b": "SUCCESS"}


def test_fail_on_turns_success_into_failure(simulate):
    sim = simulate(
        one_task("fail-on: <% task().result = bad %>", more="on-error: u\n        u: {action: std.noop}"),
        mocks={"t": ok("bad")},
    ).start()
    assert sim.task("t").state_info == "Failed by 'fail-on' policy"
    assert sim.states() == {"t": "ERROR", "u": "SUCCESS"}


def test_fail_on_makes_retry_try_again(simulate):
    sim = simulate(
        one_task("fail-on: <% task().result < 3 %>\n          retry: {count: 5, delay: 1}"),
        mocks={"t": [ok(1), ok(2), ok(3)]},
    ).start()
    sim.advance(10)
    assert sim.state == "SUCCESS"
    assert len(sim.actions("t")) == 3


def test_wait_before_is_waited_once_though_the_task_is_retried(simulate):
    sim = simulate(
        one_task("wait-before: 10\n          retry: {count: 2, delay: 1}"), mocks={"t": [error(), ok()]}
    ).start()
    sim.advance(10)
    assert len(sim.actions("t")) == 1
    sim.advance(1)
    assert sim.state == "SUCCESS"


def test_wait_after_is_waited_once_before_the_retries(simulate):
    sim = simulate(
        one_task("wait-after: 10\n          retry: {count: 2, delay: 1}"), mocks={"t": [error(), ok()]}
    ).start()
    sim.advance(10)
    assert len(sim.actions("t")) == 1
    assert sim.task("t").state == "DELAYED"
    sim.advance(1)
    assert sim.state == "SUCCESS"


def test_timeout_while_waiting_before_fails_the_task_and_nothing_is_run(simulate):
    sim = simulate(one_task("wait-before: 10\n          timeout: 3")).start()
    sim.advance(60)
    assert sim.state == "ERROR"
    assert sim.calls == []
    assert not sim.rows.timers


@pytest.mark.parametrize(
    "policy", ["retry: {count: <% $.n %>, delay: 1}", "wait-before: <% $.n %>", "timeout: <% $.n %>"]
)
def test_a_policy_that_is_no_whole_number_fails_the_task_and_the_execution(simulate, policy):
    sim = simulate(one_task(policy), mocks={"t": error()}).start(given={"n": "many"})
    assert sim.state == "ERROR"
    assert "'many'" in sim.ex.state_info


def test_task_defaults_give_policies_to_every_task_that_has_none_of_its_own(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      task-defaults: {retry: {count: 1, delay: 1}, on-error: rescue}
      tasks:
        a: {action: std.noop}
        b: {action: std.noop, retry: {count: 3, delay: 1}}
        rescue: {action: std.noop}
    """,
        mocks={"a": error(), "b": error()},
    ).start()
    sim.advance(100)
    assert (len(sim.actions("a")), len(sim.actions("b"))) == (2, 4)
    assert sim.task("rescue").state == "SUCCESS"


def test_the_executor_is_told_the_timeout_of_a_task(simulate):
    assert simulate(one_task("timeout: 30", "std.sleep seconds=1")).start().calls[0].timeout == 30
