"""What is looked at in every request before anything else is done with it."""

import re

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from mistralish.errors import InputError

_ENCODING_OF_NONE = ("", "identity")


def check_intake() -> None:
    """Refuse what no route could make sense of. Raises InputError, UnsupportedMediaType."""
    if "\x00" in request.path or re.search(rb"%00|\x00", request.query_string):
        raise InputError("The path or a query argument has a NUL character, which cannot be looked for")
    # The host is part of the links in lists.
    if not request.host and "Host" in request.headers:
        raise InputError("The Host header does not name a host, such as example.org:8989")
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODING_OF_NONE:
        raise UnsupportedMediaType(f"The Content-Encoding '{encoding[:40]}' is not understood: send the body as it is")
