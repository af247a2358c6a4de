"""std.http and std.mistral_http: one HTTP request. Source: the reference's standard actions."""

import json as json_module
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mistralish.actions.base import ActionError, StdAction
from mistralish.actions.context import ActionContext
from mistralish.actions.deadline import Deadline
from mistralish.actions.egress import EgressPolicy
from mistralish.actions.result import Result
from mistralish.actions.settings import HttpSettings
from mistralish.errors import InputError

if TYPE_CHECKING:
    from requests import Response

_GOOD_STATUSES = range(200, 307)


class HttpAction(StdAction):
    """Sends an HTTP request and returns the answer.

    The result has `content` (read as JSON where it is JSON), `status`, `reason`, `headers`, `cookies`, `encoding`,
    `url`, `history` (the redirects that were followed) and `elapsed` (seconds until the answer began). A status
    outside 200 to 306 makes the action fail, with the same structure as its error.

    :param url: where to.
    :param method: GET where not given.
    :param params: the query, a dictionary or text.
    :param body: what to send, as text; a dictionary is sent as JSON.
    :param json: what to send, as JSON with its content type. Not together with `body`.
    :param headers: a dictionary of headers.
    :param cookies: a dictionary of cookies.
    :param auth: `user:password` for basic authentication.
    :param timeout: seconds to wait for the other side's next sign of life.
    :param allow_redirects: whether to follow redirects; they are not followed where not given.
    :param proxies: a dictionary of protocol and proxy URL.
    :param verify: whether to verify the TLS certificate (yes, where not given), or a file of authorities to trust.
    """

    def __init__(self, name: str, settings: HttpSettings, policy: EgressPolicy) -> None:
        super().__init__(name)
        self._settings = settings
        self._policy = policy

    def check_parameters(self, given: Mapping[str, Any]) -> None:
        super().check_parameters(given)
        if given.get("body") and given.get("json"):
            raise InputError("Only one of the parameters 'json' and 'body' can be passed")

    def execute(
        self,
        about: ActionContext,
        url: Any,
        method: Any = "GET",
        params: Any = None,
        body: Any = None,
        json: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: Any = None,
        proxies: Any = None,
        verify: Any = None,
    ) -> Any:
        seconds = self._settings.default_timeout if timeout is None else timeout
        request = {
            "params": params,
            "data": json_module.dumps(body) if isinstance(body, dict) else body,
            "json": json,
            "headers": self._headers(headers, about),
            "cookies": cookies,
            "auth": _credentials(auth),
            "timeout": seconds,
            "allow_redirects": bool(allow_redirects),
            "proxies": proxies,
            "verify": verify,
        }
        limit = self._settings.max_seconds
        if isinstance(seconds, int | float):
            limit = max(limit, min(seconds, self._settings.most_seconds))
        result = self._exchange(str(method), str(url), request, about.seconds(limit))
        return result if result["status"] in _GOOD_STATUSES else Result(error=result)

    def _headers(self, headers: Any, about: ActionContext) -> Any:
        if not isinstance(headers, dict):
            return headers
        return {name: str(value) if isinstance(value, int | float) else value for name, value in headers.items()}

    def _exchange(self, method: str, url: str, request: dict[str, Any], limit: float) -> dict[str, Any]:
        # Slow to import, and most services start without needing it at once.
        from mistralish.actions.web import WebSession, read_body, too_late, without_secrets

        with Deadline(limit) as deadline:
            try:
                follows = request["allow_redirects"]
                with (
                    WebSession(self._policy, deadline, follows_redirects=follows) as session,
                    session.request(method, url, stream=True, **request) as response,
                ):
                    return _describe(response, read_body(response, self._settings.max_response_bytes, deadline))
            except ActionError:
                raise
            except Exception as error:
                if deadline.has_passed:
                    raise ActionError(too_late(deadline)) from error
                raise ActionError(f"Failed to send HTTP request: {without_secrets(str(error), url)}") from error


class MistralHttpAction(HttpAction):
    """Sends an HTTP request and waits for the result to be given through the API.

    The request carries the headers `Mistral-Workflow-Name`, `Mistral-Workflow-Execution-Id`, `Mistral-Task-Id`,
    `Mistral-Action-Execution-Id` and `Mistral-Callback-URL` (the path that takes the result by PUT). The answer to the
    request is not the result; but when the request fails, the action does. The parameters are those of `std.http`.
    """

    def is_sync(self, given: Mapping[str, Any]) -> bool:
        return False

    def _headers(self, headers: Any, about: ActionContext) -> Any:
        ids = {
            "Mistral-Workflow-Name": about.workflow_name,
            "Mistral-Workflow-Execution-Id": about.workflow_execution_id,
            "Mistral-Task-Id": about.task_execution_id,
            "Mistral-Action-Execution-Id": about.action_execution_id,
            "Mistral-Callback-URL": about.callback_url,
        }
        # A name that is not Latin-1 cannot be a header as it is: its UTF-8 bytes go out.
        known = {name: value.encode() for name, value in ids.items() if value is not None}
        return {**(super()._headers(headers or {}, about)), **known}


def _credentials(auth: Any) -> tuple[str, str] | None:
    if not auth:
        return None
    if isinstance(auth, str) and ":" in auth:
        user, _, password = auth.partition(":")
        return user, password
    if isinstance(auth, list | tuple) and len(auth) == 2:
        return str(auth[0]), str(auth[1])
    raise ActionError("Wrong parameter 'auth'; it must be text of the form user:password")


def _describe(response: "Response", body: bytes) -> dict[str, Any]:
    return {
        "content": _content(body, response.encoding),
        "status": response.status_code,
        "headers": dict(response.headers.items()),
        "url": response.url,
        "history": [{"url": hop.url, "status": hop.status_code} for hop in response.history],
        "encoding": response.encoding,
        "reason": response.reason,
        "cookies": dict(response.cookies.items()),
        "elapsed": response.elapsed.total_seconds(),
    }


def _content(body: bytes, encoding: str | None) -> Any:
    """Read a body as JSON, else as text in its own encoding; bytes that fit neither become U+FFFD."""
    try:
        return json_module.loads(body)
    except (ValueError, RecursionError):
        pass
    try:
        return body.decode(encoding or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
