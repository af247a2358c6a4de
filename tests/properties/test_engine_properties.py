"""What holds for every workflow, every outcome of its actions, and every order of their results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.workflows import Case, Driver, cases, quick_or_thorough

from mistralish import states
from mistralish.engine import steps
from mistralish.errors import InputError

seeds = st.integers(0, 2**32)


@quick_or_thorough
@given(cases(), seeds, st.booleans())
def test_every_execution_ends_and_its_counts_are_right_all_the_way(case: Case, seed: int, pauses: bool) -> None:
    sim = Driver(case, seed, pauses=pauses).run()
    assert sim.state in states.COMPLETED
    assert all(t.state in states.COMPLETED for t in sim.rows.tasks.values())
    assert all(e.state in states.COMPLETED for e in sim.rows.executions.values())
    assert all(a.state in states.COMPLETED for a in sim.rows.actions.values())


@quick_or_thorough
@given(cases(joins=("all",)), seeds, seeds, st.booleans())
def test_the_order_of_results_changes_neither_the_final_state_nor_the_output(
    case: Case, one: int, other: int, pauses: bool
) -> None:
    first, second = Driver(case, one), Driver(case, other, pauses=pauses)
    first.run()
    second.run()
    assert first.outcome() == second.outcome()


@quick_or_thorough
@given(st.one_of(cases(joins=("all",), seeing=True), cases()), seeds, st.booleans())
def test_a_run_that_is_rebuilt_from_its_rows_before_each_command_goes_on_as_if_it_had_been_kept(
    case: Case, seed: int, pauses: bool
) -> None:
    kept, rebuilt = Driver(case, seed, pauses=pauses), Driver(case, seed, pauses=pauses, reload="turn")
    goes_on = True
    while goes_on:
        assert rebuilt.sim.rows.executions == kept.sim.rows.executions
        assert rebuilt.sim.rows.tasks == kept.sim.rows.tasks
        assert rebuilt.sim.rows.actions == kept.sim.rows.actions
        assert rebuilt.sim.rows.history == kept.sim.rows.history
        goes_on = kept.step()
        assert rebuilt.step() == goes_on


@quick_or_thorough
@given(cases(joins=("all",)), seeds, st.booleans())
def test_a_run_that_is_rebuilt_even_within_a_turn_ends_the_same(case: Case, seed: int, pauses: bool) -> None:
    kept, rebuilt = Driver(case, seed, pauses=pauses), Driver(case, seed, pauses=pauses, reload="decision")
    kept.run()
    rebuilt.run()
    assert rebuilt.outcome() == kept.outcome()


@quick_or_thorough
@given(cases(below=False), seeds)
def test_a_result_that_is_given_twice_is_refused_and_changes_nothing(case: Case, seed: int) -> None:
    driver = Driver(case, seed)
    sim = driver.sim
    while sim.waiting or sim.rows.timers:
        waited = set(sim.waiting)
        driver.step()
        for action_id in waited - set(sim.waiting):
            before = repr((sim.rows.executions, sim.rows.tasks, sim.rows.actions, sim.rows.history))
            with pytest.raises(InputError):
                sim.tell(steps.ActionResult(action_id, "again"))
            assert repr((sim.rows.executions, sim.rows.tasks, sim.rows.actions, sim.rows.history)) == before
