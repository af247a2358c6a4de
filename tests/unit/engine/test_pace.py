"""Turns are short while callers come and go, and others are neither forgotten nor left to pile up."""

import pytest

from mistralish.engine import pace
from mistralish.engine.pace import SECONDS_BETWEEN_CALLERS, SECONDS_BETWEEN_CALLERS_SHARED, TURN_SECONDS, Pace


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [100.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: time[0])
    return time


def test_turns_are_long_while_nobody_or_few_ask(now: list[float]) -> None:
    quiet = Pace(is_exclusive=True)
    assert quiet.allowance(0).without_callers == TURN_SECONDS
    quiet.note(pace.FEW_CALLERS, others_waited=False)
    assert quiet.allowance(0).without_callers == TURN_SECONDS


@pytest.mark.parametrize(
    ("is_exclusive", "seconds"), [(True, SECONDS_BETWEEN_CALLERS), (False, SECONDS_BETWEEN_CALLERS_SHARED)]
)
def test_turns_are_short_for_a_moment_after_many_were_answered(
    now: list[float], is_exclusive: bool, seconds: float
) -> None:
    busy = Pace(is_exclusive)
    for _ in range(3):
        busy.note(pace.FEW_CALLERS // 2, others_waited=False)
    assert busy.allowance(0).without_callers == seconds
    now[0] += pace.CALLERS_RETURN_SECONDS + 0.001
    assert busy.allowance(0).without_callers == TURN_SECONDS


def _busy() -> Pace:
    busy = Pace(is_exclusive=True)
    busy.note(pace.FEW_CALLERS + 1, others_waited=False)
    return busy


def test_what_a_lone_caller_starts_is_begun_in_the_same_turn_if_nothing_waits_before_it(now: list[float]) -> None:
    quiet = Pace(is_exclusive=True)
    assert quiet.allowance(0).beside_callers > 0
    assert quiet.allowance(1).beside_callers < quiet.allowance(0).beside_callers
    assert _busy().allowance(0).beside_callers == 0


def test_others_get_no_time_beside_callers_but_not_for_long(now: list[float]) -> None:
    busy = _busy()
    for _ in range(pace.TURNS_WITHOUT_OTHERS):
        assert busy.allowance(0).beside_callers == 0
        busy.note(8, others_waited=True)
    assert busy.allowance(0).beside_callers >= SECONDS_BETWEEN_CALLERS
    busy.note(8, others_waited=False)
    assert busy.allowance(0).beside_callers == 0


def test_the_longer_the_queue_the_more_is_done_beside_callers_up_to_a_whole_turn(now: list[float]) -> None:
    busy = _busy()
    allowed = [busy.allowance(left) for left in (500, 700, 1_000, 4_000)]
    beside = [each.beside_callers for each in allowed]
    assert beside == sorted(set(beside))
    assert beside[-1] == allowed[-1].without_callers == TURN_SECONDS


def test_a_short_queue_gets_no_time_that_is_less_than_one_tree_takes(now: list[float]) -> None:
    assert {_busy().allowance(left).beside_callers for left in (0, 1, 100, 500)} == {0.0}
