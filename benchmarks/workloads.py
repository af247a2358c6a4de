"""The work that is measured: definitions, and how many tasks an execution of each has."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Workload:
    """A workflow to run ``executions`` times, each of ``tasks`` tasks (or items)."""

    name: str
    definition: str
    executions: int
    tasks: int
    given: dict[str, Any] = field(default_factory=dict)


def chain(length: int, action: str = "std.noop", name: str = "b_chain") -> str:
    """A workflow of so many tasks, one after the other."""
    return _workflow(name, (_task(f"t{at}", action, at + 1 < length and f"t{at + 1}") for at in range(length)))


def _task(name: str, action: str, following: str | bool) -> str:
    return f"    {name}:\n      action: {action}\n" + (f"      on-success: [{following}]\n" if following else "")


def _workflow(name: str, tasks: Any, more: str = "") -> str:
    return f"version: '2.0'\n{name}:\n{more}  tasks:\n" + "".join(tasks)


def _data() -> str:
    def task(at: int) -> str:
        return (
            _task(f"t{at}", f"std.echo output=<% $.n + {at} %>", at < 9 and f"t{at + 1}")
            + f"      publish:\n        s{at}: <% task().result + {at} %>\n"
        )

    return _workflow("b_data", map(task, range(10)), "  input: [n]\n  output:\n    total: <% $.s9 %>\n")


def fan(action: str = "std.echo output=<% $.i %>", name: str = "b_fan") -> str:
    """A workflow of one with-items task over ``range(n)``."""
    items = "      with-items: i in <% range($.n).toList() %>\n"
    return _workflow(name, [f"    t:\n{items}      action: {action}\n"], "  input: [n]\n")


def _join() -> str:
    branches = [_task(f"t{at}", "std.noop", "j") for at in range(20)]
    return _workflow("b_join", [*branches, "    j:\n      join: all\n      action: std.noop\n"])


def _sub() -> str:
    children = (f"    s{at}:\n      workflow: b_child\n" for at in range(5))
    return _workflow("b_child", [_task("a", "std.noop", False)]) + _workflow("b_sub", children).partition("\n")[2]


CHAIN = Workload("b_chain", chain(10), 40, 10)
DATA = Workload("b_data", _data(), 40, 10, {"n": 1})
FAN = Workload("b_fan", fan(), 4, 100, {"n": 100})
JOIN = Workload("b_join", _join(), 10, 21)
SUB = Workload("b_sub", _sub(), 20, 10)
# Actions of a plug-in, which run in the thread pool.
THREADED_CHAIN = Workload("b_threaded_chain", chain(10, "bench.nothing", "b_threaded_chain"), 40, 10)
THREADED_FAN = Workload("b_threaded_fan", fan("bench.nothing", "b_threaded_fan"), 4, 100, {"n": 100})
