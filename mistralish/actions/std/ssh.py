"""std.ssh and std.ssh_proxied: run a command on other hosts. Source: the reference's standard actions; RFC 4254."""

import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from mistralish.actions.base import ActionError, StdAction
from mistralish.actions.context import ActionContext
from mistralish.actions.deadline import Deadline
from mistralish.actions.egress import EgressPolicy
from mistralish.actions.optional import need
from mistralish.actions.settings import SshSettings
from mistralish.actions.std.host_keys import HostKeyError, HostKeys
from mistralish.actions.std.ssh_keys import UnusableKeyError, load_key, read_key_file

if TYPE_CHECKING:
    from paramiko import Channel, PKey, SSHClient

log = logging.getLogger(__name__)
# It logs each failure in the words of the other side, which may be anybody; a task's error tells what is safe to tell.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_CHUNK_BYTES = 32 * 1024
_PORT = 22
_NO_EXIT_CODE = -1
_BRACKETED = re.compile(r"\[(?P<host>[^\]]+)\](?::(?P<port>\d{1,5}))?")


class _CommandError(Exception):
    """Why a command did not do what it should; safe to show."""


class SshAction(StdAction):
    """Runs a command on one or several hosts by SSH.

    The result is what the command wrote to its standard output; with several hosts a list of that, in their order. A
    command that ends with another exit code than 0 makes the action fail.

    :param cmd: the command, for the user's shell.
    :param host: a host name or address, `host:port` where the port is not 22, or a list of these.
    :param username: the user to log in as.
    :param password: the user's password, or the passphrase of the key.
    :param private_key_filename: a key file on the service's machine, in the directory that the service has for them.
    :param private_key: the key itself, as text.
    :param return_result_on_error: do not fail, whatever the exit code: the result is a dictionary of `stdout`,
        `stderr` and `exit_code`.
    """

    def __init__(self, name: str, settings: SshSettings, policy: EgressPolicy, known: HostKeys) -> None:
        super().__init__(name)
        self._settings = settings
        self._policy = policy
        self._known = known

    def execute(
        self,
        about: ActionContext,
        cmd: Any,
        host: Any,
        username: Any,
        password: Any = "",
        private_key_filename: Any = None,
        private_key: Any = None,
        return_result_on_error: Any = False,
    ) -> Any:
        need("paramiko", "paramiko", "ssh")
        hosts = host if isinstance(host, list) else [host]

        def run_on(name: Any) -> Any:
            key = self._load_key(private_key_filename, private_key, password)
            where = split_host(str(name))
            with (
                self._reach(where, deadline) as sock,
                self._connect(where, username, key, sock, password or None) as client,
            ):
                return self._run(client, cmd, bool(return_result_on_error))

        with Deadline(about.seconds(self._settings.most_seconds)) as deadline:
            return _on_each(hosts, cmd, run_on, deadline)

    def _reach(self, where: tuple[str, int], deadline: Deadline) -> socket.socket:
        connection = self._policy.connect(*where, min(self._settings.connect_timeout, deadline.left))
        deadline.watch(connection)
        return connection

    def _load_key(self, filename: Any, text: Any, passphrase: Any) -> "PKey | None":
        if not text and filename:
            text = read_key_file(str(filename), self._settings.keys_dir)
        return load_key(str(text), passphrase) if text else None

    @contextmanager
    def _connect(
        self,
        where: tuple[str, int],
        username: Any,
        key: "PKey | None",
        sock: Any,
        password: Any = None,
        gateway: str | None = None,
    ) -> "Iterator[SSHClient]":
        """Log in over ``sock``, which leads to ``where``, through ``gateway`` if that is not None."""
        import paramiko

        client = paramiko.SSHClient()
        wait = self._settings.connect_timeout
        own_keys = self._settings.own_keys
        try:
            self._known.prepare(client, *where, gateway)
            client.connect(
                *where,
                str(username),
                password=password,
                pkey=key,
                sock=sock,
                timeout=wait,
                banner_timeout=wait,
                auth_timeout=wait,
                allow_agent=own_keys,
                look_for_keys=own_keys,
            )
            yield client
        finally:
            client.close()

    def _run(self, client: "SSHClient", cmd: Any, whole: bool) -> Any:
        transport = client.get_transport()
        if transport is None:
            raise _CommandError("the connection was closed")
        with transport.open_session(timeout=self._settings.connect_timeout) as channel:
            channel.exec_command(str(cmd))
            stdout, stderr = self._read_both(channel)
            code = channel.recv_exit_status()
        if code == _NO_EXIT_CODE:
            raise _CommandError("the connection was closed before the command had ended")
        if whole:
            return {"stdout": stdout, "stderr": stderr, "exit_code": code}
        if code != 0:
            raise _CommandError(f"exit code {code}")
        return stdout

    def _read_both(self, channel: "Channel") -> tuple[str, str]:
        """Read both streams at the same time: a command that fills the one would wait for ever for the other."""
        errors: list[bytes | Exception] = []

        def read_errors() -> None:
            try:
                errors.append(self._read(channel.recv_stderr, channel))
            except Exception as error:
                errors.append(error)

        reader = threading.Thread(target=read_errors, daemon=True)
        reader.start()
        output = self._read(channel.recv, channel)
        reader.join()
        if isinstance(errors[0], Exception):
            raise errors[0]
        return output.decode("utf-8", "replace"), errors[0].decode("utf-8", "replace")

    def _read(self, receive: Any, channel: "Channel") -> bytes:
        data = bytearray()
        while chunk := receive(_CHUNK_BYTES):
            data += chunk
            if len(data) > self._settings.max_output_bytes:
                channel.close()
                raise _CommandError(f"more than {self._settings.max_output_bytes} bytes of output")
        return bytes(data)


