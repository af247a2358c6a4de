"""The mode ``oidc``: callers send a JSON Web Token that an issuer such as Keycloak has signed, for this service.

Project and roles are found where Mistral's Keycloak mode finds them: the project is the realm in the issuer's URL
(unless another claim is named), the roles are the realm's. Beside them count the roles of this service's own client,
and the claim ``roles`` of RFC 9068.
"""

import logging
from typing import Any

import jwt
from flask import Request

from mistralish.api.auth.bearer import refusal, sent_token
from mistralish.api.auth.issuer_keys import IssuerKeys, Key
from mistralish.config import Settings
from mistralish.errors import InputError
from mistralish.identity import ADMIN_ROLE, Identity
from mistralish.tokens import is_name

logger = logging.getLogger(__name__)

LEEWAY_SECONDS = 30
"""How far the clocks of issuer and service may be apart."""

_REALM = "/realms/"
_OTHER_USES = ("ID", "Refresh", "Offline", "Logout")
"""What Keycloak writes into the claim ``typ`` of tokens that are not for access."""

_ASK_FOR_ANOTHER = "; ask the issuer for another"
_WORDS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "has expired" + _ASK_FOR_ANOTHER),
    (jwt.ImmatureSignatureError, "is not good yet: look at the claims nbf and iat, and at the clocks"),
    (jwt.InvalidAudienceError, "is not made for this service: its claim aud does not name it"),
    (jwt.InvalidAlgorithmError, "is signed in a way that its key is not made for"),
    (jwt.InvalidSignatureError, "has a wrong signature"),
)


class OidcAuthentication:
    """Believes the issuers that the settings name. Raises InputError when they do not say enough."""

    def __init__(self, settings: Settings) -> None:
        if not settings.oidc_issuers or not settings.oidc_audience:
            raise InputError("auth = oidc needs the settings oidc_issuers and oidc_audience")
        if settings.oidc_jwks_url and len(settings.oidc_issuers) > 1:
            raise InputError("oidc_jwks_url names the keys of one issuer, but oidc_issuers has several: leave it out")
        self._audience, self._project_claim = settings.oidc_audience, settings.oidc_project_claim
        self._keys = {issuer: IssuerKeys(issuer, settings.oidc_jwks_url) for issuer in settings.oidc_issuers}
        for issuer, keys in self._keys.items():
            if (settings.oidc_jwks_url or issuer).startswith("http:"):
                logger.warning("The keys of %s come without TLS: who can change them on the way can be anybody", issuer)
            keys.refresh()

    def identify(self, request: Request) -> Identity:
        """Whom the request's token is about. Raises UnauthorizedError, UnavailableError."""
        token = sent_token(request)
        key, issuer = self._key_of(token)
        claims = self._checked(token, key, issuer)
        roles = _roles(claims, self._audience)
        return Identity(
            self._project(claims),
            _text(claims.get("sub")),
            roles,
            is_admin=ADMIN_ROLE in roles,
            user_name=_text(claims.get("preferred_username")),
        )

    def _key_of(self, token: str) -> tuple[Key, str]:
        """The key that the token must be signed with: of the issuer and the id that it names itself."""
        try:
            header = jwt.get_unverified_header(token)
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except jwt.PyJWTError:
            raise refusal("The token that was sent is no JSON Web Token" + _ASK_FOR_ANOTHER) from None
        if not isinstance(issuer, str) or issuer not in self._keys:
            raise refusal("The token that was sent is not from an issuer that this service believes")
        key_id = header.get("kid")
        key = self._keys[issuer].find(key_id if isinstance(key_id, str) else None)
        if key is None:
            raise refusal("The token that was sent is signed with a key that its issuer does not have")
        return key, issuer

    def _checked(self, token: str, key: Key, issuer: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=key.algorithms,
                audience=self._audience,
                issuer=issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            words = next((said for kind, said in _WORDS if isinstance(error, kind)), None)
            # What remains speaks of claims that are missing or malformed; no error of PyJWT repeats the token.
            raise refusal(f"The token that was sent {words or f'is refused: {error}'}") from None
        if claims.get("typ") in _OTHER_USES:
            raise refusal("The token that was sent is not an access token, and only these count here")
        return dict(claims)

    def _project(self, claims: dict[str, Any]) -> str:
        project = claims.get(self._project_claim)
        if self._project_claim == "iss":
            project = str(project).strip().rpartition(_REALM)[2]
        if not isinstance(project, str) or not project or not is_name(project):
            raise refusal(f"The token that was sent does not name a project: its claim {self._project_claim} should")
        return project


def _roles(claims: dict[str, Any], audience: str) -> frozenset[str]:
    # Roles for other clients say nothing here: who is admin of one of these is not of this service.
    clients = claims.get("resource_access")
    own = clients.get(audience) if isinstance(clients, dict) else None
    found: set[str] = set()
    for holder in (claims, claims.get("realm_access"), own):
        roles = holder.get("roles") if isinstance(holder, dict) else None
        found |= {role for role in roles if isinstance(role, str)} if isinstance(roles, list) else set()
    return frozenset(found)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
