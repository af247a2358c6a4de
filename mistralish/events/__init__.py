"""Events from outside start workflows: what an event is, which triggers it meets, and listening for it on a broker.

``event`` reads a message, ``matching`` says which executions an event starts, ``listener`` listens on one exchange
and topic of an AMQP broker, ``listeners`` keeps one of those for each that a trigger waits for.
"""

from mistralish.events.event import Event
from mistralish.events.listeners import Listeners
from mistralish.events.matching import Start, starts

__all__ = ["Event", "Listeners", "Start", "starts"]
