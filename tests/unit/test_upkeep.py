"""What the service does at intervals for its own sake."""

import threading

from mistralish.scheduler import Upkeep


def test_what_fails_is_called_again_and_what_is_slow_delays_only_itself() -> None:
    calls, enough, release = [], threading.Event(), threading.Event()

    def fails() -> None:
        calls.append(1)
        if len(calls) == 3:
            enough.set()
        raise ValueError("every time")

    upkeep = Upkeep()
    upkeep.every(0.05, release.wait)
    upkeep.every(0.05, fails)
    upkeep.start()
    assert enough.wait(10)
    release.set()
    upkeep.stop()


def test_what_is_wanted_at_once_does_not_wait_for_its_interval() -> None:
    at_once, later = threading.Event(), threading.Event()
    upkeep = Upkeep()
    upkeep.every(3600, at_once.set, at_once=True)
    upkeep.every(3600, later.set)
    upkeep.start()
    assert at_once.wait(10)
    upkeep.stop()
    assert not later.is_set()


def test_it_may_be_stopped_without_having_been_started() -> None:
    Upkeep().stop()
