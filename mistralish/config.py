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
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mistralish.errors import InputError
from mistralish.masking import MASK, mask_text
from mistralish.sealing import read_key

ENVIRONMENT_PREFIX = "MISTRALISH_"
CONFIG_VARIABLE = ENVIRONMENT_PREFIX + "CONFIG"
ENDS = ("CANCELLED", "ERROR", "SUCCESS")
MERGE_STRATEGIES = ("replace", "merge")
AUTH_MODES = ("none", "tokens", "oidc", "keystone")
LOG_FORMATS = ("text", "json")
SCHEMES = ("http", "https")
SSH_HOST_KEYS = ("accept-new", "strict", "ignore")
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


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return str(value)

    return parse


def _networks(value: Any) -> tuple[str, ...]:
    """Networks and addresses, each as it was written but for blanks."""
    found = _names(value)
    try:
        for name in found:
            ip_network(name)
    except ValueError as error:
        raise ValueError(f"a list of networks such as 10.0.0.0/8, of addresses, or of both: {error}") from None
    return found


def _schemes(value: Any) -> tuple[str, ...]:
    found = _names(value)
    if not found or any(name not in SCHEMES for name in found):
        raise ValueError(f"a list of {', '.join(SCHEMES)}, or one of them")
    return found


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


def _web_url(value: Any) -> str:
    url = _text(value)
    if not url.startswith(("http://", "https://")) or not urlsplit(url).hostname:
        raise ValueError("a URL that begins with https://")
    return url


def _web_urls(value: Any) -> tuple[str, ...]:
    return tuple(_web_url(url) for url in _names(value))


def _broker_url(value: Any) -> str:
    url = _text(value)
    if not url.startswith(_BROKER_PREFIXES) or not urlsplit(url).hostname:
        raise ValueError("amqp://user:password@host:port/vhost (or amqps:// for TLS)")
    return url


_A_KEY = "a list of keys, or text with commas between them; 'mistralish secret-key create' makes one"


def _keys(value: Any) -> tuple[str, ...]:
    keys = _names(value)
    try:
        for key in keys:
            read_key(key)
    except ValueError:
        raise ValueError(_A_KEY) from None
    return keys


