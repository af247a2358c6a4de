"""The SSH gateway that the tests of SSH actions share."""

from pathlib import Path

import pytest
from peers import ssh_peer


@pytest.fixture(scope="module")
def gateway(peer, tmp_path_factory):
    """A second server, which takes the first one's key too."""
    folder = tmp_path_factory.mktemp("gateway")
    with ssh_peer(folder) as running:
        with (folder / "authorized_keys").open("a") as keys:
            keys.write(Path(peer.key_file).with_suffix(".pub").read_text())
        yield running
