"""The limits that built-in actions keep to."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from mistralish.actions.egress import EgressPolicy


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """``default_timeout``: seconds without a byte, where the call gives none; ``max_seconds``: for a whole exchange,
    unless the call's own timeout is longer; ``most_seconds``: for one whatever the call says;
    ``max_response_bytes``: of a response's body, decoded."""

    default_timeout: float = 60
    max_seconds: float = 300
    most_seconds: float = 3600
    max_response_bytes: int = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SshSettings:
    """``connect_timeout``: seconds to reach and log in to a host; ``most_seconds``: for a call, on all its hosts;
    ``max_output_bytes``: of each of a command's streams; ``allow_proxy_command``: whether a workflow may have a local
    command run to reach a gateway; ``host_keys``: what happens to hosts that are not in ``known_hosts_file`` (see
    ``HostKeys``); ``keys_dir``: where workflows may take key files from, None for nowhere; ``own_keys``: whether they
    may use the keys and the agent of the service's own user."""

    host_keys: str = "strict"
    known_hosts_file: Path = Path(os.devnull)
    keys_dir: Path | None = None
    own_keys: bool = False
    connect_timeout: float = 30
    most_seconds: float = 24 * 3600
    max_output_bytes: int = 5 * 1024 * 1024
    allow_proxy_command: bool = False


@dataclass(frozen=True, slots=True)
class JavaScriptSettings:
    """``max_seconds`` and ``max_memory_bytes`` of one script; ``max_result_bytes`` of its result as JSON."""

    max_seconds: float = 10
    max_memory_bytes: int = 64 * 1024 * 1024
    max_result_bytes: int = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ActionSettings:
    """Limits of the built-in actions, by kind. ``email_timeout``: seconds without an answer from a mail server;
    ``egress``: where they may connect to."""

    egress: EgressPolicy = field(default_factory=EgressPolicy)
    http: HttpSettings = field(default_factory=HttpSettings)
    ssh: SshSettings = field(default_factory=SshSettings)
    javascript: JavaScriptSettings = field(default_factory=JavaScriptSettings)
    email_timeout: float = 60
