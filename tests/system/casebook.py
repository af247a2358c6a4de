"""Cases as data: a definition, what is done to it, and what must come of it.

``cases/<theme>.yaml`` holds the cases, written by hand; ``cases/<theme>.expected.json`` what the reference
(OpenStack Mistral 23.0.0) does with them, recorded by ``python tests/system/casebook.py URL [CASE...]``.

A case is a mapping::

    about: the promise, in words
    definition: YAML text                  # of workflows; or `workbook:` instead
    actions: YAML text                     # ad-hoc actions to upload first
    environment: {variables}               # a stored environment; params name it by env: STORED
    workflow: main                         # what to start; `main` when not given
    input: {...}   params: {...}
    steps: [...]                           # see Run.step
    end: PAUSED                            # the state to wait for; a final one when not given
    at_least: 2                            # seconds that it must take
    differs: reason                        # the reference is wrong here; what is right stands in `expected:`

Paths such as ``call/wait`` mean: task ``wait`` in the (newest) sub-workflow of task ``call``.
"""

import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from peers import wait_for
from rest import FINISHED, Rest, unique

FOLDER = Path(__file__).parent / "cases"
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DETAILS = re.compile(r"\n| \[|: ")  # where an error text goes from what clients match on into details


def load_cases() -> dict[str, dict[str, Any]]:
    """Return every case by its name, ``theme.case``."""
    cases = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for name, case in yaml.safe_load(path.read_text()).items():
            cases[f"{path.stem}.{name}"] = case
    return cases


def load_expected() -> dict[str, Any]:
    """Return what was recorded of each case, by ``theme.case``."""
    recorded = {}
    for path in sorted(FOLDER.glob("*.expected.json")):
        theme = path.name.removesuffix(".expected.json")
        recorded |= {f"{theme}.{name}": value for name, value in json.loads(path.read_text()).items()}
    return recorded | {name: case["expected"] for name, case in load_cases().items() if "differs" in case}


def masked(value: Any) -> Any:
    """Return ``value`` without what differs from run to run: ids, and the details of error texts."""
    if isinstance(value, str):
        value = ID.sub("<id>", value)
        is_error = value.startswith(("Fail", "Can not", "Invalid", "The action raised", "Workflow not", "YaqlEval"))
        return DETAILS.split(value)[0] if is_error else value
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        return {key: masked(item) for key, item in sorted(value.items())}
    return value


