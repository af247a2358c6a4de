"""Write the OpenAPI document of every route to standard output: ``python -m mistralish.api.openapi``."""

import json
import sys

from flask import Flask

from mistralish.api.openapi import document
from mistralish.api.resources import BLUEPRINTS


def main() -> None:
    """Write the document."""
    app = Flask("mistralish", static_folder=None)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    json.dump(document(app), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
