"""Settings: what they are, where each came from, and what is wrong with one that does not fit.

A setting is looked for in this order: command-line flag, environment variable (``MISTRALISH_`` and the name in
capitals), file (TOML, one key a setting), default. The file is the one that ``--config`` or ``MISTRALISH_CONFIG``
names, otherwise ``mistralish/mistralish.toml`` under ``$XDG_CONFIG_HOME`` (``~/.config``), where it may be missing.
"""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mistralish.errors import InputError

ENVIRONMENT_PREFIX = "MISTRALISH_"
CONFIG_VARIABLE = ENVIRONMENT_PREFIX + "CONFIG"
ENDS = ("CANCELLED", "ERROR", "SUCCESS")
MERGE_STRATEGIES = ("replace", "merge")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_DATABASE_PREFIXES = ("sqlite:///", "postgresql://")
_BROKER_PREFIXES = ("amqp://", "amqps://")
_DEFAULT = "default"


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("text that is not empty")
    return value.strip()


def _integer(low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        expected = f"a whole number from {low} to {high}"
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError(expected)
        try:
            number = int(value)
        except ValueError:
            raise ValueError(expected) from None
        if not low <= number <= high:
            raise ValueError(expected)
        return number

    return parse


def _states(value: Any) -> tuple[str, ...]:
    """States in which an execution may end, as a list or as text with commas between them."""
    found = _names(value)
    if unknown := [name for name in found if name not in ENDS]:
        raise ValueError(f"a list of {', '.join(ENDS)}, without '{unknown[0]}'")
    return found


def _names(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError("a list of texts, or text with commas between them")
    return tuple(name.strip() for name in names if name.strip())


def _flag(value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _merge_strategy(value: Any) -> str:
    if value not in MERGE_STRATEGIES:
        raise ValueError("one of " + ", ".join(MERGE_STRATEGIES))
    return str(value)


def _publishers(value: Any) -> tuple[dict[str, Any], ...]:
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, dict) and each.get("type") for each in found):
        raise ValueError('a list of publishers, as JSON text where it is text: [{"type": "webhook", "url": "…"}]')
    return tuple(found)


def _path(value: Any) -> Path:
    return Path(_text(value)).expanduser().absolute()


def _log_level(value: Any) -> str:
    level = _text(value).upper()
    if level not in LOG_LEVELS:
        raise ValueError("one of " + ", ".join(LOG_LEVELS))
    return level


def _database_url(value: Any) -> str:
    url = _text(value)
    parts = urlsplit(url)
    # The database must be named: PostgreSQL would otherwise take the one called like the user, whatever is in it.
    if not url.startswith(_DATABASE_PREFIXES) or not parts.path.strip("/"):
        raise ValueError("sqlite:///path/to/file.db or postgresql://user:password@host/database")
    return url


def _broker_url(value: Any) -> str:
    url = _text(value)
    if not url.startswith(_BROKER_PREFIXES) or not urlsplit(url).hostname:
        raise ValueError("amqp://user:password@host:port/vhost (or amqps:// for TLS)")
    return url


def _setting(default: Any, parse: Callable[[Any], Any], about: str) -> Any:
    return field(default=default, metadata={"parse": parse, "about": about})


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the service keeps its files: ``$XDG_DATA_HOME/mistralish``, or ``~/.local/share/mistralish``."""
    base = environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "mistralish"


def default_config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The settings file that is read when none is named; it may be missing."""
    base = environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "mistralish" / "mistralish.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service runs with. ``origins`` tells for each setting where its value came from."""

    host: str = _setting("127.0.0.1", _text, "address that the REST API listens on")
    port: int = _setting(8989, _integer(0, 65535), "TCP port of the REST API; 0 takes any free one")
    data_dir: Path = _setting(None, _path, "directory of the service's own files")  # noqa: RUF009 - a field()
    database_url: str = _setting("", _database_url, "sqlite:///path or postgresql://user:password@host/database")
    workers: int = _setting(8, _integer(1, 1000), "threads that run actions")
    http_threads: int = _setting(16, _integer(1, 1000), "threads that answer requests")
    max_body_bytes: int = _setting(4 * 1024 * 1024, _integer(1, 2**31), "largest request body, in bytes")
    default_limit: int = _setting(1000, _integer(1, 100_000), "rows in a page when the request names no limit")
    max_limit: int = _setting(1000, _integer(1, 100_000), "most rows in a page, whatever the request asks for")
    execution_field_size_limit_kb: int = _setting(
        1024, _integer(-1, 2**20), "largest input, output or published value of an execution, in KiB; -1: no limit"
    )
    merge_strategy: str = _setting(
        "replace",
        _merge_strategy,
        "what a published dictionary does with the one of the same name from before: replace it, or merge into it",
    )
    project_id: str = _setting("<default-project>", _text, "project that everything belongs to")
    legacy_action_provider_allowlist: tuple[str, ...] = _setting(
        (), _names, "patterns like `std.*`: only actions of these names can be used"
    )
    legacy_action_provider_denylist: tuple[str, ...] = _setting(
        (), _names, "patterns like `std.ssh*`: actions of these names cannot be used, unless there is an allowlist"
    )
    legacy_action_provider_only_builtin_actions: bool = _setting(False, _flag, "whether plug-in actions are left out")
    notifier_notify: tuple[dict[str, Any], ...] = _setting(
        (), _publishers, "publishers that are told of every execution, besides those of its own `notify` parameter"
    )
    executor_host: str = _setting(
        "0.0.0.0",
        _text,
        "name of this process's executor: it runs the tasks with this `target`, and those without any",
    )
    action_heartbeat_check_interval: int = _setting(
        20, _integer(0, 86_400), "seconds between two signs of life of a running action; 0: none are given or expected"
    )
    action_heartbeat_max_missed_heartbeats: int = _setting(
        15, _integer(0, 10_000), "signs of life that may be missed before an action counts as lost; 0: any number"
    )
    action_heartbeat_first_heartbeat_timeout: int = _setting(
        3600, _integer(0, 31_536_000), "seconds that a call with a `target` may wait for an executor of that name"
    )
    execution_expiration_policy_evaluation_interval: int = _setting(
        0, _integer(0, 525_600), "minutes between two looks for executions that are to be deleted; 0: never"
    )
    execution_expiration_policy_older_than: int = _setting(
        0, _integer(0, 52_560_000), "minutes after its end at which an execution is deleted; 0: never"
    )
    execution_expiration_policy_max_finished_executions: int = _setting(
        0, _integer(0, 2**31), "so many finished executions are kept, the latest; 0: any number"
    )
    execution_expiration_policy_batch_size: int = _setting(
        10, _integer(1, 1000), "executions that are deleted in one go"
    )
    execution_expiration_policy_ignored_states: tuple[str, ...] = _setting(
        (), _states, "executions that ended in one of these states are kept: of CANCELLED, ERROR, SUCCESS"
    )
    event_broker_url: str = _setting(
        "",
        _broker_url,
        "broker that event triggers listen to, amqp://user:password@host:port/vhost; without, events come by HTTP only",
    )
    event_pool: str = _setting(
        "events", _text, "services with the same name here share the broker's messages: one of them handles each"
    )
    dynamic_actions: bool = _setting(
        False, _flag, "whether clients may upload Python code that runs, as actions, in the service's own process"
    )
    info_file: Path | None = _setting(None, _path, "JSON file with what `/info` tells about this service")  # noqa: RUF009
    drain_seconds: int = _setting(10, _integer(0, 3600), "how long a stopping service lets work in flight finish")
    log_level: str = _setting("INFO", _log_level, "least severe message that is logged")
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def describe(self) -> list[tuple[str, str, str]]:
        """Every setting as (name, value with passwords masked, origin)."""
        return [
            (item.name, mask_secrets(_shown(getattr(self, item.name))), self.origins.get(item.name, _DEFAULT))
            for item in _settings_fields()
        ]


def _shown(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return ",".join(each if isinstance(each, str) else json.dumps(each) for each in value) or "none"


def _settings_fields() -> list[Field[Any]]:
    return [item for item in fields(Settings) if "parse" in item.metadata]


def about_settings() -> list[tuple[str, str, str]]:
    """Every setting as (name, default as text, what it is), for the documentation and its test."""
    derived = {
        "data_dir": "$XDG_DATA_HOME/mistralish",
        "database_url": "sqlite:///<data_dir>/mistralish.db",
        "event_broker_url": "none",
        "info_file": "none",
    }
    return [(i.name, derived.get(i.name, _shown(i.default)), i.metadata["about"]) for i in _settings_fields()]


def mask_secrets(url: str) -> str:
    """``url`` with its password, if it has one, replaced by asterisks; other text is returned as it is."""
    masked = re.sub(r"(?<=://)([^/@:]*):(.*)@", r"\1:****@", url)
    return re.sub(r"([?&](?:password|sslpassword)=)[^&#]*", r"\1****", masked)


def load_settings(
    flags: Mapping[str, Any] | None = None,
    config_file: str | Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Put the settings together from ``flags`` (None: not given), environment, file and defaults.

    Raises InputError naming the origin, the setting and what would be right.
    """
    given: dict[str, tuple[Any, str]] = {}
    given.update(_from_file(config_file, environ))
    given.update(_from_environment(environ))
    for name, value in (flags or {}).items():
        if value is not None:
            given[name] = (value, "flag --" + name.replace("_", "-"))
    values = {name: _parse(name, value, origin) for name, (value, origin) in given.items()}
    values.setdefault("data_dir", default_data_dir(environ))
    values.setdefault("database_url", f"sqlite:///{values['data_dir'] / 'mistralish.db'}")
    return Settings(**values, origins={name: origin for name, (_, origin) in given.items()})


def _parse(name: str, value: Any, origin: str) -> Any:
    item = next(i for i in _settings_fields() if i.name == name)
    assert item.default is not MISSING
    try:
        return item.metadata["parse"](value)
    except ValueError as error:
        shown = mask_secrets(repr(value))
        raise InputError(f"{origin}: setting '{name}' is {shown}, but must be {error}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found = {}
    for item in _settings_fields():
        variable = ENVIRONMENT_PREFIX + item.name.upper()
        if environ.get(variable):
            found[item.name] = (environ[variable], f"environment {variable}")
    return found


def _from_file(config_file: str | Path | None, environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    named = config_file or environ.get(CONFIG_VARIABLE)
    path = Path(named) if named else default_config_file(environ)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not named:
            return {}
        raise InputError(f"settings file {path} does not exist; create it or name another with --config") from None
    except OSError as error:
        raise InputError(f"settings file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"settings file {path} is not valid TOML: {error}") from None
    known = [item.name for item in _settings_fields()]
    for key in content:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "the settings are " + ", ".join(known)
            raise InputError(f"file {path}: there is no setting '{key}'; {hint}")
    return {key: (value, f"file {path}") for key, value in content.items()}