def _setting(default: Any, parse: Callable[[Any], Any], about: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"parse": parse, "about": about, "secret": secret})


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
    auth: str = _setting("none", _one_of(AUTH_MODES), "how callers prove who they are: none, tokens, oidc or keystone")
    allow_anonymous: bool = _setting(False, _flag, "whether auth = none may be used on an address others reach")
    tokens_file: Path = _setting(None, _path, "file of the hashed tokens that auth = tokens takes")  # noqa: RUF009
    oidc_issuers: tuple[str, ...] = _setting(
        (), _web_urls, "issuers whose tokens auth = oidc takes, https://keycloak.example.org/realms/shop"
    )
    oidc_audience: str = _setting(
        "", _text, "what a token's `aud` claim must name: this service, as the issuers know it"
    )
    oidc_jwks_url: str = _setting(
        "", _web_url, "where the one issuer's public keys are; otherwise it is asked for that"
    )
    oidc_project_claim: str = _setting(
        "iss", _text, "claim that names the caller's project; of `iss`, what follows `/realms/`: Keycloak's realm"
    )
    keystone_authtoken_file: Path | None = _setting(  # noqa: RUF009 - a field()
        None, _path, "oslo.config file, such as mistral.conf, whose [keystone_authtoken] auth = keystone takes"
    )
    policy_file: Path | None = _setting(  # noqa: RUF009 - a field()
        None,
        _path,
        "YAML file with rules about who may do what, above the default ones; it may change while the service runs",
    )
    data_dir: Path = _setting(None, _path, "directory of the service's own files")  # noqa: RUF009 - a field()
    database_url: str = _setting("", _database_url, "sqlite:///path or postgresql://user:password@host/database")
    workers: int = _setting(
        8, _integer(1, 1000), "threads that run actions of a project; all together have four times as many"
    )
    http_threads: int = _setting(16, _integer(1, 1000), "threads that answer requests")
    max_body_bytes: int = _setting(4 * 1024 * 1024, _integer(1, 2**31), "largest request body, in bytes")
    default_limit: int = _setting(1000, _integer(1, 100_000), "rows in a page when the request names no limit")
    max_limit: int = _setting(1000, _integer(1, 100_000), "most rows in a page, whatever the request asks for")
    execution_field_size_limit_kb: int = _setting(
        1024, _integer(-1, 2**20), "largest input, output or published value of an execution, in KiB; -1: no limit"
    )
    max_running_executions_per_project: int = _setting(
        0, _integer(0, 10_000_000), "executions of a project that may be under way at once; 0: any number"
    )
    merge_strategy: str = _setting(
        "replace",
        _one_of(MERGE_STRATEGIES),
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
    event_sources_per_project: int = _setting(
        20, _integer(0, 1000), "topics of exchanges that the event triggers of a project may wait for, with a broker"
    )
    egress_denied_networks: tuple[str, ...] = _setting(
        (),
        _networks,
        "networks that actions and notifications must not connect to, besides those that are always denied (see below)",
    )
    egress_allowed_networks: tuple[str, ...] = _setting(
        (), _networks, "networks that are exceptions, from the denied ones and from those that are always denied"
    )
    egress_schemes: tuple[str, ...] = _setting(
        SCHEMES, _schemes, "schemes of the URLs that actions and notifications may ask for: http, https"
    )
    ssh_host_keys: str = _setting(
        "accept-new",
        _one_of(SSH_HOST_KEYS),
        "hosts of `std.ssh` that are not known: `accept-new` learns them, `strict` refuses, `ignore` takes any key",
    )
    ssh_known_hosts_file: Path = _setting(None, _path, "known hosts of `std.ssh`, as OpenSSH's")  # noqa: RUF009
    ssh_keys_dir: Path = _setting(None, _path, "directory that `private_key_filename` of `std.ssh` is in")  # noqa: RUF009
    ssh_own_keys: bool = _setting(
        False, _flag, "whether `std.ssh` may log in with the keys and the SSH agent of the service's own user"
    )
    dynamic_actions: bool = _setting(
        False, _flag, "whether clients may upload Python code that runs, as actions, in the service's own process"
    )
    info_file: Path | None = _setting(None, _path, "JSON file with what `/info` tells about this service")  # noqa: RUF009
    tls_certificate: Path | None = _setting(  # noqa: RUF009
        None, _path, "PEM file with the service's certificate, its chain behind it; with it the port speaks TLS only"
    )
    tls_key: Path | None = _setting(None, _path, "PEM file with the certificate's private key, without a password")  # noqa: RUF009
    secret_keys: tuple[str, ...] = _setting(
        (),
        _keys,
        "keys of values that clients mark as secret, by `mistralish secret-key create`: the first one seals, all open",
        secret=True,
    )
    drain_seconds: int = _setting(10, _integer(0, 3600), "how long a stopping service lets work in flight finish")
    log_level: str = _setting("INFO", _log_level, "least severe message that is logged")
    log_format: str = _setting(
        "text", _one_of(LOG_FORMATS), "how each message is written: text, or json, an object a line"
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def describe(self) -> list[tuple[str, str, str]]:
        """Every setting as (name, value with passwords masked, origin)."""
        return [
            (item.name, _masked(item, getattr(self, item.name)), self.origins.get(item.name, _DEFAULT))
            for item in _settings_fields()
        ]


def _masked(item: Field[Any], value: Any) -> str:
    return MASK if value and item.metadata["secret"] else mask_secrets(_shown(value))


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
        "ssh_known_hosts_file": "<data_dir>/ssh_known_hosts",
        "ssh_keys_dir": "<data_dir>/ssh_keys",
        "policy_file": "<data_dir>/policy.yaml, if it is there",
        "oidc_audience": "none",
        "oidc_jwks_url": "none",
        "keystone_authtoken_file": "none",
        "tokens_file": "<data_dir>/tokens.json",
        "info_file": "none",
        "tls_certificate": "none",
        "tls_key": "none",
    }
    return [(i.name, derived.get(i.name, _shown(i.default)), i.metadata["about"]) for i in _settings_fields()]


def mask_secrets(text: str) -> str:
    """A setting's text with passwords and other secrets in it masked; other text is returned as it is."""
    # In a URL that was written by hand, a password may hold the signs that ought to be quoted.
    return mask_text(re.sub(r"(?<=://)([^/@:\s]*):[^\s\"']*@", rf"\1:{MASK}@", text))


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
    values.setdefault("ssh_known_hosts_file", values["data_dir"] / "ssh_known_hosts")
    values.setdefault("ssh_keys_dir", values["data_dir"] / "ssh_keys")
    values.setdefault("database_url", f"sqlite:///{values['data_dir'] / 'mistralish.db'}")
    values.setdefault("tokens_file", values["data_dir"] / "tokens.json")
    if (policy := values["data_dir"] / "policy.yaml").is_file():
        values.setdefault("policy_file", policy)
    return Settings(**values, origins={name: origin for name, (_, origin) in given.items()})


def _parse(name: str, value: Any, origin: str) -> Any:
    item = next(i for i in _settings_fields() if i.name == name)
    assert item.default is not MISSING
    try:
        return item.metadata["parse"](value)
    except ValueError as error:
        shown = MASK if item.metadata["secret"] else mask_secrets(repr(value))
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
