"""What an evaluation reads from the service while it runs elsewhere: variables, and what functions ask."""

import json
import marshal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mistralish.expressions.errors import UseError
from mistralish.expressions.sandbox.wire import receive, send
from mistralish.expressions.values import plain

_ANY_LENGTH = 1 << 32


class Service:
    """The service at the other end of ``connection``: asked one question at a time.

    ``started``: the processor's time at which the present evaluation began; messages tell how much it has used since.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.started = 0.0

    def next_request(self) -> Any:
        """Return what is to be evaluated next; raises EOFError when there will be nothing more."""
        return marshal.loads(receive(self._connection, _ANY_LENGTH))

    def ask(self, *question: Any) -> Any:
        """Return the answer to a question; raises UseError with what the service says is wrong."""
        self.tell(*question)
        ok, answer = self.next_request()
        if not ok:
            raise UseError(answer)
        return answer

    def tell(self, kind: str, *rest: Any) -> None:
        """Send a message. JSON, since the service must not trust what comes from here."""
        message = (kind, time.process_time() - self.started, *rest)
        send(self._connection, json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass"))


class Variables(Mapping[Any, Any]):
    """The context: its names are known, values that were not sent along are asked for when they are read."""

    def __init__(self, service: Service, names: list[Any], known: dict[Any, Any]) -> None:
        self._service = service
        self._places = {name: place for place, name in enumerate(names)}
        self._known = known

    def __getitem__(self, name: Any) -> Any:
        if name not in self._known:
            self._known[name] = self._service.ask("variable", self._places[name])
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[Any]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class RemoteScope:
    """A Scope whose answers come from the service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def env(self) -> Any:
        """See ``Scope``."""
        return self._service.ask("scope", "env")

    def task(self, name: str | None) -> Any:
        """See ``Scope``."""
        return self._service.ask("scope", "task", name)

    def tasks(self, workflow_execution_id: str | None, recursive: bool, state: str | None, flat: bool) -> Any:
        """See ``Scope``."""
        return self._service.ask("scope", "tasks", workflow_execution_id, recursive, state, flat)

    def execution(self) -> Any:
        """See ``Scope``."""
        return self._service.ask("scope", "execution")

    def executions(
        self, id: str | None, root_execution_id: str | None, state: str | None, from_time: Any, to_time: Any
    ) -> Any:
        """See ``Scope``."""
        return self._service.ask("scope", "executions", id, root_execution_id, state, from_time, to_time)

    def global_(self, name: str) -> Any:
        """See ``Scope``."""
        return self._service.ask("scope", "global_", name)


def plug_in(name: str, ask: Callable[..., Any], is_context: Callable[[Any], bool]) -> Callable[..., Any]:
    """Return the plug-in function of that name as expressions call it here.

    The service runs it, since it is the administrator's code. Its first argument is the context of the evaluation, or
    what a Jinja2 filter is applied to.
    """

    def call(context: Any, *args: Any, **kwargs: Any) -> Any:
        given = [] if is_context(context) else [plain(context)]
        return ask("plug_in", name, given, plain(args), plain(kwargs))

    return call
