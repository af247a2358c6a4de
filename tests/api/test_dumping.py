"""Documents are shown as marshmallow would show them, attribute by attribute."""

from typing import Any

import pytest
from marshmallow import fields

from mistralish.api.schemas.base import JsonText, PreciseTimeText, ResourceSchema, TimeText, show, show_many
from mistralish.api.schemas.definitions import WorkflowSchema
from mistralish.api.schemas.executions import ActionExecutionSchema, ExecutionSchema, TaskSchema

SCHEMAS = (ExecutionSchema, TaskSchema, ActionExecutionSchema, WorkflowSchema)


def sample(field: fields.Field[Any]) -> Any:
    if isinstance(field, TimeText | PreciseTimeText):
        return 1_700_000_000_123_456
    if isinstance(field, JsonText):
        return {"b": [1, None], "ä": {"c": 1.5}}
    if isinstance(field, fields.Boolean):
        return True
    if isinstance(field, fields.List):
        return ["one", "two"]
    return "Some text" if isinstance(field, fields.String) else 7


def documents(schema: type[ResourceSchema]) -> list[dict[str, Any]]:
    whole = {name: sample(field) for name, field in schema().dump_fields.items()}
    odd = {name: 5 if type(field) is fields.String else whole[name] for name, field in schema().dump_fields.items()}
    return [whole, odd, dict.fromkeys(whole), {"id": "some"}, {}]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_is_shown_is_what_marshmallow_dumps(schema: type[ResourceSchema]) -> None:
    expected = [dict(schema().dump(document)) for document in documents(schema)]
    assert [show(schema, document) for document in documents(schema)] == expected
    assert show_many(schema, documents(schema)) == expected


@pytest.mark.parametrize("schema", SCHEMAS)
def test_only_what_is_asked_for_is_shown(schema: type[ResourceSchema]) -> None:
    document = documents(schema)[0]
    assert show(schema, document, only=("id",)) == {"id": document["id"]}
    assert "id" not in show(schema, document, without=("id",))
