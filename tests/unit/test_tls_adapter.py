"""Certificates: which files are refused, in which words, and that new ones are taken up."""

import os
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from mistralish.config import Settings
from mistralish.errors import InputError
from mistralish.tls import TlsAdapter, tls_adapter


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def write(folder: Path, authority: trustme.CA, name: str = "tls") -> tuple[Path, Path]:
    made = authority.issue_cert("localhost")
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    return certificate, key


def said(certificate: Path | None, key: Path | None) -> str:
    with pytest.raises(InputError) as caught:
        tls_adapter(Settings(tls_certificate=certificate, tls_key=key))
    return caught.value.message


def test_without_a_certificate_there_is_no_tls() -> None:
    assert tls_adapter(Settings()) is None


def test_one_without_the_other_is_refused(tmp_path: Path, authority: trustme.CA) -> None:
    certificate, key = write(tmp_path, authority)
    assert "'tls_certificate' is given without 'tls_key'" in said(certificate, None)
    assert "'tls_key' is given without 'tls_certificate'" in said(None, key)


def test_missing_wrong_and_mismatched_files_are_named(tmp_path: Path, authority: trustme.CA) -> None:
    certificate, key = write(tmp_path, authority)
    other, _ = write(tmp_path, authority, "other")
    damaged = tmp_path / "damaged.crt"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    nowhere = tmp_path / "nowhere"
    assert f"'tls_certificate': {nowhere} cannot be read: No such file or directory" in said(nowhere, key)
    assert f"'tls_key': {nowhere} cannot be read" in said(certificate, nowhere)
    assert f"'tls_key': {certificate} holds no private key" in said(certificate, certificate)
    assert f"'tls_certificate': {key} holds no certificate" in said(key, key)
    assert f"the key in {key} does not belong to the first certificate in {other}" in said(other, key)
    assert f"{damaged} and {key} cannot be used" in said(damaged, key)


def test_a_key_with_a_password_is_refused_rather_than_asked_for(tmp_path: Path, authority: trustme.CA) -> None:
    certificate, key = write(tmp_path, authority)
    loaded = load_pem_private_key(key.read_bytes(), None)
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        key.write_bytes(loaded.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"hunter2")))
        assert f"the private key in {key} has a password" in said(certificate, key)


def test_new_files_are_taken_up_and_wrong_ones_are_not(
    tmp_path: Path, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = write(tmp_path, authority)
    adapter = TlsAdapter(certificate, key)
    first = adapter.context
    assert adapter.context is first
    write(tmp_path, authority)
    second = adapter.context
    assert second is not first
    key.write_text("nonsense")
    os.utime(key, ns=(1, 1))
    assert adapter.context is second
    assert adapter.context is second
    assert len([entry for entry in caplog.records if "stays in use" in entry.getMessage()]) == 1
