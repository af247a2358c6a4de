"""What callers do while services are killed, and what must be true in the end of all that was acknowledged."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kill_fleet import Client

FINISHED = ("SUCCESS", "ERROR", "CANCELLED")
LOST = (
    "Heartbeat wasn't received.",
    "The service was stopped while the action ran, and it is not known to be safe to run again",
)
"""The reasons of which one is told where an action was lost with its process."""

ITEMS = 230  # more than a turn starts at once, so the rest waits in messages
WORKFLOWS = """
version: '2.0'
chained:
  input: [n]
  output: {n: <% task(c).result %>}
  tasks:
    a: {action: std.echo output=<% $.n + 1 %>, publish: {m: <% task(a).result %>}, on-success: b}
    b: {action: std.noop, on-success: c}
    c: {action: std.echo output=<% $.m + 2 %>}
itemised:
  input: [count, {at_once: 0}]
  output: {sum: <% task(each).result.sum() %>, after: <% task(after).result %>}
  tasks:
    each: {with-items: i in <% range($.count) %>, action: std.echo output=<% $.i %>, on-success: after}
    after: {action: std.echo output=<% task(each).result.len() %>}
nested:
  input: [count]
  output: {numbers: <% task(each).result.select($.n) %>}
  tasks:
    each: {with-items: i in <% range($.count) %>, workflow: chained n=<% $.i %>, on-success: after}
    after: {workflow: chained n=1}
joined:
  input: [url]
  output: {sum: <% task(met).result %>}
  tasks:
    first: {action: std.noop, on-success: [left, middle, right]}
    left: {action: std.echo output=1, publish: {left: <% task(left).result %>}, on-success: met}
    middle: {action: std.sleep seconds=0.3, wait-after: 1, publish: {middle: 10}, on-success: met}
    right:
      action: std.http url=<% $.url %>
      safe-rerun: true
      publish: {right: 100}
      on-success: met
    met: {join: all, action: std.echo output=<% $.left + $.middle + $.right %>}
called:
  input: [url]
  output: {why: <% $.get(why) %>}
  tasks:
    call: {action: std.http url=<% $.url %>, publish: {why: ''}, on-success: done, on-error: told}
    done: {action: std.noop}
    told: {action: std.echo output=<% task(call).result %>, publish: {why: <% task(told).result %>}}
called_again:
  input: [urls]
  output: {calls: <% task(call).result.len() %>}
  tasks:
    call: {with-items: url in <% $.urls %>, action: std.http url=<% $.url %>, safe-rerun: true, on-success: after}
    after: {action: std.noop}
delayed:
  input: [url]
  output: {attempt: <% task(call).result.content.attempt %>}
  tasks:
    call:
      action: std.http url=<% $.url %>
      safe-rerun: true
      wait-before: 1
      retry: {count: 5, delay: 1}
asked:
  output: {got: <% task(ask).result %>, after: <% task(after).result %>}
  tasks:
    ask: {action: std.async_noop, on-success: after}
    after: {action: std.echo output=<% task(ask).result %>}
waiting:
  output: {said: <% task(last).result %>}
  tasks:
    first: {action: std.noop, wait-before: 1, on-success: last}
    last: {action: std.echo output='over'}
evented:
  output: {n: <% task(only).result %>}
  tasks: {only: {action: std.echo output=7}}
ticked:
  tasks: {only: {action: std.noop}}
"""


@dataclass(frozen=True)
class Call:
    """How often ``path`` is asked for: ``count`` times if nothing is killed meanwhile.

    If something is, those that are ``safe`` to run again at least as often, ``once`` or not at all, with the task told
    so, and a notice (``told``) once or not at all.
    """

    path: str
    kind: str
    count: int = 1


@dataclass(frozen=True)
class Promise:
    """What must be true of an execution in the end: one of ``states`` (none: it is gone), and this output."""

    workflow: str
    execution_id: str
    states: tuple[str, ...] = ("SUCCESS",)
    output: Any = None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Defined:
    """What must be true in the end of what somebody wrote: this word is in that attribute (None: it is gone)."""

    path: str
    attribute: str
    word: str | None


@dataclass(frozen=True)
class Alone:
    """An action that was run outside workflows: it has ended, and ``path`` was asked for once for each such row."""

    action_id: str
    path: str


Kept = Promise | Defined | Alone
Story = Callable[[Client, str], Kept]


def _start(client: Client, workflow: str, given: dict[str, Any] | None = None, params: Any = None) -> str:
    """Start an execution by an id of one's own: asking again does no harm."""
    identifier = str(uuid.UUID(int=client.random.getrandbits(128), version=4))
    body = {"id": identifier, "workflow_name": workflow, "input": given or {}, "params": params or {}}
    assert client.done("start", "POST", "/executions", body)["id"] == identifier
    return identifier


def _chained(client: Client, url: str) -> Kept:
    n, page = client.random.randrange(1000), f"/hooks/{client.random.getrandbits(64):x}"
    notify = {"type": "webhook", "url": url + page, "event_types": ["WORKFLOW_SUCCEEDED"]}
    started = _start(client, "chained", {"n": n}, {"notify": [notify]})
    return Promise("chained", started, output={"n": n + 3}, calls=(Call(page, "told"),))


