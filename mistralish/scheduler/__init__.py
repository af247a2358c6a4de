"""What must happen at a time: due timers and cron triggers become commands; and what the service does at intervals."""

from mistralish.scheduler.expiration import Expiration
from mistralish.scheduler.scheduler import Scheduler
from mistralish.scheduler.upkeep import Upkeep

__all__ = ["Expiration", "Scheduler", "Upkeep"]