class Run:
    """One case on one server."""

    def __init__(self, rest: Rest, name: str, case: dict[str, Any]) -> None:
        self.rest, self.case = rest, case
        self.namespace = unique(name.replace(".", "-"))
        self.statuses: list[int] = []
        self.root = ""

    def result(self) -> dict[str, Any]:
        """Upload, start, take the steps, wait for the end; return what came of it."""
        began = time.monotonic()
        refused = self._upload() or self._start()
        if refused:
            return {"refused": refused}
        for step in self.case.get("steps", ()):
            self.step(step)
        end = [self.case["end"]] if "end" in self.case else FINISHED
        self.rest.wait(self.root, *end, seconds=40)
        took = time.monotonic() - began
        assert took >= self.case.get("at_least", 0), f"took {took:.2f} s, not at least {self.case['at_least']}"
        return {"statuses": self.statuses, **self._settled()}

    def _upload(self) -> str | None:
        case, query = self.case, {"namespace": self.namespace}
        if "environment" in case:
            self.rest.post("/environments", {"name": self.namespace, "variables": case["environment"]})
        if "actions" in case:
            self.rest.post("/actions", case["actions"], **query)
        path, text = ("/workbooks", case["workbook"]) if "workbook" in case else ("/workflows", case["definition"])
        headers = {"Content-Type": "text/plain"}
        response = self.rest.call("POST", path, data=text.encode(), headers=headers, params=query)
        return None if response.status_code == 201 else f"upload {response.status_code}"

    def _start(self) -> str | None:
        params = dict(self.case.get("params", {}))
        if params.get("env") == "STORED":
            params["env"] = self.namespace
        body = {"workflow_name": self.case.get("workflow", "main"), "workflow_namespace": self.namespace}
        body |= {"input": self.case.get("input", {}), "params": params}
        response = self.rest.call("POST", "/executions", json=body)
        if response.status_code != 201:
            return f"start {response.status_code}"
        self.root = response.json()["id"]
        return None

    def step(self, step: dict[str, Any]) -> None:
        """Take one step: one of

        ``until: {path: state}`` wait until those tasks are in those states (``.`` is the execution itself);
        ``execution: {body}, of: path`` change the execution (or the sub-workflow of that task);
        ``task: {body}, of: path`` change a task; ``action: {body}, of: path, only: n`` finish the running
        actions of a task (or the first n of them, or with ``last: true`` the newest); ``sleep: seconds``.
        """
        kind = next(key for key in ("until", "execution", "task", "action", "sleep") if key in step)
        getattr(self, f"_step_{kind}")(step[kind], step)

    def _step_sleep(self, seconds: float, step: dict[str, Any]) -> None:
        time.sleep(seconds)

    def _step_until(self, wanted: dict[str, str], step: dict[str, Any]) -> None:
        for path, state in wanted.items():
            wait_for(lambda path=path, state=state: self._state(path) == state, 25, f"{path} in {state}")

    def _step_execution(self, body: dict[str, Any], step: dict[str, Any]) -> None:
        execution = self._child(step["of"])["id"] if "of" in step else self.root
        self._put(f"/executions/{execution}", body)

    def _step_task(self, body: dict[str, Any], step: dict[str, Any]) -> None:
        self._put(f"/tasks/{self._task(step['of'])['id']}", body)

    def _step_action(self, body: dict[str, Any], step: dict[str, Any]) -> None:
        running = wait_for(lambda: self._running_actions(step["of"]), 20, f"an action of {step['of']}")
        chosen = running[-1:] if step.get("last") else running[: step.get("only")]
        for action in chosen:
            self._put(f"/action_executions/{action['id']}", body)

    def _put(self, path: str, body: dict[str, Any]) -> None:
        self.statuses.append(self.rest.call("PUT", path, json=body).status_code)

    def _running_actions(self, path: str) -> list[dict[str, Any]]:
        task = self._task(path)
        actions = self.rest.actions(task["id"]) if task else []
        return [action for action in actions if action["state"] == "RUNNING"]

    def _state(self, path: str) -> str | None:
        found = self.rest.execution(self.root) if path == "." else self._task(path)
        return found["state"] if found else None

    def _task(self, path: str) -> dict[str, Any]:
        *above, name = path.split("/")
        execution = self._child("/".join(above))["id"] if above else self.root
        found = [task for task in self.rest.tasks(execution) if task["name"] == name] if execution else []
        return found[-1] if found else {}

    def _child(self, path: str) -> dict[str, Any]:
        task = self._task(path)
        children = self.rest.children(task["id"]) if task else []
        return children[-1] if children else {"id": ""}

    def _settled(self) -> dict[str, Any]:
        """Return the tree of executions once two looks at it agree (a stop goes on for a moment below)."""
        seen = self._look(self.rest.execution(self.root))
        for _ in range(40):
            time.sleep(0.3)
            again = self._look(self.rest.execution(self.root))
            if again == seen:
                return seen
            seen = again
        raise AssertionError(f"it does not come to rest: {seen}")

    def _look(self, execution: dict[str, Any]) -> dict[str, Any]:
        tasks = [self._look_at_task(task) for task in self.rest.tasks(execution["id"])]
        return {
            "workflow": execution["workflow_name"],
            "state": execution["state"],
            "info": masked(execution["state_info"]),
            "output": masked(execution["output"]),
            "tasks": sorted(tasks, key=lambda task: json.dumps(task, sort_keys=True)),
        }

    def _look_at_task(self, task: dict[str, Any]) -> dict[str, Any]:
        seen = {key: masked(task[key]) for key in ("name", "state", "published")}
        if task["type"] == "WORKFLOW":
            children = [self._look(child) for child in self.rest.children(task["id"])]
            seen["children"] = sorted(children, key=lambda child: json.dumps(child, sort_keys=True))
        else:
            actions = [[action["state"], action["accepted"]] for action in self.rest.actions(task["id"])]
            seen["actions"] = sorted(actions)
        return seen


def record(url: str, names: list[str]) -> None:
    """Run cases against the reference at ``url`` and write what it did beside them."""
    rest, cases, recorded = Rest(url), load_cases(), load_expected()
    cases = {name: case for name, case in cases.items() if "differs" not in case}
    chosen = [name for name in cases if not names or any(name.startswith(given) for given in names)]
    with ThreadPoolExecutor(6) as pool:
        results = pool.map(lambda name: _guarded(rest, name, cases[name]), chosen)
        for name, result in zip(chosen, results, strict=True):
            print(name, json.dumps(result, ensure_ascii=False, sort_keys=True))
            if "broken" not in result:
                recorded[name] = result
    for theme in {name.split(".")[0] for name in cases}:
        kept = {
            name.split(".")[1]: recorded[name] for name in cases if name.startswith(theme + ".") and name in recorded
        }
        text = json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True)
        (FOLDER / f"{theme}.expected.json").write_text(text + "\n")


def _guarded(rest: Rest, name: str, case: dict[str, Any]) -> dict[str, Any]:
    try:
        return Run(rest, name, case).result()
    except Exception as error:  # one broken case must not lose the recording of the others
        return {"broken": repr(error)}


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[2:])
