"""Identifiers in paths where only an id will do."""

import uuid

from mistralish.errors import InputError


def is_uuid(text: str) -> bool:
    """Whether ``text`` is a UUID, in any of the usual notations."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def check_uuid(text: str) -> None:
    """Raise InputError where the identifier in the path is no UUID."""
    if not is_uuid(text):
        raise InputError(
            f"Invalid input for field/attribute id. Value: '{text}'. unable to convert to uuid. "
            f"Error: Expected a uuid but received {text}."
        )
