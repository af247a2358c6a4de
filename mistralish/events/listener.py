"""Listening to one topic of one exchange of an AMQP broker (RabbitMQ), by kombu.

A message is acknowledged once the executions that it starts are on disk. Whatever happens before that, it is
delivered again, and its message id sees to it that nothing is started twice. While the service cannot take work, its
messages wait in the broker.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Exchange, Queue, binding
from kombu.mixins import ConsumerMixin

from mistralish.errors import UnavailableError
from mistralish.events.event import Event, NoEventError, read_event

PREFETCH = 100
"""How many messages may be under way at once."""

# oslo.messaging sends a notification to ``topic.priority``; these are the priorities that the reference listens to.
_PRIORITIES = ("audit", "critical", "debug", "error", "info")
_UNUSED_MS = 7 * 24 * 3600 * 1000
_HEARTBEAT_SECONDS = 60
_ANSWER_SECONDS = 0.2
_RETRY_SECONDS = 1.0
_LAST_ANSWERS_SECONDS = 2.0

logger = logging.getLogger(__name__)

Deliver = Callable[[Event], "list[Future[Any]]"]


class _StoppingError(Exception):
    """Ends the attempts to connect."""


class Listener(ConsumerMixin):
    """A thread that hands the events of one exchange and topic to ``deliver``.

    ``deliver`` returns the futures of what it starts, or raises UnavailableError: then the message is kept for later.
    ``pool`` tells services that share a broker apart: those with the same name share the messages.
    """

    def __init__(self, url: str, exchange: str, topic: str, pool: str, deliver: Deliver) -> None:
        self.connection = Connection(url, heartbeat=_HEARTBEAT_SECONDS)
        self._exchange = exchange
        self._topic = topic
        self._pool = pool
        self._deliver = deliver
        self._pending: list[tuple[Any, list[Future[Any]]]] = []
        self._stopping = threading.Event()
        self._forget = False
        self._thread = threading.Thread(target=self._listen, name=f"events-{exchange}-{topic}", daemon=True)

    def start(self) -> None:
        """Begin to listen; a broker that is not there is tried again and again."""
        self._thread.start()

    def stop(self, *, forget: bool = False) -> None:
        """Take no more messages. ``forget``: nobody waits for these events any more, so drop those that are kept."""
        self._forget = forget
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait for the end of the thread, for so many seconds at the most."""
        self._thread.join(seconds)

    @property
    def should_stop(self) -> bool:  # type: ignore[override]  # a property where the mixin has a plain attribute
        """Whether to end; the mixin asks between messages."""
        return self._stopping.is_set()

    @contextmanager
    def establish_connection(self) -> Iterator[Connection]:
        """Connect, however long that takes, unless told to stop."""
        with self.create_connection() as connection:
            connection.ensure_connection(
                self.on_connection_error,
                interval_start=1,
                interval_step=1,
                interval_max=5,
                callback=self._stop_if_told,
            )
            yield connection

    def get_consumers(self, consumer: Callable[..., Any], channel: Any) -> list[Any]:
        """Declare the queue and consume it. What was not acknowledged on an earlier connection comes again."""
        self._pending.clear()
        queue = self._queue(channel)
        return [consumer(queues=[queue], on_message=self._on_message, prefetch_count=PREFETCH)]

    def on_iteration(self) -> None:
        """Acknowledge what has been answered."""
        self._settle()

    def on_consume_end(self, connection: Connection, channel: Any) -> None:
        """Acknowledge what is answered shortly, and remove the queue where nobody will consume it."""
        for _, futures in self._pending:
            for future in futures:
                _wait(future, _LAST_ANSWERS_SECONDS)
        self._settle()
        if self._forget:
            Queue(self._queue_name)(channel).delete()

    def on_connection_error(self, error: BaseException, interval: float) -> None:
        """Say what is wrong, in one line."""
        logger.warning(
            "Events of exchange %s, topic %s: no connection to %s: %s; trying again in %g s",
            self._exchange,
            self._topic,
            self.connection.as_uri(),
            error,
            interval,
        )

    def _listen(self) -> None:
        lost = (*self.connection.connection_errors, *self.connection.channel_errors)
        while not self._stopping.is_set():
            try:
                for _ in self.consume(limit=None, safety_interval=_ANSWER_SECONDS):
                    pass
            except _StoppingError:
                return
            except lost as error:
                logger.warning("Events of exchange %s, topic %s: %s; again", self._exchange, self._topic, error)
                self._stopping.wait(_RETRY_SECONDS)
            except Exception:
                logger.exception("Listening to exchange %s, topic %s failed", self._exchange, self._topic)
                self._stopping.wait(_RETRY_SECONDS)

    def _stop_if_told(self) -> None:
        if self._stopping.is_set():
            raise _StoppingError

    @property
    def _queue_name(self) -> str:
        return f"mistralish.{self._pool}.{self._exchange}.{self._topic}"

    def _queue(self, channel: Any) -> Queue:
        exchange = self._declared_exchange(channel.connection.client)
        keys = (self._topic, *(f"{self._topic}.{priority}" for priority in _PRIORITIES))
        return Queue(
            self._queue_name,
            bindings=[binding(exchange, routing_key=key) for key in keys],
            durable=True,
            queue_arguments={"x-expires": _UNUSED_MS},
        )

    def _declared_exchange(self, connection: Connection) -> Exchange:
        """Take the exchange as it is; where there is none, make it as oslo.messaging does, so that both agree."""
        found = Exchange(self._exchange, type="topic", durable=False, auto_delete=False)
        with connection.channel() as channel:
            try:
                found(channel).declare(passive=True)
            except connection.channel_errors:
                with connection.channel() as other:
                    found(other).declare()
        return Exchange(self._exchange, type="topic", no_declare=True)

    def _on_message(self, message: Any) -> None:
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        try:
            event = read_event(self._exchange, self._topic, body, message.properties.get("message_id"))
        except NoEventError as error:
            logger.warning("A message of exchange %s, topic %s is no event: %s", self._exchange, self._topic, error)
            message.ack()
            return
        try:
            futures = self._deliver(event)
        except UnavailableError as error:
            self._later(message, error)
            return
        self._pending.append((message, futures))
        self._settle()

    def _settle(self) -> None:
        waiting: list[tuple[Any, list[Future[Any]]]] = []
        pending, self._pending = self._pending, waiting
        for message, futures in pending:
            if not all(future.done() for future in futures):
                waiting.append((message, futures))
                continue
            errors = [error for error in map(_error, futures) if error is not None]
            unavailable = next((error for error in errors if isinstance(error, UnavailableError)), None)
            if unavailable is not None:
                self._later(message, unavailable)
                continue
            for error in errors:
                logger.error("An event trigger of %s, %s failed: %s", self._exchange, self._topic, error)
            message.ack()

    def _later(self, message: Any, error: BaseException) -> None:
        logger.info("An event of exchange %s, topic %s has to wait: %s", self._exchange, self._topic, error)
        message.requeue()
        self._stopping.wait(_RETRY_SECONDS)


def _error(future: "Future[Any]") -> BaseException | None:
    return None if future.cancelled() else future.exception()


def _wait(future: "Future[Any]", seconds: float) -> None:
    try:
        future.exception(seconds)
    except TimeoutError:
        logger.info("An event has no answer yet: it will be delivered again")
