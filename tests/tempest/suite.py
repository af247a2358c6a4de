"""Runs mistral-tempest-tests, the public test suite of Mistral's API, against this service and a real Keystone.

First it installs Keystone and the suite, each once, into environments of their own; then it starts itself again in a
network of its own, where the suite can meet nothing but what it is meant to.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "system"))

from installed import environment_with
from keystone_server import (
    PASSWORD,
    REGION,
    Keystone,
    install_keystone,
    running_keystone,
    write_authtoken_file,
)
from outside import outside_hosts
from peers import Unavailable
from serving import running_server

EXPECTED = {"Passed": 112, "Failed": 0, "Skipped": 6}
"""What the suite says when all is well; it skips six tests itself."""

_INSIDE = "--inside"
_OWN_NETWORK = ("unshare", "--user", "--map-root-user", "--mount", "--net")
_ROLES = {"primary": "member", "alt": "member", "admin": "admin"}
_POLICY = '"workflows:publicize": "rule:admin_or_owner"\n'
"""The suite has a member make a workflow public: that takes an administrator, in the reference too, unless told so."""

_WORKFLOWS = """
version: "2.0"
std.create_instance:
  tasks:
    nothing:
      action: std.noop
std.wait_ssh:
  tasks:
    nothing:
      action: std.noop
"""
"""Stand for those that an installation of Mistral begins with; the suite looks for one, and for more than one."""

_CONFIG = """
[DEFAULT]
log_file = {folder}/tempest.log
[oslo_concurrency]
lock_path = {folder}/locks
[auth]
use_dynamic_credentials = false
test_accounts_file = {folder}/accounts.yaml
default_credentials_domain_name = Default
[identity]
auth_version = v3
uri_v3 = {url}
region = {region}
v3_endpoint_type = public
[service_available]
mistral = true
cinder = false
glance = false
neutron = false
nova = false
swift = false
"""


def main() -> int:
    """Install, run, and tell whether the suite said what is expected: 0, or 1."""
    if _INSIDE not in sys.argv:
        install_keystone()
        _install_tempest()
        there = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        os.execvpe(_OWN_NETWORK[0], [*_OWN_NETWORK, sys.executable, __file__, _INSIDE], there)
    folder = Path(tempfile.mkdtemp(prefix="mistralish-tempest-"))
    counts = _run_in(folder)
    print(", ".join(f"{count} {name.lower()}" for name, count in counts.items()))
    if counts != EXPECTED:
        print(f"That is not what is expected: {EXPECTED}. The logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _install_tempest() -> Path:
    return environment_with("tempest", "tempest==47.0.0", "mistral-tempest-tests==2.10.0")


def _run_in(folder: Path) -> dict[str, int]:
    policy = folder / "policy.yaml"
    policy.write_text(_POLICY)
    with outside_hosts(folder) as authority, running_keystone(folder) as keystone:
        settings = {
            "MISTRALISH_AUTH": "keystone",
            "MISTRALISH_KEYSTONE_AUTHTOKEN_FILE": str(write_authtoken_file(folder / "authtoken.conf", keystone.url)),
            "MISTRALISH_POLICY_FILE": str(policy),
            "REQUESTS_CA_BUNDLE": str(authority),
        }
        with running_server(folder, settings) as server:
            keystone.add_workflow_service(server.url)
            _add_people(keystone, folder)
            _upload_workflows(keystone, server.url)
            (folder / "tempest.conf").write_text(_CONFIG.format(folder=folder, url=keystone.url, region=REGION))
            return _run_suite(folder)


def _add_people(keystone: Keystone, folder: Path) -> None:
    accounts = []
    for name, role in _ROLES.items():
        keystone.add_user(f"{name}-user", f"{name}-project", role)
        account = {"username": f"{name}-user", "project_name": f"{name}-project", "password": PASSWORD, "roles": [role]}
        accounts.append(account | ({"types": ["admin"]} if role == "admin" else {}))
    (folder / "accounts.yaml").write_text(yaml.safe_dump(accounts))


def _upload_workflows(keystone: Keystone, url: str) -> None:
    headers = {"X-Auth-Token": keystone.token("admin-user", "admin-project"), "Content-Type": "text/plain"}
    requests.post(f"{url}/workflows?scope=public", _WORKFLOWS.encode(), headers=headers, timeout=60).raise_for_status()


def _run_suite(folder: Path) -> dict[str, int]:
    programs = _install_tempest()
    discovery = subprocess.run(
        [programs / "python", "-c", "import tempest; print(*tempest.__path__)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    where = ["--test-path", f"{discovery}/test_discover", "--top-dir", str(Path(discovery).parent)]
    process = subprocess.Popen(
        [programs / "stestr", *where, "run", "--serial", "mistral_tempest_tests.tests.api"],
        cwd=folder,
        env=os.environ | {"TEMPEST_CONFIG": str(folder / "tempest.conf"), "PATH": f"{programs}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    for line in process.stdout or ():
        print(line, end="", flush=True)
        said.append(line)
    process.wait()
    return {name: _count(name, said) for name in EXPECTED}


def _count(name: str, said: list[str]) -> int:
    """The figure in the suite's summary, such as `` - Passed: 112``; -1 where there is none."""
    found = [match for line in said if (match := re.fullmatch(rf" - {name}: (\d+)\n", line))]
    return int(found[-1][1]) if found else -1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unavailable as reason:
        sys.exit(str(reason))
