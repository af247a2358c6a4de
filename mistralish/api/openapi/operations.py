"""Operations: what a route takes and answers, from its view's contract."""

from dataclasses import replace
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

from apispec import APISpec
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from mistralish.api.arguments import FieldNames
from mistralish.api.contract import Contract, View, is_open_to_all
from mistralish.api.openapi import security
from mistralish.api.openapi.parameters import fields_parameter, list_parameters
from mistralish.api.openapi.values import Answered, Sent
from mistralish.api.openapi.words import meaning
from mistralish.api.schemas.definitions import ValidationSchema
from mistralish.api.schemas.root import FaultSchema

JSON = "application/json"
_IGNORED = "Taken, and ignored."


class Describer:
    """Tells the operations of the document ``spec``, to which it adds the components that they need."""

    def __init__(self, spec: APISpec) -> None:
        self._sent = Sent(spec)
        self._answered = Answered(spec)

    def operation(self, rule: Rule, view: View) -> dict[str, Any]:
        """The operation of ``view``, which answers ``rule``."""
        contract: Contract = view.contract  # type: ignore[attr-defined]
        if contract.is_list and contract.collection is None:
            contract = replace(contract, collection=rule.rule.rpartition("/")[2])
        path_arguments = sorted(rule.arguments - set(rule.defaults or ()))
        tag, _, name = rule.endpoint.rpartition(".")
        summary, _, description = cleandoc(view.__doc__ or "").partition("\n")
        operation: dict[str, Any] = {"operationId": name, "tags": [tag], "summary": _sentences(summary, description)}
        parameters = [_path_parameter(argument) for argument in path_arguments] + self._query(contract)
        if parameters:
            operation["parameters"] = parameters
        if contract.body is not None:
            # No text is a text too: validation says what is wrong with it.
            required = contract.answers is not ValidationSchema
            operation["requestBody"] = {"required": required, "content": self._body(contract)}
        operation["responses"] = self._responses(contract, _errors(contract, rule, view))
        return operation | security.of_view(view)

    def _query(self, contract: Contract) -> list[dict[str, Any]]:
        if contract.is_list:
            return list_parameters(contract)
        assert contract.arguments is not None
        return [
            self._argument(contract, field.data_key or name, field)
            for name, field in contract.arguments().load_fields.items()
        ]

    def _argument(self, contract: Contract, name: str, field: fields.Field[Any]) -> dict[str, Any]:
        if isinstance(field, FieldNames):
            return fields_parameter(contract)
        schema = self._sent.field2property(field)
        if callable(field.load_default):
            schema.pop("default", None)
        told = meaning("", name)
        return {"name": name, "in": "query", "required": False, "description": told, "schema": schema}

    def _body(self, contract: Contract) -> dict[str, Any]:
        if not isinstance(contract.body, type):
            return {"text/plain": {"schema": {"type": "string", "description": f"The text of the {contract.body}."}}}
        schema = self._sent.body(contract.body)
        for name in list(schema["properties"]):
            if contract.uses and name not in contract.uses:
                if contract.strict:
                    del schema["properties"][name]
                else:
                    schema["properties"][name] |= {"description": _IGNORED, "x-ignored": True}
        if contract.needs:
            schema["required"] = list(contract.needs)
        return {JSON: {"schema": schema}}

    def _responses(self, contract: Contract, errors: list[int]) -> dict[str, Any]:
        responses: dict[str, Any] = {str(contract.status): self._success(contract)}
        for status in errors:
            if status == HTTPStatus.NOT_MODIFIED:
                responses[str(status)] = {"description": HTTPStatus(status).phrase}
                continue
            fault = {"schema": self._answered.reference(FaultSchema)}
            responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": {JSON: fault}}
        return responses

    def _success(self, contract: Contract) -> dict[str, Any]:
        answer: dict[str, Any] = {"description": HTTPStatus(contract.status).phrase}
        if contract.content_type:
            answer["content"] = {contract.content_type.partition(";")[0]: {"schema": {"type": "string"}}}
        elif contract.status != HTTPStatus.NO_CONTENT:
            answer["content"] = {JSON: {"schema": self._answer(contract)}}
        return answer

    def _answer(self, contract: Contract) -> dict[str, Any]:
        schema: type[Schema] | None = contract.answers
        if schema is None:
            return {"type": "object"}
        if not contract.collection and not contract.is_list:
            return self._answered.reference(schema)
        properties: dict[str, Any] = {
            str(contract.collection): {"type": "array", "items": self._answered.reference(schema)}
        }
        if contract.is_list:
            properties["next"] = {
                "type": "string",
                "format": "uri",
                "description": "The next page, where there is one.",
            }
        return {
            "type": "object",
            "properties": properties,
            "required": [contract.collection],
            "additionalProperties": False,
        }


def _errors(contract: Contract, rule: Rule, view: View) -> list[int]:
    statuses = {400, 503, *contract.errors}
    if contract.is_list or rule.arguments - set(rule.defaults or ()):
        statuses.add(404)  # what the path or the marker names may be gone
    if contract.body is not None:
        statuses |= {413, 415}
    if "GET" not in (rule.methods or ()):
        statuses.add(HTTPStatus.LOCKED.value)
    if not is_open_to_all(view):
        statuses |= {401, 403}
    return sorted(statuses)


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _sentences(*texts: str) -> str:
    return " ".join(" ".join(text.split()) for text in texts if text.strip())
