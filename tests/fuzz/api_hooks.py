"""Hooks for schemathesis: what it makes up is often turned into something that exists, so that it gets further.

``MISTRALISH_FUZZ_DATA`` names a JSON file: ``ids`` has identifiers for each resource, ``definitions`` texts to upload
for each, ``workflows`` and ``actions`` names to run. Which of them is taken hangs on the made-up value alone.
How often which status was answered, and the longest time, are written to the file that ``MISTRALISH_FUZZ_TALLY`` names.
"""

import atexit
import json
import os
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis import Case, GenerationMode, HookContext, Response
from schemathesis.generation.meta import TestPhase

_DATA = json.loads(Path(os.environ["MISTRALISH_FUZZ_DATA"]).read_text())
_NAMES = {"/v2/executions": ("workflow_name", "workflows"), "/v2/action_executions": ("name", "actions")}

_LONGEST_WAIT = 3  # seconds

_answers: Counter[str] = Counter()
_slowest = [0.0, ""]


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Count an answer."""
    _answers[str(response.status_code)] += 1
    if response.elapsed > _slowest[0]:
        _slowest[:] = response.elapsed, f"{case.method} {case.path}"


@schemathesis.hook
def after_network_error(context: HookContext, case: Case, request: requests.PreparedRequest) -> None:
    """Count a request without an answer."""
    _answers["none"] += 1


@atexit.register
def _write_tally() -> None:
    tally = {"answers": _answers, "slowest": _slowest}
    Path(os.environ["MISTRALISH_FUZZ_TALLY"]).write_text(json.dumps(tally))


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Aim a request that keeps to the description at what is there; leave alone one that breaks it on purpose."""
    _wait_shortly(case)
    if case.meta is not None and case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if case.meta is None or case.meta.phase.name != TestPhase.STATEFUL:
        _use_known_ids(case)
    if isinstance(case.body, str):
        case.body = _pick(_DATA["definitions"].get(_resource(case)), case.body)
    elif isinstance(case.body, dict):
        _name_what_exists(case)


def _wait_shortly(case: Case) -> None:
    # Being asked to wait for longer than the client does is no fault of the service.
    for name, value in (case.query or {}).items():
        if name == "wait" and str(value).isdecimal():
            case.query[name] = int(value) % _LONGEST_WAIT


def _use_known_ids(case: Case) -> None:
    # Sequences of requests know what they have made.
    for name, value in (case.path_parameters or {}).items():
        known = "members" if name == "member_id" else _resource(case)
        case.path_parameters[name] = _pick(_DATA["ids"].get(known), value)


def _resource(case: Case) -> str:
    return case.operation.path.removeprefix("/v2").strip("/").partition("/")[0]


def _name_what_exists(case: Case) -> None:
    name, choices = _NAMES.get(case.operation.path, ("", ""))
    if name and case.operation.method.upper() == "POST":
        case.body[name] = _pick(_DATA[choices], case.body.get(name))
    if case.operation.path == "/v2/cron_triggers":
        case.body["workflow_name"] = _pick(_DATA["workflows"], case.body.get("workflow_name"))
        case.body["pattern"] = _pick(["* * * * *", "@daily", "0 0 30 2 *"], case.body.get("pattern"))
    if case.operation.path == "/v2/event_triggers":
        case.body["workflow_id"] = _pick(_DATA["ids"]["workflows"], case.body.get("workflow_id"))
    if "state" in case.body:
        case.body["state"] = _pick(_DATA["states"], case.body["state"])


def _pick(choices: list[str] | None, made_up: Any) -> Any:
    """One of ``choices``, or in one case of five what was made up."""
    number = zlib.crc32(repr(made_up).encode("utf-8", "surrogatepass"))
    return made_up if not choices or number % 5 == 0 else choices[number // 5 % len(choices)]
