"""JSON in and out: answers by orjson; request bodies by the strict reader that says where it stumbled."""

import json
from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider

from mistralish.errors import InputError


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson, and by the standard library for what orjson refuses (integers beyond 64 bits)."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return dump(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = dump(self._prepare_response_obj(args, kwargs))
        return Response(response=body, mimetype="application/json")


def dump(value: Any) -> bytes:
    """``value`` as JSON in UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def parse(raw: bytes) -> Any:
    """Read a request body as JSON (RFC 8259).

    Raises InputError naming line and column where it is malformed, and for what the databases cannot keep: NUL
    characters and halves of surrogate pairs.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"Request is not in valid JSON format: byte {error.start} is not UTF-8") from None
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if "\\u" in text:
            _check_characters(value)
    except json.JSONDecodeError as error:
        raise InputError(
            f"Request is not in valid JSON format: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise InputError("Request is not in valid JSON format: it is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"Request is not in valid JSON format: {error}") from None
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _check_characters(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("a \\u escape stands for half a surrogate pair, which is no character")
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("the character \\u0000 cannot be kept")
