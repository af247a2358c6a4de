"""What slow expressions cost a project: less time for the next, then waiting."""

import pytest

from mistralish.expressions.spending import SHORT, Budget, OverdrawnError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> Budget:
    return Budget(clock, 0.5)


def test_ordinary_evaluations_cost_nothing(budget):
    for _ in range(10_000):
        budget.charge("p", 0.009)
    assert budget.allowance("p") == 0.5
    assert budget.debts() == {}


def test_a_slow_one_leaves_less_time_for_the_next(budget):
    budget.charge("p", 0.3)
    assert budget.allowance("p") == pytest.approx(0.2)
    budget.charge("p", 0.2)
    assert budget.allowance("p") == SHORT


def test_who_has_spent_more_than_there_was_waits_and_nobody_else(budget, clock):
    budget.charge("p", 0.5)
    budget.charge("p", 0.05)
    assert budget.debts() == {"p": pytest.approx(0.5)}
    assert budget.allowance("q") == 0.5
    clock.now += 0.6
    assert budget.debts() == {}


def test_one_slow_expression_after_the_other_gets_a_tenth_of_the_time(budget, clock):
    start, spent = clock.now, 0.0
    while clock.now < start + 100:
        if "p" not in budget.debts():
            used = budget.allowance("p")
            spent += used
            clock.now += used
            budget.charge("p", used)
        clock.now += 0.01
    assert spent < 100 * 0.1 + 1


def test_what_is_left_of_a_decision_far_in_debt_is_refused(budget):
    budget.charge("p", 1.1)
    with pytest.raises(OverdrawnError, match="make the slow ones simpler"):
        budget.allowance("p")


def test_credit_comes_back_in_full_and_no_more(budget, clock):
    budget.charge("p", 0.4)
    clock.now += 1_000
    assert budget.allowance("p") == 0.5


def test_very_many_projects_take_little_memory(budget, clock):
    for number in range(30_000):
        budget.charge(f"p{number}", 0.02)
        clock.now += 0.01
    assert len(budget._spent) <= 10_001
