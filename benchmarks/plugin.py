"""A plug-in with an action that does nothing, laid out as pip would install it: it runs in the thread pool."""

import os
from pathlib import Path

_MODULE = """
class Nothing:
    def __init__(self, i=None):
        self._value = i

    def is_sync(self):
        return True

    def run(self, context):
        return self._value
"""


def lay_out(folder: Path) -> dict[str, str]:
    """Write the plug-in into ``folder``; return the environment in which a service finds it."""
    info = folder / "bench_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "bench_plugin.py").write_text(_MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench_plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mistral.actions]\nbench.nothing = bench_plugin:Nothing\n")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))}
