"""The rules' names and what they are unless a policy file says otherwise.

Names and defaults are the reference's (``mistral.policies``). Ours are those about ``events``, ``maintenance``,
``metrics`` and ``openapi``, ``…:validate``, and ``…:list:all_projects`` where the reference has none.
"""

ADMIN_ONLY, ADMIN_OR_OWNER = "rule:admin_only", "rule:admin_or_owner"

_READ, _WRITE = ("get", "list"), ("create", "update", "delete")
_ALL, _PUBLICIZE = "list:all_projects", "publicize"

# Of each resource: what its owner may do, and what takes an administrator.
_OPERATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "actions": ((*_READ, *_WRITE, "validate"), (_ALL, _PUBLICIZE)),
    "action_executions": ((*_READ, *_WRITE), (_ALL,)),
    "code_sources": ((), (*_READ, *_WRITE, _ALL, _PUBLICIZE)),
    "cron_triggers": ((*_READ, "create", "delete"), (_ALL, _PUBLICIZE)),
    "dynamic_actions": ((), (*_READ, *_WRITE, _ALL, _PUBLICIZE)),
    "environments": ((*_READ, *_WRITE), (_ALL, _PUBLICIZE)),
    "event_triggers": ((*_READ, *_WRITE), (_ALL, _PUBLICIZE)),
    "events": (("create",), ("create:all_projects",)),
    "executions": ((*_READ, *_WRITE), (_ALL,)),
    "maintenance": (("get",), ("update",)),
    "members": ((*_READ, *_WRITE), ()),
    "metrics": ((), ("get",)),
    "openapi": (("get",), ()),
    # The reference's files name it; there is no such resource here.
    "services": (("list",), ()),
    "tasks": ((*_READ, "update"), (_ALL,)),
    "workbooks": ((*_READ, *_WRITE, "validate"), (_ALL, _PUBLICIZE)),
    "workflows": ((*_READ, *_WRITE, "validate"), (_ALL, _PUBLICIZE)),
}


def _defaults() -> dict[str, str]:
    found = {"admin_only": "is_admin:True", "admin_or_owner": "is_admin:True or project_id:%(project_id)s"}
    for resource, (owners, administrators) in _OPERATIONS.items():
        found |= {f"{resource}:{operation}": ADMIN_OR_OWNER for operation in owners}
        found |= {f"{resource}:{operation}": ADMIN_ONLY for operation in administrators}
    return found


DEFAULTS: dict[str, str] = _defaults()
"""Every rule's expression by its name."""
