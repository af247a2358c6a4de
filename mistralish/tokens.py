"""The file of tokens: who has one, and a hash of each, from which no token can be made.

A token has 256 random bits, so one round of SHA-256 is as good as a slow hash would be for a password.
"""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mistralish.errors import InputError, NotFoundError, UnavailableError

_PREFIX = "mst"
_ID_BYTES, _SECRET_BYTES = 6, 32
_LONGEST_NAME = 255
_LOCK_SECONDS = 10
_WRITABLE_BY_OTHERS = 0o022


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token. Times are ISO 8601 in UTC; ``expires_at`` is empty for one that does not expire."""

    id: str
    hash: str
    project: str
    user: str
    roles: tuple[str, ...]
    created_at: str
    expires_at: str

    def is_expired(self, now: datetime) -> bool:
        """Whether it counts no more at ``now``."""
        return bool(self.expires_at) and datetime.fromisoformat(self.expires_at) <= now

    def is_of(self, text: str) -> bool:
        """Whether ``text`` is the token itself; takes as long for every answer."""
        return hmac.compare_digest(self.hash, _hash(text))


def id_in(text: str) -> str:
    """The id that the token ``text`` begins with; empty when it is no token of ours."""
    prefix, _, rest = text.partition("_")
    return rest.partition("_")[0] if prefix == _PREFIX else ""


def create_token(
    path: Path, project: str, user: str = "", roles: tuple[str, ...] = (), days: int | None = None
) -> tuple[str, Token]:
    """Make a token that expires in so many days (None: never); answers its text, which is kept nowhere, and the rest.

    Raises InputError when a name cannot be one, UnavailableError when the file cannot be read or written.
    """
    if not project:
        raise InputError("--project is empty, but must name the project that the token is for")
    for name in (project, user, *roles):
        if not is_name(name):
            raise InputError(f"{name!r} is no name: printable text of at most {_LONGEST_NAME} characters is one")
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = (now + timedelta(days=days)).isoformat() if days is not None else ""
    identifier = secrets.token_hex(_ID_BYTES)
    text = f"{_PREFIX}_{identifier}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    token = Token(identifier, _hash(text), project, user, tuple(roles), now.isoformat(), expires_at)
    with _locked(path):
        _write(path, [*read_tokens(path), token])
    return text, token


def revoke_token(path: Path, identifier: str) -> Token:
    """Take a token out of the file; answers what it was. Raises NotFoundError, UnavailableError."""
    with _locked(path):
        tokens = read_tokens(path)
        found = [token for token in tokens if token.id == identifier]
        if not found:
            raise NotFoundError(
                f"there is no token of the id {identifier} in {path}; `mistralish token list` shows all"
            )
        _write(path, [token for token in tokens if token.id != identifier])
    return found[0]


def read_tokens(path: Path) -> list[Token]:
    """The tokens in the file; none when there is no file.

    Raises UnavailableError when it cannot be read, or when others than its owner may change it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            kept = json.load(file)["tokens"]
            tokens = [_token(each) for each in kept]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnavailableError(f"the file of tokens {path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UnavailableError(f"{path} is not a file of tokens: {type(error).__name__} {error}") from None
    if mode & _WRITABLE_BY_OTHERS:
        raise UnavailableError(f"the file of tokens {path} may be changed by others than its owner; chmod 600 it")
    return tokens


def is_name(text: str) -> bool:
    """Whether ``text`` may name a project, a user or a role."""
    return len(text) <= _LONGEST_NAME and text.isprintable() and text == text.strip()


def _token(kept: dict[str, Any]) -> Token:
    token = Token(**{**kept, "roles": tuple(kept["roles"])})
    token.is_expired(datetime.now(UTC))  # so that a time that is none is found now, not at a request
    return token


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, tokens: list[Token]) -> None:
    """Replace the file at once: whoever reads it finds the old one or the new one."""
    try:
        # Made by root for a service that is not, the file must belong to whom the service's other files belong to.
        owner = (path if path.exists() else path.parent).stat()
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"tokens": [asdict(token) for token in tokens]}, file, indent=1)
                file.flush()
                os.fsync(descriptor)
                if os.geteuid() == 0:
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise UnavailableError(f"the file of tokens {path} cannot be written: {error.strerror}") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep others from changing the file meanwhile. The lock is a file beside it, since the file itself is replaced."""
    lock = FileLock(path.with_name(path.name + ".lock"), mode=0o600)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(_LOCK_SECONDS)
    except (OSError, Timeout) as error:
        raise UnavailableError(f"the file of tokens {path} cannot be changed: {error}") from None
    try:
        yield
    finally:
        lock.release()
