"""The parameters of an action: read from Python, written as clients see them, checked against an input."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mistralish.errors import InputError
from mistralish.lang.specs import REQUIRED


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters by name, each with its default or REQUIRED. ``rest`` names a ``**`` parameter: anything goes."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    rest: str | None = None

    def text(self) -> str:
        """Return the parameters as the API shows them: ``output, delay=0``; defaults are JSON.

        A parameter whose default is not JSON is left out, as in the reference.
        """
        parts = [part for part in (_parameter_text(*item) for item in self.parameters.items()) if part]
        if self.rest:
            parts.append(f"**{self.rest}")
        return ", ".join(parts)

    def check(self, given: Mapping[str, Any], name: str, class_name: str) -> None:
        """Raise InputError unless ``given`` has every required parameter and no unknown one."""
        if self.rest:
            return
        parameters = self.parameters
        missing = [key for key, default in parameters.items() if default is REQUIRED and key not in given]
        unexpected = [key for key in given if key not in parameters]
        if not missing and not unexpected:
            return
        details = f"name={name}, class={class_name}"
        if missing:
            details += f", missing={missing}"
        if unexpected:
            details += f", unexpected={unexpected}"
        raise InputError(f"Invalid input [{details}]; its parameters are: {self.text() or 'none'}")


def read_signature(function: Callable[..., Any], leave_out: int = 1) -> Signature:
    """Read the parameters of ``function``, without the first ``leave_out`` (such as ``self``).

    A generated action may carry them as text in ``__arguments__`` instead.
    """
    written = getattr(function, "__arguments__", None)
    if isinstance(written, str):
        return parse_signature(written)
    parameters: dict[str, Any] = {}
    rest = None
    for parameter in list(inspect.signature(function).parameters.values())[leave_out:]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            rest = parameter.name
        else:
            parameters[parameter.name] = REQUIRED if parameter.default is parameter.empty else parameter.default
    return Signature(parameters, rest)


def parse_signature(text: str) -> Signature:
    """Read parameters written as ``a, b=1, **rest``; a default that is not JSON is taken as text."""
    parameters: dict[str, Any] = {}
    rest = None
    for part in (piece.strip() for piece in text.split(",")):
        if part.startswith("**"):
            rest = part[2:]
        elif part:
            name, equals, default = part.partition("=")
            parameters[name.strip()] = _read_default(default) if equals else REQUIRED
    return Signature(parameters, rest)


def _read_default(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parameter_text(name: str, default: Any) -> str | None:
    if default is REQUIRED:
        return name
    try:
        return f"{name}={json.dumps(default)}"
    except (TypeError, ValueError):
        return None