def _itemised(client: Client, url: str) -> Kept:
    count = client.random.choice((3, 20, ITEMS))
    output = {"sum": count * (count - 1) // 2, "after": count}
    return Promise("itemised", _start(client, "itemised", {"count": count}), output=output)


def _nested(client: Client, url: str) -> Kept:
    count = client.random.choice((1, 3, 8))
    # Without an id of one's own: what a service that died had started goes on besides the one that is told.
    started = client.done("start", "POST", "/executions", {"workflow_name": "nested", "input": {"count": count}})
    return Promise("nested", started["id"], output={"numbers": [n + 3 for n in range(count)]})


def _slow(client: Client) -> str:
    """A page that nobody else asks for, and takes a moment."""
    return f"/slow/{client.random.getrandbits(64):x}"


def _joined(client: Client, url: str) -> Kept:
    page = _slow(client)
    started = _start(client, "joined", {"url": f"{url}{page}?seconds=0.3"})
    return Promise("joined", started, output={"sum": 111}, calls=(Call(page, "safe"),))


def _called(client: Client, url: str) -> Kept:
    page = _slow(client)
    started = _start(client, "called", {"url": f"{url}{page}?seconds={client.random.choice((0, 0.2, 1))}"})
    return Promise("called", started, calls=(Call(page, "once"),))


def _called_again(client: Client, url: str) -> Kept:
    pages = [_slow(client) for _ in range(client.random.choice((1, 3)))]
    seconds = client.random.choice((0, 0.2, 1))
    started = _start(client, "called_again", {"urls": [f"{url}{page}?seconds={seconds}" for page in pages]})
    calls = tuple(Call(page, "safe") for page in pages)
    return Promise("called_again", started, output={"calls": len(pages)}, calls=calls)


def _delayed(client: Client, url: str) -> Kept:
    page = f"/flaky/{client.random.getrandbits(64):x}"
    started = _start(client, "delayed", {"url": f"{url}{page}?fail=2"})
    return Promise("delayed", started, calls=(Call(page, "safe", 3),))


def _asynchronous_action(client: Client, execution_id: str) -> str:
    """The id of the action whose result the execution waits for."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for task in client.get(f"/executions/{execution_id}/tasks")["tasks"]:
            if task["name"] == "ask":
                actions = client.get(f"/tasks/{task['id']}/action_executions")["action_executions"]
                if actions:
                    return str(actions[0]["id"])
        time.sleep(0.05)
    raise AssertionError(f"execution {execution_id} does not ask for a result")


def _asked(client: Client, url: str) -> Kept:
    started = _start(client, "asked")
    action = _asynchronous_action(client, started)
    answer = {"answer": client.random.randrange(10**9)}
    body = {"state": "SUCCESS", "output": answer}
    client.done("result", "PUT", f"/action_executions/{action}", body, also=(400,))
    other, _ = client.ask("PUT", f"/action_executions/{action}", json={"state": "SUCCESS", "output": {"answer": 0}})
    assert other.status_code == 400, f"a second result was answered {other.status_code}"
    return Promise("asked", started, output={"got": answer, "after": answer})


def _paused(client: Client, url: str) -> Kept:
    started = _start(client, "waiting")
    if not client.may("pause", "PUT", f"/executions/{started}", {"state": "PAUSED"}):
        return Promise("waiting", started, output={"said": "over"})  # it had ended by then
    if client.random.random() < 0.3:
        return Promise("waiting", started, states=("PAUSED",))
    client.done("resume", "PUT", f"/executions/{started}", {"state": "RUNNING"}, also=(400,))
    return Promise("waiting", started, output={"said": "over"})


def _stopped(client: Client, url: str) -> Kept:
    started = _start(client, "asked")
    client.done("stop", "PUT", f"/executions/{started}", {"state": "CANCELLED"}, also=(400,))
    return Promise("asked", started, states=("CANCELLED",))


def _deleted(client: Client, url: str) -> Kept:
    workflow, given = client.random.choice((("asked", {}), ("waiting", {}), ("chained", {"n": 1})))
    started = _start(client, workflow, given)
    client.done("delete", "DELETE", f"/executions/{started}?force=true", also=(404,))
    return Promise(workflow, started, states=())


def _defined(client: Client, url: str) -> Kept:
    name = f"defined_{client.random.getrandbits(64):x}"
    text = f"version: '2.0'\n{name}:\n  tasks: {{t: {{action: std.echo output='WORD'}}}}\n"
    client.done("definition", "POST", "/workflows", text.replace("WORD", "first"), also=(409,))
    client.done("definition", "PUT", "/workflows", text.replace("WORD", "second"))
    if client.random.random() < 0.3:
        client.done("delete", "DELETE", f"/workflows/{name}", also=(404,))
        return Defined(f"/workflows/{name}", "definition", None)
    return Defined(f"/workflows/{name}", "definition", "second")


def _environment(client: Client, url: str) -> Kept:
    name = f"env_{client.random.getrandbits(64):x}"
    client.done("definition", "POST", "/environments", {"name": name, "variables": {"is": "first"}}, also=(409,))
    client.done("definition", "PUT", "/environments", {"name": name, "variables": {"is": "second"}})
    return Defined(f"/environments/{name}", "variables", "second")


def _alone(client: Client, url: str) -> Kept:
    page = _slow(client)
    body = {"name": "std.http", "input": {"url": f"{url}{page}?seconds=0.2"}, "params": {"save_result": True}}
    return Alone(client.done("action", "POST", "/action_executions", body)["id"], page)


def _evented(client: Client, url: str) -> Kept:
    event = {"exchange": "kills", "topic": "t", "event": "e", "message_id": f"{client.random.getrandbits(64):x}"}
    (started,) = client.done("event", "POST", "/events", event)["executions"]
    assert not started["error"], started
    return Promise("evented", started["execution_id"], output={"n": 7})


STORIES: tuple[Story, ...] = (
    *(_chained, _itemised, _nested, _joined, _called, _called, _called_again, _delayed),
    *(_asked, _paused, _stopped, _deleted, _defined, _environment, _evented, _alone),
)
