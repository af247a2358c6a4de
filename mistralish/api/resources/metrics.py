"""``/metrics``: numbers about the service as a whole, for Prometheus."""

from flask import Blueprint, Response

from mistralish.api.context import service
from mistralish.api.contract import contract
from mistralish.api.observed import tally

blueprint = Blueprint("metrics", __name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@blueprint.get("/metrics")
@contract("metrics:get", content_type=CONTENT_TYPE)
def get_metrics() -> Response:
    """What the service has done since its start and what it is doing, in the text format of Prometheus."""
    return Response(service().metrics(tally()), content_type=CONTENT_TYPE)
