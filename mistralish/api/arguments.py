"""Reading query arguments by a schema: an unknown or ill-formed one is an error, never ignored."""

from typing import Any

from flask import request
from marshmallow import Schema, ValidationError, fields, validate

from mistralish.api.schemas.base import WholeNumber
from mistralish.errors import InputError


class FieldNames(fields.Field[list[str]]):
    """Comma-separated names of attributes, each once, in lower case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        names = [name.strip().lower() for name in str(value).split(",")]
        return list(dict.fromkeys(name for name in names if name))


class NoArguments(Schema):
    """A route without query arguments."""


class Projection(Schema):
    """``fields``: only these attributes, and ``id``."""

    fields_ = FieldNames(data_key="fields", load_default=list)


class InNamespace(Schema):
    """``namespace``: where the definition is; the default one has the empty name."""

    namespace = fields.String(load_default="", validate=validate.Length(max=255))


class ProjectionInNamespace(InNamespace, Projection):
    """Which attributes of a definition in which namespace."""


class DefinitionUpload(InNamespace):
    """How a definition is kept. ``skip_validation`` is taken for clients' sake; every definition is validated."""

    scope = fields.String(load_default="private")
    skip_validation = fields.Raw()


class ForceDelete(Schema):
    """``force``: also what is not finished."""

    force = fields.Boolean(load_default=False)


class TreeOfExecutions(Schema):
    """How much of a tree of executions: error paths only, and how deep (negative: all)."""

    # python-mistralclient sends it empty where it means false.
    errors_only = fields.Boolean(load_default=False, falsy={*fields.Boolean.falsy, ""})
    max_depth = WholeNumber(load_default=-1)


class SubExecutions(TreeOfExecutions):
    """A tree of executions as a list."""

    include_output = fields.Boolean(load_default=False)


class Report(TreeOfExecutions):
    """A tree of executions as a report."""

    statistics_only = fields.Boolean(load_default=False)


def read_arguments(schema: Schema) -> dict[str, Any]:
    """The request's query arguments as ``schema`` has them, defaults filled in; of a repeated one, the last.

    Raises InputError naming the argument that is unknown or does not fit.
    """
    given = {name: values[-1] for name, values in request.args.lists()}
    known = {field.data_key or name: name for name, field in schema.fields.items()}
    for name in given:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise InputError(f'Unknown argument: "{name}". Known are: {listed}')
    try:
        return dict(schema.load(given))
    except ValidationError as error:
        name, messages = next(iter(error.normalized_messages().items()))
        raise InputError(
            f"Invalid input for field/attribute {name}. Value: {given[name]!r}. {' '.join(messages)}"
        ) from None
