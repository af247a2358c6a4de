"""Sealed text opens with a key of the service's, for the project that it was sealed for, and in no other way."""

import base64
import sys

import pytest

from mistralish.errors import InputError, UnavailableError
from mistralish.masking import SEALED_PREFIX, holds_sealed, mask_sealed
from mistralish.sealing import SEALED, Sealer, SealError, change_texts, new_key, read_key, seal_marked

SECRET = "hunter2 & größer 🔑"


@pytest.fixture
def sealer():
    return Sealer((new_key(),))


def test_what_was_sealed_opens_as_it_was(sealer):
    sealed = sealer.seal(SECRET, "p1")
    assert SEALED.fullmatch(sealed)
    assert sealed.isascii()
    assert "hunter2" not in sealed
    assert sealer.open(sealed, "p1") == SECRET


def test_the_same_value_is_sealed_otherwise_each_time(sealer):
    assert sealer.seal(SECRET, "p1") != sealer.seal(SECRET, "p1")


def test_another_project_cannot_open_it(sealer):
    with pytest.raises(SealError, match="for another project"):
        sealer.open(sealer.seal(SECRET, "p1"), "p2")


def test_a_value_that_was_changed_does_not_open(sealer):
    sealed = sealer.seal(SECRET, "p1")
    other = "A" if sealed[20] != "A" else "B"
    with pytest.raises(SealError):
        sealer.open(sealed[:20] + other + sealed[21:], "p1")
    with pytest.raises(SealError):
        sealer.open(f"{SEALED_PREFIX}{'A' * 41}:", "p1")


def test_keys_can_be_replaced_one_after_the_other():
    old, new = new_key(), new_key()
    sealed = Sealer((old,)).seal(SECRET, "p1")
    both = Sealer((new, old))
    assert both.open(sealed, "p1") == SECRET
    assert Sealer((new,)).open(both.seal(SECRET, "p1"), "p1") == SECRET
    with pytest.raises(SealError, match="not among the service's secret_keys any more"):
        Sealer((new,)).open(sealed, "p1")


def test_without_a_key_nothing_is_sealed_and_nothing_opens(sealer):
    with pytest.raises(InputError, match="mistralish secret-key create"):
        Sealer().seal(SECRET, "p1")
    with pytest.raises(SealError, match="has no secret_keys"):
        Sealer().open(sealer.seal(SECRET, "p1"), "p1")


def test_keys_without_the_package_that_uses_them_are_refused_at_the_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(UnavailableError, match=r"pip install 'mistralish\[secrets\]'"):
        Sealer((new_key(),))
    Sealer()


@pytest.mark.parametrize("text", ["", "abc", "A" * 40, "!" * 44, base64.b64encode(b"x" * 33).decode()])
def test_text_that_is_no_key_is_refused_without_being_told(text):
    with pytest.raises(ValueError, match=r"a key has|base64|padding") as raised:
        read_key(text)
    assert not text or text not in str(raised.value)


def test_marked_values_are_sealed_wherever_they_are(sealer):
    given = {"a": {"$secret": "hunter2"}, "b": [{"c": {"$secret": "hunter3"}}, 1, None], "d": {"$secret": "x", "e": 1}}
    sealed = seal_marked(given, sealer, "p1")
    assert sealer.open(sealed["a"], "p1") == "hunter2"
    assert sealer.open(sealed["b"][0]["c"], "p1") == "hunter3"
    assert sealed["b"][1:] == [1, None]
    assert sealed["d"] == given["d"]


@pytest.mark.parametrize("value", ["abc", 12345678, None, ["hunter2"], {"a": "hunter2"}, True])
def test_a_mark_on_what_is_no_text_or_too_short_is_refused_without_being_told(sealer, value):
    with pytest.raises(InputError, match="must be text of at least 4 characters") as raised:
        seal_marked({"a": {"$secret": value}}, sealer, "p1")
    assert str(value) not in str(raised.value)


@pytest.mark.parametrize("place", [lambda s: s, lambda s: [f"Bearer {s}"], lambda s: {"a": {s: 1}}])
def test_sealed_text_that_a_client_sends_is_refused(sealer, place):
    with pytest.raises(InputError, match="nobody but this service makes") as raised:
        seal_marked(place(sealer.seal("hunter2", "p1")), sealer, "p1")
    assert not holds_sealed(str(raised.value))


def test_sealed_text_is_masked_whole_wherever_it_stands_and_when_it_was_cut_off(sealer):
    sealed = sealer.seal(SECRET, "p1")
    assert mask_sealed(f"Bearer {sealed}, {sealed}{sealed}.") == "Bearer ***, ******."
    assert mask_sealed(sealed[:30]) == "***"


def test_data_in_which_nothing_changes_is_not_copied():
    given = {"a": ["x", {"b": 1}], "c": ("y",)}
    assert change_texts(given, lambda text: text) is given
    assert change_texts(given, str.upper) == {"A": ["X", {"B": 1}], "C": ["Y"]}
