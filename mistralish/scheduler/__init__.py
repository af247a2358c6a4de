"""What must happen at a time: due timers and cron triggers become commands for the engine."""

from mistralish.scheduler.scheduler import Scheduler

__all__ = ["Scheduler"]
