"""``mistralish run``: one workflow, in this process, to its end."""

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mistralish import signals, states
from mistralish.cli_files import ACTIONS, WORKBOOKS, DefinitionFile, choose_workflow, read_definitions, read_json_object
from mistralish.cli_progress import Progress
from mistralish.config import load_settings
from mistralish.definitions import Definitions
from mistralish.engine.commands import StartExecution, StopExecution
from mistralish.errors import InputError, MistralishError
from mistralish.ids import new_id
from mistralish.masking import mask_sealed, mask_text, texts_in
from mistralish.sealing import MARK, new_key, seal_marked
from mistralish.service import Service
from mistralish.store import Tenant

_EXIT_CODES = {states.SUCCESS: 0, states.ERROR: 1, states.CANCELLED: 3, states.PAUSED: 4}
_LOOK_SECONDS = 0.05
_STOP_SECONDS = 1


def run_file(path: Path, workflow: str | None, given: str | None, params: str | None, *, quiet: bool = False) -> int:
    """Run a workflow of the file at ``path``; print its output as JSON, its tasks on standard error.

    ``given`` and ``params`` are JSON objects as ``read_json_object`` takes them. Answers the exit code. Raises
    MistralishError when the file, the workflow's name or the input is wrong.
    """
    file = read_definitions(path)
    if file.kind == ACTIONS:
        raise InputError(f"{path} holds actions only; give a file with a workflow or a workbook")
    name = choose_workflow(file, workflow)
    values, parameters = read_json_object(given, "--input"), read_json_object(params, "--params")
    with _service(has_secrets=MARK in texts_in([values, parameters])) as service:
        _keep(service, file)
        project = service.settings.project_id
        values, parameters = (seal_marked(data, service.sealer, project) for data in (values, parameters))
        start = StartExecution(new_id(), name, input=values, params=parameters, project_id=project)
        service.engine.call(start)
        execution = _watch(service, start.execution_id, None if quiet else Progress(service.store, _tenant(service)))
    if execution["state_info"] and execution["state"] != states.SUCCESS:
        click.echo(f"{execution['state']}: {mask_text(execution['state_info'])}", err=True)
    click.echo(mask_sealed(json.dumps(execution["output"], indent=2, ensure_ascii=False)))
    return _EXIT_CODES[execution["state"]]


@contextmanager
def _service(has_secrets: bool) -> Iterator[Service]:
    """A service of its own on a database that is thrown away. Only settings about running are taken over."""
    with tempfile.TemporaryDirectory(prefix="mistralish-") as directory:
        settings = load_settings({"database_url": f"sqlite:///{directory}/run.db", "data_dir": directory})
        if has_secrets and not settings.secret_keys:
            settings = replace(settings, secret_keys=(new_key(),))
        service = Service(settings)
        service.start()
        try:
            yield service
        finally:
            service.stop(_STOP_SECONDS)


def _keep(service: Service, file: DefinitionFile) -> None:
    definitions = Definitions(service.store, _tenant(service))
    if file.kind == WORKBOOKS:
        definitions.create_workbook(file.text)
    else:
        definitions.create_workflows(file.text)


def _tenant(service: Service) -> Tenant:
    return Tenant(service.settings.project_id)


def _watch(service: Service, execution_id: str, progress: Progress | None) -> dict[str, Any]:
    """The execution once it has ended or paused; an interrupt cancels it."""
    interrupted = threading.Event()
    with signals.listening(lambda _number: interrupted.set()):
        while True:
            execution = service.store.get("execution", execution_id, tenant=_tenant(service))
            if progress is not None:
                progress.show()
            if execution["state"] in _EXIT_CODES:
                return execution
            if interrupted.wait(_LOOK_SECONDS):
                interrupted.clear()
                _cancel(service, execution_id)


def _cancel(service: Service, execution_id: str) -> None:
    try:
        service.engine.call(StopExecution(execution_id, states.CANCELLED, "Cancelled by Ctrl-C"))
    except MistralishError as error:
        click.echo(f"not cancelled: {error}", err=True)
