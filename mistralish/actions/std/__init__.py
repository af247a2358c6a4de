"""The built-in actions, ``std.*``."""

from mistralish.actions.base import SystemAction
from mistralish.actions.settings import ActionSettings
from mistralish.actions.std.basic import (
    AsyncNoOpAction,
    EchoAction,
    FailAction,
    NoOpAction,
    SleepAction,
    TestDictAction,
)
from mistralish.actions.std.email import EmailAction
from mistralish.actions.std.host_keys import HostKeys
from mistralish.actions.std.http import HttpAction, MistralHttpAction
from mistralish.actions.std.javascript import JavaScriptAction, WorkerPool
from mistralish.actions.std.ssh import SshAction, SshProxiedAction


def standard_actions(settings: ActionSettings) -> list[SystemAction]:
    """Return the built-in actions, each made once with its limits."""
    scripts = WorkerPool(settings.javascript)
    known = HostKeys(settings.ssh.host_keys, settings.ssh.known_hosts_file)
    return [
        AsyncNoOpAction("std.async_noop"),
        EchoAction("std.echo"),
        EmailAction("std.email", settings.email_timeout, settings.egress),
        FailAction("std.fail"),
        HttpAction("std.http", settings.http, settings.egress),
        JavaScriptAction("std.javascript", scripts),
        JavaScriptAction("std.js", scripts),
        MistralHttpAction("std.mistral_http", settings.http, settings.egress),
        NoOpAction("std.noop"),
        SleepAction("std.sleep"),
        SshAction("std.ssh", settings.ssh, settings.egress, known),
        SshProxiedAction("std.ssh_proxied", settings.ssh, settings.egress, known),
        TestDictAction("std.test_dict"),
    ]
