"""std.javascript, also named std.js: run a script. Source: the reference's standard actions.

Scripts run in worker processes, which are kept for the next script and killed when they overrun.
"""

import json
import os
import selectors
import struct
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from mistralish.actions.base import ActionError, StdAction
from mistralish.actions.context import ActionContext
from mistralish.actions.optional import need
from mistralish.actions.settings import JavaScriptSettings

_WORKER = Path(__file__).with_name("javascript_worker.py")
_START_SECONDS = 20.0
"""What a busy machine may need to start a worker; a script's own time is measured inside."""
_MAX_IDLE = 2
_IDLE_SECONDS = 60.0
_KEPT_ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV")


class JavaScriptAction(StdAction):
    """Runs a script in JavaScript.

    The script is the body of a function: what it returns is the result, as JSON has it (a date becomes text, a
    function nothing). The script sees the language alone: no files, no network. Its time and memory are limited.

    :param script: the text of the script.
    :param context: a value that the script finds in `$`.
    """

    def __init__(self, name: str, pool: "WorkerPool") -> None:
        super().__init__(name)
        self._pool = pool

    def execute(self, about: ActionContext, script: Any, context: Any = None) -> Any:
        try:
            return self._pool.run(str(script), context)
        except ActionError as error:
            raise ActionError(f"JavaScriptAction failed: {error.message}") from error


class WorkerPool:
    """Worker processes: as many as scripts run at a time; two are kept idle, for a minute at most."""

    def __init__(self, settings: JavaScriptSettings, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._settings = settings
        self._idle_seconds = idle_seconds
        self._timer: Timer | None = None
        self._idle: list[_Worker] = []
        self._lock = Lock()

    def run(self, script: str, context: Any) -> Any:
        """Run ``script`` with ``$`` being ``context``. Raises ActionError when it fails or exceeds a limit."""
        limits = self._settings
        request = {
            "script": script,
            "context": context,
            "max_seconds": limits.max_seconds,
            "max_memory_bytes": limits.max_memory_bytes,
            "max_result_bytes": limits.max_result_bytes,
        }
        answer = self._ask(request)
        if "error" in answer:
            raise ActionError(answer["error"])
        try:
            return json.loads(answer["result"])
        except (ValueError, RecursionError):
            raise ActionError("the script's result is no JSON, or is nested too deeply") from None

    def close(self) -> None:
        """End the idle workers."""
        with self._lock:
            idle, self._idle = self._idle, []
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        for worker in idle:
            worker.end()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        worker = self._take()
        try:
            answer = worker.ask(request, self._settings.max_seconds)
        except BaseException:
            worker.end()
            raise
        self._give_back(worker)
        return answer

    def _take(self) -> "_Worker":
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.end()
        if find_spec("py_mini_racer") is None:
            need("py_mini_racer", "mini-racer", "javascript")
        return _Worker()

    def _give_back(self, worker: "_Worker") -> None:
        with self._lock:
            if len(self._idle) < _MAX_IDLE:
                self._idle.append(worker)
                self._end_idle_later()
                return
        worker.end()

    def _end_idle_later(self) -> None:
        if self._timer is None:
            self._timer = Timer(self._idle_seconds, self.close)
            self._timer.daemon = True
            self._timer.start()


class _Worker:
    """One process. It gets none of the service's environment but what Python needs to start."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )
        self._fresh = True

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], max_seconds: float) -> dict[str, Any]:
        """Send a request and wait for its answer. Raises ActionError when the process dies or overruns."""
        give_up_at = time.monotonic() + max_seconds * 1.5 + 1 + (_START_SECONDS if self._fresh else 0)
        self._fresh = False
        data = json.dumps(request).encode()
        try:
            self._write(struct.pack(">I", len(data)) + data)
            size = struct.unpack(">I", self._read(4, give_up_at))[0]
            answer: dict[str, Any] = json.loads(self._read(size, give_up_at))
        except TimeoutError:
            raise ActionError(f"the script ran longer than {max_seconds} seconds") from None
        except (OSError, EOFError):
            raise ActionError("the script's process ended: most likely it used more memory than it may") from None
        return answer

    def end(self) -> None:
        """Kill the process and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _write(self, data: bytes) -> None:
        stream = self._process.stdin
        assert stream is not None
        view = memoryview(data)
        while view:
            view = view[stream.write(view) :]

    def _read(self, size: int, give_up_at: float) -> bytes:
        stream = self._process.stdout
        assert stream is not None
        data = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while len(data) < size:
                if not selector.select(max(0.0, give_up_at - time.monotonic())):
                    raise TimeoutError
                chunk = stream.read(size - len(data))
                if not chunk:
                    raise EOFError
                data += chunk
        return bytes(data)
