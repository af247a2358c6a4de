"""What is noted of each request: its id, who asked, how it ended and how long it took."""

import logging
import re
import time

import uuid_utils
from flask import Flask, Response, current_app, g, request

from mistralish import logs
from mistralish.masking import mask_text
from mistralish.tallies import RequestTally

LOG = logging.getLogger("mistralish.requests")

_TALLY = "mistralish-requests"
_READS = ("GET", "HEAD", "OPTIONS")
_GIVEN_BY = ("X-Openstack-Request-Id", "X-Request-Id")
_REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def observe(app: Flask) -> None:
    """Give ``app`` the tally of its requests."""
    app.extensions[_TALLY] = RequestTally()


def tally() -> RequestTally:
    """The requests that the application has answered."""
    found: RequestTally = current_app.extensions[_TALLY]
    return found


def begin() -> None:
    """Give the request an id, the client's where it sent one as OpenStack's services do, and begin to measure."""
    g.began_at = time.perf_counter()
    given = next((request.headers[name] for name in _GIVEN_BY if name in request.headers), "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else f"req-{uuid_utils.uuid4()}"
    logs.request_id.set(g.request_id)
    if request.blueprint == "executions" and request.view_args:
        logs.about_execution(request.view_args.get("identifier", ""))


def note_caller() -> None:
    """Let what is logged from now on tell the project of whoever asks, where that is known."""
    if "identity" in g:
        logs.project_id.set(g.identity.project_id)


def finish(response: Response) -> Response:
    """Tell the client the id; count the request and log it. Of its address only the path: a query may hold anything."""
    response.headers["X-Request-Id"] = g.request_id
    seconds = time.perf_counter() - g.began_at
    route = request.url_rule.rule if request.url_rule else "none"
    tally().add(route, request.method, response.status_code, seconds)
    # Most requests only read, many of them every second; a record costs some 5 % of such a request.
    is_read = request.method in _READS and response.status_code < 400
    level = logging.DEBUG if is_read else logging.INFO
    if LOG.isEnabledFor(level):
        fields = {
            "method": request.method,
            "path": mask_text(request.path),
            "status": response.status_code,
            "duration_ms": round(seconds * 1000, 1),
        }
        LOG.log(level, "%(method)s %(path)s %(status)d %(duration_ms)s ms", fields, extra={logs.FIELDS: fields})
    return response


def forget(_error: BaseException | None) -> None:
    """The thread answers another request next, or none."""
    for variable in (logs.request_id, logs.project_id, logs.execution_id):
        variable.set("")
