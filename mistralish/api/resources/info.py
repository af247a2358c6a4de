"""``/info``: what whoever runs the service wants to tell about it, from a file of theirs."""

import json
from typing import Any

from flask import Blueprint
from marshmallow import Schema

from mistralish.api.context import service
from mistralish.api.contract import contract, open_to_all
from mistralish.errors import InputError, UnavailableError

blueprint = Blueprint("info", __name__, url_prefix="/info")


class InfoSchema(Schema):
    """Whatever the file has."""


@blueprint.get("")
@open_to_all
@contract(answers=InfoSchema)
def get_info() -> Any:
    """The content of the JSON file that the setting ``info_file`` names."""
    path = service().settings.info_file
    if path is None:
        raise InputError("Info endpoint disabled. The setting info_file switches it on: it names a JSON file")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("Incorrect path to info json file.") from None
    except (OSError, ValueError) as error:
        raise UnavailableError(f"The file that the setting info_file names cannot be read as JSON: {error}") from None
