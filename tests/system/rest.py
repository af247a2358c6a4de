"""A small client of the v2 API for tests: every call asserts the status it expects and returns the JSON."""

import json
import uuid
from typing import Any

import requests
from peers import wait_for
from planted import planted

FINISHED = ("SUCCESS", "ERROR", "CANCELLED")
FIELDS_IN_TEXT = ("input", "output", "params", "published", "published_global", "result", "variables", "workflow_input")


def unique(prefix: str) -> str:
    """Return a name that nobody has used yet."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def decoded(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of an answer in which the JSON that the API sends as text is read."""
    result = dict(document)
    for key in FIELDS_IN_TEXT:
        if isinstance(result.get(key), str) and result[key]:
            try:
                result[key] = json.loads(result[key])
            except ValueError:
                continue  # a definition's "input" is plain text
    return result


class Rest:
    """The v2 API at ``url`` (which ends in /v2)."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request as it is and return the response, whatever its status; ``path`` starts with /."""
        url = path if path.startswith("http") else self.url + path
        # Where nobody asks for a token, one is sent all the same: it must not show up in a log.
        headers = options.pop("headers", None) or {}
        if "Authorization" not in headers:
            headers = {"X-Auth-Token": planted("token"), **headers}
        return requests.request(method, url, timeout=60, headers=headers, **options)

    def _expect(self, status: int, method: str, path: str, **options: Any) -> Any:
        response = self.call(method, path, **options)
        said = f"{method} {path}: {response.status_code}, not {status}: {response.text[:2000]}"
        assert response.status_code == status, said
        return response.json() if response.content else None

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self._expect(status, "GET", path, params=query)

    def post(self, path: str, body: Any, status: int = 201, **query: Any) -> Any:
        return self._expect(status, "POST", path, params=query, **_body(body))

    def put(self, path: str, body: Any, status: int = 200, **query: Any) -> Any:
        return self._expect(status, "PUT", path, params=query, **_body(body))

    def delete(self, path: str, status: int = 204, **query: Any) -> Any:
        return self._expect(status, "DELETE", path, params=query)

    def start(self, workflow: str, given: Any = None, params: Any = None, namespace: str = "", **more: Any) -> dict:
        """Start an execution and return it."""
        body = {"workflow_name": workflow, "workflow_namespace": namespace, **more}
        body |= {"input": given} if given is not None else {}
        body |= {"params": params} if params is not None else {}
        return decoded(self.post("/executions", body))

    def execution(self, execution_id: str) -> dict[str, Any]:
        return decoded(self.get(f"/executions/{execution_id}"))

    def wait(self, execution_id: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """Wait until the execution is in one of ``states`` (any final one when none is given)."""
        wanted = states or FINISHED

        def there() -> dict[str, Any] | None:
            execution = self.execution(execution_id)
            if execution["state"] in wanted:
                return execution
            finished = execution["state"] in FINISHED
            assert not finished, f"ended in {execution['state']}, not {wanted}: {execution['state_info']}"
            return None

        return wait_for(there, seconds, f"execution {execution_id} in {wanted}")

    def run(self, workflow: str, given: Any = None, params: Any = None, namespace: str = "") -> dict[str, Any]:
        """Start an execution, wait for its end and return it."""
        return self.wait(self.start(workflow, given, params, namespace)["id"])

    def tasks(self, execution_id: str) -> list[dict[str, Any]]:
        """Return the tasks of an execution, sorted by name, published values included."""
        tasks = self.get(f"/executions/{execution_id}/tasks")["tasks"]
        return sorted(
            (decoded(task) for task in tasks), key=lambda task: (task["name"], task["created_at"], task["id"])
        )

    def task(self, execution_id: str, name: str) -> dict[str, Any]:
        """Return the one task of that name."""
        (found,) = [task for task in self.tasks(execution_id) if task["name"] == name]
        return found

    def wait_for_task(self, execution_id: str, name: str, state: str, seconds: float = 20) -> dict[str, Any]:
        """Wait until a task of that name is in ``state``, and return it."""

        def there() -> dict[str, Any] | None:
            found = [task for task in self.tasks(execution_id) if task["name"] == name and task["state"] == state]
            return found[0] if found else None

        return wait_for(there, seconds, f"task {name} in {state}")

    def actions(self, task_id: str) -> list[dict[str, Any]]:
        """Return the action executions of a task, oldest first."""
        actions = self.get(f"/tasks/{task_id}/action_executions")["action_executions"]
        return sorted((decoded(action) for action in actions), key=lambda action: (action["created_at"], action["id"]))

    def children(self, task_id: str) -> list[dict[str, Any]]:
        """Return the sub-workflow executions of a task, oldest first."""
        found = self.get(f"/tasks/{task_id}/workflow_executions")["executions"]
        whole = [self.execution(execution["id"]) for execution in found]
        return sorted(whole, key=lambda execution: (execution["created_at"], execution["id"]))


def _body(body: Any) -> dict[str, Any]:
    if isinstance(body, str):
        return {"data": body.encode(), "headers": {"Content-Type": "text/plain"}}
    return {"json": body}
