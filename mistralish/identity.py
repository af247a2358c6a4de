"""Who asks: the project, the user and the roles that a request has been given by whoever authenticated it."""

from dataclasses import dataclass

ADMIN_ROLE = "admin"


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated caller. ``is_admin``: of the whole service, not of a project."""

    project_id: str
    user_id: str = ""
    roles: frozenset[str] = frozenset()
    is_admin: bool = False
    user_name: str = ""
    project_name: str = ""
