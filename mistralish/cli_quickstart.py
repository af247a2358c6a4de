"""``mistralish quickstart``: the main job once, through the REST API of a service that is left running."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import requests

from mistralish.cli_files import DefinitionFile, choose_workflow, read_definitions, read_json_object
from mistralish.config import Settings
from mistralish.errors import InputError, UnavailableError

_START_SECONDS = 60
_TOKEN_VARIABLE = "OS_AUTH_TOKEN"
_FINISHED = ("SUCCESS", "ERROR", "CANCELLED", "PAUSED")


def quickstart(settings: Settings, config_file: str | None, path: Path, workflow: str | None, given: str | None) -> int:
    """Start the service unless it answers already, upload the file, run the workflow, print its output as JSON.

    Answers the exit code: 0 when the execution ended in SUCCESS. Raises MistralishError.
    """
    file = read_definitions(path)
    name = choose_workflow(file, workflow)
    values = read_json_object(given, "--input")
    if settings.tls_certificate is not None:
        raise InputError(
            "quickstart asks by plain HTTP, but the setting tls_certificate has the service speak TLS: start it with "
            "`mistralish serve`, and use a client"
        )
    session = _session(settings)
    url = f"http://{settings.host}:{settings.port}/v2"
    _start_service(settings, config_file, url)
    _upload(session, url, file)
    execution = _run(session, url, name, values)
    click.echo(f"execution {execution['id']} of {name}: {execution['state']}", err=True)
    if execution["state_info"]:
        click.echo(execution["state_info"], err=True)
    click.echo(json.dumps(json.loads(execution["output"]), indent=2, ensure_ascii=False))
    return 0 if execution["state"] == "SUCCESS" else 1


def _start_service(settings: Settings, config_file: str | None, url: str) -> None:
    if _answers(url):
        click.echo(f"a service answers at {url} already: using it", err=True)
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log = settings.data_dir / "mistralish.log"
    command = [sys.executable, "-m", "mistralish.cli", "serve", *(["--config", config_file] if config_file else [])]
    # By the environment, not by flags: everybody on the machine can read those, and a database's URL may hold secrets.
    ours = {f"MISTRALISH_{name.upper()}": str(getattr(settings, name)) for name in ("host", "port", "database_url")}
    with log.open("ab") as output:
        start_of_log = output.tell()
        service = subprocess.Popen(
            command,
            env=os.environ | ours,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    give_up_at = time.monotonic() + _START_SECONDS
    while not _answers(url):
        if service.poll() is not None:
            said = log.read_bytes()[start_of_log:].decode(errors="replace").strip()
            raise UnavailableError(f"the service did not start: {said or f'see {log}'}")
        if time.monotonic() > give_up_at:
            service.kill()
            raise UnavailableError(f"the service did not answer within {_START_SECONDS} s; see {log}")
        time.sleep(0.05)
    click.echo(f"service at {url}, log in {log}; stop it with: kill {service.pid}", err=True)


def _session(settings: Settings) -> requests.Session:
    """What says in each request who asks, where the service wants to know. Raises InputError when nobody has told."""
    session = requests.Session()
    token = os.environ.get(_TOKEN_VARIABLE)
    if token:
        session.headers["X-Auth-Token"] = token
    elif settings.auth != "none":
        how = (
            "`mistralish token create --project PROJECT` makes one"
            if settings.auth == "tokens"
            else "the identity service gives one"
        )
        raise InputError(
            f"with auth = {settings.auth} the service must know who asks: put a token into the environment variable "
            f"{_TOKEN_VARIABLE}; {how}"
        )
    return session


def _answers(url: str) -> bool:
    try:
        return requests.get(url + "/", timeout=5).ok
    except requests.RequestException:
        return False


def _upload(session: requests.Session, url: str, file: DefinitionFile) -> None:
    collection, headers = f"{url}/{file.kind}", {"Content-Type": "text/plain"}
    answer = session.post(collection, file.text.encode(), headers=headers, timeout=60)
    if answer.status_code == requests.codes.conflict:
        answer = session.put(collection, file.text.encode(), headers=headers, timeout=60)
    _checked(answer)


def _run(session: requests.Session, url: str, name: str, values: dict[str, Any]) -> dict[str, Any]:
    execution = _checked(session.post(f"{url}/executions", json={"workflow_name": name, "input": values}, timeout=60))
    while execution["state"] not in _FINISHED:
        time.sleep(0.1)
        execution = _checked(session.get(f"{url}/executions/{execution['id']}", timeout=60))
    return execution


def _checked(answer: requests.Response) -> dict[str, Any]:
    if answer.ok:
        return answer.json()
    try:
        said = answer.json()["faultstring"]
    except (ValueError, KeyError):
        said = answer.text.strip() or answer.reason
    raise UnavailableError(f"{answer.request.method} {answer.url} answered {answer.status_code}: {said}")
