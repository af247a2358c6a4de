"""Commands are taken in order; those of a project in debt wait, and hold up nobody."""

import threading
import time

import pytest

from mistralish.engine.inbox import Inbox


class Debts(dict[str, float]):
    def __call__(self) -> dict[str, float]:
        return dict(self)


@pytest.fixture
def debts() -> Debts:
    return Debts()


@pytest.fixture
def inbox(debts: Debts) -> Inbox[str]:
    """Items are texts: the project, a colon, a number; an ! at the end tells one whose caller waits."""
    return Inbox(lambda item: item.split(":")[0], debts, lambda item, seconds: not item.endswith("!"), 3)


def put(inbox: Inbox[str], *items: str) -> None:
    for item in items:
        inbox.put(item)


def test_commands_come_in_order_in_batches(inbox):
    put(inbox, "a:1", "b:1", "a:2", "b:2")
    assert inbox.next_batch() == ["a:1", "b:1", "a:2"]
    assert inbox.next_batch() == ["b:2"]


def test_those_of_a_project_in_debt_wait_however_many_they_are(inbox, debts):
    debts["evil"] = 60.0
    put(inbox, *(f"evil:{n}" for n in range(1000)), "good:1")
    assert inbox.next_batch() == ["good:1"]
    assert inbox.size == 1000


def test_they_go_on_in_order_once_the_debt_is_paid(inbox, debts):
    debts["evil"] = 60.0
    put(inbox, "evil:0", "evil:1", "good:1")
    assert inbox.next_batch() == ["good:1"]
    debts.clear()
    assert inbox.next_batch() == ["evil:0", "evil:1"]


def test_the_wait_ends_by_itself(inbox, debts):
    debts["evil"] = 0.05
    put(inbox, "evil:1")
    threading.Timer(0.02, debts.clear).start()
    start = time.monotonic()
    assert inbox.next_batch() == ["evil:1"]
    assert time.monotonic() - start < 5


def test_what_was_sent_away_is_not_kept(inbox, debts):
    debts["evil"] = 60.0
    put(inbox, "evil:1!", "good:1")
    assert inbox.next_batch() == ["good:1"]
    assert inbox.size == 0


def test_debts_are_looked_at_again_when_time_has_passed(inbox, debts):
    debts["evil"] = 60.0
    put(inbox, "evil:1!")
    threading.Timer(0.05, debts.clear).start()
    threading.Timer(0.2, put, (inbox, "evil:2!")).start()
    assert inbox.next_batch() == ["evil:2!"]


def test_a_closed_inbox_gives_all_that_there_is_and_then_none(inbox, debts):
    debts["evil"] = 60.0
    put(inbox, "evil:1", "good:1")
    inbox.close()
    assert sorted(inbox.next_batch() or []) == ["evil:1", "good:1"]
    assert inbox.next_batch() is None


def test_what_was_not_come_to_keeps_its_place_and_what_follows_goes_behind(inbox):
    inbox.leave([], ["a:1", "a:2", "a:3", "a:4"])
    assert inbox.next_batch() == ["a:1", "a:2", "a:3"]
    inbox.leave(["a:3"], ["a:5"])
    assert inbox.next_batch() == ["a:3", "a:4", "a:5"]


def test_many_steps_that_were_left_do_not_keep_out_what_comes_in(inbox):
    inbox.leave([], [f"a:{number}" for number in range(1000)])
    put(inbox, "b:1", "b:2")
    assert inbox.next_batch() == ["a:0", "a:1", "a:2", "b:1", "b:2"]
    assert inbox.size == inbox.backlog == 997
