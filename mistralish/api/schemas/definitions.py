"""Workflows, workbooks and actions as clients see them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from mistralish.api.schemas.base import JsonText, ResourceSchema, TimeText, name_text, scope, tags, text


def interface(spec: Mapping[str, Any]) -> dict[str, list[Any]]:
    """A workflow's parameters as written, and the names of what it puts out."""
    output = spec.get("output")
    return {"input": list(spec.get("input") or []), "output": list(output) if isinstance(output, Mapping) else []}


def with_interface(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stored workflow with what the API derives from its spec."""
    if "spec" not in document:
        return dict(document)
    return {**document, "interface": interface(document["spec"] or {})}


class WorkflowSchema(ResourceSchema):
    """A workflow definition as it is read. ``interface`` is JSON text."""

    id = text()
    name = name_text()
    namespace = name_text()
    input = text()
    interface = JsonText(is_data=False)
    definition = text()
    checksum = text()
    tags = tags()
    scope = scope()
    project_id = text()
    created_at = TimeText()
    updated_at = TimeText()


class UploadedWorkflowSchema(WorkflowSchema):
    """A workflow definition as an upload answers it. ``interface`` is an object here, as in the reference."""

    interface = fields.Dict()  # type: ignore[assignment]


class WorkbookSchema(ResourceSchema):
    """A workbook."""

    id = text()
    name = name_text()
    namespace = name_text()
    definition = text()
    tags = tags()
    scope = scope()
    project_id = text(dump_only=True)
    created_at = TimeText()
    updated_at = TimeText()


class ActionSchema(ResourceSchema):
    """An action, the service's own or ad-hoc."""

    id = text()
    name = name_text()
    is_system = fields.Boolean()
    input = text()
    description = text()
    tags = tags()
    definition = text()
    scope = scope()
    project_id = text(dump_only=True)
    created_at = TimeText()
    updated_at = TimeText()
    namespace = name_text()


def as_action(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stored action as it is shown. What the service brings along belongs to no project and was never created."""
    if not document.get("is_system"):
        return dict(document)
    return {**document, "tags": None, "definition": "", "scope": None, "project_id": None}


class ValidationSchema(Schema):
    """Whether a definition would be taken; ``error`` says why not."""

    valid = fields.Boolean()
    error = text()
