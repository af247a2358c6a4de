"""Signs of life: for whom they are given, and when silence means that an action was lost."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from mistralish.engine.commands import ActionLost
from mistralish.engine.heartbeats import REASON, Heartbeats

SECOND = 1_000_000


class Rig:
    """Heartbeats every 10 s, of which 3 may be missed, over a store and an engine that only note what they are told."""

    def __init__(self) -> None:
        self.wall = 1_000_000 * SECOND
        self.here = 50.0
        self.running: list[str] = []
        self.asked: list[float] = []
        self.beats: list[tuple[list[str], int]] = []
        self.silent: dict[str, int] = {}
        self.told: list[ActionLost] = []
        self.reports: list[Future[Any]] = []
        self.heartbeats = Heartbeats(
            self,  # type: ignore[arg-type]
            self.in_flight,
            self.submit,
            lambda: self.wall,
            interval=10,
            max_missed=3,
            monotonic=lambda: self.here,
        )

    def submit(self, command: ActionLost) -> "Future[Any]":
        self.told.append(command)
        self.reports.append(Future())
        return self.reports[-1]

    def in_flight(self, seconds: float) -> list[str]:
        self.asked.append(seconds)
        return self.running

    def beat(self, ids: list[str], at: int) -> None:
        self.beats.append((ids, at))

    def silent_actions(self, before: int, limit: int, after: str = "") -> list[Any]:
        found = sorted(key for key, at in self.silent.items() if at < before and key > after)
        return [SimpleNamespace(id=key, name="std.http") for key in found[:limit]]

    def tick(self, seconds: float = 10, wall: float | None = None) -> None:
        self.here += seconds
        self.wall += round((seconds if wall is None else wall) * SECOND)
        self.heartbeats.tick()


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_what_runs_here_gives_a_sign_of_life_at_every_tick(rig: Rig) -> None:
    rig.running = ["a", "b"]
    rig.tick()
    rig.tick()
    assert rig.beats == [(["a", "b"], rig.wall - 10 * SECOND), (["a", "b"], rig.wall)]
    assert rig.asked == [5, 5]


def test_silence_is_reported_only_once_others_had_time_to_be_heard(rig: Rig) -> None:
    rig.silent = {"lost": SECOND}
    for _ in range(3):
        rig.tick()
    assert rig.told == []
    rig.tick()
    assert rig.told == [ActionLost("lost", REASON, rig.wall - 30 * SECOND)]


def test_an_action_may_be_silent_for_as_many_intervals_as_may_be_missed(rig: Rig) -> None:
    for _ in range(5):
        rig.tick()
    rig.silent = {"heard": rig.wall - 20 * SECOND, "just": rig.wall - 10 * SECOND}
    rig.tick()
    assert rig.told == []
    rig.tick()
    assert [command.action_id for command in rig.told] == ["heard"]


@pytest.mark.parametrize(("here", "wall"), [(60, 60), (10, 3600), (10, -3600)])
def test_after_a_pause_or_a_jump_of_the_clock_others_get_their_time_again(rig: Rig, here: float, wall: float) -> None:
    for _ in range(5):
        rig.tick()
    rig.silent = {"asleep like us": SECOND}
    rig.tick(here, wall)
    rig.tick()
    rig.tick()
    assert rig.told == []
    rig.tick()
    assert len(rig.told) == 1


def test_what_is_reported_is_reported_again_only_once_that_has_been_decided(rig: Rig) -> None:
    rig.silent = {"lost": SECOND}
    for _ in range(6):
        rig.tick()
    assert len(rig.told) == 1
    rig.reports[0].set_result(None)
    rig.tick()
    assert len(rig.told) == 2


def test_any_number_of_lost_actions_is_reported(rig: Rig) -> None:
    rig.silent = {f"a{number:04}": 0 for number in range(1_201)}
    for _ in range(4):
        rig.tick()
    assert len({command.action_id for command in rig.told}) == 1_201


def test_what_a_stopping_process_has_handed_over_is_reported_at_once(rig: Rig) -> None:
    rig.silent = {"handed over": 0, "perhaps alive": SECOND}
    rig.tick()
    assert [command.action_id for command in rig.told] == ["handed over"]
