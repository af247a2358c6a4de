"""Secret values at the API's edge: sealed as they come in, before anything keeps them, and masked as they go out."""

from collections.abc import Mapping
from typing import Any, cast

from flask import Flask, current_app, g

from mistralish.errors import InputError
from mistralish.executors.secrets import close_again
from mistralish.masking import MASK, SEALED_PREFIX, mask_sealed, mask_values
from mistralish.sealing import MARK, Sealer, seal_marked

_SEALER = "mistralish-sealer"
# In JSON, any character may be written as an escape.
_SIGNS = (MARK.encode(), SEALED_PREFIX.encode(), b"\\u")


def attach_sealer(app: Flask, sealer: Sealer) -> None:
    """Give ``app`` what seals the secret values of its requests."""
    app.extensions[_SEALER] = sealer


def sealed(raw: bytes, values: dict[str, Any]) -> dict[str, Any]:
    """``values``, read from ``raw``, with every value that is marked as secret sealed for the caller's project.

    Raises InputError, see :func:`mistralish.sealing.seal_marked`.
    """
    if not any(sign in raw for sign in _SIGNS):
        return values
    try:
        return cast(dict[str, Any], seal_marked(values, _sealer(), g.identity.project_id))
    except RecursionError:
        raise InputError("The request body is nested too deeply") from None


def seal_again(value: Any, given: Any, project_id: str) -> Any:
    """``value``, the result of an action that somebody else ran, with the secrets sealed that are so in ``given``."""
    return close_again(value, given, _sealer(), project_id)


def unmasked(given: Any, kept: Any) -> Any:
    """``given``, which a client sends instead of ``kept``; where it has what a read shows of a secret, what is kept."""
    return _unmasked(given, kept, mask_values(kept))


def _unmasked(given: Any, kept: Any, listed: Any) -> Any:
    if isinstance(given, Mapping) and isinstance(kept, Mapping) and isinstance(listed, Mapping):
        return {name: _unmasked(value, kept.get(name), listed.get(name)) for name, value in given.items()}
    if isinstance(given, list) and isinstance(kept, list) and isinstance(listed, list) and len(given) == len(kept):
        return [_unmasked(*three) for three in zip(given, kept, listed, strict=True)]
    if isinstance(given, str) and MASK in given and kept is not None:
        shown = mask_sealed(kept) if isinstance(kept, str) else kept
        return kept if given in (shown, listed) else given
    return given


def _sealer() -> Sealer:
    return cast(Sealer, current_app.extensions[_SEALER])
