"""Secrets of an input do not get into messages."""

import pytest

from mistralish.actions.redact import redact


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"password": "hunter2"}, "login as hunter2 failed"),
        ({"smtp_password": "hunter2"}, "(535, b'hunter2 is wrong')"),
        ({"auth": "user:hunter2"}, "bad credentials ('user', 'hunter2')"),
        ({"headers": {"Authorization": "Bearer hunter2"}}, "invalid token hunter2"),
        ({"headers": {"X-Auth-Token": "hunter2"}}, "hunter2"),
        ({"cookies": {"session": "hunter2"}}, "cookie session=hunter2"),
        (
            {"private_key": "-----BEGIN-----\nMIIabcdefghijklmnopqrstuhunter2\n-----END-----"},
            "MIIabcdefghijklmnopqrstuhunter2",
        ),
        ({"a": [{"api_key": "hunter2"}]}, "hunter2"),
        ({"secret": "hunter2 & more"}, "https://h/?x=hunter2%20%26%20more"),
        ({"token": "hun\nter2"}, "repr 'hun\\nter2'"),
    ],
)
def test_a_value_under_a_secret_name_is_masked_wherever_it_appears(given, text):
    masked = redact(text, given)
    assert "hunter2" not in masked
    assert "ter2" not in masked
    assert "***" in masked


def test_other_values_stay():
    assert redact("connecting to db1 as bob", {"host": "db1", "username": "bob"}) == "connecting to db1 as bob"


def test_a_value_too_short_to_be_a_secret_does_not_garble_the_text():
    assert redact("a cat sat", {"password": "a"}) == "a cat sat"
