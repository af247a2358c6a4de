"""Waiting for a commit instead of asking again and again."""

import threading
import time

from mistralish.engine.watchers import Watchers

LONG = 30.0


def _in_thread(watchers: Watchers, state: dict[str, str], answers: list[str | None]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(watchers.wait_until("e", lambda: state.get("e"), LONG)))
    thread.start()
    return thread


def _until_waiting(watchers: Watchers, count: int = 1) -> None:
    end = time.monotonic() + LONG
    while watchers.waiting < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_what_is_there_already_is_not_waited_for() -> None:
    assert Watchers(1, None).wait_until("e", lambda: "there", LONG) == "there"


def test_who_waits_is_woken_by_the_commit_and_by_no_other() -> None:
    watchers, state, answers = Watchers(1, None), {}, []
    thread = _in_thread(watchers, state, answers)
    _until_waiting(watchers)
    watchers.tell(["another"])
    state["e"] = "done"
    watchers.tell(["e"])
    thread.join(LONG)
    assert answers == ["done"]
    assert watchers.waiting == 0


def test_time_is_up_without_an_answer() -> None:
    began = time.monotonic()
    assert Watchers(1, None).wait_until("e", lambda: None, 0.05) is None
    assert time.monotonic() - began >= 0.05


def test_who_finds_no_room_is_answered_at_once() -> None:
    watchers, state, answers = Watchers(1, None), {}, []
    thread = _in_thread(watchers, state, answers)
    _until_waiting(watchers)
    assert watchers.wait_until("e", lambda: None, LONG) is None
    watchers.close()
    thread.join(LONG)
    assert answers == [None]


def test_after_the_close_nobody_waits() -> None:
    watchers = Watchers(1, None)
    watchers.close()
    assert watchers.wait_until("e", lambda: None, LONG) is None


def test_where_others_commit_too_it_looks_again_unasked() -> None:
    watchers, state, answers = Watchers(1, 0.01), {}, []
    thread = _in_thread(watchers, state, answers)
    _until_waiting(watchers)
    state["e"] = "by another process"
    thread.join(LONG)
    assert answers == ["by another process"]
