"""The hosts of the internet that the suite's workflows fetch, answered on this machine's own loopback.

Everything runs in a network of its own (``unshare``), which has no way out and where the ports 80 and 443 are free.
"""

import fcntl
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

HOSTS = ("wiki.openstack.org", "www.google.ru", "httpbingo.org")
_SET_INTERFACE_FLAGS = 0x8914
_UP = 0x1


class _Page(BaseHTTPRequestHandler):
    """A page at every path, but for those that say that they are not found."""

    def do_GET(self) -> None:
        body = "∮ E⋅da = Q\n".encode()
        self.send_response(404 if "not-found" in self.path else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def outside_hosts(folder: Path) -> Iterator[Path]:
    """Answer for ``HOSTS`` by HTTP and HTTPS, in this process; gives the file of the authority to trust.

    Needs a mount and a network namespace of its own, in which this process is root.
    """
    _start_loopback()
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {' '.join(HOSTS)}\n")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    plain, secure = ThreadingHTTPServer(("127.0.0.1", 80), _Page), ThreadingHTTPServer(("127.0.0.1", 443), _Page)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    servers = (plain, secure)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield folder / "authority.pem"
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _start_loopback() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", _UP))
