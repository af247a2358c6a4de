"""The Python API of python-mistralclient with every call that succeeded recorded."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from mistralclient.api.base import APIException
from mistralclient.api.v2.client import Client

from client_matrix.inventory import calls, parameters_given


class Recorded:
    """A client of the service at ``url``; ``used`` has the parameters given to each call that succeeded."""

    def __init__(self, url: str) -> None:
        client = Client(mistral_url=url)
        self.used: dict[str, set[str]] = defaultdict(set)
        self._signatures = calls()
        for name in Client.MANAGERS:
            setattr(self, name, _Manager(self, name, getattr(client, name)))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the client has no manager {name}")

    def note(self, call: str, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Remember that ``call`` succeeded with these arguments."""
        self.used[call] |= parameters_given(self._signatures[call], given, named)


class _Manager:
    def __init__(self, client: Recorded, name: str, manager: Any) -> None:
        self._client, self._name, self._manager = client, name, manager

    def __getattr__(self, method: str) -> Callable[..., Any]:
        called: Callable[..., Any] = getattr(self._manager, method)

        def call(*given: Any, **named: Any) -> Any:
            result = called(*given, **named)
            self._client.note(f"{self._name}.{method}", given, named)
            return result

        return call


def refusal(call: Callable[..., Any], *given: Any, **named: Any) -> APIException:
    """Return the error that the client raises for an answer that is none; AssertionError when it raises none."""
    try:
        call(*given, **named)
    except APIException as refused:
        return refused
    raise AssertionError(f"{call} {given} {named} was not refused")
