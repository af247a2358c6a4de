"""Sets up a Keystone, if its folder has none, and serves it; run by the Python that Keystone is installed for.

Arguments: the configuration file, beside which its files are, the port, and the region.
"""

import os
import sys
from pathlib import Path

from cheroot.wsgi import Server
from keystone.cmd import cli

config, port, region = sys.argv[1:]
del sys.argv[1:]  # Keystone would read them as options of its own
keys = Path(config).with_name("keys")

if not keys.exists():
    keys.mkdir()
    url = ("--bootstrap-public-url", f"http://127.0.0.1:{port}/v3", "--bootstrap-region-id", region)
    owner = ("--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid()))
    for command in (["db_sync"], ["fernet_setup", *owner], ["bootstrap", *url]):
        cli.CONF.reset()
        cli.main(["keystone-manage", "--config-file", config, *command])
    os.execv(sys.executable, sys.orig_argv)  # what set it up cannot serve it: Keystone's registries are filled once

from keystone.wsgi.api import application  # noqa: E402 - it reads the configuration, and serves at once

Server(("127.0.0.1", int(port)), application, numthreads=4).safe_start()
