"""A way for Mistral's own client to send a token as it is: ``mistral --auth-type token --os-auth-token TOKEN``.

The client's own ways to authenticate ask a Keystone or a Keycloak for a token first. It finds this one, where both are
installed, by the entry point ``mistralclient.auth``.
"""

from collections.abc import Mapping
from typing import Any


class ReadyToken:
    """Leaves the token, and everything else that the client was told, as it is."""

    def authenticate(self, req: Mapping[str, Any], session: Any = None) -> dict[str, Any]:
        """What replaces the options ``req`` of the client: nothing."""
        return {}
