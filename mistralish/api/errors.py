"""Errors as clients get them: the status tells the kind, ``faultstring`` what was wrong and what would be right."""

import logging
from typing import Any

from flask import Flask, Response, current_app, g, jsonify
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from mistralish.errors import (
    InputError,
    LockedError,
    MistralishError,
    TooManyError,
    UnauthorizedError,
    UnavailableError,
)
from mistralish.masking import mask_text

LOG = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 1


def register(app: Flask) -> None:
    """Make ``app`` answer every error as JSON."""
    app.register_error_handler(MistralishError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def fault(status: int, text: str) -> Response:
    """An error answer. ``faultcode`` says whose it is to put right, the client's or the server's."""
    told = mask_text(text)
    response = jsonify({"faultcode": "Client" if status < 500 else "Server", "faultstring": told, "debuginfo": None})
    response.status_code = status
    return response


def _known(error: MistralishError) -> Response:
    response = fault(error.status, error.message)
    if isinstance(error, LockedError):
        response.headers["Server-Error-Message"] = error.message
    if isinstance(error, UnauthorizedError):
        response.headers["WWW-Authenticate"] = error.challenge
    if isinstance(error, UnavailableError | TooManyError):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return error.get_response()  # type: ignore[return-value]
    response = fault(status, _text(error))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _text(error: HTTPException) -> str:
    if isinstance(error, NotFound):
        return "The resource could not be found: no route of this API matches the path"
    if isinstance(error, MethodNotAllowed):
        return f"This method is not allowed here; allowed are: {', '.join(sorted(error.valid_methods or ()))}"
    if isinstance(error, RequestEntityTooLarge):
        most = current_app.config["MAX_CONTENT_LENGTH"]
        return f"The request body is too large: at most {most} bytes are allowed (max_body_bytes)"
    return error.description or error.name


def _unexpected(error: Exception) -> Response:
    request_id = g.get("request_id", "")
    LOG.error("Request %s failed unexpectedly", request_id, exc_info=error)
    return fault(500, f"The service failed unexpectedly; its log tells more under the request id {request_id}")


def from_validation(schema: Schema, error: ValidationError, values: dict[str, Any]) -> InputError:
    """What marshmallow found wrong in a body or in query arguments, as one error in the words clients know."""
    messages = error.normalized_messages()
    name = next(iter(messages))
    unknown = [key for key in messages if key not in schema.fields]
    if unknown:
        return InputError(f"Unknown attribute: {', '.join(unknown)}. Known are: {', '.join(schema.load_fields)}")
    if name not in schema.load_fields:
        return InputError(
            f"Invalid input for field/attribute {name}. Value: '{values[name]}'. Cannot set read only field."
        )
    return InputError(
        f"Invalid input for field/attribute {name}. Value: {_shown(values.get(name))}. {_first(messages[name])}"
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"


def _first(messages: Any) -> str:
    while isinstance(messages, dict):
        messages = next(iter(messages.values()))
    return " ".join(messages) if isinstance(messages, list) else str(messages)
