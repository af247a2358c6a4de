"""Gives answers the headers that each must have.

A blueprint whose answers need other values sets them in an ``after_request`` of its own, which comes first.
"""

from flask import Response, request

from mistralish.headers import SAFE

_WITH_TLS = ("Strict-Transport-Security", "max-age=31536000")


def secure(response: Response) -> Response:
    """Add those headers that ``response`` does not have."""
    headers = response.headers
    for name, value in SAFE.items():
        if name not in headers:
            headers.add(name, value)
    if request.is_secure:
        headers.setdefault(*_WITH_TLS)
    return response
