"""The token that a request carries, and what is said to those that carry none that counts."""

from flask import Request

from mistralish.errors import UnauthorizedError

_CHALLENGE = 'Bearer realm="mistralish"'


def sent_token(request: Request) -> str:
    """The token of ``Authorization: Bearer`` (RFC 6750) or ``X-Auth-Token`` (OpenStack's clients); both may be sent.

    Raises UnauthorizedError when there is none, or when there are two.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").strip().partition(" ")
    bearer = credentials.strip() if scheme.lower() == "bearer" else ""
    token = request.headers.get("X-Auth-Token", "").strip()
    if bearer and token and bearer != token:
        raise refusal("Authorization and X-Auth-Token carry different tokens; send one of them")
    if not (bearer or token):
        raise UnauthorizedError(
            "This service must know who asks: send a token, in the header Authorization after the word Bearer, or in "
            "the header X-Auth-Token",
            _CHALLENGE,
        )
    return bearer or token


def refusal(message: str) -> UnauthorizedError:
    """The error for a token that was sent and does not count (RFC 6750, section 3.1). ``message`` must not hold it."""
    return UnauthorizedError(message, f'{_CHALLENGE}, error="invalid_token"')
