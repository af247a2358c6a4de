"""Who asks: turns the headers of a request into an identity, or refuses them. The setting ``auth`` says how."""

from importlib import import_module
from typing import Protocol, cast

from flask import Request

from mistralish.config import Settings
from mistralish.errors import UnavailableError
from mistralish.identity import Identity

__all__ = ["Authenticator", "choose_authenticator"]

_CLASSES = {
    "none": "nobody.NoAuthentication",
    "tokens": "tokens.TokenAuthentication",
    "oidc": "oidc.OidcAuthentication",
    "keystone": "keystone.KeystoneAuthentication",
}
_EXTRAS = {"oidc": "oidc", "keystone": "openstack"}


class Authenticator(Protocol):
    """A way to find out who asks. Each is made from the settings."""

    def identify(self, request: Request) -> Identity:
        """On whose behalf ``request`` is made. Raises UnauthorizedError, UnavailableError."""


def choose_authenticator(settings: Settings) -> Authenticator:
    """The way that the settings name. Only its module is imported, since each has libraries that others do without.

    Raises UnavailableError when such a library is missing, InputError when settings do not fit.
    """
    module, name = _CLASSES[settings.auth].split(".")
    try:
        found = getattr(import_module(f"mistralish.api.auth.{module}"), name)
    except ImportError as error:
        raise UnavailableError(
            f"auth = {settings.auth} needs {error.name}, which is not installed: "
            f"pip install 'mistralish[{_EXTRAS[settings.auth]}]'"
        ) from None
    return cast(Authenticator, found(settings))
