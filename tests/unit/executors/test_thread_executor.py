"""The thread executor: bounded threads, one result a call, timeouts, and an orderly end."""

import threading
import time

import pytest

from mistralish.actions import Registry, Result, StdAction
from mistralish.errors import UnavailableError
from mistralish.executors import ActionCall, ThreadExecutor


class Probe(StdAction):
    """Calls `how`."""

    def execute(self, about, how):
        return how()


class AsyncProbe(Probe):
    """Calls `how`; the result comes from elsewhere."""

    def is_sync(self, given):
        return False


class Told:
    """Collects results; waits for some."""

    def __init__(self):
        self.results = []
        self.changed = threading.Condition()

    def __call__(self, identifier, result):
        with self.changed:
            self.results.append((identifier, result))
            self.changed.notify_all()

    def wait(self, count, seconds=20):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.results) >= count, seconds), self.results
            return self.results


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def start(told):
    registry = Registry(find_entry_points=list)
    registry._actions.update(probe=Probe("probe"), later=AsyncProbe("later"))
    started = []

    def make(workers=2, on_result=told):
        started.append(ThreadExecutor(registry, on_result, workers))
        return started[-1]

    yield make
    for executor in started:
        executor.shutdown(0)


def call(identifier, how, action="probe", **more):
    return ActionCall(identifier, action, {"how": how}, **more)


def wait_until(check, seconds=20):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_every_call_s_result_is_told_once(start, told):
    executor = start(workers=4)
    for number in range(500):
        executor.submit(ActionCall(f"a{number}", "std.echo", {"output": number}))
    results = told.wait(500)
    assert executor.shutdown(5) == ()
    assert {identifier: result.data for identifier, result in results} == {f"a{n}": n for n in range(500)}
    assert len(results) == 500


def test_no_more_threads_than_workers_run_at_a_time_and_the_rest_is_counted(start, told):
    executor = start(workers=3)
    release, running = threading.Event(), []

    def how():
        running.append(1)
        release.wait(20)

    for number in range(10):
        executor.submit(call(f"a{number}", how))
    wait_until(lambda: len(running) == 3)
    wait_until(lambda: executor.queued == 7)
    assert executor.unfinished == 10
    release.set()
    told.wait(10)
    wait_until(lambda: executor.unfinished == 0)


def test_a_project_s_crowd_of_long_calls_keeps_no_other_project_waiting(start, told):
    executor, release = start(workers=2), threading.Event()
    for number in range(50):
        executor.submit(call(f"long{number}", lambda: release.wait(20), context={"project_id": "crowd"}))
    executor.submit(call("other", lambda: 1, context={"project_id": "other"}))
    assert told.wait(1) == [("other", Result(1))]
    assert executor.queued == 48
    release.set()
    told.wait(51)


def test_projects_take_turns_when_every_thread_is_busy(start, told):
    executor, release = start(workers=1), threading.Event()
    for number in range(4):  # as many projects as there are shares
        executor.submit(call(f"busy{number}", lambda: release.wait(20), context={"project_id": f"p{number}"}))
    for number in range(30):
        executor.submit(call(f"crowd{number}", lambda: 1, context={"project_id": "crowd"}))
    executor.submit(call("late", lambda: 1, context={"project_id": "other"}))
    wait_until(lambda: executor.queued == 31)
    release.set()
    order = [identifier for identifier, _ in told.wait(35) if not identifier.startswith("busy")]
    assert order.index("late") < 10


def test_a_call_does_not_wait_behind_a_long_one_while_a_thread_may_start(start, told):
    executor, release = start(workers=8), threading.Event()
    for number in range(7):
        executor.submit(call(f"long{number}", lambda: release.wait(20)))
    executor.submit(call("short", lambda: 1))
    assert told.wait(1) == [("short", Result(1))]
    release.set()


def test_a_failing_action_tells_its_error_and_the_thread_goes_on(start, told):
    executor = start(workers=1)
    executor.submit(ActionCall("a1", "std.fail"))
    executor.submit(ActionCall("a2", "std.noop"))
    results = dict(told.wait(2))
    assert results["a1"].error.startswith("The action raised an exception [action=Fail action, action_ex_id=a1")
    assert results["a2"] == Result(None)


def test_an_asynchronous_action_tells_nothing_unless_it_fails(start, told):
    executor = start()
    executor.submit(call("a1", lambda: "ignored", action="later"))
    executor.submit(call("a2", lambda: 1 / 0, action="later"))
    told.wait(1)
    wait_until(lambda: executor.unfinished == 0)
    assert [identifier for identifier, _ in told.results] == ["a2"]
    assert "division by zero" in told.results[0][1].error