class SshProxiedAction(SshAction):
    """Runs a command on one or several hosts by SSH, through a gateway.

    The result is what the command wrote to its standard output; with several hosts a list of that, in their order. A
    command that ends with another exit code than 0 makes the action fail.

    :param cmd: the command, for the user's shell.
    :param host: a host name or address as the gateway knows it, `host:port` where the port is not 22, or a list of
        these.
    :param username: the user to log in as.
    :param private_key_filename: a key file on the service's machine, in the directory that the service has for them;
        empty where `private_key` is given.
    :param gateway_host: the host to go through, `host:port` where the port is not 22.
    :param gateway_username: the user to log in as there, where it is another.
    :param password: the passphrase of the key.
    :param proxy_command: a command of the service's machine that connects to the gateway; only where the service
        allows it.
    :param private_key: the key itself, as text.
    """

    def execute(  # type: ignore[override]  # its parameters are its own
        self,
        about: ActionContext,
        cmd: Any,
        host: Any,
        username: Any,
        private_key_filename: Any,
        gateway_host: Any,
        gateway_username: Any = None,
        password: Any = None,
        proxy_command: Any = None,
        private_key: Any = None,
    ) -> Any:
        if proxy_command and not self._settings.allow_proxy_command:
            raise ActionError("Wrong parameter 'proxy_command': this service does not run local commands to connect")
        need("paramiko", "paramiko", "ssh")
        hosts = host if isinstance(host, list) else [host]

        def run_on(name: Any) -> Any:
            with ExitStack() as stack:
                key = self._load_key(private_key_filename, private_key, password)
                gate, target = split_host(str(gateway_host)), split_host(str(name))
                self._policy.check_name(target[0])
                if proxy_command:
                    sock = stack.enter_context(_local_command(str(proxy_command)))
                else:
                    sock = stack.enter_context(self._reach(gate, deadline))
                user = gateway_username or username
                gateway = stack.enter_context(self._connect(gate, user, key, sock))
                hop = stack.enter_context(self._hop(gateway, target))
                through = f"{gate[0]}:{gate[1]}"
                client = stack.enter_context(self._connect(target, username, key, hop, gateway=through))
                return self._run(client, cmd, whole=False)

        with Deadline(about.seconds(self._settings.most_seconds)) as deadline:
            return _on_each(hosts, cmd, run_on, deadline)

    def _hop(self, gateway: "SSHClient", target: tuple[str, int]) -> "Channel":
        transport = gateway.get_transport()
        if transport is None:
            raise _CommandError("the gateway closed the connection")
        return transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=self._settings.connect_timeout)


def split_host(host: str) -> tuple[str, int]:
    """Read ``host``, ``host:port``, ``[IPv6]`` or ``[IPv6]:port``. A bare IPv6 address is taken whole."""
    bracketed = _BRACKETED.fullmatch(host)
    if bracketed:
        return bracketed["host"], int(bracketed["port"] or _PORT)
    name, colon, port = host.rpartition(":")
    if colon and ":" not in name and port.isascii() and port.isdigit():
        return name, int(port)
    return host, _PORT


@contextmanager
def _local_command(command: str) -> Iterator[Any]:
    import paramiko

    proxy = paramiko.ProxyCommand(command)
    try:
        yield proxy
    finally:
        proxy.close()


def _on_each(hosts: list[Any], cmd: Any, run_on: Any, deadline: Deadline) -> Any:
    """Run on each host in turn; the details of a failure go to the log, what is safe to tell into the error."""
    message = f"Failed to execute ssh cmd '{cmd}' on {hosts}"
    try:
        results = [run_on(host) for host in hosts]
    except ActionError:
        raise
    except Exception as error:
        log.debug("ssh failed", exc_info=True)
        reason = f"it took longer than {deadline.seconds:g} seconds" if deadline.has_passed else _reason(error)
        raise ActionError(f"{message} ({reason})") from error
    if not results:
        raise ActionError(f"{message} (no host is given)")
    return results if len(results) > 1 else results[0]


def _reason(error: Exception) -> str:
    """Tell in safe words why SSH failed: libraries' own messages may hold keys and addresses."""
    import paramiko

    if isinstance(error, _CommandError | HostKeyError | UnusableKeyError):
        return str(error)
    if isinstance(error, paramiko.BadHostKeyException):
        return (
            "the host's key is not the one that is known: something else may be answering in its place; if the change"
            " is right, its line must be removed from the service's known hosts file"
        )
    if isinstance(error, paramiko.AuthenticationException):
        return "the host did not accept the user's password or key"
    if isinstance(error, socket.gaierror):
        return "the host's name is not known"
    if isinstance(error, TimeoutError):
        return "the host did not answer in time"
    if isinstance(error, paramiko.ChannelException):
        return "the gateway could not or may not connect to the host"
    if isinstance(error, OSError):
        return "the host cannot be reached"
    return "the SSH connection failed"
