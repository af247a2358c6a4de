"""Clients that wait for something to happen to an execution, instead of asking again and again (our extension)."""

from collections.abc import Callable
from typing import Any, TypeVar
from zlib import crc32

from flask import after_this_request, request
from flask.wrappers import Response
from marshmallow import Schema, validate

from mistralish import states
from mistralish.api.context import service, tenant
from mistralish.api.schemas.base import WholeNumber

Found = TypeVar("Found")
Document = dict[str, Any]
_MOST_SECONDS = 60


class Waiting(Schema):
    """``wait``: seconds to wait for what is not there yet."""

    wait = WholeNumber(
        load_default=0, validate=validate.Range(0, _MOST_SECONDS, error=f"It must be from 0 to {_MOST_SECONDS}")
    )


def wait_for(execution_id: str, find: Callable[[], Found | None], seconds: int) -> Found | None:
    """Return what ``find`` returns, once that is not None; None when it is still None after so many seconds.

    It is asked again after each commit that changed the execution. Where many wait already, it does not wait.
    """
    return service().engine.watchers.wait_until(execution_id, find, seconds)


def wait_for_beginnings() -> None:
    """Return once what the caller may see and was started has its first tasks; see ``engine/admissions.py``."""
    caller = tenant()
    service().engine.admissions.wait(None if caller.is_admin else caller.project_id)


def wait_for_change(execution_id: str, read: Callable[[], Document], seconds: int) -> Document | None:
    """Return an execution's document, with its entity tag as a header; None where it is what the client has already.

    With ``seconds``, wait so long: for another than the one that ``If-None-Match`` tells, else for the execution's end.
    Source: RFC 9110, 8.8.3 and 13.1.2, for the tags.
    """
    known = request.if_none_match

    def is_new(document: Document) -> bool:
        return not known.contains_weak(_tag(document))

    def is_awaited(document: Document) -> bool:
        return is_new(document) if known else document["state"] in states.COMPLETED

    def find() -> Document | None:
        document = read()
        return document if is_awaited(document) else None

    document = wait_for(execution_id, find, seconds) or read()
    tag = _tag(document)
    after_this_request(lambda response: _tagged(response, tag))
    return document if is_new(document) else None


def _tagged(response: Response, tag: str) -> Response:
    response.set_etag(tag, weak=True)
    return response


def _tag(document: Document) -> str:
    """What changes with every change of an execution, and with what is shown of it."""
    moment = document["updated_at"] or document["created_at"]
    return f"{moment:x}-{crc32(request.args.get('fields', '').encode()):x}"
