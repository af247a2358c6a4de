"""Reading request bodies: JSON for resources, plain text for definitions."""

import re
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from mistralish.api import codec
from mistralish.api.errors import from_validation
from mistralish.api.secrets import sealed
from mistralish.errors import InputError
from mistralish.sealing import refuse_sealed

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json|text/json")
_XML = re.compile(r"(?:text|application)/xml|.*\+xml")


def read_resource(schema: Schema) -> dict[str, Any]:
    """The JSON object of the request's body, as ``schema`` has it: only attributes that were sent, secrets sealed.

    Raises InputError saying what does not fit, UnsupportedMediaType for anything but JSON.
    """
    mimetype = request.mimetype
    if mimetype and not _JSON.fullmatch(mimetype):
        raise UnsupportedMediaType(f"Unknown mimetype: {mimetype}. Send the body as application/json")
    raw = request.get_data()
    if not raw.strip():
        raise InputError("Missing request body: send a JSON object")
    values = codec.parse(raw)
    if not isinstance(values, dict):
        raise InputError(f"The request body must be a JSON object, not {_kind(values)}")
    try:
        loaded = dict(schema.load(values))
    except ValidationError as error:
        raise from_validation(schema, error, values) from None
    return sealed(raw, loaded)


def read_definition() -> str:
    """The definition in the request's body, whatever its media type but XML. Raises InputError when it is no text."""
    if _XML.fullmatch(request.mimetype):
        raise UnsupportedMediaType("XML request bodies are not supported. Send the definition as text/plain")
    raw = request.get_data()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"The definition is not UTF-8 text: byte {error.start} fits no character") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"line {line}: the text has a NUL character, which cannot be kept: leave it out")
    refuse_sealed(text)
    return text


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")
