"""What a route takes and gives, written at the route: read from each request, and there for the documentation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, jsonify
from marshmallow import Schema

from mistralish.api.arguments import NoArguments, read_arguments
from mistralish.api.bodies import read_definition, read_resource

View = Callable[..., Any]
DEFINITION = "definition"


@dataclass(frozen=True, slots=True)
class Contract:
    """A route's query arguments, its body (a schema, ``DEFINITION`` or None), what it answers, and the status.

    ``arguments`` is None for lists, whose arguments the resource's attributes tell.
    """

    answers: type[Schema] | None
    arguments: type[Schema] | None
    body: type[Schema] | str | None
    status: int
    is_list: bool


def contract(
    *,
    answers: type[Schema] | None = None,
    arguments: type[Schema] = NoArguments,
    body: type[Schema] | str | None = None,
    status: int = 200,
) -> Callable[[View], View]:
    """Read arguments and body before the view, and answer what it returns as JSON with ``status``.

    The view gets ``arguments`` where they were declared and ``body`` (a dict, or the text of a definition) where
    there is one.
    """
    described = Contract(answers, arguments, body, status, is_list=False)

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(**parameters: Any) -> Response:
            values = read_arguments(arguments())
            if arguments is not NoArguments:
                parameters["arguments"] = values
            if body == DEFINITION:
                parameters["body"] = read_definition()
            elif body is not None and not isinstance(body, str):
                parameters["body"] = read_resource(body())
            return _answer(view(**parameters), status)

        wrapped.contract = described  # type: ignore[attr-defined]
        return wrapped

    return decorate


def lists(answers: type[Schema]) -> Callable[[View], View]:
    """A view that lists a resource: its arguments are filters on the resource's attributes, read by the list."""
    described = Contract(answers, None, None, 200, is_list=True)

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(**parameters: Any) -> Response:
            return jsonify(view(**parameters))

        wrapped.contract = described  # type: ignore[attr-defined]
        return wrapped

    return decorate


def _answer(result: Any, status: int) -> Response:
    if status == 204:
        return Response(status=204)
    response = jsonify(result)
    response.status_code = status
    return response
