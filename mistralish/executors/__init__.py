"""Where actions run."""

from mistralish.executors.call import ActionCall
from mistralish.executors.run import run_now
from mistralish.executors.thread import ThreadExecutor

__all__ = ["ActionCall", "ThreadExecutor", "run_now"]
