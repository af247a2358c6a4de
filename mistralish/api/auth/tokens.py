"""The mode ``tokens``: callers send one that ``mistralish token create`` made. Changes of its file count at once."""

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

from flask import Request

from mistralish.api.auth.bearer import refusal, sent_token
from mistralish.config import Settings
from mistralish.errors import UnavailableError
from mistralish.identity import ADMIN_ROLE, Identity
from mistralish.tokens import Token, id_in, read_tokens

logger = logging.getLogger(__name__)

_Stamp = tuple[int, int, int] | None


class TokenAuthentication:
    """Knows the tokens of the file that the settings name, which may come later."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.tokens_file
        self._lock = threading.Lock()
        self._stamp: _Stamp = None
        self._tokens: dict[str, Token] | None = {}
        if not read_tokens(self._path):
            logger.warning("There are no tokens yet in %s: make one with mistralish token create", self._path)

    def identify(self, request: Request) -> Identity:
        """Whom the request's token was made for. Raises UnauthorizedError, UnavailableError."""
        text = sent_token(request)
        token = self._current().get(id_in(text))
        if token is None or not token.is_of(text):
            raise refusal(
                "The token that was sent is not known here, or was revoked; mistralish token create makes one"
            )
        if token.is_expired(datetime.now(UTC)):
            raise refusal(
                f"The token that was sent expired at {token.expires_at}; mistralish token create makes another"
            )
        roles = frozenset(token.roles)
        return Identity(token.project, token.user, roles, is_admin=ADMIN_ROLE in roles, user_name=token.user)

    def _current(self) -> dict[str, Token]:
        with self._lock:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp, self._tokens = stamp, self._read()
            if self._tokens is None:
                raise UnavailableError("The file of tokens cannot be used; the service's log says why")
            return self._tokens

    def _read(self) -> dict[str, Token] | None:
        try:
            return {token.id: token for token in read_tokens(self._path)}
        except UnavailableError as error:
            logger.error("Nobody can be let in: %s", error)
            return None


def _stamp(path: Path) -> _Stamp:
    """What changes when the file or its mode does; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ctime_ns, found.st_size, found.st_ino
