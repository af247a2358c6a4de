"""The API of a real service in each mode of ``auth``: requests made up from its own description, by schemathesis.

None may fail the service, hang, or get an answer that the description does not promise; the service's memory must not
grow with their number, and its log must have neither a traceback nor a token.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from fuzz.search import Tally, resident
from issuers import AUDIENCE, running_issuer
from keystone_server import running_keystone, write_authtoken_file
from planted import found_in
from rest import Rest, unique
from serving import Server, running_server

from mistralish.tokens import create_token

MODES = ("none", "tokens", "oidc", "keystone")

_MOST_GROWTH = 64.0  # MiB; what the service keeps, it keeps within bounds that take some time to reach
_A_ROUND = 180.0  # seconds; each is of another phase
_PHASES = ("coverage", "fuzzing", "stateful")
_REQUEST_SECONDS = 10
_ONCE = ["--phases", "fuzzing", "--max-examples", "1", "--seed", "1"]
_CALLERS = ("a member", "an administrator", "nobody")
_MONTH = 30 * 24 * 3600
# Three things that OpenAPI cannot say: which text is a definition that is right, that a path such as
# /v2/workflows/validate is also that of a workflow called "validate", and that a proposal is another project's to take.
_NOT_SAYABLE = "positive_data_acceptance,allow_header_conformance,ensure_resource_availability"
_TEXTS = ["version: '2.0'", "{", "", "version: '2.0'\na: [", "version: 2.0\nt: {tasks: {a: {action: std.noop}}}"]

_WORKFLOWS = """version: '2.0'
{name}:
  input:
    - who: you
  output:
    said: <% $.said %>
  tasks:
    say:
      action: std.echo output=<% $.who %>
      publish:
        said: <% task().result %>
      on-success: [wait, fall]
    wait:
      action: std.async_noop
      timeout: 5
    fall:
      action: std.fail
{name}_parent:
  tasks:
    all:
      with-items: i in <% [1, 2] %>
      workflow: {name} who=<% $.i %>
"""
_ACTIONS = "version: '2.0'\n{name}:\n  base: std.echo\n  base-input:\n    output: <% $.text %>\n  input: [text: hi]\n"
_WORKBOOK = """version: '2.0'
name: {name}
workflows: {{w: {{tasks: {{t: {{action: a}}}}}}}}
actions: {{a: {{base: std.noop}}}}
"""


def _something_of_everything(rest: Rest) -> dict[str, Any]:
    """Make definitions and runs, and tell what there is to be aimed at."""
    flow, action, book, place, daily = (unique(each) for each in ("flow", "action", "book", "place", "daily"))
    definitions = {
        "workflows": _WORKFLOWS.format(name=flow),
        "actions": _ACTIONS.format(name=action),
        "workbooks": _WORKBOOK.format(name=book),
    }
    for resource, text in definitions.items():
        rest.post(f"/{resource}", text)
    rest.post("/environments", {"name": place, "variables": {"a": 1}})
    rest.post("/cron_triggers", {"name": daily, "workflow_name": flow, "pattern": "@daily"})
    rest.post("/action_executions", {"name": "std.echo", "input": {"output": 1}, "params": {"save_result": True}})
    shared = rest.get(f"/workflows/{flow}")
    event = {"exchange": "shop", "topic": "orders", "event": "placed"}
    rest.post("/event_triggers", {"workflow_id": shared["id"], **event})
    for project in ("neighbours", shared["project_id"]):
        rest.post(f"/workflows/{shared['id']}/members", {"member_id": project})
    started = [rest.start(name)["id"] for name in (flow, flow, f"{flow}_parent")]
    rest.wait_for_task(started[0], "fall", "ERROR")
    kinds = ("executions", "tasks", "action_executions", "event_triggers")
    rows = {name: rest.get(f"/{name}", limit=20)[name] for name in kinds}
    return {
        "ids": {name: [row["id"] for row in found] for name, found in rows.items()}
        | {"workflows": [flow, f"{flow}_parent", shared["id"]], "actions": [action, "std.echo"], "workbooks": [book]}
        | {"environments": [place], "cron_triggers": [daily], "members": ["neighbours", shared["project_id"]]},
        "definitions": {name: [text, *_TEXTS] for name, text in definitions.items()},
        "workflows": [flow, f"{flow}_parent"],
        "actions": ["std.echo", "std.noop", "std.fail", action],
        "states": ["RUNNING", "PAUSED", "SUCCESS", "ERROR", "CANCELLED", "SKIPPED"],
    }


@dataclass(frozen=True)
class Site:
    """A running service, and the headers with which each caller proves who it is."""

    server: Server
    callers: dict[str, dict[str, str]]


class _Caller(Rest):
    """The API, asked with these headers."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        super().__init__(url)
        self._headers = headers

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return super().call(method, path, **{**options, "headers": {**options.get("headers", {}), **self._headers}})


def search_api(mode: str, folder: Path, seconds: float = 0) -> Tally:
    """Send requests for so long, all callers at the same time; what went wrong is in ``findings``.

    Without ``seconds`` each operation is tried by each who has a token, once, the same way each time. Memory counts
    from the second round on, if there is one. Needs Linux's /proc. Raises Unavailable where Keystone is needed and
    cannot be installed.
    """
    tally = Tally(f"API, auth = {mode}")
    with _site(mode, folder) as site:
        begun = time.monotonic()
        member = _Caller(site.server.url, next(iter(site.callers.values())))
        (folder / "openapi.json").write_bytes(member.call("GET", "/openapi.json").content)
        rounds = 0
        # However busy the machine is, something must have been asked.
        while not tally.findings and ((left := seconds - (time.monotonic() - begun)) >= 1 or not tally.cases):
            (folder / "data.json").write_text(json.dumps(_something_of_everything(member)))
            if rounds < 2:
                tally.memory = (resident(site.server.process_id), 0)
            bounds = _ONCE
            if seconds:
                longest = min(max(left, rounds * _A_ROUND / 2), _A_ROUND)
                bounds = ["--phases", _PHASES[rounds % len(_PHASES)], "--max-time", str(round(longest))]
            _round(site, folder, tally, bounds)
            rounds += 1
        tally.seconds = time.monotonic() - begun
    look_for_tokens(site, tally)
    return tally


