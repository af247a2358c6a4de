"""What all resources' schemas share: the fields that JSON has no word for, and projections."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from mistralish.json_reader import read_json
from mistralish.masking import mask_text, mask_values
from mistralish.times import moment, precise_moment

NAME_LENGTH = 255
INT64 = 1 << 63
SCOPES = ("private", "public")


class JsonText(fields.Field[dict[str, Any]]):
    """An object that clients get as JSON text, and may send as JSON text or as an object.

    ``is_data``: it comes from requests and actions, so lists mask what is under secret-looking names in it.
    """

    def __init__(self, *, is_data: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_data = is_data

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else json.dumps(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if isinstance(value, str):
            try:
                value = read_json(value)
            except ValueError as error:
                raise ValidationError(f"It must be an object, or JSON text of one: {error}") from None
        if not isinstance(value, dict):
            raise ValidationError("It must be an object, or JSON text of one")
        return value


class ErrorText(fields.String):
    """Text that tells what went wrong, shown without what looks like a secret."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        text = super()._serialize(value, attr, obj, **kwargs)
        return text and mask_text(text)


class TimeText(fields.Field[str]):
    """A time: microseconds since the epoch inside, ``YYYY-MM-DD HH:MM:SS`` in UTC outside. What is sent is text."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else moment(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("It must be a time as text, such as 2030-01-31 12:00")
        return value


class PreciseTimeText(TimeText):
    """A time to the microsecond, only shown."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else precise_moment(value)


class WholeNumber(fields.Integer):
    """A whole number of at most 64 bits, or text of one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        is_whole = isinstance(value, int | str) and not isinstance(value, bool)
        try:
            number = int(super()._deserialize(value if is_whole else "", attr, data, **kwargs))
        except ValidationError:
            raise ValidationError("It must be a whole number") from None
        if not -INT64 <= number < INT64:
            raise ValidationError("It must have at most 64 bits")
        return number


class ResourceSchema(Schema):
    """A resource.

    ``deferred`` attributes are left out of lists unless they are asked for; ``derived`` ones no column holds, and
    lists do not work them out.
    """

    deferred: frozenset[str] = frozenset()
    derived: frozenset[str] = frozenset()

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every attribute, in the order in which they are shown."""
        return tuple(cls._declared_fields)


def text(**kwargs: Any) -> fields.String:
    """A text attribute that may be null."""
    return fields.String(allow_none=True, **kwargs)


def name_text(**kwargs: Any) -> fields.String:
    """A name: text of at most 255 characters."""
    too_long = validate.Length(max=NAME_LENGTH, error=f"It must have at most {NAME_LENGTH} characters")
    return fields.String(allow_none=True, validate=too_long, **kwargs)


def tags() -> fields.List[str]:
    """A list of texts that may be null."""
    return fields.List(fields.String(), allow_none=True)


def scope() -> fields.String:
    """Who may see a resource: its project, or everyone."""
    return fields.String(validate=validate.OneOf(SCOPES, error="Value should be one of: private, public"))


def show(
    schema: type[ResourceSchema],
    document: Mapping[str, Any],
    *,
    only: Iterable[str] | None = None,
    without: Iterable[str] = (),
) -> dict[str, Any]:
    """``document`` as clients get it: every attribute that it has, or only those named, less those ``without``."""
    dumps, _ = _compiled(schema, _shown(schema, only), tuple(without))
    return _dump(dumps, document)


def show_many(
    schema: type[ResourceSchema],
    documents: Iterable[Mapping[str, Any]],
    *,
    only: Iterable[str] | None = None,
    without: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Several documents as :func:`show` shows one, but for the values under secret-looking names: they are masked."""
    dumps, data = _compiled(schema, _shown(schema, only), tuple(without))
    return [_dump(dumps, _masked(document, data)) for document in documents]


def _masked(document: Mapping[str, Any], names: Iterable[str]) -> Mapping[str, Any]:
    return {**document, **{name: mask_values(document[name]) for name in names if document.get(name)}}


def _shown(schema: type[ResourceSchema], only: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if only is None else tuple(name for name in only if not schema._declared_fields[name].load_only)


Dumps = tuple[tuple[str, type, Callable[..., Any]], ...]


def _dump(dumps: Dumps, document: Mapping[str, Any]) -> dict[str, Any]:
    shown = {}
    for name, plain, serialize in dumps:
        if name in document:
            value = document[name]
            shown[name] = value if value is None or type(value) is plain else serialize(value, name, document)
    return shown


@lru_cache(maxsize=256)
def _compiled(
    schema: type[ResourceSchema], only: tuple[str, ...] | None, without: tuple[str, ...]
) -> tuple[Dumps, list[str]]:
    """Give of each attribute: its name, the type of values that are shown as they are, and how others are.

    marshmallow's own ``dump`` asks each field of each document what it is; that is most of a long list's time.
    Besides, the attributes that are data.
    """
    shown = schema(only=only, exclude=without).dump_fields
    dumps = tuple((name, _AS_IT_IS.get(type(each), type(None)), each._serialize) for name, each in shown.items())
    return dumps, [name for name, each in shown.items() if isinstance(each, JsonText) and each.is_data]


_AS_IT_IS: dict[type, type] = {fields.String: str, fields.Boolean: bool}
