"""A client that costs little: one connection for each thread, JSON in and out."""

import http.client
import json
import re
import threading
import time
from typing import Any

_ENDED = ("SUCCESS", "ERROR", "CANCELLED")
_WAIT_SECONDS = 30


class Client:
    """Calls the v2 API on a port of this machine."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._local = threading.local()

    def answers(self) -> bool:
        """Whether anybody answers there."""
        try:
            return self._send("GET", "/", None, "application/json")[0] == 200
        except OSError:
            self._local.connection = None
            return False

    def call(self, method: str, path: str, body: Any = None, expected: int = 200) -> Any:
        """Send a request, text as it is and all else as JSON; return what the answer holds."""
        text, kind = (body, "text/plain") if isinstance(body, str) else (json.dumps(body), "application/json")
        status, raw = self._send(method, "/v2" + path, None if body is None else text.encode(), kind)
        if status != expected:
            raise RuntimeError(f"{method} {path}: {status} {raw[:500]!r}")
        return json.loads(raw) if raw else None

    def upload(self, definition: str) -> None:
        """Keep the workflows in ``definition``, in place of those of the same names."""
        known = self.call("GET", "/workflows?fields=name")["workflows"]
        names = {each["name"] for each in known}
        if re.findall(r"^(\w+):$", definition, re.MULTILINE)[-1] in names:
            self.call("PUT", "/workflows", definition)
        else:
            self.call("POST", "/workflows", definition, 201)

    def start(self, workflow: str, given: dict[str, Any] | None = None) -> str:
        """Start a workflow and return the execution's id."""
        return str(self.call("POST", "/executions", {"workflow_name": workflow, "input": given or {}}, 201)["id"])

    def wait(self, identifiers: list[str], seconds: float = 600) -> None:
        """Wait until all these executions have succeeded."""
        end = time.monotonic() + seconds
        for identifier in identifiers:
            path = f"/executions/{identifier}?fields=state&wait={_WAIT_SECONDS}"
            while (state := self.call("GET", path)["state"]) not in _ENDED:
                if time.monotonic() > end:
                    raise RuntimeError(f"execution {identifier} is still {state}")
            if state != "SUCCESS":
                raise RuntimeError(f"execution {identifier} ended in {state}")

    def _send(self, method: str, path: str, body: bytes | None, kind: str) -> tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(*self._address, timeout=300)
        connection.request(method, path, body, {"Content-Type": kind})
        response = connection.getresponse()
        return response.status, response.read()
