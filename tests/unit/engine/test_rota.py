"""A turn comes to one tree of executions after the other, and to none for too long."""

from dataclasses import dataclass

import pytest

from mistralish.engine import rota
from mistralish.engine.rota import Rota


@dataclass(frozen=True)
class Step:
    root_id: str
    number: int
    command: object = ""


def given(*trees: str) -> Rota[Step]:
    made: Rota[Step] = Rota()
    for number, root_id in enumerate(trees):
        made.give(Step(root_id, number))
    return made


def taken(steps: Rota[Step], count: int) -> str:
    return "".join(steps.take().root_id for _ in range(count))


def test_a_tree_is_finished_before_the_next_one_begins():
    steps = given("a", "b", "a", "c", "b")
    assert taken(steps, 5) == "aabbc"
    assert not steps


def test_what_follows_from_the_last_command_of_a_tree_still_comes_before_the_next_tree():
    steps = given("a", "b")
    for number in range(3):
        assert steps.take().root_id == "a"
        steps.follow(Step("a", 10 + number))
    assert [steps.take() for _ in range(2)] == [Step("a", 12), Step("b", 1)]


def test_within_a_tree_it_is_first_come_first_served():
    steps = given("a", "a", "a")
    first = steps.take()
    steps.follow(Step("a", 7))
    assert [first.number, *(steps.take().number for _ in range(3))] == [0, 1, 2, 7]


def test_after_a_stretch_the_other_trees_come_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rota, "STRETCH", 2)
    assert taken(given("a", "a", "a", "a", "a", "b", "c"), 7) == "aabcaaa"


def test_a_tree_alone_is_not_held_up_by_the_end_of_its_stretch(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rota, "STRETCH", 2)
    assert taken(given("a", "a", "a", "a", "a"), 5) == "aaaaa"


def test_a_stretch_goes_on_in_the_next_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rota, "STRETCH", 3)
    first = given("a", "a", "a", "a", "b")
    taken(first, 2)
    following: Rota[Step] = Rota(first.under_way)
    for step in [*first.left()[0], *first.left()[1]]:
        following.give(step)
    assert taken(following, 3) == "aba"


def test_what_is_left_keeps_its_place_but_what_followed_goes_behind():
    steps = given("a", "b", "c", "c")
    steps.take()
    steps.follow(Step("new", 20))
    steps.take()
    steps.follow(Step("b", 21))
    front, back = steps.left()
    # "b" was under way: it goes on at once.
    assert front == [Step("b", 21), Step("c", 2), Step("c", 3)]
    assert back == [Step("new", 20)]
    assert steps.left(others_wait=True) == ([Step("c", 2), Step("c", 3)], [Step("b", 21), Step("new", 20)])
    assert steps.come_to == {"a", "b"}
    assert len(steps) == 4
    assert sorted(step.number for step in steps) == [2, 3, 20, 21]


def test_what_followed_in_a_tree_that_has_used_its_stretch_goes_behind(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rota, "STRETCH", 1)
    steps = given("a", "b", "c")
    steps.take()
    steps.follow(Step("a", 30))
    steps.take()
    assert steps.left() == ([Step("c", 2)], [Step("a", 30)])


def test_the_first_command_of_a_tree_is_taken_out_of_its_turn_only_if_it_is_of_the_kind_that_is_asked_for():
    steps: Rota[Step] = Rota()
    steps.give(Step("a", 0))
    steps.give(Step("b", 1, 7))
    steps.give(Step("b", 2))
    assert steps.take_first("a", int) is None
    assert steps.take_first("nobody", int) is None
    assert steps.take_first("b", int) == Step("b", 1, 7)
    assert steps.take_first("b", int) is None
    assert steps.left() == ([Step("a", 0), Step("b", 2)], [])


def test_a_tree_goes_on_while_it_has_commands_and_its_stretch_lasts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rota, "STRETCH", 2)
    steps = given("a", "a", "a", "b")
    going = [steps.goes_on]
    for _ in range(4):
        steps.take()
        going.append(steps.goes_on)
    assert going == [False, True, False, False, False]
