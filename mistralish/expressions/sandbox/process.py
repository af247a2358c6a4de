"""The parent of the processes that evaluate, seen from the service; and one connection to such a process."""

import json
import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from mistralish.errors import UnavailableError
from mistralish.expressions.limits import MAX_SIZE
from mistralish.expressions.sandbox.wire import left_until, receive, send

_MODULE = "mistralish.expressions.sandbox.worker"
_START_SECONDS = 60
_LONGEST = 4 * MAX_SIZE
_KEPT_VARIABLES = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")


class Process:
    """A process that evaluates. It ends when the connection is closed, or by itself when its time is up."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.served = 0

    def send(self, message: Any, deadline: float) -> None:
        """Send what only JSON data is in; raises ValueError for anything else, OSError, TimeoutError."""
        payload = marshal.dumps(message)
        self._connection.settimeout(left_until(deadline))
        send(self._connection, payload)

    def receive(self, deadline: float) -> Any:
        """Return the next message; raises EOFError, OSError (TimeoutError), TooLongError, ValueError."""
        return json.loads(receive(self._connection, _LONGEST, deadline).decode("utf-8", "surrogatepass"))

    def is_alive(self) -> bool:
        """Whether it still waits for work."""
        try:
            self._connection.settimeout(0)
            self._connection.recv(1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Have the process end."""
        self._connection.close()


class Parent:
    """Starts processes that evaluate. It ends with the service, however that ends."""

    def __init__(self, plug_ins: list[str]) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", _MODULE, str(theirs.fileno()), json.dumps(plug_ins)]
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env=_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the service's to handle
            )
        self._control = ours
        self._ready = False

    def start(self) -> Process:
        """Return a new process; raises UnavailableError where there cannot be one."""
        try:
            self._wait_until_ready()
            ours, theirs = socket.socketpair()
            with theirs:
                socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        except OSError as error:
            raise UnavailableError(f"no process can be started to evaluate an expression in: {error}") from None
        return Process(ours)

    def close(self) -> None:
        """Have it end, and all its processes with it that are not in use."""
        self._control.close()
        self._process.wait()

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        self._control.settimeout(_START_SECONDS)
        if not self._control.recv(1):
            raise OSError(f"it ended with {self._process.wait()}, see the log")
        self._ready = True


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the processes see of the environment: how to find the code, and how times and texts are written."""
    kept = {name: environ[name] for name in _KEPT_VARIABLES if name in environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
