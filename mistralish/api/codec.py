"""JSON in and out: answers by orjson; request bodies by the strict reader that says where it stumbled."""

import json
from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider

from mistralish.errors import InputError
from mistralish.json_reader import read_json
from mistralish.masking import mask_sealed_bytes


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson, and by the standard library for what orjson refuses (integers beyond 64 bits)."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return dump(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = dump(self._prepare_response_obj(args, kwargs))
        # Here, where all answers pass, and as text, where no depth or type can hide it. JSON leaves its signs alone.
        return Response(response=mask_sealed_bytes(body), mimetype="application/json")


def dump(value: Any) -> bytes:
    """``value`` as JSON in UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def parse(raw: bytes) -> Any:
    """Read a request body as JSON (RFC 8259).

    Raises InputError naming line and column where it is malformed, and for what cannot be kept (see ``read_json``).
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"Request is not in valid JSON format: byte {error.start} is not UTF-8") from None
    try:
        return read_json(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"Request is not in valid JSON format: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except ValueError as error:
        raise InputError(f"Request is not in valid JSON format: {error}") from None
