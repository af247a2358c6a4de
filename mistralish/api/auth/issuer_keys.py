"""The public keys of an issuer of tokens: fetched, kept, and fetched again when it signs with one that is not known."""

import logging
import threading
import time
from typing import Any, get_args

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from mistralish.errors import UnavailableError

logger = logging.getLogger(__name__)

FETCH_AGAIN_SECONDS = 2
"""Whoever makes up key ids has the issuer asked no more often than this."""

_KEEP_SECONDS = 3600
"""After so long the keys are asked for again, so that one which the issuer has withdrawn counts no more."""

_PATIENCE_SECONDS = 3
"""How long a request waits for keys that are being fetched; not at all where the last attempt failed, since made-up key
ids could otherwise keep every thread waiting."""

_TIMEOUTS = (3, 5)
_DISCOVERY = "/.well-known/openid-configuration"
_FAMILIES = {
    "RSA": frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    "EC": frozenset(("ES256", "ES384", "ES512")),
    "OKP": frozenset(("EdDSA",)),
}
"""The signatures that each type of key can make (RFC 7518, RFC 8037). Only those of key pairs: a shared secret, or no
signature at all, proves nothing about the issuer."""


class Key:
    """A public key and the algorithms that it may be used with."""

    def __init__(self, described: dict[str, Any]) -> None:
        """Of a JSON Web Key. Raises ValueError or jwt.PyJWTError when it cannot verify tokens."""
        fitting = _FAMILIES.get(str(described.get("kty")), frozenset())
        if described.get("use", "sig") != "sig" or not fitting:
            raise ValueError("not a public key for signatures")
        self.id = described.get("kid")
        self.algorithms = sorted(fitting & {described["alg"]} if described.get("alg") else fitting)
        self.public = jwt.PyJWK(described).key
        # Whoever shows a private key has shown it to others too.
        if not self.algorithms or isinstance(self.public, get_args(PrivateKeyTypes)):
            raise ValueError("not a public key for signatures")


class IssuerKeys:
    """The keys of one issuer. A fetch has a thread of its own, so that a slow issuer delays no known key."""

    def __init__(self, issuer: str, jwks_url: str) -> None:
        """``jwks_url`` is where the keys are; empty where the issuer is to be asked for that."""
        self._issuer, self._jwks_url = issuer, jwks_url
        self._lock = threading.Lock()
        self._keys: list[Key] = []
        self._fetched_at = self._tried_at = float("-inf")
        self._is_answering = True
        self._done = threading.Event()
        self._done.set()

    def find(self, key_id: str | None) -> Key | None:
        """The key of that id; without an id, the only one there is. None when the issuer has no such key.

        Raises UnavailableError when the key is not known and the issuer cannot be asked.
        """
        key = self._known(key_id)
        if key is None or time.monotonic() - self._fetched_at > _KEEP_SECONDS:
            self.refresh()
        if key is None:
            is_done = self._done.wait(_PATIENCE_SECONDS if self._is_answering else 0)
            key = self._known(key_id)
            if key is None and not (is_done and self._is_answering):
                raise UnavailableError(
                    "The token cannot be checked now: its issuer does not tell its keys. Trying again later may work"
                )
        return key

    def refresh(self) -> None:
        """Begin to fetch the keys, unless that was done, or begun, a moment ago."""
        with self._lock:
            now = time.monotonic()
            if not self._done.is_set() or now - self._tried_at < FETCH_AGAIN_SECONDS:
                return
            self._tried_at = now
            self._done.clear()
        threading.Thread(target=self._fetch, name="issuer-keys", daemon=True).start()

    def _known(self, key_id: str | None) -> Key | None:
        keys = self._keys
        if key_id is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.id == key_id), None)

    def _fetch(self) -> None:
        try:
            self._keys = _keys_in(_get(self._jwks_url or self._discover()))
            self._fetched_at = time.monotonic()
            self._is_answering = True
        except (requests.RequestException, ValueError) as error:
            self._is_answering = False
            logger.warning("The keys of the issuer %s cannot be fetched: %s", self._issuer, error)
        finally:
            self._done.set()

    def _discover(self) -> str:
        """Where the keys are (OpenID Connect Discovery 1.0, section 4)."""
        found = _get(self._issuer.rstrip("/") + _DISCOVERY)
        # Section 4.3: otherwise anybody's description could be shown here.
        if found.get("issuer") != self._issuer:
            raise ValueError(f"{_DISCOVERY} there is that of the issuer {found.get('issuer')!r}")
        if not isinstance(found.get("jwks_uri"), str):
            raise ValueError(f"{_DISCOVERY} there has no jwks_uri")
        return str(found["jwks_uri"])


def _get(url: str) -> dict[str, Any]:
    response = requests.get(url, timeout=_TIMEOUTS, headers={"Accept": "application/json"})
    response.raise_for_status()
    found = response.json()
    if not isinstance(found, dict):
        raise ValueError(f"{url} has no JSON object")
    return found


def _keys_in(found: dict[str, Any]) -> list[Key]:
    described = found.get("keys")
    if not isinstance(described, list):
        raise ValueError("there is no list of keys (JWKS)")
    keys = []
    for each in described:
        try:
            keys.append(Key(each))
        except (ValueError, AttributeError, jwt.PyJWTError) as error:
            logger.debug("A key is passed over: %s", error)
    return keys
