"""Resource members as clients see them."""

from marshmallow import fields, validate

from mistralish.api.schemas.base import ResourceSchema, TimeText, name_text, text
from mistralish.store.sharing import STATUSES


class MemberSchema(ResourceSchema):
    """With which project a resource is shared, and what that project says to it."""

    id = text()
    resource_id = text()
    resource_type = text()
    project_id = text()
    member_id = name_text()
    status = fields.String(
        validate=validate.OneOf(STATUSES, error=f"Value should be one of: {', '.join(sorted(STATUSES))}")
    )
    created_at = TimeText()
    updated_at = TimeText()
