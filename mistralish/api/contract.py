"""What a route takes and gives, written at the route: read from each request, and there for the documentation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, jsonify, request
from marshmallow import Schema

from mistralish.api.access import check_scope
from mistralish.api.arguments import NoArguments, read_arguments
from mistralish.api.bodies import read_definition, read_resource

View = Callable[..., Any]
# Bodies that are text: what they are.
DEFINITION, CODE = "definition", "code"


@dataclass(frozen=True, slots=True)
class Contract:
    """A route's query arguments, its body (a schema, ``DEFINITION`` or None), what it answers, and the status.

    ``rule`` says who may use it (``api/policy/rules.py``); only what is open to all has none.

    ``arguments`` is None for lists, whose arguments the attributes of ``kind`` tell. With ``collection``, the answer
    is an object that has a list of ``answers`` under that name.

    Of a body's attributes, those in ``needs`` must be sent; where ``uses`` is given, the others have no effect, or
    are refused when it is ``strict``. ``errors`` are statuses beside those that every such route can have.
    ``content_type`` is that of an answer that is text, not JSON.
    """

    answers: type[Schema] | None = None
    arguments: type[Schema] | None = NoArguments
    body: type[Schema] | str | None = None
    status: int = 200
    collection: str | None = None
    is_list: bool = False
    kind: str | None = None
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    strict: bool = False
    errors: tuple[int, ...] = ()
    rule: str | None = None
    content_type: str | None = None


def contract(
    rule: str | None = None,
    *,
    answers: type[Schema] | None = None,
    arguments: type[Schema] = NoArguments,
    body: type[Schema] | str | None = None,
    status: int = 200,
    collection: str | None = None,
    needs: tuple[str, ...] = (),
    uses: tuple[str, ...] = (),
    strict: bool = False,
    errors: tuple[int, ...] = (),
    content_type: str | None = None,
) -> Callable[[View], View]:
    """Read arguments and body before the view, and answer what it returns as JSON with ``status``.

    The view gets ``arguments`` where they were declared and ``body`` (a dict, or the text of a definition) where
    there is one. Before both are read, the caller is held against ``rule``; after that, what makes something public
    against the resource's rule about that. The other parameters are for the documentation; see :class:`Contract`.
    """
    described = Contract(
        answers,
        arguments,
        body,
        status,
        collection,
        needs=needs,
        uses=uses,
        strict=strict,
        errors=errors,
        rule=rule,
        content_type=content_type,
    )

    # Made once: that costs more than reading a request with it.
    argument_schema = arguments()
    body_schema = body() if body is not None and not isinstance(body, str) else None

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(**parameters: Any) -> Response:
            takes_none = arguments is NoArguments and not request.query_string
            values, sent = {} if takes_none else read_arguments(argument_schema), None
            if arguments is not NoArguments:
                parameters["arguments"] = values
            if body in (DEFINITION, CODE):
                parameters["body"] = read_definition()
            elif body_schema is not None:
                parameters["body"] = read_resource(body_schema)
                sent = parameters["body"]
            if rule is not None:
                check_scope(rule, values, sent)
            return _answer(view(**parameters), status)

        wrapped.contract = described  # type: ignore[attr-defined]
        return wrapped

    return decorate


def open_to_all(view: View) -> View:
    """Mark a view that answers without knowing who asks. It must tell nothing about anybody's work."""
    view.is_open_to_all = True  # type: ignore[attr-defined]
    return view


def is_open_to_all(view: View | None) -> bool:
    """Whether ``view`` answers without knowing who asks; not where there is none."""
    return getattr(view, "is_open_to_all", False)


def lists(
    rule: str,
    answers: type[Schema],
    kind: str | None = None,
    collection: str | None = None,
    *,
    errors: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """A view that lists a resource: its arguments are filters on the attributes of ``kind``, read by the list.

    ``collection`` is the name of the list in the answer, the last part of the path unless it is given.
    """
    described = Contract(answers, None, collection=collection, is_list=True, kind=kind, errors=errors, rule=rule)

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(**parameters: Any) -> Response:
            return jsonify(view(**parameters))

        wrapped.contract = described  # type: ignore[attr-defined]
        return wrapped

    return decorate


def _answer(result: Any, status: int) -> Response:
    if isinstance(result, Response):
        return result
    if status == 204:
        return Response(status=204)
    response = jsonify(result)
    response.status_code = status
    return response
