"""Secrets in a running service: actions and receivers get them in plain; no file, log or answer has them.

Everything that can be done with a secret is done by one workflow in a service that logs at DEBUG, on PostgreSQL beside
a second one that runs what has a ``target``; then databases, logs and all answers are searched.
"""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from peers import HttpPeer, Request, http_peer, wait_for
from planted import found_in, planted
from processes import service_process
from rest import Rest
from services import new_postgresql_database

from mistralish.sealing import new_key

TOKEN, PASSWORD, HOOK, QUERY = (planted(name) for name in ("token", "password", "hook", "a b&c"))

DEFINITIONS = """
version: '2.0'
secrets:
  input: [url, token, password, query, where]
  output-on-error: {said: <% $.said %>}
  tasks:
    echo:
      action: std.echo output="Bearer <% $.token %>"
      publish: {said: <% task().result %>}
      on-success: [header, adhoc, script, items, below, failing, later, elsewhere, wrong]
    header:
      action: std.http
      input:
        url: <% $.url %>/echo
        method: POST
        params: {q: <% $.query %>}
        auth: ann:<% $.password %>
        headers: {X-Auth-Token: <% $.said %>}
        body: {of: the body, is: <% env().inner %>}
      publish: {received: <% task().result.content %>}
      on-success: again
    again:
      action: std.http
      input:
        url: <% $.url %>/hooks/again
        method: POST
        body: <% $.received.headers %>
    adhoc:
      action: tell_secret token=<% $.token %> url=<% $.url %>
    script:
      action: std.javascript
      input:
        script: 'return ["it is " + $.token, JSON.stringify($)]'
        context: {token: <% $.query %>}
    items:
      with-items: each in <% [$.token, $.password] %>
      action: std.echo output=<% $.each %>
    below:
      workflow: secrets_below token=<% $.token %>
    failing:
      action: std.http url="http://127.0.0.1:1/<% $.token %>?q=<% $.query %>"
    wrong:
      action: std.fail
      input:
        error_data: {token: <% $.token %>, text: "no <% $.password %>"}
    later:
      action: std.mistral_http
      input:
        url: <% $.url %>/hooks/later
        method: POST
        body: {t: <% $.token %>}
    elsewhere:
      action: std.echo output=<% $.token %>
      target: <% $.where %>
secrets_below:
  input: [token]
  output: {below: <% $.kept %>}
  tasks:
    say:
      action: std.echo
      input:
        output: {t: <% $.token %>, e: <% env().inner %>}
      publish: {kept: <% task().result %>}
      on-success:
        - fail(msg=<% $.kept %>)
"""

ADHOC = """
version: '2.0'
tell_secret:
  input: [token, url]
  base: std.http
  base-input:
    url: <% $.url %>/hooks/adhoc
    method: POST
    headers: {X-Mine: <% $.token %>}
    body: {t: <% $.token %>}
  output: {got: <% $.content %>}
"""

ANSWERS = (
    "/executions/{id}",
    "/executions/{id}/tasks",
    "/executions/{id}/report",
    "/executions/{id}/executions?include_output=true",
    "/executions?include_output=true",
    "/executions?fields=input,params,output",
    "/tasks?fields=published,state_info",
    "/action_executions?include_output=true",
    "/environments",
    "/environments/safe",
    "/cron_triggers/yearly",
    "/cron_triggers",
)


