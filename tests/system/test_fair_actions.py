"""What one project keeps busy, another does not wait for: actions and notifications, on one service."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from peers import HttpPeer, wait_for
from processes import service_process
from test_projects_apart import Caller

from mistralish.tokens import create_token

WORKFLOWS = """version: '2.0'
crowd:
  input: [url]
  tasks:
    t: {with-items: "i in <% range(40) %>", action: std.http, input: {url: <% $.url %>}}
quick:
  input: [url]
  tasks:
    a: {action: std.http, input: {url: <% $.url %>}, on-success: b}
    b: {action: std.http, input: {url: <% $.url %>}}
told:
  tasks: {t: {action: std.noop}}
"""


@pytest.fixture
def tarpit() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that takes connections and says nothing: its URL, and the connections."""
    taken: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)

    def accept() -> None:
        with suppress(OSError):
            while True:
                taken.append(listener.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/", taken
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for connection in taken:
        connection.close()


def test_a_crowd_of_one_project_delays_nobody_else(
    tmp_path: Path, tarpit: tuple[str, list[socket.socket]], web: HttpPeer
) -> None:
    url, taken = tarpit
    tokens = tmp_path / "tokens.json"
    known = [create_token(tokens, project, "", ())[0] for project in ("a", "b")]
    settings = {"auth": "tokens", "tokens_file": tokens, "workers": 4, "drain_seconds": 0}
    with service_process(tmp_path, "fair", f"sqlite:///{tmp_path}/f.db", **settings) as service:
        a, b = (Caller(service.rest.url, token) for token in known)
        for caller in (a, b):
            caller.post("/workflows", WORKFLOWS)
        a.post("/executions", {"workflow_name": "crowd", "input": {"url": url}})
        for _ in range(6):
            webhooks = [{"type": "webhook", "url": url}] * 10
            a.post("/executions", {"workflow_name": "told", "params": {"notify": webhooks}})
        # Four actions; and of four lines of notifications as many as the executions' ids happen to fall into.
        wait_for(lambda: len(taken) >= 5, 10, "the crowd")
        start = time.monotonic()
        hook = [{"type": "webhook", "url": f"{web.url}/hooks/fair"}]
        done = b.run("quick", {"url": f"{web.url}/text"}, params={"notify": hook})
        assert done["state"] == "SUCCESS"
        wait_for(lambda: len(web.received("/hooks/fair")) == 6, 5, "the other project's notifications")
        assert time.monotonic() - start < 5
        assert len(taken) <= 8
