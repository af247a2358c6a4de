"""The language of rules: that part of oslo.policy's which the files of operators use.

``role:x``, ``rule:x``, ``is_admin:True``, ``project_id:x``, ``user_id:x``; ``@`` or nothing: everybody; ``!``: nobody;
``not``, ``and``, ``or`` (binding in this order) and parentheses. ``%(project_id)s`` and ``%(user_id)s`` stand for the
caller's own, as in the reference: whose row it is, the store decides. Source: oslo.policy's documentation.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mistralish.errors import InputError
from mistralish.identity import ADMIN_ROLE, Identity

_TOKEN = re.compile(r"\s*(\(|\)|[^\s()]*(?:%\([^\s()]+\)s[^\s()]*)+|[^\s()]+)")
_KINDS = ("role", "rule", "is_admin", "project_id", "user_id")
_OWN = {"project_id": "%(project_id)s", "user_id": "%(user_id)s"}
_CALLED = {"project_id": "project", "user_id": "user"}
_FORMS = "role:x, rule:x, is_admin:True, project_id:x, user_id:x, @ (everybody) and ! (nobody)"
_DEEPEST = 50


class Check(Protocol):
    """A rule's expression."""

    def holds(self, caller: Identity, rules: Mapping[str, "Check"]) -> bool:
        """Whether ``caller`` is one of those whom it means."""

    def words(self, rules: Mapping[str, "Check"]) -> str:
        """What it takes, for people."""

    def uses(self) -> tuple[str, ...]:
        """The rules that it refers to."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Everybody, or nobody."""

    value: bool

    def holds(self, caller: Identity, rules: Mapping[str, Check]) -> bool:
        return self.value

    def words(self, rules: Mapping[str, Check]) -> str:
        return "nothing" if self.value else "what nobody has: it is switched off"

    def uses(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about the caller: ``kind`` is one of role, is_admin, project_id, user_id."""

    kind: str
    value: str

    def holds(self, caller: Identity, rules: Mapping[str, Check]) -> bool:
        if self.kind == "role":
            return self.value.lower() in {role.lower() for role in caller.roles}
        if self.kind == "is_admin":
            return str(caller.is_admin) == self.value
        return self.value in (getattr(caller, self.kind), _OWN[self.kind])

    def words(self, rules: Mapping[str, Check]) -> str:
        if self.kind == "is_admin":
            return f"the role {ADMIN_ROLE}" if self.value == "True" else f"not to have the role {ADMIN_ROLE}"
        if self.value == _OWN.get(self.kind):
            return f"a {_CALLED[self.kind]}"
        return f"the {_CALLED.get(self.kind, self.kind)} {self.value}"

    def uses(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Reference:
    """What another rule says."""

    name: str

    def holds(self, caller: Identity, rules: Mapping[str, Check]) -> bool:
        return rules[self.name].holds(caller, rules)

    def words(self, rules: Mapping[str, Check]) -> str:
        return rules[self.name].words(rules)

    def uses(self) -> tuple[str, ...]:
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Negation:
    """Everybody else."""

    part: Check

    def holds(self, caller: Identity, rules: Mapping[str, Check]) -> bool:
        return not self.part.holds(caller, rules)

    def words(self, rules: Mapping[str, Check]) -> str:
        return f"not ({self.part.words(rules)})"

    def uses(self) -> tuple[str, ...]:
        return self.part.uses()


@dataclass(frozen=True, slots=True)
class Several:
    """Those whom all of ``parts`` mean, or any of them."""

    parts: tuple[Check, ...]
    needs_all: bool

    def holds(self, caller: Identity, rules: Mapping[str, Check]) -> bool:
        return (all if self.needs_all else any)(part.holds(caller, rules) for part in self.parts)

    def words(self, rules: Mapping[str, Check]) -> str:
        found = [f"({p.words(rules)})" if isinstance(p, Several) else p.words(rules) for p in self.parts]
        return (" and " if self.needs_all else " or ").join(found)

    def uses(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.uses())


def parse(text: str) -> Check:
    """Read an expression. Raises InputError: what is wrong in it, and what would be right."""
    tokens = _TOKEN.findall(text)
    if not tokens:
        return Constant(True)
    if tokens.count("(") > _DEEPEST or tokens.count("not") > _DEEPEST:
        raise InputError(f"it has more than {_DEEPEST} parentheses, or as many 'not'")
    reader = _Reader(tokens)
    check = reader.either()
    if reader.next is not None:
        raise InputError(f"'{reader.next}' does not fit where it is: 'and' or 'or' goes between two checks")
    return check


class _Reader:
    """Reads tokens from left to right, one function for each degree of binding."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def either(self) -> Check:
        parts = [self._both()]
        while self._took("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Several(tuple(parts), needs_all=False)

    def _both(self) -> Check:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Several(tuple(parts), needs_all=True)

    def _one(self) -> Check:
        if self._took("not"):
            return Negation(self._one())
        if self._took("("):
            inner = self.either()
            if not self._took(")"):
                raise InputError("a '(' has no ')'")
            return inner
        token = self.next
        if token is None or token == ")" or token.lower() in ("and", "or"):
            raise InputError(f"a check is missing {'at the end' if token is None else f'before {token!r}'}")
        self._at += 1
        return _check(token)

    def _took(self, word: str) -> bool:
        if self.next is None or self.next.lower() != word:
            return False
        self._at += 1
        return True


def _check(token: str) -> Check:
    if token in ("@", "!"):
        return Constant(token == "@")
    kind, colon, value = token.partition(":")
    if not colon or not value or kind not in _KINDS:
        raise InputError(f"'{token}' is no check: there are {_FORMS}")
    if kind == "rule":
        return Reference(value)
    if kind == "is_admin" and value not in ("True", "False"):
        raise InputError(f"'{token}': is_admin is True or False")
    if "%(" in value and value != _OWN.get(kind):
        raise InputError(f"'{token}': only project_id:%(project_id)s and user_id:%(user_id)s may stand for a value")
    return Fact(kind, value)
