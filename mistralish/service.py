"""The service: its parts joined, started and stopped in the right order."""

import time
from ipaddress import ip_network
from pathlib import Path

from mistralish.actions import ActionFilter, ActionSettings, Registry
from mistralish.actions.egress import EgressPolicy
from mistralish.actions.settings import SshSettings
from mistralish.config import Settings
from mistralish.definitions import sync_system_actions
from mistralish.dynamic import DynamicActions
from mistralish.engine import Engine
from mistralish.engine.heartbeats import Heartbeats
from mistralish.errors import UnavailableError
from mistralish.events import Listeners
from mistralish.executors import ThreadExecutor
from mistralish.executors.notifier import Notifier
from mistralish.readiness import Readiness
from mistralish.scheduler import Expiration, Scheduler, Upkeep
from mistralish.scheduler.maintenance import Maintenance
from mistralish.scheduler.scheduler import microseconds_now
from mistralish.sealing import Sealer
from mistralish.store import Store, open_store
from mistralish.store.ownership import Ownership
from mistralish.tallies import RequestTally

TAKE_CALLS_SECONDS = 1
"""How often a process looks for calls that wait for an executor of its name."""

_LISTENERS_STOP_SECONDS = 3.0
ADOPT_MESSAGES_SECONDS = 30
"""How old a message must be, and how often it is looked for, that a process on a shared database did not handle."""

_SQLITE_PREFIX = "sqlite:///"


def open_database(settings: Settings) -> Store:
    """Open the database that the settings name, its schema up to date; makes the directory of a SQLite file.

    Raises UnavailableError when that cannot be done.
    """
    _make_directory(settings.database_url)
    store = open_store(settings.database_url)
    store.upgrade()
    return store


def _make_directory(url: str) -> None:
    if not url.startswith(_SQLITE_PREFIX):
        return
    directory = Path(url.removeprefix(_SQLITE_PREFIX)).parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"directory {directory} of the database cannot be made: {error.strerror}") from None


def _egress(settings: Settings) -> EgressPolicy:
    return EgressPolicy(
        tuple(ip_network(text) for text in settings.egress_denied_networks),
        tuple(ip_network(text) for text in settings.egress_allowed_networks),
        settings.egress_schemes,
    )


def _action_settings(settings: Settings) -> ActionSettings:
    ssh = SshSettings(
        host_keys=settings.ssh_host_keys,
        known_hosts_file=settings.ssh_known_hosts_file,
        keys_dir=settings.ssh_keys_dir,
        own_keys=settings.ssh_own_keys,
    )
    return ActionSettings(_egress(settings), ssh=ssh)


def _chosen_actions(settings: Settings) -> ActionFilter:
    return ActionFilter(
        settings.legacy_action_provider_allowlist,
        settings.legacy_action_provider_denylist,
        settings.legacy_action_provider_only_builtin_actions,
    )


class Service:
    """Store, actions, engine and scheduler, joined: all that runs workflows, without the REST API."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sealer = Sealer(settings.secret_keys)
        self._ownership = Ownership(settings.database_url)
        _make_directory(settings.database_url)
        self._ownership.take()
        self.store = open_database(settings)
        self.registry = Registry(_action_settings(settings), chosen=_chosen_actions(settings))
        sync_system_actions(self.store, self.registry.all())
        if settings.dynamic_actions:
            self.registry.dynamic = DynamicActions(self.store)
        self.notifier = Notifier(_egress(settings), self.sealer)
        self.engine = Engine(
            self.store,
            self.registry,
            lambda on_result: ThreadExecutor(self.registry, on_result, settings.workers, self.sealer),
            field_limit_kb=settings.execution_field_size_limit_kb,
            on_notice=self.notifier.notify,
            executor_name=settings.executor_host,
            first_heartbeat_seconds=settings.action_heartbeat_first_heartbeat_timeout,
            merges=settings.merge_strategy == "merge",
            most_running=settings.max_running_executions_per_project,
            notify=settings.notifier_notify,
            most_waiting=settings.http_threads // 2,
            sealer=self.sealer,
        )
        self.scheduler = Scheduler(self.store, self.engine)
        self.engine.on_timer = self.scheduler.wake_at
        self.readiness = Readiness(self.store.check, self.engine, self.scheduler)
        self.maintenance = Maintenance(self.store, self.engine)
        self.listeners: Listeners | None = None
        if settings.event_broker_url:
            self.listeners = Listeners(
                self.store, self.engine.submit, settings.event_broker_url, settings.event_pool, settings.project_id
            )
        self.upkeep = Upkeep()
        self._plan_upkeep()

    def start(self) -> None:
        """Begin to decide, and to fire timers and triggers."""
        self.engine.start()
        self.scheduler.start()
        self.maintenance.start()
        if self.listeners is not None:
            self.listeners.start()
        self.upkeep.start()

    def metrics(self, requests: RequestTally) -> bytes:
        """What it has done and is doing, in the text format of Prometheus; ``requests`` are those of the API."""
        # Only who has Prometheus pays for its library.
        from mistralish.metrics import exposition

        return exposition(self, requests)

    def stop(self, seconds: float) -> None:
        """Let work in flight finish within so many seconds, then close everything."""
        give_up_at = time.monotonic() + seconds
        self.upkeep.stop()
        if self.listeners is not None:
            self.listeners.stop(_LISTENERS_STOP_SECONDS)
        self.maintenance.stop()
        self.scheduler.stop()
        self.engine.stop(max(1.0, give_up_at - time.monotonic()))
        self.notifier.stop(max(1.0, give_up_at - time.monotonic()))
        self.store.close()
        self._ownership.release()

    def _plan_upkeep(self) -> None:
        settings, engine = self.settings, self.engine
        self.upkeep.every(TAKE_CALLS_SECONDS, engine.take_calls)
        if not self.store.is_exclusive:
            self.upkeep.every(ADOPT_MESSAGES_SECONDS, lambda: engine.adopt_messages(ADOPT_MESSAGES_SECONDS))
        interval = settings.action_heartbeat_check_interval
        if interval and settings.action_heartbeat_max_missed_heartbeats:
            heartbeats = Heartbeats(
                self.store,
                engine.in_flight,
                engine.submit,
                microseconds_now,
                interval=interval,
                max_missed=settings.action_heartbeat_max_missed_heartbeats,
            )
            self.upkeep.every(interval, heartbeats.tick, at_once=True)
        minutes = settings.execution_expiration_policy_evaluation_interval
        expiration = Expiration(
            self.store,
            engine.submit,
            older_than=settings.execution_expiration_policy_older_than,
            max_finished=settings.execution_expiration_policy_max_finished_executions,
            batch_size=settings.execution_expiration_policy_batch_size,
            ignored_states=settings.execution_expiration_policy_ignored_states,
            is_stopping=lambda: self.upkeep.is_stopping,
        )
        if minutes and expiration.is_wanted:
            self.upkeep.every(minutes * 60, expiration.run, at_once=True)
