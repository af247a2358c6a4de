"""Which rule each request needs, and whether its caller may: looked at before anything of its body is read."""

from collections.abc import Mapping
from typing import Any, cast

from flask import Flask, current_app, g, request

from mistralish.api.policy import DEFAULTS, Policy

_POLICY = "mistralish-policy"
PUBLIC = "public"


def attach_policy(app: Flask, policy: Policy) -> None:
    """Give ``app`` the rules that its requests are held against."""
    app.extensions[_POLICY] = policy


def check_routes(app: Flask) -> None:
    """Raise LookupError for a route that neither has a rule nor is open to all: nobody would guard it."""
    for name, view in app.view_functions.items():
        rule = _rule(view)
        if rule is None and not getattr(view, "is_open_to_all", False):
            raise LookupError(f"the route {name} has no rule: give its contract one, or mark it as open_to_all")
        if rule is not None and rule not in DEFAULTS:
            raise LookupError(f"the route {name} has the rule {rule}, which api/policy/rules.py does not know")


def authorize() -> None:
    """Raise ForbiddenError unless the caller of the current request may do what its route is for."""
    rule = _rule(current_app.view_functions.get(request.endpoint or ""))
    if rule is not None:
        require(rule)


def require(rule: str) -> None:
    """Raise ForbiddenError, naming the rule and what it takes, unless the caller may."""
    _policy().require(rule, g.identity)


def allows(rule: str) -> bool:
    """Whether the caller may do what ``rule`` is about."""
    return _policy().allows(rule, g.identity)


def check_scope(rule: str, *values: Mapping[str, Any] | None) -> None:
    """Raise ForbiddenError where ``values`` make something public and the caller may not. ``rule``: the route's."""
    if any(given is not None and given.get("scope") == PUBLIC for given in values):
        require(rule.partition(":")[0] + ":publicize")


def list_rule() -> str:
    """The rule about listing what the current request lists of all projects."""
    return f"{_rule(current_app.view_functions[str(request.endpoint)])}:all_projects"


def _policy() -> Policy:
    return cast(Policy, current_app.extensions[_POLICY])


def _rule(view: Any) -> str | None:
    return getattr(getattr(view, "contract", None), "rule", None)
