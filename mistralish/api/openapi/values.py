"""Schemas as JSON Schema, once as they are sent and once as they are answered: the two differ."""

from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from mistralish.api.openapi.words import meaning
from mistralish.api.schemas.base import INT64, JsonText, PreciseTimeText, ResourceSchema, TimeText, WholeNumber

VERSION = "3.1.0"
TIME_PATTERN = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"
PRECISE_TIME_PATTERN = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$"
OBJECT_PATTERN = r"^\s*\{[\s\S]*\}\s*$"
_OF_ONE_DIRECTION = ("readOnly", "writeOnly")


class Sent(OpenAPIConverter):
    """What a client may send."""

    def __init__(self, spec: APISpec) -> None:
        super().__init__(VERSION, _name, spec)
        self.add_attribute_function(_sent)

    def body(self, schema: type[Schema]) -> dict[str, Any]:
        """The JSON Schema of a body that ``schema`` reads."""
        return {**_object(self, _name(schema), schema().load_fields), "additionalProperties": False}


class Answered(OpenAPIConverter):
    """What the service answers: components of the document, by name."""

    def __init__(self, spec: APISpec) -> None:
        super().__init__(VERSION, _name, spec)
        self.add_attribute_function(_answered)

    def reference(self, schema: type[Schema]) -> dict[str, Any]:
        """A reference to the component that describes ``schema``, which is added where it is missing."""
        name = _name(schema)
        if name not in self.spec.components.schemas:
            # First its name, so that a schema that holds itself ends.
            self.spec.components.schemas[name] = {}
            self.spec.components.schemas[name].update(self._component(schema))
        return {"$ref": f"#/components/schemas/{name}"}

    def resolve_nested_schema(self, schema: Any) -> dict[str, Any]:
        """How a schema within a schema is told (asked by apispec)."""
        found = schema() if callable(schema) and not isinstance(schema, type) else schema
        return self.reference(found if isinstance(found, type) else type(found))

    def _component(self, schema: type[Schema]) -> dict[str, Any]:
        text = (schema.__doc__ or "").strip()
        attributes = schema().dump_fields
        told = _object(self, _name(schema), attributes)
        return {"description": " ".join(text.split()), **told, "additionalProperties": not attributes}


def _object(converter: OpenAPIConverter, schema: str, described: Mapping[str, fields.Field[Any]]) -> dict[str, Any]:
    result: dict[str, Any] = converter.fields2jsonschema(dict(described))
    for name, value in result["properties"].items():
        for word in _OF_ONE_DIRECTION:
            value.pop(word, None)
        value["description"] = f"{meaning(schema, name)} {value.get('description', '')}".strip()
    return result


def _name(schema: Any) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    return str(cls.__name__).removesuffix("Schema")


def _sent(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:
    null = ["null"] if field.allow_none else []
    if isinstance(field, JsonText):
        told = "An object, or JSON text of one."
        return {"type": ["object", "string", *null], "pattern": OBJECT_PATTERN, "description": told}
    if isinstance(field, TimeText):
        return {"type": ["string", *null]}
    if isinstance(field, fields.Boolean) and "" in field.falsy:
        ret.pop("type")
        return {"anyOf": [{"type": "boolean"}, {"const": ""}]}
    if isinstance(field, WholeNumber):
        return {"type": ["integer", *null], "minimum": ret.get("minimum", -INT64), "maximum": INT64 - 1}
    if null and "enum" in ret:
        ret["enum"] = [*ret["enum"], None]
    return {}


def _answered(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:
    for constraint in ("minLength", "maxLength", "minimum", "maximum"):
        ret.pop(constraint, None)
    # Attributes of a resource have no value where there is none: not only those that may be sent so.
    null = ["null"] if field.allow_none or isinstance(field.parent, ResourceSchema) else []
    if isinstance(field, JsonText):
        return {"type": ["string", *null], "contentMediaType": "application/json", "description": "JSON, as text."}
    if isinstance(field, TimeText):
        pattern = PRECISE_TIME_PATTERN if isinstance(field, PreciseTimeText) else TIME_PATTERN
        return {"type": ["string", *null], "pattern": pattern}
    if null and "enum" in ret:
        ret["enum"] = [*ret["enum"], None] if None not in ret["enum"] else ret["enum"]
    if null and isinstance(ret.get("type"), str):
        return {"type": [ret["type"], *null]}
    return {}
