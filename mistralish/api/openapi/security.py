"""How the description says who may ask: by a token, in one of two headers; and which rule that is held against."""

from typing import Any

from mistralish.api.contract import View, is_open_to_all

SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "RFC 6750."},
    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token", "description": "As OpenStack's clients do."},
}
RULE = "x-policy-rule"
Requirement = dict[str, list[str]]
_EITHER: list[Requirement] = [{name: []} for name in SCHEMES]


def for_all(is_optional: bool) -> list[Requirement]:
    """What every operation needs that does not say otherwise; nothing is enough with ``is_optional`` (auth = none)."""
    return [*_EITHER, {}] if is_optional else _EITHER


def of_view(view: View) -> dict[str, Any]:
    """What an operation adds: its rule; that it needs nothing, where its view is open to all."""
    return {"security": []} if is_open_to_all(view) else {RULE: view.contract.rule}  # type: ignore[attr-defined]
