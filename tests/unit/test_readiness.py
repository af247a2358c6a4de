"""What makes a service not ready, and that nobody waits long to hear of it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mistralish.errors import UnavailableError
from mistralish.readiness import LOOK_SECONDS, TURN_SECONDS, Readiness


@dataclass
class Part:
    seconds: float | None = 0.0

    def seconds_in_turn(self) -> float | None:
        return self.seconds

    seconds_since_look = seconds_in_turn


def readiness(
    ask: Callable[[], Any] = lambda: "RUNNING", engine: Part | None = None, scheduler: Part | None = None
) -> Readiness:
    return Readiness(ask, engine or Part(), scheduler or Part(), database_seconds=0.2)


def unavailable() -> None:
    raise UnavailableError("postgresql://ann:hunter2@db does not answer")


def test_nothing_is_wrong_where_all_parts_move() -> None:
    assert readiness().problems() == []


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"ask": unavailable}, "the database does not answer, or cannot be written"),
        ({"engine": Part(None)}, "the engine does not run"),
        ({"engine": Part(TURN_SECONDS + 1)}, "the engine has been busy with one turn for 11 s"),
        ({"scheduler": Part(None)}, "the scheduler does not run"),
        ({"scheduler": Part(LOOK_SECONDS + 1)}, "the scheduler has not looked for what is due for 31 s"),
    ],
)
def test_each_part_that_does_not_move_is_told_without_what_it_said(parts: Any, problem: str) -> None:
    assert readiness(**parts).problems() == [problem]


def test_a_turn_and_a_look_that_are_under_way_are_no_problem() -> None:
    assert readiness(engine=Part(TURN_SECONDS - 1), scheduler=Part(LOOK_SECONDS - 1)).problems() == []


def test_a_stopping_service_says_so() -> None:
    stopping = readiness()
    stopping.is_stopping = True
    assert stopping.problems() == ["it is stopping"]


def test_a_database_that_hangs_costs_a_bounded_time_and_one_thread_and_is_ready_once_it_answers() -> None:
    hanging, asked = threading.Event(), []

    def ask() -> None:
        asked.append(None)
        hanging.wait(20)

    checked = readiness(ask)
    threads, began = threading.active_count(), time.monotonic()
    for _ in range(20):
        assert checked.problems() == ["the database does not answer, or cannot be written"]
    assert time.monotonic() - began < 2, "each caller waited anew"
    assert len(asked) == 1
    assert threading.active_count() <= threads + 1
    hanging.set()
    end = time.monotonic() + 5
    while checked.problems() and time.monotonic() < end:
        time.sleep(0.01)
    assert checked.problems() == []
