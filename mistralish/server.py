"""The REST API on a socket: from binding the port to the last answer after a signal."""

import errno
import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from cheroot.wsgi import Server

import mistralish
from mistralish.config import Settings, mask_secrets
from mistralish.errors import UnavailableError
from mistralish.service import Service

_SECONDS_WITHOUT_A_BYTE = 30
_WAITING_CONNECTIONS = 1024

logger = logging.getLogger(__name__)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``announce`` gets one line once requests are answered.

    Raises UnavailableError when the address cannot be listened on or the database not be opened.
    """
    stopping = threading.Event()
    _set_on_signal(stopping)
    # The port comes first: a second service started by mistake must not touch the first one's database.
    server = _listen(settings)
    try:
        service = Service(settings)
        service.start()
        server.wsgi_app = service.create_app()
        thread = threading.Thread(target=server.serve, name="http", daemon=True)
        thread.start()
        announce(_ready_line(settings, server.bind_addr))
        stopping.wait()
        logger.info("Stopping: work in flight has up to %d s to finish", settings.drain_seconds)
    finally:
        give_up_at = time.monotonic() + settings.drain_seconds
        server.stop()
    service.stop(max(1.0, give_up_at - time.monotonic()))


def _listen(settings: Settings) -> Server:
    server = Server(
        (settings.host, settings.port),
        _not_yet,
        numthreads=settings.http_threads,
        max=settings.http_threads,
        timeout=_SECONDS_WITHOUT_A_BYTE,
        request_queue_size=_WAITING_CONNECTIONS,
        shutdown_timeout=settings.drain_seconds,
        server_name=f"mistralish/{mistralish.__version__}",
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


def _set_on_signal(stopping: threading.Event) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _ready_line(settings: Settings, address: tuple[str, int]) -> str:
    host, port = address
    shown = f"[{host}]" if ":" in host else host
    return (
        f"mistralish {mistralish.__version__} serving http://{shown}:{port}/v2"
        f" — database {mask_secrets(settings.database_url)}"
    )
