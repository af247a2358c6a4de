"""Identifiers. Those that we make are UUIDs of version 7 (RFC 9562): they sort by time."""

import uuid_utils


def new_id() -> str:
    """Return a new UUID as text, greater than every one made before in this process."""
    return str(uuid_utils.uuid7())
