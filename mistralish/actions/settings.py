"""The limits that built-in actions keep to."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """``default_timeout``: seconds without a byte, where the call gives none; ``max_seconds``: for a whole exchange,
    unless the call's own timeout is longer; ``max_response_bytes``: of a response's body, decoded."""

    default_timeout: float = 60
    max_seconds: float = 300
    max_response_bytes: int = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SshSettings:
    """``connect_timeout``: seconds to reach and log in to a host; ``max_output_bytes``: of each of a command's
    streams; ``allow_proxy_command``: whether a workflow may have a local command run to reach a gateway."""

    connect_timeout: float = 30
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
    """Limits of the built-in actions, by kind. ``email_timeout``: seconds without an answer from a mail server."""

    http: HttpSettings = field(default_factory=HttpSettings)
    ssh: SshSettings = field(default_factory=SshSettings)
    javascript: JavaScriptSettings = field(default_factory=JavaScriptSettings)
    email_timeout: float = 60