@contextmanager
def _site(mode: str, folder: Path) -> Iterator[Site]:
    if mode == "none":
        with running_server(folder) as server:
            yield Site(server, {"anybody": {}})
    elif mode == "tokens":
        file = folder / "tokens.json"
        with running_server(folder, {"MISTRALISH_AUTH": "tokens", "MISTRALISH_TOKENS_FILE": str(file)}) as server:
            places = {"member": "shop", "admin": "office"}
            yield _with_tokens(server, *(create_token(file, place, role, (role,))[0] for role, place in places.items()))
    elif mode == "oidc":
        with running_issuer("shop") as shop, running_issuer("office") as office:
            issuers = {"MISTRALISH_OIDC_ISSUERS": f"{shop.url},{office.url}", "MISTRALISH_OIDC_AUDIENCE": AUDIENCE}
            with running_server(folder, {"MISTRALISH_AUTH": "oidc", **issuers}) as server:
                expires = int(time.time()) + _MONTH
                member = shop.token(exp=expires)
                yield _with_tokens(server, member, office.token(exp=expires, realm_access={"roles": ["admin"]}))
    else:
        with running_keystone(folder, _MONTH) as keystone:
            file = write_authtoken_file(folder / "authtoken.conf", keystone.url)
            settings = {"MISTRALISH_AUTH": "keystone", "MISTRALISH_KEYSTONE_AUTHTOKEN_FILE": str(file)}
            with running_server(folder, settings) as server:
                keystone.add_workflow_service(server.url)
                keystone.add_user("alice", "shop", "member")
                yield _with_tokens(server, keystone.token("alice", "shop"), keystone.token("admin", "admin"))


def _with_tokens(server: Server, member: str, admin: str) -> Site:
    # Both headers: what schemathesis makes up for the one that is missing would count as a token that lets it in.
    headers = [{"Authorization": f"Bearer {token}", "X-Auth-Token": token} for token in (member, admin)]
    return Site(server, dict(zip(_CALLERS, [*headers, {}], strict=True)))


def _round(site: Site, folder: Path, tally: Tally, bounds: Sequence[str]) -> None:
    sent = []
    with ThreadPoolExecutor() as threads:
        for name, headers in site.callers.items():
            if headers or bounds != _ONCE:
                sent.append(threads.submit(_send, site.server.url, headers, folder, tally, name, bounds))
    for each in sent:
        each.result()
    note_growth(tally, resident(site.server.process_id))


def _send(url: str, headers: Mapping[str, str], folder: Path, tally: Tally, name: str, bounds: Sequence[str]) -> None:
    counted = folder / f"{name}.json"
    counted.unlink(missing_ok=True)
    environment = os.environ | {
        "MISTRALISH_FUZZ_DATA": str(folder / "data.json"),
        "MISTRALISH_FUZZ_TALLY": str(counted),
        "SCHEMATHESIS_HOOKS": "api_hooks",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--no-color"]
    command += ["--url", url.removesuffix("/v2"), "--request-timeout", str(_REQUEST_SECONDS)]
    command += bounds
    # Under maintenance nothing else would be answered.
    command += ["--exclude-operation-id", "update_maintenance", "--warnings", "off"]
    # Who is nobody is asked for a token first.
    unknown = _NOT_SAYABLE if name != "nobody" else f"{_NOT_SAYABLE},unsupported_method"
    command += ["--checks", "all", "--exclude-checks", unknown]
    for header, value in headers.items():
        command += ["--header", f"{header}: {value}"]
    try:
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=_A_ROUND + 120
        )
    except subprocess.TimeoutExpired:
        tally.findings.append(f"{tally.part}: the requests of {name} have not come to an end")
        return
    if done.returncode:
        tally.findings.append(f"{tally.part}: the requests of {name}:\n{done.stdout[-20000:]}{done.stderr[-5000:]}")
    _add(tally, json.loads(counted.read_text()))


def _add(tally: Tally, counted: dict[str, Any]) -> None:
    tally.answers.update(counted["answers"])
    tally.cases = tally.answers.total()
    if counted["slowest"][0] > tally.slowest:
        tally.slowest, tally.slowest_case = counted["slowest"]


def note_growth(tally: Tally, now: float) -> None:
    """Note what memory the service takes now, in MiB; a finding where it grew by too much."""
    before = tally.memory[0]
    tally.memory = (before, now)
    if now - before > _MOST_GROWTH:
        tally.findings.append(f"{tally.part}: the service grew from {before:.0f} to {now:.0f} MiB")


def look_for_tokens(site: Site, tally: Tally) -> None:
    """Search the log of a service that has ended for what its callers proved themselves with."""
    said = site.server.log.read_bytes() if site.server.log else b""
    tokens = {value.removeprefix("Bearer ") for headers in site.callers.values() for value in headers.values()}
    if found_in(said) or any(token.encode() in said for token in tokens):
        tally.findings.append(f"{tally.part}: a token is in the log {site.server.log}")
