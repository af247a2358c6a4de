"""The column types of the store. How a type is called in each database is in ``connection``."""

from typing import Any

from peewee import BigIntegerField, BooleanField, TextField

from mistralish.store import json_text
from mistralish.store.data_keys import data_key, data_slot


class NameField(TextField):
    """A short text that is compared and sorted by its code points: ids, names, states, projects."""

    field_type = "NAME"


class TimeField(BigIntegerField):
    """Microseconds since 1970-01-01 UTC."""


class FlagField(BooleanField):
    """True or false, in databases without a type for it as well."""


class JsonField(TextField):
    """A JSON value, kept as text."""

    def db_value(self, value: Any) -> str | None:
        """Return the text of ``value``."""
        return json_text.dump(value)

    def python_value(self, value: str | None) -> Any:
        """Return the value that the text stands for."""
        return json_text.load(value)


class DataKeyField(NameField):
    """The key of the JSON in the column called ``of``; see ``data_keys``. Filled in when a row is written."""

    def __init__(self, of: str, usual: Any = None) -> None:
        super().__init__(null=True)
        self.of = of
        self.usual = usual

    def key(self, value: Any) -> str | None:
        """Return the key of a value of that column."""
        return data_key(value, self.usual)

    def derive(self, record: Any) -> str | None:
        """Return the key that belongs into a record's row."""
        return self.key(getattr(record, self.of))


class DataSlotField(DataKeyField):
    """Where indexes look for the key of the column called ``of``, in place of an index in the order of keys."""

    def key(self, value: Any) -> str | None:
        """Return the slot of a value of that column."""
        return data_slot(super().key(value))


class TagsField(JsonField):
    """A JSON list of texts."""


class TagsKeyField(DataKeyField):
    """The key of tags. Most rows have none, whether as an empty list or as no value: those have no key."""

    def key(self, value: Any) -> str | None:
        """See the base."""
        return data_key(value or [])
