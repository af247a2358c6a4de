"""Write the API's reference into a folder: ``python -m mistralish.api.openapi api-ref``.

That is ``openapi.json``, and pages made from it and from the folder's ``examples.json``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from flask import Flask

from mistralish.api.openapi import document
from mistralish.api.openapi.pages import pages
from mistralish.api.resources import BLUEPRINTS


def reference(examples: dict[str, Any]) -> dict[str, str]:
    """The files of the reference by name: the document of every route there is, and the pages."""
    app = Flask("mistralish", static_folder=None)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    described = document(app)
    text = json.dumps(described, indent=1, ensure_ascii=False) + "\n"
    return {"openapi.json": text, **pages(described, examples)}


def main(folder: Path) -> None:
    """Write the reference into ``folder``."""
    examples = json.loads((folder / "examples.json").read_text())
    for name, text in reference(examples).items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
