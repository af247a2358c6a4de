"""``/health`` and ``/ready``: for whoever restarts the service or sends it requests; they tell nothing of its work."""

from flask import Blueprint
from marshmallow import Schema, fields

from mistralish.api.context import service
from mistralish.api.contract import contract, open_to_all
from mistralish.errors import UnavailableError

blueprint = Blueprint("health", __name__)


class HealthSchema(Schema):
    """Whether the service lives, or can work."""

    status = fields.String()


@blueprint.get("/health")
@open_to_all
@contract(answers=HealthSchema)
def get_health() -> dict[str, str]:
    """Whether the process answers requests. Asks nothing else, not even the database: when this fails, restart it."""
    return {"status": "alive"}


@blueprint.get("/ready")
@open_to_all
@contract(answers=HealthSchema)
def get_readiness() -> dict[str, str]:
    """Whether the service can do its work now: its database answers, its engine and its scheduler move, it is not
    stopping. 503 with the reasons otherwise: then send requests elsewhere, and ask again."""
    problems = service().readiness.problems()
    if problems:
        raise UnavailableError(f"The service is not ready: {'; '.join(problems)}")
    return {"status": "ready"}
