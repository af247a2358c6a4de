"""What callers may do: a rule for each operation, in the names and the language of OpenStack's policies."""

from mistralish.api.policy.policy import Policy
from mistralish.api.policy.rules import DEFAULTS

__all__ = ["DEFAULTS", "Policy"]
