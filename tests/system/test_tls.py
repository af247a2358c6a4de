"""The service with a certificate: real clients, plain ones, stalled ones, and a certificate that is renewed."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import trustme
from client_matrix.shell import PROGRAM
from processes import ServiceProcess
from serving import GIVEN_URL

pytestmark = pytest.mark.skipif(bool(GIVEN_URL), reason="starts services with settings of its own")
STALLED = 50


@dataclass
class Secure:
    """A service with TLS at ``url``; ``authority`` is a file that tells whom to trust; ``port`` is its port."""

    url: str
    authority: Path
    folder: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, verify=str(self.authority), timeout=10)


def certify(folder: Path, authority: trustme.CA) -> dict[str, Path]:
    """Write a certificate and its key, as settings."""
    made = authority.issue_cert("localhost", "127.0.0.1")
    files = {"tls_certificate": folder / "tls.crt", "tls_key": folder / "tls.key"}
    files["tls_certificate"].write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    files["tls_key"].write_bytes(made.private_key_pem.bytes())
    return files


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("tls")
    trusted = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    process = ServiceProcess(folder, "secure", f"sqlite:///{folder}/db.sqlite", certify(folder, authority))
    found = Secure(process.rest.url.replace("http:", "https:"), trusted, folder)
    process.rest.url = found.url
    try:
        process.wait_until_it_answers(verify=str(trusted))
        yield found
    finally:
        process.terminate()


def test_addresses_in_answers_say_https(secure: Secure) -> None:
    answer = secure.get("/")
    assert answer.json() == {"uri": secure.url}
    assert "Strict-Transport-Security" in answer.headers
    page = secure.get("/actions?limit=1").json()
    assert page["next"].startswith(secure.url + "/actions?")
    assert requests.get(page["next"], verify=str(secure.authority), timeout=10).json()["actions"]


def test_mistrals_client_works_with_the_authority_that_it_is_given(
    secure: Secure, clean_environment: dict[str, str]
) -> None:
    environment = {**clean_environment, "OS_MISTRAL_URL": secure.url}
    by_option = [str(PROGRAM), "--os-cacert", str(secure.authority), "action-get", "std.noop"]
    subprocess.run(by_option, env=environment, check=True, capture_output=True, timeout=60)
    command = [str(PROGRAM), "action-get", "std.noop"]
    by_variable = {**environment, "OS_CACERT": str(secure.authority)}
    subprocess.run(command, env=by_variable, check=True, capture_output=True, timeout=60)
    distrusting = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert distrusting.returncode != 0
    assert "CERTIFICATE_VERIFY_FAILED" in distrusting.stdout + distrusting.stderr


def test_plain_http_is_told_to_use_tls(secure: Secure) -> None:
    answer = requests.get(secure.url.replace("https:", "http:"), timeout=10)
    assert answer.status_code == 400
    assert "TLS" in answer.json()["faultstring"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_no_version_before_1_2_is_spoken(secure: Secure) -> None:
    spoken = []
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(secure.authority))
        context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, version
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", secure.port), 10) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="localhost") as made:
                    spoken.append(made.version())
            except ssl.SSLError:
                spoken.append(None)
    assert spoken == [None, "TLSv1.2", "TLSv1.3"]


def test_clients_that_stall_in_the_handshake_keep_nobody_waiting(secure: Secure) -> None:
    began = (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
    stalled = [socket.create_connection(("127.0.0.1", secure.port), 10) for _ in range(STALLED)]
    try:
        for number, client in enumerate(stalled):
            client.send(began[number % len(began)])
        start = time.monotonic()
        for _ in range(10):
            assert secure.get("/").status_code == 200
        assert time.monotonic() - start < 5
    finally:
        for client in stalled:
            client.close()


def test_a_renewed_certificate_is_used_at_once_and_a_wrong_one_is_not(secure: Secure, authority: trustme.CA) -> None:
    before = ssl.get_server_certificate(("127.0.0.1", secure.port))
    certify(secure.folder, authority)
    renewed = ssl.get_server_certificate(("127.0.0.1", secure.port))
    assert renewed != before
    (secure.folder / "tls.key").write_text("nonsense")
    assert ssl.get_server_certificate(("127.0.0.1", secure.port)) == renewed
    assert secure.get("/").status_code == 200


def test_a_certificate_that_does_not_fit_keeps_the_service_from_starting(tmp_path: Path, authority: trustme.CA) -> None:
    files = certify(tmp_path, authority)
    shutil.copy(files["tls_certificate"], tmp_path / "old.crt")
    certify(tmp_path, authority)
    files["tls_certificate"] = tmp_path / "old.crt"
    environment = {**os.environ, **{f"MISTRALISH_{name.upper()}": str(path) for name, path in files.items()}}
    command = [sys.executable, "-m", "mistralish.cli", "serve", "--port", "0"]
    command += ["--database-url", f"sqlite:///{tmp_path}/db.sqlite"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: settings 'tls_certificate' and 'tls_key': the key in ")
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "db.sqlite").exists()
