"""HTTP as actions and notifications may use it: within the egress policy, and within limits of time and size."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from socket import gaierror, socket
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.connection
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy
from urllib3.connection import port_by_scheme
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout, parse_url

from mistralish.actions.base import ActionError
from mistralish.actions.deadline import Deadline
from mistralish.actions.egress import EgressError, EgressPolicy
from mistralish.masking import MASK

_CHUNK_BYTES = 64 * 1024
_MOST_HEADER_BYTES = 64 * 1024
_MOST_AUTHORITIES_BYTES = 10 * 1024 * 1024
_PROXY_SCHEMES = ("http", "https")

Dial = Callable[[urllib3.connection.HTTPConnection], socket]


class WebSession(requests.Session):
    """A session for one exchange, which ``deadline`` ends. Each request of it, redirects too, is held to ``policy``.

    Of the environment, the operator's proxies and authorities (``HTTPS_PROXY``, ``REQUESTS_CA_BUNDLE``, …) count, and
    nothing else: the passwords in ``~/.netrc`` are not meant for workflows. Raises EgressError besides what requests
    raises. Ask with ``stream=True`` and ``allow_redirects`` as said here; read the body with ``read_body``.
    """

    def __init__(self, policy: EgressPolicy, deadline: Deadline, *, follows_redirects: bool) -> None:
        super().__init__()
        self.trust_env = False
        self._follows_redirects = follows_redirects
        self._policy = policy
        self._deadline = deadline
        self._proxies: dict[str, str] = {}
        self._operators: set[tuple[str | None, int | None]] = set()
        adapter = _Adapter(policy, self._dial)
        for prefix in ("https://", "http://"):
            self.mount(prefix, adapter)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Add the operator's proxies and authorities to what the caller has said."""
        self._proxies = dict(proxies or {})
        proxies = self._all_proxies(url)
        if verify is True or verify is None:
            verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        elif isinstance(verify, str):
            _check_authorities(verify)
        return super().merge_environment_settings(url, proxies, stream, verify, cert)

    def rebuild_proxies(self, prepared_request: Any, proxies: Any) -> Any:
        """Choose the proxy of a redirect: the operator's may be another for another host."""
        return super().rebuild_proxies(prepared_request, self._all_proxies(prepared_request.url))

    def get_adapter(self, url: Any) -> Any:
        """Refuse schemes that the policy does not know, in redirects too."""
        self._policy.check_scheme(urlsplit(str(url)).scheme)
        return super().get_adapter(url)

    def get_redirect_target(self, resp: Any) -> str | None:
        """Say where an answer leads; then its body is dropped, which would be read whole, without any limit."""
        target = super().get_redirect_target(resp) if self._follows_redirects else None
        if target is not None:
            resp.close()
        return target

    def _all_proxies(self, url: Any) -> dict[str, str]:
        """Those of the caller, and for other schemes the operator's."""
        found: dict[str, str] = get_environ_proxies(str(url), None)
        for proxy in found.values():
            parts = parse_url(prepend_scheme_if_needed(proxy, "http"))
            self._operators.add((parts.host, parts.port or port_by_scheme.get(str(parts.scheme))))
        return {**found, **self._proxies}

    def _dial(self, connection: urllib3.connection.HTTPConnection) -> socket:
        seconds = Timeout.resolve_default_timeout(connection.timeout)
        within = self._deadline.left if seconds is None else min(seconds, self._deadline.left)
        proxy = connection.proxy
        # The operator's own proxy may be where workflows must not go.
        policy = EgressPolicy() if proxy and (proxy.host, proxy.port) in self._operators else self._policy
        host = connection._dns_host.strip("[]")  # with its last dot, if it has one, where ``host`` has none
        sock = policy.connect(host, connection.port, within, connection.socket_options or ())
        sock.settimeout(seconds)
        self._deadline.watch(sock)
        return sock


class _Adapter(HTTPAdapter):
    """Connects by ``dial`` alone."""

    def __init__(self, policy: EgressPolicy, dial: Dial) -> None:
        self._policy = policy
        self._pools = _pools(dial)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        if urlsplit(str(proxy)).scheme.lower() not in _PROXY_SCHEMES:
            raise EgressError("Proxies must be of the scheme http or https")
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def send(self, request: Any, stream: Any = False, timeout: Any = None, verify: Any = True, cert: Any = None,
             proxies: Any = None) -> requests.Response:  # fmt: skip
        if select_proxy(request.url, proxies):
            self._policy.check_name(str(urlsplit(request.url).hostname))
        return super().send(request, stream, timeout, verify, cert, proxies)


def read_body(response: requests.Response, most_bytes: int, deadline: Deadline) -> bytes:
    """Read a body, unpacked. Raises ActionError where it, or the head, is larger than allowed."""
    head = sum(len(name) + len(value) for name, value in response.headers.items())
    if head > _MOST_HEADER_BYTES:
        raise ActionError(f"HTTP response's headers are too large (limit={_MOST_HEADER_BYTES} bytes)")
    body = bytearray()
    # read1 returns what has come; response.iter_content would wait for a whole chunk.
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > most_bytes:
            raise ActionError(f"HTTP response is too large (limit={most_bytes} bytes)")
    if deadline.has_passed:
        raise ActionError(too_late(deadline))
    return bytes(body)


def too_late(deadline: Deadline) -> str:
    """What to tell of an exchange that the deadline has cut."""
    return f"HTTP response took too long (limit={deadline.seconds:g} seconds)"


def without_secrets(message: str, url: str) -> str:
    """Mask the query and the password of ``url`` in an error message: both may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return message.replace(url, MASK)
    for secret in (parts.query, parts.password):
        if secret:
            message = message.replace(secret, MASK)
    return message


def _check_authorities(file: str) -> None:
    """Raise ActionError, always the same, unless this may be a file of authorities: others are nobody's business."""
    path = Path(file)
    try:
        # Devices and pipes would be read for ever.
        if path.is_file() and path.stat().st_size <= _MOST_AUTHORITIES_BYTES:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
            return
    except (OSError, ValueError):  # ssl's errors are OSErrors
        pass
    raise ActionError(
        "Wrong parameter 'verify'; it must be true, false, or the name of a PEM file on the service's machine that has"
        " certificates of authorities"
    )


def _pools(dial: Dial) -> Any:
    """Return urllib3's pools by scheme, whose connections are made by ``dial``."""

    def connect(connection: urllib3.connection.HTTPConnection) -> socket:
        try:
            return dial(connection)
        except gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, f"Connection to {connection.host} timed out.") from error
        except OSError as error:
            raise NewConnectionError(connection, f"Failed to establish a new connection: {error}") from error

    # Called as the originals are, since errors name them.
    class HTTPConnection(urllib3.connection.HTTPConnection):
        def _new_conn(self) -> socket:
            return connect(self)

    class HTTPSConnection(urllib3.connection.HTTPSConnection):
        def _new_conn(self) -> socket:
            return connect(self)

    class HTTPConnectionPool(urllib3.HTTPConnectionPool):
        ConnectionCls = HTTPConnection

    class HTTPSConnectionPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = HTTPSConnection

    return {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
