"""Definition files as the command line takes them: what kind a file is, what is in it, which workflow to start."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mistralish.errors import InputError
from mistralish.lang import load_yaml, parse_actions, parse_workbook, parse_workflows
from mistralish.lang.specs import ActionSpec, WorkflowSpec

WORKBOOKS, WORKFLOWS, ACTIONS = "workbooks", "workflows", "actions"


@dataclass(frozen=True, slots=True)
class DefinitionFile:
    """A file that is valid. ``kind`` is the API collection it belongs to; names hold the workbook's prefix."""

    text: str
    kind: str
    workflows: dict[str, WorkflowSpec]
    actions: dict[str, ActionSpec]


def read_definitions(path: Path) -> DefinitionFile:
    """Read and check a definition file. Raises LanguageError, or InputError when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    kind = _kind(load_yaml(text))
    if kind == WORKBOOKS:
        book = parse_workbook(text)
        return DefinitionFile(
            text,
            kind,
            {f"{book.name}.{spec.name}": spec for spec in book.workflows},
            {f"{book.name}.{spec.name}": spec for spec in book.actions},
        )
    if kind == ACTIONS:
        return DefinitionFile(text, kind, {}, {spec.name: spec for spec in parse_actions(text)})
    return DefinitionFile(text, kind, {spec.name: spec for spec in parse_workflows(text)}, {})


def _kind(content: Any) -> str:
    """A workbook names itself; an action has a base; what is left must be workflows."""
    if not isinstance(content, dict):
        return WORKFLOWS
    if "name" in content or isinstance(content.get("workflows"), dict):
        return WORKBOOKS
    members = [value for value in content.values() if isinstance(value, dict)]
    return ACTIONS if members and all("base" in member and "tasks" not in member for member in members) else WORKFLOWS


def choose_workflow(file: DefinitionFile, name: str | None) -> str:
    """The workflow to start: the one named, or the only one that no other of the file calls. Raises InputError."""
    names = list(file.workflows)
    if name is not None:
        matches = [known for known in names if known == name or known.endswith(f".{name}")]
        if name in names or len(matches) == 1:
            return name if name in names else matches[0]
        raise InputError(f"there is no workflow '{name}' in the file; it has {_listed(names)}")
    called = {callee for known, spec in file.workflows.items() for callee in _called(known, spec)}
    top = [known for known in names if known not in called]
    if len(names) == 1:
        return names[0]
    if len(top) == 1:
        return top[0]
    if not names:
        raise InputError("the file has no workflow")
    raise InputError(f"the file has several workflows; name the one to start: {_listed(names)}")


def _called(name: str, spec: WorkflowSpec) -> Iterator[str]:
    """The names that the workflow's tasks may mean: as written, and within the same workbook."""
    prefix = name.removesuffix(spec.name)
    for task in spec.tasks.values():
        if isinstance(task.workflow, str):
            yield task.workflow
            yield prefix + task.workflow


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def read_json_object(given: str | None, option: str) -> dict[str, Any]:
    """A JSON object given as a file's name, as ``-`` for standard input, or as itself. Raises InputError."""
    if given is None:
        return {}
    text, origin = _json_text(given, option)
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"{origin} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f'{origin} must be a JSON object such as {{"name": "value"}}, not {type(value).__name__}')
    return value


def _json_text(given: str, option: str) -> tuple[str, str]:
    if given == "-":
        return sys.stdin.read(), f"{option}: standard input"
    if given.lstrip().startswith("{"):
        return given, f"{option}: the given text"
    try:
        return Path(given).read_text(encoding="utf-8"), f"{option}: file {given}"
    except OSError as error:
        raise InputError(
            f"{option}: file {given} cannot be read: {error.strerror}; give a file, - for standard input, or JSON"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{option}: file {given} is not UTF-8 text") from None
