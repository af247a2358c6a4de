"""The rules in force: the defaults, and above them those of the policy file, which may change at any time."""

import difflib
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path

import yaml

from mistralish.api.policy.language import Check, parse
from mistralish.api.policy.rules import DEFAULTS
from mistralish.errors import ForbiddenError, InputError
from mistralish.identity import Identity

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


class Policy:
    """Says who may do what. ``file`` is a YAML mapping from rules to expressions; those that it leaves out stay.

    A change of the file counts within a second. One that cannot be used is logged, and the rules stay as they were.
    May be used from any thread. Raises InputError where the file cannot be used at the start.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._stamp = None if file is None else _stamp(file)
        self._rules = _read(file)
        self._look_at = 0.0

    def allows(self, rule: str, caller: Identity) -> bool:
        """Whether ``caller`` may do what ``rule`` is about."""
        rules = self._current()
        return rules[rule].holds(caller, rules)

    def require(self, rule: str, caller: Identity) -> None:
        """Raise ForbiddenError, naming the rule and what it takes, where ``caller`` may not."""
        rules = self._current()
        if not rules[rule].holds(caller, rules):
            raise ForbiddenError(f"Operation not allowed: the rule {rule} takes {rules[rule].words(rules)}")

    def _current(self) -> Mapping[str, Check]:
        now = time.monotonic()
        if self._file is not None and now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            self._look(self._file)
        return self._rules

    def _look(self, file: Path) -> None:
        stamp = _stamp(file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._rules = _read(file)
        except InputError as error:
            logger.error("The rules stay as they were: %s", error)
        else:
            logger.info("The rules of the policy file %s are in force", file)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What tells one version of a file from another; None where it cannot be looked at."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(file: Path | None) -> dict[str, Check]:
    rules = {name: parse(text) for name, text in DEFAULTS.items()}
    if file is None:
        return rules
    try:
        given = _parsed(_mapping(file.read_text(encoding="utf-8")))
        rules |= given
        _check_names(given, rules)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"policy file {file} cannot be read: {_reason(error)}") from None
    except InputError as error:
        raise InputError(f"policy file {file}: {error}") from None
    return rules


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _mapping(text: str) -> dict[str, str]:
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"it is not YAML: {' '.join(str(error).split())}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InputError('it must be a mapping from rules to expressions, such as "workflows:publicize": "role:author"')
    for name, expression in found.items():
        if not isinstance(name, str) or not isinstance(expression, str):
            raise InputError(f'{name}: {expression!r} must be text in quotes, such as "role:author", or "!" for nobody')
    return found


def _parsed(given: Mapping[str, str]) -> dict[str, Check]:
    rules = {}
    for name, text in given.items():
        try:
            rules[name] = parse(text)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    return rules


def _check_names(given: Mapping[str, Check], rules: Mapping[str, Check]) -> None:
    """Raise InputError for a rule that nothing asks for, one that is not there, and one that refers to itself."""
    asked_for = {*DEFAULTS, *(used for check in rules.values() for used in check.uses())}
    for name, check in given.items():
        if name not in asked_for:
            raise InputError(f"{name}: there is no such rule, and no other rule uses it{_close(name, DEFAULTS)}")
        for used in check.uses():
            if used not in rules:
                raise InputError(f"{name}: rule:{used} is not there{_close(used, rules)}")
    for name in given:
        _check_ends(name, rules, ())


def _check_ends(name: str, rules: Mapping[str, Check], above: tuple[str, ...]) -> None:
    if name in above:
        raise InputError(f"{name}: it refers to itself: {' → '.join((*above[above.index(name) :], name))}")
    for used in rules[name].uses():
        _check_ends(used, rules, (*above, name))


def _close(name: str, known: Mapping[str, Check] | Mapping[str, str]) -> str:
    found = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {found[0]}?" if found else ""
