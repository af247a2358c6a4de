"""The keys of SSH hosts: which are known, and what happens to those that are not. Format: sshd(8), known_hosts."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paramiko import PKey, SSHClient

ACCEPT_NEW, STRICT, IGNORE = MODES = ("accept-new", "strict", "ignore")
_MOST_LEARNT_BYTES = 2 * 1024 * 1024
_PORT = 22
# What is written to the file; it must not begin another entry, another line, or a pattern.
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,255}")


class HostKeyError(Exception):
    """Why a host is not talked to; safe to show."""


class HostKeys:
    """The known hosts in ``file``, and what to do about the others.

    ``mode``: with ``accept-new`` a host nobody has talked to yet is learnt, with ``strict`` it is refused, with
    ``ignore`` every key will do and none is learnt. Lines with markers or patterns do not count. May be used from any
    thread.
    """

    def __init__(self, mode: str, file: Path) -> None:
        self._mode = mode
        self._file = file
        self._lock = Lock()

    def prepare(self, client: "SSHClient", host: str, port: int, gateway: str | None = None) -> None:
        """Make ``client`` check the key of ``host`` when it connects.

        ``gateway`` is the host through which it is reached, None for none. Who answers there is the gateway's choice,
        so the host is known by both names: else the owner of one gateway could teach the service wrong keys for all.
        Raises HostKeyError for a host whose name is none, or a file that cannot be read.
        """
        if not _HOST.fullmatch(host):
            raise HostKeyError("this cannot be the name of a host")
        name = host if port == _PORT else f"[{host}]:{port}"
        known_as = name if gateway is None else f"{name}@{gateway}"
        if self._mode != IGNORE:
            names = [known_as, name] if self._mode == STRICT else [known_as]
            for key in next(filter(None, map(self._known, names)), []):
                client.get_host_keys().add(name, key.get_name(), key)
        client.set_missing_host_key_policy(_Policy(self, known_as))

    def meet(self, name: str, key: "PKey") -> None:
        """Learn the key of a host that has none yet. Raises HostKeyError where it must not be learnt."""
        if self._mode == IGNORE:
            return
        if self._mode == STRICT:
            raise HostKeyError(
                "the host's key is not known; the service talks to hosts of its known hosts file only,"
                f" and this one has the {key.get_name()} key {key.fingerprint}"
            )
        with self._lock:
            known = self._known(name)
            if known and key not in known:
                raise HostKeyError("the host has shown two different keys")
            if not known:
                self._append(f"{name} {key.get_name()} {key.get_base64()}\n")

    def _known(self, name: str) -> "list[PKey]":
        from paramiko.hostkeys import HostKeyEntry, HostKeys

        found = HostKeys()
        for line in self._lines():
            names = line.partition(" ")[0]
            if name in names.split(",") or names.startswith("|1|"):
                entry = HostKeyEntry.from_line(line)
                if entry is not None:
                    found._entries.append(entry)
        return list((found.lookup(name) or {}).values())

    def _lines(self) -> Iterator[str]:
        try:
            with self._file.open(encoding="utf-8") as file:
                yield from (line.strip() for line in file)
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError):
            raise HostKeyError("the service's known hosts file cannot be read") from None

    def _append(self, line: str) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                if os.fstat(descriptor).st_size + len(line) > _MOST_LEARNT_BYTES:
                    raise HostKeyError("the service's known hosts file is full: no more hosts are learnt")
                file.write(line)
        except OSError:
            raise HostKeyError("the host's key cannot be written to the service's known hosts file") from None


class _Policy:
    """What paramiko asks about a host whose key it has not been given."""

    def __init__(self, keys: HostKeys, name: str) -> None:
        self._keys = keys
        self._name = name

    def missing_host_key(self, client: "SSHClient", hostname: str, key: "PKey") -> None:
        """Learn the key, or raise HostKeyError."""
        self._keys.meet(self._name, key)
