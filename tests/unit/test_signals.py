"""A signal is heard at once, also while the main thread waits, and as often as it comes."""

import os
import signal
import subprocess
import sys
import threading

from mistralish import signals

_LOCKED = """
import os, signal, threading, time
from mistralish import signals
heard = threading.Event()
lock = threading.Lock()

def handle(number):
    with lock:  # whoever sends holds it: a handler in the main thread would stand in its own way
        heard.set()

with signals.listening(handle):
    with lock:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
    print(heard.wait(20))
"""


def test_each_signal_is_heard_with_its_number_by_another_thread() -> None:
    heard: list[tuple[int, str]] = []
    both = threading.Event()

    def handle(number: int) -> None:
        heard.append((number, threading.current_thread().name))
        if len(heard) == 2:
            both.set()

    with signals.listening(handle):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert both.wait(20)
    assert {number for number, _ in heard} == {signal.SIGTERM, signal.SIGINT}
    assert {name for _, name in heard} == {"signals"}


def test_the_handlers_of_before_are_there_again_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with signals.listening(lambda _number: None):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] != before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert "signals" not in {thread.name for thread in threading.enumerate()}


def test_a_handler_may_take_a_lock_that_the_main_thread_holds() -> None:
    done = subprocess.run([sys.executable, "-c", _LOCKED], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "True\n"
