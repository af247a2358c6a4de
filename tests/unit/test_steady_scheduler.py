"""Jobs on a machine whose clock is set while they run."""

import threading
import time

import pytest

from mistralish.scheduler import steady
from mistralish.scheduler.steady import SteadyScheduler

HOUR = 3600


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "CHECK_SECONDS", 0.01)


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_clock_that_is_set_keeps_no_job_from_being_called(jump: int) -> None:
    called, wall = threading.Event(), [0.0]
    jobs = SteadyScheduler(clock=lambda: time.monotonic() + wall[0])
    jobs.add_job(called.set, "interval", seconds=HOUR)
    jobs.start()
    time.sleep(0.05)
    wall[0] = jump
    assert called.wait(10)
    jobs.shutdown()


def test_a_clock_that_is_corrected_a_little_calls_nothing_out_of_turn() -> None:
    called, looks = threading.Event(), []

    def wall() -> float:
        looks.append(1)
        return time.monotonic() + 0.5 * (len(looks) % 2)

    jobs = SteadyScheduler(clock=wall)
    jobs.add_job(called.set, "interval", seconds=HOUR)
    jobs.start()
    end = time.monotonic() + 10
    while len(looks) < 20 and time.monotonic() < end:
        time.sleep(0.01)
    jobs.shutdown()
    assert not called.is_set()
