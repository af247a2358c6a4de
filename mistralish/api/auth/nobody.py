"""The mode ``none``: whoever reaches the service is its administrator, and everything belongs to one project.

On a loopback address only this machine's users reach it – and the web pages in their browsers: these are told apart by
the headers Host and Origin, which scripts cannot change.
"""

import logging

from flask import Request

from mistralish.api.auth.hosts import is_loopback, may_be_rebound, name_in
from mistralish.config import Settings
from mistralish.errors import ForbiddenError, InputError
from mistralish.identity import ADMIN_ROLE, Identity

logger = logging.getLogger(__name__)


class NoAuthentication:
    """Gives every request the same identity. Raises InputError where others than this machine's users reach it."""

    def __init__(self, settings: Settings) -> None:
        if not is_loopback(settings.host):
            _beware(settings)
        self._host = name_in(settings.host)
        self._identity = Identity(settings.project_id, roles=frozenset((ADMIN_ROLE,)), is_admin=True)

    def identify(self, request: Request) -> Identity:
        """The administrator of the one project. Raises ForbiddenError for what a web page from elsewhere sends."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        name = name_in(host)
        if may_be_rebound(name) and name != self._host:
            raise ForbiddenError(
                "While nobody is asked who they are (auth = none), this service answers to its address, to localhost "
                "and to the setting host, not to names that others may own; use one of these, also as a proxy's Host"
            )
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise ForbiddenError(
                "While nobody is asked who they are (auth = none), web pages of other origins may not use this service"
            )
        return self._identity


def _beware(settings: Settings) -> None:
    where = f"{settings.host}, which is not a loopback address"
    if not settings.allow_anonymous:
        raise InputError(
            f"nobody would be asked who they are (auth = none) on {where}: everybody who reaches it could do "
            "everything. Set auth to tokens, oidc or keystone, or host to 127.0.0.1; or insist with --allow-anonymous "
            "(setting allow_anonymous = true)"
        )
    logger.warning(
        "Nobody is asked who they are (auth = none) on %s: everybody who reaches port %d may do everything",
        where,
        settings.port,
    )
