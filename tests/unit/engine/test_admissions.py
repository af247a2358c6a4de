"""Who asks what executions do waits until those that were answered for have begun."""

import threading
import time

import pytest

from mistralish.engine.admissions import Admissions

OURS = "ours"


def waiting(admissions: Admissions) -> threading.Thread:
    thread = threading.Thread(target=admissions.wait, args=(OURS,))
    thread.start()
    return thread


def seconds(admissions: Admissions, project: str = OURS) -> float:
    began = time.monotonic()
    admissions.wait(project)
    return time.monotonic() - began


def test_nobody_waits_where_everything_has_begun():
    admissions = Admissions()
    admissions.update([("a", OURS)], ["a"])
    assert seconds(admissions) < 0.5


def test_one_waits_for_what_was_pending_and_not_for_what_came_later():
    admissions = Admissions()
    admissions.update([("a", OURS), ("b", OURS)], [])
    asking = waiting(admissions)
    admissions.update([("c", OURS)], ["a"])
    asking.join(0.05)
    assert asking.is_alive()
    admissions.update([], ["b"])
    asking.join(5)
    assert not asking.is_alive()


def test_nobody_waits_for_what_other_projects_have_started():
    admissions = Admissions()
    admissions.update([("theirs", "others")], [])
    assert seconds(admissions) < 0.5


def test_who_sees_all_projects_waits_for_what_any_of_them_has_started():
    admissions = Admissions()
    admissions.update([("theirs", "others")], [])
    asking = threading.Thread(target=admissions.wait, args=(None,))
    asking.start()
    asking.join(0.05)
    assert asking.is_alive()
    admissions.update([], ["theirs"])
    asking.join(5)
    assert not asking.is_alive()


def test_few_wait_at_once_and_the_others_are_answered():
    admissions = Admissions(most=1)
    admissions.update([("a", OURS)], [])
    first = waiting(admissions)
    while not admissions._waiting:
        time.sleep(0.001)
    assert seconds(admissions) < 0.5
    admissions.update([], ["a"])
    first.join(5)
    assert not first.is_alive()


def test_nobody_waits_for_ever_nor_for_what_is_long_ago():
    now = [0.0]
    admissions = Admissions(clock=lambda: now[0])
    admissions.update([("elsewhere", OURS)], [])
    assert seconds(admissions) == pytest.approx(1.0, abs=0.5)
    now[0] = 1.1
    assert seconds(admissions) < 0.5
    admissions.update([], [])
    assert not admissions._pending
