"""The setting merge_strategy: whether what is published takes the place of what was there, or is merged into it."""

import pytest
from unit.engine.simulated import Simulation

from mistralish.engine.context import MergedView

LINE = """
version: '2.0'
main:
  input: [{box: {given: 0, both: 0}}]
  tasks:
    a:
      publish: {box: {one: 1, deep: {x: 1, y: 1}}}
      on-success: b
    b:
      publish: {seen: <% $.box %>, box: {two: 2, deep: {y: 2}}}
      on-success: c
    c:
      publish: {last: <% $.box %>}
"""

JOIN = """
version: '2.0'
main:
  tasks:
    a: {publish: {box: {a: 1}}, on-success: [b, c]}
    b: {publish: {box: {b: 1}}, on-success: d}
    c: {publish: {box: {c: 1}}, on-success: d}
    d: {join: all, publish: {seen: <% $.box %>}}
"""


@pytest.fixture(params=["", "turn", "decision"])
def simulate_merging(request):
    return lambda text: Simulation(text, merges=True, reload=request.param)


def test_by_default_a_published_dictionary_takes_the_place_of_the_one_before(simulate):
    sim = simulate(LINE).start()
    assert sim.task("b").published["seen"] == {"one": 1, "deep": {"x": 1, "y": 1}}
    assert sim.task("c").published["last"] == {"two": 2, "deep": {"y": 2}}


def test_merging_keeps_what_was_published_before_and_what_was_given(simulate_merging):
    sim = simulate_merging(LINE).start()
    assert sim.task("b").published["seen"] == {"given": 0, "both": 0, "one": 1, "deep": {"x": 1, "y": 1}}
    assert sim.task("c").published["last"] == {
        **{"given": 0, "both": 0, "one": 1, "two": 2},
        "deep": {"x": 1, "y": 2},
    }
    # The output is what was published, without the input behind it.
    assert sim.output["box"] == {"one": 1, "two": 2, "deep": {"x": 1, "y": 2}}
    assert sim.ex.input == {"box": {"given": 0, "both": 0}}


def test_merging_a_join_sees_what_all_its_branches_have_published(simulate_merging):
    assert simulate_merging(JOIN).start().task("d").published["seen"] == {"a": 1, "b": 1, "c": 1}


def test_what_is_no_dictionary_is_replaced_and_hides_what_is_behind():
    low, middle, top = {"k": {"low": 1}, "n": 1}, {"k": 5, "n": {"m": 1}}, {"k": {"top": 1}}
    view = MergedView(top, middle, low)
    assert view["k"] == {"top": 1}
    assert view["n"] == {"m": 1}
    assert view.get("none", 7) == 7
    with pytest.raises(KeyError):
        view["none"]
    assert dict(view) == {"k": {"top": 1}, "n": {"m": 1}}
    assert low == {"k": {"low": 1}, "n": 1}
