"""The fuzz uses what the system tests have for starting services."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))
