"""What python-mistralclient offers, read from its own tables and signatures: nothing here is a list kept by hand."""

import argparse
import inspect
from importlib.metadata import entry_points
from typing import Any

from cliff.command import Command
from cliff.lister import Lister
from cliff.show import ShowOne
from mistralclient.api.base import ResourceManager
from mistralclient.api.v2.client import Client
from mistralclient.shell import MistralShell

Used = tuple[str, str]
"""A command and one of its options or positional arguments; or a call and one of its parameters."""


def commands() -> dict[str, type[Command]]:
    """Return every command of the installed ``mistral`` with the class that does it."""
    return dict(MistralShell._get_commands_v2())


def openstack_commands() -> dict[str, type[Command]]:
    """Return every command that the client adds to ``openstack``, with the class that does it."""
    group = entry_points(group="openstack.workflow_engine.v2")
    return {entry.name.replace("_", " "): entry.load() for entry in group}


def _arguments(parser: argparse.ArgumentParser) -> set[str]:
    return {action.dest for action in parser._actions}


def _parser(command: type[Command]) -> argparse.ArgumentParser:
    return command(MistralShell(), None).get_parser("any")


def options(command: type[Command]) -> set[str]:
    """Return the arguments of a command by their ``dest``, without those that cliff gives to every command."""
    base = next(kind for kind in (Lister, ShowOne, Command) if issubclass(command, kind))
    plain = type("Plain", (base,), {"take_action": lambda self, parsed: None})
    return _arguments(_parser(command)) - _arguments(_parser(plain))


def options_given(command: type[Command], arguments: tuple[str, ...]) -> set[str]:
    """Return those of ``options(command)`` that have another value than their default in ``arguments``."""
    parser = _parser(command)
    parsed = vars(parser.parse_args(list(arguments)))
    return {name for name in options(command) if parsed[name] not in (parser.get_default(name), None, [])}


def calls() -> dict[str, inspect.Signature]:
    """Return the signature of every call ``manager.method`` of the Python API that sends a request.

    ``get_contents_if_file`` sends none; ``find`` lists without arguments, which not every list allows.
    """
    found = {}
    for manager, kind in Client.MANAGERS.items():
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if name.startswith("_") or name == "get_contents_if_file" or (name == "find" and _needs_more(kind)):
                continue
            found[f"{manager}.{name}"] = inspect.signature(method)
    return found


def _needs_more(kind: type[ResourceManager]) -> bool:
    parameters = list(inspect.signature(kind.list).parameters.values())[1:]
    return any(
        each.default is each.empty and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL) for each in parameters
    )


def parameters_given(signature: inspect.Signature, given: tuple[Any, ...], named: dict[str, Any]) -> set[str]:
    """Return the parameters that a call names or fills, without ``self``."""
    return {name for name, value in signature.bind(None, *given, **named).arguments.items() if name != "self"}
