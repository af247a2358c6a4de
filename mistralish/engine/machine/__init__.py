"""The state machine: pure functions over a run in memory. Start with ``decide``."""
