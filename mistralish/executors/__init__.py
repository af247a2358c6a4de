"""Where actions run."""

from mistralish.executors.call import ActionCall, Load
from mistralish.executors.run import run_now
from mistralish.executors.thread import ThreadExecutor

__all__ = ["ActionCall", "Load", "ThreadExecutor", "run_now"]
