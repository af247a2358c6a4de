"""Which actions an administrator lets workflows use. Source: the reference's group ``legacy_action_provider``."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """``allowlist`` and ``denylist`` are patterns of names (``std.*``); the former goes before the latter.

    ``only_builtin``: plug-ins are left out, whatever the lists say.
    """

    allowlist: tuple[str, ...] = ()
    denylist: tuple[str, ...] = ()
    only_builtin: bool = False

    def allows(self, name: str) -> bool:
        """Whether an action of this name may be used."""
        if self.allowlist:
            return any(fnmatchcase(name, pattern) for pattern in self.allowlist)
        return not any(fnmatchcase(name, pattern) for pattern in self.denylist)

    def choose(self, names: Iterable[str], *, plugins: bool = False) -> set[str]:
        """Return those of ``names`` that may be used; the log tells which may not, and by which setting."""
        known = set(names)
        if plugins and self.only_builtin:
            return self._log_left_out(known, set(), "legacy_action_provider_only_builtin_actions")
        allowed = {name for name in known if self.allows(name)}
        setting = "legacy_action_provider_allowlist" if self.allowlist else "legacy_action_provider_denylist"
        return self._log_left_out(known, allowed, setting)

    @staticmethod
    def _log_left_out(known: set[str], allowed: set[str], setting: str) -> set[str]:
        if left_out := sorted(known - allowed):
            log.info("Not to be used, by the setting %s: %s", setting, ", ".join(left_out))
        return allowed
