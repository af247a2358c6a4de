"""Running one call: whatever the action does, a result comes out, in the reference's words."""

import sys
import threading
import time

import pytest

from mistralish.actions import Registry, Result, StdAction
from mistralish.errors import UnavailableError
from mistralish.executors import ActionCall, run, run_now


class Probe(StdAction):
    """Does what `how` says."""

    def execute(self, about, how, password=None):
        return how(about)


class Registered(Registry):
    """The built-in actions and a probe."""

    def __init__(self):
        super().__init__(find_entry_points=list)
        self._actions["probe"] = Probe("probe")


@pytest.fixture
def registry():
    return Registered()


def probe(how, **given):
    return ActionCall("a1", "probe", {"how": how, **given})


def raising(error):
    def how(about):
        raise error

    return how


def test_the_result_comes_out(registry):
    assert run_now(registry, ActionCall("a1", "std.echo", {"output": [1]})) == Result([1])


def test_an_exception_becomes_an_error_that_names_action_and_execution(registry):
    assert run_now(registry, ActionCall("a1", "std.fail")) == Result(
        error="The action raised an exception [action=Fail action, action_ex_id=a1,"
        " msg='Fail action expected exception.']"
    )


def test_even_an_action_that_exits_ends_only_itself(registry):
    assert "msg='3'" in run_now(registry, probe(lambda about: sys.exit(3))).error


def test_the_message_does_not_hold_the_input_s_secrets(registry):
    result = run_now(registry, probe(raising(ValueError("no login with hunter2")), password="hunter2"))
    assert result.error.endswith("msg='no login with ***']")


def test_an_unknown_action_is_an_error(registry):
    assert run_now(registry, ActionCall("a1", "gone")) == Result(error="Failed to find action [action_name=gone]")


def test_a_result_that_is_not_json_is_an_error(registry):
    error = run_now(registry, probe(lambda about: {"x": object()})).error
    assert error.startswith("Failed to complete action due to a Mistral exception [action=probe, action_ex_id=a1]\n")


def test_tuples_in_a_result_become_lists(registry):
    assert run_now(registry, probe(lambda about: (1, (2,)))) == Result([1, [2]])


def test_the_action_is_told_what_it_runs_for(registry):
    call = ActionCall("a1", "probe", {"how": lambda about: [about.action_execution_id, about.workflow_name]})
    assert run_now(registry, call).data == ["a1", None]


def test_the_delay_is_waited_for(registry):
    start = time.monotonic()
    assert run_now(registry, ActionCall("a1", "std.echo", {"output": 1, "delay": 0.2})) == Result(1)
    assert time.monotonic() - start >= 0.2


def test_a_wrong_delay_is_an_error(registry):
    result = run_now(registry, ActionCall("a1", "std.echo", {"output": 1, "delay": []}))
    assert "Wrong number of seconds" in result.error


def test_after_its_timeout_a_call_is_an_error_at_once(registry):
    release = threading.Event()
    call = ActionCall("a1", "probe", {"how": lambda about: release.wait(20)}, timeout=0.1)
    start = time.monotonic()
    result = run_now(registry, call)
    assert time.monotonic() - start < 5
    release.set()
    assert (
        result.error
        == "The action raised an exception [action=probe, action_ex_id=a1, msg='Timeout after 0.1 seconds']"
    )


def test_nobody_waits_for_longer_than_a_minute_whatever_the_timeout_is(registry, monkeypatch):
    monkeypatch.setattr(run, "SYNC_SECONDS", 0.2)
    start = time.monotonic()
    for call in (
        ActionCall("a1", "std.sleep", {"seconds": 1_000_000}),
        ActionCall("a1", "std.sleep", {"seconds": 1_000_000}, timeout=3600),
        ActionCall("a1", "probe", {"how": lambda about: time.sleep(1)}),
    ):
        assert "Timeout after 0.2 seconds" in run_now(registry, call).error
    assert time.monotonic() - start < 5


def test_only_so_many_callers_wait_at_a_time_and_lost_actions_count_until_they_end(registry, monkeypatch):
    monkeypatch.setattr(run, "_places", threading.BoundedSemaphore(2))
    release = threading.Event()
    for _ in range(2):
        lost = ActionCall("a1", "probe", {"how": lambda about: release.wait(20)}, timeout=0.05)
        assert run_now(registry, lost).is_error
    with pytest.raises(UnavailableError, match="actions run while their callers wait, and more cannot; try again"):
        run_now(registry, ActionCall("a1", "std.noop"))
    release.set()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            assert run_now(registry, ActionCall("a1", "std.noop")).is_success
            return
        except UnavailableError:
            time.sleep(0.01)
    pytest.fail("no place became free")
