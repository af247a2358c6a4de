"""A real Keystone from PyPI as a process: SQLite, Fernet tokens, and the identities that tests ask for."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from installed import environment_with
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from keystoneclient.v3.client import Client
from peers import free_port, wait_for
from planted import planted, watch

REGION = "RegionOne"
PASSWORD = planted("keystone-password")
"""The password of everybody, the administrator of the bootstrap included."""

_DOMAIN = "default"
_CONFIG = """
[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///{folder}/keystone.sqlite
[cache]
backend = dogpile.cache.memory
[identity]
password_hash_rounds = 4
[token]
expiration = {token_seconds}
[fernet_tokens]
key_repository = {folder}/keys
[fernet_receipts]
key_repository = {folder}/keys
[credential]
key_repository = {folder}/keys
"""
_AUTHTOKEN = """
[keystone_authtoken]
auth_type = password
auth_url = {url}
www_authenticate_uri = {url}
username = mistral
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
interface = public
http_request_max_retries = 0
{more}
"""


@dataclass
class Keystone:
    """A running Keystone; ``url`` is its v3 URL. Projects and users are in the default domain."""

    url: str
    admin: Client = field(init=False)

    def __post_init__(self) -> None:
        self.admin = Client(session=self.session("admin", "admin"), region_name=REGION, interface="public")

    def session(self, user: str, project: str | None) -> Session:
        """A session of ``user``; without a project its tokens are for none."""
        scope = {"project_name": project, "project_domain_id": _DOMAIN} if project else {"unscoped": True}
        auth = Password(self.url, username=user, password=PASSWORD, user_domain_id=_DOMAIN, **scope)
        return Session(auth=auth)

    def token(self, user: str, project: str | None) -> str:
        """A new token."""
        return str(self.session(user, project).get_token())

    def add_user(self, name: str, project: str, *roles: str) -> str:
        """Make a user with ``roles`` in ``project``, which is made if need be; the project's id."""
        found = self.admin.projects.list(name=project) or [self.admin.projects.create(project, _DOMAIN)]
        user = self.admin.users.create(name, password=PASSWORD, default_project=found[0])
        for role in roles:
            known = self.admin.roles.list(name=role) or [self.admin.roles.create(role)]
            self.admin.roles.grant(known[0], user=user, project=found[0])
        return str(found[0].id)

    def add_workflow_service(self, url: str) -> None:
        """Enter the service with v2 URL ``url`` into the catalog, and make the user under whom it asks Keystone."""
        self.add_user("mistral", "service", "service", "admin")
        service = self.admin.services.create("mistralish", type="workflowv2")
        self.admin.endpoints.create(service, url, interface="public", region=REGION)

    def environment(self, user: str, project: str) -> dict[str, str]:
        """What OpenStack's commands read from the environment."""
        domains = {"OS_USER_DOMAIN_ID": _DOMAIN, "OS_PROJECT_DOMAIN_ID": _DOMAIN, "OS_IDENTITY_API_VERSION": "3"}
        caller = {"OS_USERNAME": user, "OS_PASSWORD": PASSWORD, "OS_PROJECT_NAME": project}
        return {"OS_AUTH_URL": self.url, "OS_REGION_NAME": REGION, **caller, **domains}


def write_authtoken_file(file: Path, url: str, more: str = "") -> Path:
    """Write the file for the setting ``keystone_authtoken_file``; ``more`` are lines with further options."""
    file.write_text(_AUTHTOKEN.format(url=url, password=PASSWORD, more=more))
    return file


def install_keystone() -> Path:
    """The programs of Keystone's environment, installed if need be. Raises Unavailable where that cannot be done."""
    return environment_with("keystone", "keystone==30.0.0", "cheroot")


@contextmanager
def running_keystone(folder: Path, token_seconds: int = 3600) -> Iterator[Keystone]:
    """Run Keystone on a free port with its files in ``folder``; one that was there before is gone on with.

    Tokens are good for ``token_seconds``. Raises Unavailable where Keystone cannot be installed.
    """
    programs = install_keystone()
    port = free_port()
    url = f"http://127.0.0.1:{port}/v3"
    config = folder / f"keystone-{port}.conf"
    config.write_text(_CONFIG.format(folder=folder, token_seconds=token_seconds))
    log = folder / f"keystone-{port}.log"
    watch(log)
    command = [programs / "python", Path(__file__).with_name("keystone_process.py"), config, str(port), REGION]
    environ = os.environ | {"OS_KEYSTONE_CONFIG_FILES": str(config), "OS_BOOTSTRAP_PASSWORD": PASSWORD}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environ, cwd=folder)
    try:
        wait_for(lambda: _answers(url, process, log), 180, "Keystone's first answer")
        yield Keystone(url)
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, f"Keystone ended with {process.returncode}:\n{log.read_text()[-4000:]}"
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
