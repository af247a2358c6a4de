"""SIGINT and SIGTERM, heard at once whatever the main thread does."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def listening(handle: Callable[[int], None]) -> Iterator[None]:
    """While the block lasts, ``handle`` gets the number of each SIGINT and SIGTERM, in a thread of its own.

    Python runs its handlers in the main thread, between two of its steps: a signal that comes just before that thread
    begins to wait for a lock is heard with the next signal only, and a handler that takes a lock may stand in its own
    way. The interpreter also writes each signal's number to a socket, from whatever thread the system chose
    (``signal.set_wakeup_fd``): that has neither trouble. To be called in the main thread.
    """
    heard, told = socket.socketpair()
    told.setblocking(False)
    former = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, _left_to_the_thread) for number in _NUMBERS}
    thread = threading.Thread(target=_listen, args=(heard, handle), name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(former)
        told.close()
        thread.join()


def _listen(heard: socket.socket, handle: Callable[[int], None]) -> None:
    with heard:
        while numbers := heard.recv(1):
            handle(numbers[0])


def _left_to_the_thread(_number: int, _frame: object) -> None:
    """Only a signal with a handler in Python is written to the socket."""
