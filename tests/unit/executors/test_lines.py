"""Queues that share threads: each in its order, none delayed by another, none without end."""

import threading

from mistralish.executors.lines import Lines


def test_what_is_in_one_queue_goes_in_its_order():
    lines, done = Lines(4, 1000, "test"), []
    for number in range(500):
        assert lines.put("a", lambda number=number: done.append(number))
    lines.close(20)
    assert done == list(range(500))


def test_a_queue_that_is_stuck_keeps_no_other_waiting():
    lines, release, done = Lines(2, 1000, "test"), threading.Event(), threading.Event()
    for _ in range(100):
        lines.put("stuck", lambda: release.wait(20))
    lines.put("other", done.set)
    assert done.wait(20)
    release.set()
    lines.close(20)


def test_a_full_queue_takes_nothing_more_and_the_others_do():
    lines, release, running = Lines(2, 3, "test"), threading.Event(), threading.Event()

    def job():
        running.set()
        release.wait(20)

    lines.put("full", job)
    assert running.wait(20)
    assert [lines.put("full", job) for _ in range(4)] == [True, True, True, False]
    assert lines.put("other", job)
    release.set()
    lines.close(20)


def test_closing_waits_for_what_is_queued_and_then_drops_it():
    lines, release, done = Lines(1, 10, "test"), threading.Event(), []
    lines.put("a", lambda: release.wait(20))
    lines.put("a", lambda: done.append(1))
    lines.close(0.1)
    release.set()
    assert not lines.put("a", lambda: done.append(2))
    assert done == []