def test_an_unknown_action_is_told_as_an_error(start, told):
    start().submit(ActionCall("a1", "gone"))
    assert told.wait(1) == [("a1", Result(error="Failed to find action [action_name=gone]"))]


def test_a_listener_that_fails_does_not_stop_the_executor(start):
    heard = []

    def on_result(identifier, result):
        heard.append(identifier)
        raise RuntimeError("not now")

    executor = start(workers=1, on_result=on_result)
    executor.submit(ActionCall("a1", "std.noop"))
    executor.submit(ActionCall("a2", "std.noop"))
    wait_until(lambda: heard == ["a1", "a2"])


def test_delays_occupy_no_threads(start, told):
    executor = start(workers=1)
    began = time.monotonic()
    for number in range(50):
        executor.submit(ActionCall(f"a{number}", "std.echo", {"output": 1, "delay": 0.3}))
    executor.submit(ActionCall("b", "std.sleep", {"seconds": 1}))
    told.wait(51)
    assert 1 <= time.monotonic() - began < 10  # one after the other it would be 16 seconds


def test_an_overrun_is_told_as_an_error_and_its_late_result_is_dropped(start, told):
    executor, release, ended = start(workers=1), threading.Event(), threading.Event()

    def how():
        release.wait(20)
        ended.set()
        return "late"

    executor.submit(call("a1", how, timeout=0.1))
    assert told.wait(1) == [
        (
            "a1",
            Result(
                error="The action raised an exception [action=probe, action_ex_id=a1, msg='Timeout after 0.1 seconds']"
            ),
        )
    ]
    release.set()
    assert ended.wait(20)
    executor.submit(ActionCall("a2", "std.noop"))
    told.wait(2)
    assert [identifier for identifier, _ in told.results] == ["a1", "a2"]


def test_threads_lost_to_overruns_are_replaced(start, told):
    executor, release = start(workers=2), threading.Event()
    for number in range(2):
        executor.submit(call(f"stuck{number}", lambda: release.wait(20), timeout=0.05))
    told.wait(2)
    executor.submit(ActionCall("after", "std.noop"))
    assert told.wait(3)[-1] == ("after", Result(None))
    release.set()


def test_no_more_threads_are_replaced_than_there_are_workers(start, told, caplog):
    executor, before = start(workers=2), threading.active_count()
    releases = [threading.Event() for _ in range(4)]
    for number, release in enumerate(releases):
        executor.submit(call(f"stuck{number}", lambda release=release: release.wait(20), timeout=0.05))
    told.wait(4)
    executor.submit(call("stuck4", lambda: 1, timeout=0.05))
    executor.submit(ActionCall("after", "std.noop"))
    assert "4 calls run on after their timeout: their threads are not replaced any more, others wait" in caplog.text
    assert threading.active_count() - before <= 5  # four, and the alarm's
    assert executor.queued == 2
    releases[0].set()
    assert [identifier for identifier, _ in told.wait(6)[4:]] == ["stuck4", "after"]
    for release in releases:
        release.set()
    wait_until(lambda: (executor.queued, executor.room) == (0, 4))


def test_the_timeout_counts_the_delay_but_not_the_time_in_the_queue(start, told):
    executor = start(workers=1)
    executor.submit(call("first", lambda: time.sleep(0.5)))
    executor.submit(ActionCall("queued", "std.noop", timeout=0.3))
    executor.submit(ActionCall("delayed", "std.sleep", {"seconds": 60}, timeout=0.2))
    results = dict(told.wait(3))
    assert results["queued"] == Result(None)
    assert "Timeout after 0.2 seconds" in results["delayed"].error


def test_shutdown_waits_for_what_is_running_and_in_the_queue(start, told):
    executor = start(workers=1)
    for number in range(3):
        executor.submit(call(f"a{number}", lambda: time.sleep(0.1)))
    assert executor.shutdown(20) == ()
    assert len(told.results) == 3


def test_shutdown_names_what_did_not_end_and_nothing_more_is_told(start, told):
    executor, release = start(workers=1), threading.Event()
    ended = threading.Event()

    def how():
        release.wait(20)
        ended.set()

    executor.submit(call("running", how))
    executor.submit(call("queued", how))
    executor.submit(ActionCall("delayed", "std.sleep", {"seconds": 1}))
    began = time.monotonic()
    assert set(executor.shutdown(0.1)) == {"running", "queued", "delayed"}
    assert time.monotonic() - began < 5
    release.set()
    assert ended.wait(20)
    time.sleep(0.05)
    assert told.results == []
    assert executor.unfinished == 0


def test_after_shutdown_nothing_is_taken(start):
    executor = start()
    executor.shutdown(0)
    with pytest.raises(UnavailableError):
        executor.submit(ActionCall("a1", "std.noop"))
