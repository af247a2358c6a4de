"""Code sources and dynamic actions as clients see them."""

from marshmallow import fields

from mistralish.api.schemas.base import ResourceSchema, TimeText, name_text, scope, text


class CodeSourceSchema(ResourceSchema):
    """A Python module."""

    id = text()
    name = name_text()
    namespace = name_text()
    content = text()
    version = fields.Integer()
    project_id = text(dump_only=True)
    scope = scope()
    created_at = TimeText()
    updated_at = TimeText()


class DynamicActionSchema(ResourceSchema):
    """A class in a code source."""

    id = text()
    name = name_text()
    namespace = name_text()
    code_source_id = text()
    code_source_name = name_text()
    class_name = name_text()
    project_id = text(dump_only=True)
    scope = scope()
    created_at = TimeText()
    updated_at = TimeText()
