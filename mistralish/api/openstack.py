"""What an execution knows of who asked for it."""

from typing import Any

from mistralish.api.context import identity, service
from mistralish.masking import MASK


def openstack_data() -> dict[str, Any] | None:
    """What expressions of an execution that this request starts see as ``$.openstack``; None without authentication.

    The keys are the reference's, and the ``user_id`` of its documentation; as there, the token and the service catalog
    are kept back.
    """
    if service().settings.auth == "none":
        return None
    caller = identity()
    return {
        "project": caller.project_id,
        "project_id": caller.project_id,
        "project_name": caller.project_name,
        "user": caller.user_id,
        "user_id": caller.user_id,
        "user_name": caller.user_name,
        "roles": sorted(caller.roles),
        "is_admin": caller.is_admin,
        "auth_token": MASK,
        "service_catalog": MASK,
    }
