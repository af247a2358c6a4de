"""What the routes that belong to no resource answer, and what every error looks like."""

from marshmallow import Schema, fields


class LinkSchema(Schema):
    """Where a version of the API is."""

    href = fields.String()
    target = fields.String()
    rel = fields.String()


class ApiVersionSchema(Schema):
    """A version of the API."""

    id = fields.String()
    status = fields.String()
    links = fields.List(fields.Nested(LinkSchema))


class VersionsSchema(Schema):
    """The versions of the API."""

    versions = fields.List(fields.Nested(ApiVersionSchema))


class VersionSchema(Schema):
    """Where a version is."""

    uri = fields.String()


class OpenApiSchema(Schema):
    """An OpenAPI document."""

    openapi = fields.String()
    info = fields.Dict()
    tags = fields.List(fields.Dict())
    security = fields.List(fields.Dict())
    paths = fields.Dict()
    components = fields.Dict()


class FaultSchema(Schema):
    """An error: whose it is to put right, and in ``faultstring`` what was wrong and what would be right."""

    faultcode = fields.String()
    faultstring = fields.String()
    debuginfo = fields.String(allow_none=True)
