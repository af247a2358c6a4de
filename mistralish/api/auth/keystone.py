"""The mode ``keystone``: OpenStack's keystonemiddleware proves the token of a request (header ``X-Auth-Token``).

Its own options come from a file as operators of Mistral have it, section ``[keystone_authtoken]``.
"""

import logging
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Request
from keystoneauth1.exceptions import ClientException
from keystoneauth1.loading import register_auth_conf_options
from keystonemiddleware.auth_token import AuthProtocol, list_opts
from oslo_config import cfg
from webob import Request as PlainRequest

from mistralish.api.auth.token_cache import TokenCache
from mistralish.config import Settings
from mistralish.errors import ForbiddenError, InputError, UnauthorizedError, UnavailableError
from mistralish.identity import ADMIN_ROLE, Identity

LOG = logging.getLogger(__name__)
SILENT_SECONDS = 10
"""How long Keystone may be silent where the file has no ``http_connect_timeout``: else it may for ever."""

_SECTION = "keystone_authtoken"
_CACHE = "mistralish.token_cache"
_ANSWER = "keystone.token_auth"
"""Where the middleware puts, in the WSGI environment, what Keystone said about the caller."""


class KeystoneAuthentication:
    """Has Keystone prove the tokens of requests; its answers count for the file's ``token_cache_time`` seconds."""

    def __init__(self, settings: Settings) -> None:
        if settings.keystone_authtoken_file is None:
            raise InputError(
                "auth = keystone needs the setting keystone_authtoken_file: a file with a section "
                f"[{_SECTION}], such as an existing mistral.conf"
            )
        self._middleware = _load_middleware(settings.keystone_authtoken_file)
        self._cache = TokenCache()

    def identify(self, request: Request) -> Identity:
        """On whose behalf ``request`` is made, as its token tells; other headers of the client's count for nothing.

        Raises UnauthorizedError, ForbiddenError where the token is for no project, UnavailableError.
        """
        # A copy without a body: the middleware writes into it, and the body is the application's to read.
        environ = {**request.environ, _CACHE: self._cache, "CONTENT_LENGTH": "0"}
        try:
            answer = PlainRequest(environ).get_response(self._middleware)
        except ClientException as error:
            LOG.error("A token could not be checked with Keystone: %s", error)
            raise _unavailable() from None
        except Exception:
            # An answer of Keystone's that the middleware does not expect comes as any kind of exception.
            LOG.exception("A token could not be checked with Keystone")
            raise _unavailable() from None
        if answer.status_int == 401:
            raise UnauthorizedError(_refusal(request), answer.headers.get("WWW-Authenticate", "Keystone"))
        if answer.status_int != 200:
            raise _unavailable()
        return _identity(environ[_ANSWER].user)


def _load_middleware(path: Path) -> WSGIApplication:
    config = cfg.ConfigOpts()
    try:
        config([], project="mistralish", default_config_files=[str(path)], default_config_dirs=[])
        register_auth_conf_options(config, _SECTION)  # auth_section there may name another section
        for group, options in list_opts():
            config.register_opts(options, group)
        config.set_default("http_connect_timeout", SILENT_SECONDS, _SECTION)
        # Decided by the middleware, not later: only so can an outage of Keystone be told from a wrong token.
        decided = {"oslo_config_config": config, "delay_auth_decision": False, "cache": _CACHE}
        middleware: WSGIApplication = AuthProtocol(_confirmed, decided)
        section = config[_SECTION].auth_section or _SECTION
        plugin = config[section].auth_type
    except (cfg.Error, ClientException, OSError, ValueError) as error:
        raise InputError(f"keystone_authtoken_file {path}: {error}") from None
    if not plugin:
        raise InputError(
            f"keystone_authtoken_file {path}: section [{section}] has no auth_type; most often it is 'password', with "
            "auth_url, username, password, project_name, user_domain_name and project_domain_name beside it"
        )
    return middleware


def _confirmed(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """The application behind the middleware, which is reached only by a request whose token Keystone confirmed."""
    start_response("200 OK", [])
    return []


def _unavailable() -> UnavailableError:
    return UnavailableError("Keystone, which has to check the token, does not answer as it should; try again later")


def _refusal(request: Request) -> str:
    if not request.headers.get("X-Auth-Token"):
        return "Authentication is required: send a token of Keystone's in the header X-Auth-Token"
    if request.headers.get("X-Service-Token"):
        return "Keystone does not confirm the tokens in X-Auth-Token and X-Service-Token, or not both of them"
    return "Keystone does not confirm the token in X-Auth-Token: it is wrong, has expired or was revoked"


def _identity(caller: Any) -> Identity:
    """``caller``: keystoneauth's AccessInfo of the token."""
    if not caller.project_id:
        raise ForbiddenError("The token is for no project; ask Keystone for a token that is scoped to one")
    roles = frozenset(caller.role_names)
    return Identity(
        caller.project_id,
        caller.user_id,
        roles,
        is_admin=ADMIN_ROLE in roles,
        user_name=caller.username,
        project_name=caller.project_name,
    )
