"""Random workflows that cover the language, and what comes of each of their actions. A seed makes both."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import yaml

ENDLESS_SECONDS = 100_000
"""The timeout of tasks whose actions may never end: later than all that is only delayed."""

PLACE = tuple[tuple[str, int, int, int], ...]
"""Where an action is: for each level the task, which of its executions, the item, and which try at it."""


@dataclass(frozen=True)
class Case:
    """Workflows, of which ``main`` is started with ``params``.

    ``is_confluent``: neither states nor what is published depend on the order of things. ``endless``: tasks whose
    actions may never end at the first try: the timeout is for all of them together.
    """

    text: str
    params: dict[str, Any]
    is_confluent: bool = False
    endless: frozenset[str] = frozenset()
    seed: int = 0
    reruns: int = 0

    def outcome(self, place: PLACE) -> tuple[str, Any]:
        """How an action ends: ("ok" | "error" | "cancel", a value), or ("never", None)."""
        random = Random(f"{self.seed}/{place}")
        dice = random.random()
        if place[-1][0] in self.endless and place[-1][-1] == 0 and dice < 0.3:
            return "never", None
        if dice > 0.98:
            return "cancel", "cancelled"
        return ("error" if dice > 0.75 else "ok"), f"r{random.randrange(3)}"


def make_case(random: Random) -> Case:
    """A random case."""
    maker = _Maker(random)
    workflows: dict[str, Any] = {}
    below: list[str] = []
    for name in ("lowest", "lower")[: random.choice([0, 0, 1, 2])]:
        workflows[name] = maker.workflow(name, below)
        below.append(name)
    workflows["main"] = maker.workflow("main", below)
    params: dict[str, Any] = {}
    if workflows["main"].get("type") == "reverse":
        params["task_name"] = list(workflows["main"]["tasks"])[-1]
    text = yaml.safe_dump({"version": "2.0", **workflows}, sort_keys=False)
    reruns = random.choice([0, 0, 1, 2])
    return Case(text, params, maker.is_confluent, frozenset(maker.endless), random.randrange(2**32), reruns)


class _Maker:
    """Makes the workflows of one case."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.is_confluent = random.random() < 0.7
        self.endless: set[str] = set()
        self._reverse: dict[str, str] = {}

    def workflow(self, name: str, below: Sequence[str]) -> dict[str, Any]:
        """A workflow that may call those ``below``."""
        prefix = name[:4] + name[-1]
        names = [f"{prefix}{number}" for number in range(self._random.randint(1, 6))]
        if self._chance(0.15):
            workflow = self._reverse_one(names, below)
            self._reverse[name] = names[-1]
        else:
            workflow = self._direct(prefix, names, below)
        if self._chance(0.3):
            workflow["output"] = {"seen": {n: f"<% $.get(v_{n}) %>" for n in names}}
        if self._chance(0.2):
            workflow["output-on-error"] = {"seen": {n: f"<% $.get(v_{n}) %>" for n in names}}
        if below or self._chance(0.5):
            workflow["input"] = [{"given": None}]
        if name != "main":
            workflow["input"] = [{"given": None}]
        return workflow

    def _reverse_one(self, names: list[str], below: Sequence[str]) -> dict[str, Any]:
        tasks: dict[str, Any] = {}
        for number, name in enumerate(names):
            tasks[name] = self._task(name, names[:number], below)
            tasks[name].pop("pause-before", None)
            if number:
                tasks[name]["requires"] = self._some(names[:number], 3)
            self._plain_publish(name, tasks[name])
        return {"type": "reverse", "tasks": tasks}

    def _direct(self, prefix: str, names: list[str], below: Sequence[str]) -> dict[str, Any]:
        tasks: dict[str, Any] = {}
        inbound: dict[str, list[str]] = {name: [] for name in names}
        for number, name in enumerate(names):
            task = self._task(name, names[:number], below)
            self._publish(name, task)
            for event in ("on-success", "on-error", "on-complete"):
                self._lead_on(name, task, event, names[:number], names[number + 1 :], inbound)
            tasks[name] = task
        self._join(tasks, inbound)
        workflow: dict[str, Any] = {"tasks": tasks}
        if self._chance(0.2):
            tasks.update(self._loop(prefix))
        if self._chance(0.2):
            defaults: dict[str, Any] = {}
            if self._chance(0.5):
                defaults["safe-rerun"] = True
            if self._chance(0.4):
                defaults["retry"] = {"count": 1, "delay": 1}
            if self._chance(0.4):
                defaults["wait-before"] = 1
            if self._chance(0.4):
                defaults["on-error"] = ["noop"]
            if defaults:
                workflow["task-defaults"] = defaults
        return workflow

    def _task(self, name: str, before: Sequence[str], below: Sequence[str]) -> dict[str, Any]:
        task: dict[str, Any] = {}
        if self._chance(0.25):
            task["with-items"] = f"i in <% range({self._random.choice([0, 1, 2, 3, 3])}) %>"
            if self._chance(0.5):
                task["concurrency"] = self._random.randint(1, 2)
        seen = {n: self._expression(f"v_{n}") for n in before[-3:]}
        if below and self._chance(0.35):
            task["workflow"] = called = self._random.choice(list(below))
            task["input"] = {"given": seen}
            if called in self._reverse:
                task["input"]["task_name"] = self._reverse[called]
        else:
            task["action"] = self._random.choice(["sim.sync", "sim.sync", "sim.async", "sim.async", "std.noop"])
            if self._chance(0.1):
                task["action"] = "std.echo"
                task["input"] = {"output": {"seen": seen}}
            elif task["action"] != "std.noop":
                task["input"] = {"seen": seen}
        if self._chance(0.5):
            task["safe-rerun"] = True
        if self._chance(0.1):
            task["keep-result"] = False
        self._policies(name, task)
        return task

    def _policies(self, name: str, task: dict[str, Any]) -> None:
        if self._chance(0.2):
            task["retry"] = retry = {"count": self._random.randint(1, 2), "delay": self._random.choice([0, 1, 2])}
            if self._chance(0.3):
                retry["continue-on"] = "<% task().result = r1 %>"
            elif self._chance(0.3):
                retry["break-on"] = "<% task().result = r2 %>"
        for policy in ("wait-before", "wait-after"):
            if self._chance(0.08):
                task[policy] = self._random.choice([1, 2, "<% 1 + 1 %>"])
        if self._chance(0.05):
            task["pause-before"] = self._random.choice([True, "<% true %>", False])
        if self._chance(0.08):
            task["fail-on"] = "<% task().result = r0 %>"
        if self._chance(0.15):
            task["timeout"] = ENDLESS_SECONDS
            if "action" in task and "with-items" not in task:
                self.endless.add(name)

    def _plain_publish(self, name: str, task: dict[str, Any]) -> None:
        if self._chance(0.8):
            task["publish"] = {f"v_{name}": self._random.choice([f"{name} well", "<% task().result %>"])}

    def _publish(self, name: str, task: dict[str, Any]) -> None:
        self._plain_publish(name, task)
        if self._chance(0.5):
            task["publish-on-error"] = {f"v_{name}": f"{name} badly"}

    def _lead_on(
        self,
        name: str,
        task: dict[str, Any],
        event: str,
        before: Sequence[str],
        after: Sequence[str],
        inbound: dict[str, list[str]],
    ) -> None:
        links: list[Any] = []
        for target in self._some(after, 2) if self._chance(0.75) else ():
            inbound[target].append(name)
            links.append({target: self._guard(name, before)} if self._chance(0.2) else target)
        if self._chance(0.06):
            links.append("noop")
        if self._chance(0.04):
            links.append("pause")
        if not self.is_confluent and self._chance(0.05):
            links.append(self._random.choice(["fail", "succeed", {"fail msg='no'": self._guard(name, before)}]))
        if self._chance(0.12):
            reach = {"branch": {f"b_{name}": f"{event}"}}
            for where in ("global", "atomic"):
                if self._chance(0.5):
                    reach[where] = {f"{where}_{name}": self._random.choice(["g", "<% task().result %>"])}
            task[event] = {"publish": reach, **({"next": links} if links else {})}
        elif links:
            task[event] = links

    def _guard(self, name: str, before: Sequence[str]) -> str:
        seen = self._random.choice([name, *before])
        return self._random.choice(
            ["<% true %>", "<% false %>", f"<% $.get(v_{seen}) = '{seen} well' %>", f"<% $.get(v_{seen}) = null %>"]
        )

    def _expression(self, variable: str) -> str:
        return self._random.choice([f"<% $.get({variable}) %>", f"{{{{ _.get('{variable}') }}}}"])

    def _join(self, tasks: dict[str, Any], inbound: dict[str, list[str]]) -> None:
        for name, sources in inbound.items():
            if len(sources) > 1:
                kind: Any = "all"
                if not self.is_confluent:
                    kind = self._random.choice(["all", "one", self._random.randint(1, len(set(sources))), None])
                if kind is not None:
                    tasks[name]["join"] = kind
            elif sources and self._chance(0.1):
                tasks[name]["join"] = "all"
            if "join" in tasks[name]:
                self.endless.discard(name)  # policies that come before a task are not for joins

    def _loop(self, prefix: str) -> dict[str, Any]:
        """A round that is gone three times, by itself; the task in it that starts again may be a join."""
        first, again, beside = f"{prefix}_in", f"{prefix}_round", f"{prefix}_beside"
        n = f"n_{prefix}"
        round_: dict[str, Any] = {
            "action": self._random.choice(["sim.sync", "sim.async", "std.noop"]),
            "safe-rerun": True,
            "publish": {n: f"<% $.get({n}, 0) + 1 %>"},
            "publish-on-error": {n: f"<% $.get({n}, 0) + 1 %>"},
            "on-complete": [{beside: f"<% $.{n} < 3 %>"}],
        }
        if self._chance(0.6):
            round_["join"] = "one"
        back: dict[str, Any] = {
            "action": self._random.choice(["sim.sync", "sim.async", "std.noop"]),
            "safe-rerun": True,
            "input": {"seen": f"<% $.get({n}) %>"},
            "on-complete": [again],
        }
        if back["action"] == "std.noop":
            del back["input"]
        if not self.is_confluent and self._chance(0.5):
            # What is behind each round's end goes on while the round is gone again.
            round_["on-complete"].append(f"{prefix}_after")
            after = {"action": "sim.async", "input": {"seen": f"<% $.get({n}) %>"}, "publish": {f"a_{prefix}": n}}
            return {
                first: {"action": "std.noop", "on-success": [again]}, again: round_, beside: back,
                f"{prefix}_after": {**after, "on-complete": [f"{prefix}_last"]},
                f"{prefix}_last": {"action": "sim.async", "input": {"seen": f"<% $.get({n}) %>"}},
            }  # fmt: skip
        return {first: {"action": "std.noop", "on-success": [again]}, again: round_, beside: back}

    def _some(self, names: Sequence[str], most: int) -> list[str]:
        return self._random.sample(list(names), min(len(names), self._random.randint(1, most))) if names else []

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability
