"""``mistralish validate``: one line a file."""

from pathlib import Path

import click

from mistralish.cli_files import read_definitions
from mistralish.errors import InputError
from mistralish.lang import LanguageError


def validate_file(path: Path) -> bool:
    """Check a file and print ``path: ok``, or where it is wrong and what would be right; whether it is good."""
    try:
        file = read_definitions(path)
    except LanguageError as error:
        hint = f" ({error.hint})" if error.hint else ""
        click.echo(f"{path}:{error.line or 1}:{error.column or 1}: {error.problem}{hint}")
        return False
    except InputError as error:
        click.echo(str(error))
        return False
    click.echo(f"{path}: ok ({', '.join([*file.workflows, *file.actions])})")
    return True