class ListeningRest(Rest):
    """Keeps all that it is answered."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.answers: list[bytes] = []

    def call(self, method: str, path: str, **options: Any) -> Any:
        response = super().call(method, path, **options)
        self.answers.append(response.content + repr(response.headers).encode())
        return response


@dataclass
class Story:
    """What was done, and what is left of it: the logs, and what the database held while it ran and after it."""

    rest: ListeningRest
    web: HttpPeer
    execution: dict[str, Any]
    logs: list[Path]
    kept: list[bytes]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("secrets")
    settings = {"secret_keys": new_key(), "log_level": "DEBUG"}
    where = "elsewhere" if request.param == "postgresql" else ""
    with ExitStack() as stack:
        web = stack.enter_context(http_peer())
        url = f"sqlite:///{folder}/secrets.db"
        if where:
            url = stack.enter_context(new_postgresql_database())
        service = stack.enter_context(service_process(folder, "one", url, **settings))
        rest = ListeningRest(service.rest.url)
        execution = _start(rest, web, where)
        later = wait_for(lambda: web.received("/hooks/later"), 20, "the call that is answered later")
        if where:
            waiting = wait_for(lambda: _find(rest, execution, "elsewhere"), 20, "the task for another executor")
            assert waiting["state"] == "RUNNING"
        kept = [_dump(url, folder)]
        if where:
            stack.enter_context(service_process(folder, "two", url, executor_host=where, **settings))
        _answer(rest, later[0])
        ended = rest.wait(execution["id"], seconds=60)
        kept.append(_dump(url, folder))
        yield Story(rest, web, ended, [folder / "one.log", *([folder / "two.log"] if where else [])], kept)


def _start(rest: Rest, web: HttpPeer, where: str) -> dict[str, Any]:
    rest.post("/actions", ADHOC)
    rest.post("/workflows", DEFINITIONS)
    variables = {"inner": {"$secret": PASSWORD}, "list": [{"$secret": TOKEN}], "open": 1}
    rest.post("/environments", {"name": "safe", "variables": variables})
    secrets = {"token": TOKEN, "password": PASSWORD, "query": QUERY}
    given = {"url": web.url, "where": where} | {name: {"$secret": value} for name, value in secrets.items()}
    rest.post(
        "/cron_triggers",
        {"name": "yearly", "workflow_name": "secrets", "pattern": "0 0 1 1 *", "workflow_input": given},
    )
    hook = {"type": "webhook", "url": f"{web.url}/hooks/told", "headers": {"X-Hook": {"$secret": HOOK}}}
    return rest.start("secrets", given, {"env": "safe", "notify": [hook]})


def _find(rest: Rest, execution: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((task for task in rest.tasks(execution["id"]) if task["name"] == name), None)


def _answer(rest: Rest, asked: Request) -> None:
    """Give the result of the asynchronous action, as a receiver does that repeats what it was told."""
    output = {"you said": asked.json["t"], "and": f"user:{PASSWORD}"}
    rest.put(
        f"/action_executions/{asked.headers['Mistral-Action-Execution-Id']}", {"state": "SUCCESS", "output": output}
    )


def _dump(url: str, folder: Path) -> bytes:
    if url.startswith("sqlite"):
        return b"".join(file.read_bytes() for file in sorted(folder.glob("secrets.db*")))
    return subprocess.run(["pg_dump", url], check=True, capture_output=True).stdout


def test_whoever_is_meant_gets_the_secrets_in_plain(story: Story) -> None:
    (request,) = story.web.received("/echo")
    basic = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    assert request.headers["X-Auth-Token"] == f"Bearer {TOKEN}"
    assert request.headers["Authorization"] == f"Basic {basic}"
    assert request.query == {"q": QUERY}
    assert request.json == {"of": "the body", "is": PASSWORD}
    (adhoc,) = story.web.received("/hooks/adhoc")
    assert (adhoc.headers["X-Mine"], adhoc.json) == (TOKEN, {"t": TOKEN})
    assert story.web.received("/hooks/told")[0].headers["X-Hook"] == HOOK


def test_what_came_back_to_a_task_works_in_the_next_one(story: Story) -> None:
    (request,) = story.web.received("/hooks/again")
    assert request.json["X-Auth-Token"] == f"Bearer {TOKEN}"
    assert base64.b64decode(request.json["Authorization"].removeprefix("Basic ")) == f"ann:{PASSWORD}".encode()


def test_all_went_as_without_secrets(story: Story) -> None:
    states = {task["name"]: task["state"] for task in story.rest.tasks(story.execution["id"])}
    failed = {"failing", "wrong", "below"}
    assert states == {name: "ERROR" if name in failed else "SUCCESS" for name in states}
    assert len(states) == 11
    assert story.execution["state"] == "ERROR"
    assert story.execution["output"]["said"] == "Bearer ***"


def test_a_reader_sees_where_a_secret_is_and_no_more(story: Story) -> None:
    assert story.execution["input"]["token"] == "***"
    task = story.rest.task(story.execution["id"], "script")
    (action,) = story.rest.actions(task["id"])
    output = json.loads(story.rest.get(f"/action_executions/{action['id']}")["output"])
    assert output == {"result": ["it is ***", '{"token":"***"}']}
    later = story.rest.task(story.execution["id"], "later")
    assert json.loads(story.rest.get(f"/tasks/{later['id']}")["result"]) == {"you said": "***", "and": "user:***"}


def test_no_answer_has_a_secret(story: Story) -> None:
    for path in ANSWERS:
        story.rest.get(path.format(**story.execution))
    for task in story.rest.tasks(story.execution["id"]):
        story.rest.get(f"/tasks/{task['id']}")
        for each in [*story.rest.actions(task["id"]), *story.rest.children(task["id"])]:
            kind = "executions" if "params" in each else "action_executions"
            story.rest.get(f"/{kind}/{each['id']}")
    assert len(story.rest.answers) > 50
    assert not [answer for answer in story.rest.answers if found_in(answer) or b"sealed:v1:" in answer]


def test_no_event_that_is_told_has_a_secret(story: Story) -> None:
    told = story.web.received("/hooks/told")
    assert {"WORKFLOW_FAILED", "TASK_FAILED"} <= {request.json["event"] for request in told}
    assert not [request.body for request in told if found_in(request.body) or b"sealed:v1:" in request.body]


def test_no_secret_is_kept_in_plain(story: Story) -> None:
    for kept in story.kept:
        assert b"sealed:v1:" in kept
        assert not found_in(kept)


def test_no_log_has_a_secret(story: Story) -> None:
    for log in story.logs:
        said = log.read_bytes()
        assert b"DEBUG" in said
        assert not found_in(said)
