"""The REST API on a socket: from binding the port to the last answer after a signal."""

import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial

import mistralish
from mistralish import signals
from mistralish.api import create_app
from mistralish.api.auth import choose_authenticator
from mistralish.config import Settings, mask_secrets
from mistralish.errors import UnavailableError
from mistralish.interpreter import tune_for_service
from mistralish.service import Service
from mistralish.tls import tls_adapter
from mistralish.web import IDLE_SECONDS, HttpServer

_WAITING_CONNECTIONS = 1024

logger = logging.getLogger(__name__)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``announce`` gets one line once requests are answered.

    A second signal ends the process at once, as a crash would: the next start goes on from what is on disk.

    Raises UnavailableError when the address cannot be listened on or the database not be opened, InputError when
    the settings do not fit together.
    """
    stopping = threading.Event()
    with signals.listening(partial(_stop_or_end, stopping)):
        _serve(settings, announce, stopping)


def _serve(settings: Settings, announce: Callable[[str], None], stopping: threading.Event) -> None:
    # Before anybody can come in: who may, and whether that can be found out here.
    authenticator = choose_authenticator(settings)
    tls = tls_adapter(settings)
    # The port comes first: a second service started by mistake must not touch the first one's database.
    server = _listen(settings)
    server.ssl_adapter = tls
    try:
        service = Service(settings)
        # It may refuse the policy file, and must do so before any work begins.
        server.wsgi_app = create_app(service, authenticator)
        service.start()
        tune_for_service()
        thread = threading.Thread(target=server.serve, name="http", daemon=True)
        thread.start()
        announce(_ready_line(settings, server.bind_addr))
        stopping.wait()
        service.readiness.is_stopping = True
        # Who waits for something to happen is answered now: the server waits for all requests that are under way.
        service.engine.watchers.close()
        logger.info("Stopping: work in flight has up to %d s to finish", settings.drain_seconds)
    finally:
        give_up_at = time.monotonic() + settings.drain_seconds
        server.stop()
    service.stop(max(1.0, give_up_at - time.monotonic()))


def _listen(settings: Settings) -> HttpServer:
    server = HttpServer(
        (settings.host, settings.port),
        _not_yet,
        max_body=settings.max_body_bytes,
        numthreads=settings.http_threads,
        max=settings.http_threads,
        timeout=IDLE_SECONDS,
        request_queue_size=_WAITING_CONNECTIONS,
        shutdown_timeout=settings.drain_seconds,
        server_name="mistralish",
    )
    try:
        server.prepare()
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on {settings.host} port {settings.port}: {_reason(error)}; stop what listens there, or "
            "choose another address with --host and --port"
        ) from None
    return server


def _reason(error: OSError) -> str:
    """The cause in a few words: cheroot tells the errors of all addresses that it tried as one text."""
    return "it is in use already" if f"Errno {errno.EADDRINUSE}]" in str(error) else str(error)


def _not_yet(_environ: object, _start_response: object) -> list[bytes]:
    raise AssertionError("requests are taken from the socket only once the application is there")


def _stop_or_end(stopping: threading.Event, number: int) -> None:
    if stopping.is_set():
        os._exit(128 + number)
    stopping.set()


def _ready_line(settings: Settings, address: tuple[str, int]) -> str:
    host, port = address
    shown = f"[{host}]" if ":" in host else host
    scheme = "http" if settings.tls_certificate is None else "https"
    return (
        f"mistralish {mistralish.__version__} serving {scheme}://{shown}:{port}/v2"
        f" — database {mask_secrets(settings.database_url)}"
    )
