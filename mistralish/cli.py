"""The command ``mistralish``: its subcommands, their options, and what each exits with."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import mistralish
from mistralish.config import load_settings, mask_secrets
from mistralish.errors import MistralishError

USAGE_ERROR = 2


class Group(click.Group):
    """Turns an error that the caller can act on into one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MistralishError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(USAGE_ERROR)


config_option = click.option("--config", "config_file", metavar="FILE", help="Settings file (TOML).")


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command with settings has."""
    command = config_option(command)
    return click.option(
        "--database-url", metavar="URL", help="sqlite:///path or postgresql://user:password@host/name."
    )(command)


def address_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the service listens."""
    command = click.option("--port", metavar="PORT", help="TCP port [default: 8989].")(command)
    return click.option("--host", metavar="ADDRESS", help="Address [default: 127.0.0.1].")(command)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mistralish.__version__, prog_name="mistralish", message="%(prog)s %(version)s")
def main() -> None:
    """Durable workflows in the OpenStack Mistral v2 language, with its REST API."""


@main.command()
@address_options
@click.option(
    "--allow-anonymous", is_flag=True, default=None, help="Serve others with auth = none: no questions asked."
)
@settings_options
def serve(config_file: str | None, **flags: Any) -> None:
    """Serve the REST API until SIGTERM or Ctrl-C."""
    from mistralish.logs import announcer, configure
    from mistralish.server import serve as serve_until_stopped

    settings = load_settings(flags, config_file)
    configure(settings)
    serve_until_stopped(settings, announcer(settings))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("workflow", required=False)
@click.option("-i", "--input", "given", metavar="JSON", help="Input: a file, - for standard input, or JSON itself.")
@click.option("-p", "--params", metavar="JSON", help="Parameters of the execution (env, task_name, …), likewise.")
@click.option("-q", "--quiet", is_flag=True, help="Do not show the tasks as they run.")
def run(file: Path, workflow: str | None, given: str | None, params: str | None, quiet: bool) -> None:
    """Run a WORKFLOW of FILE here, without a server; its output goes to standard output as JSON.

    WORKFLOW may be left out when FILE has one that no other calls. Tasks are shown on standard error. The exit code
    is 0 after SUCCESS, 1 after ERROR, 2 when FILE or the input is wrong, 3 after CANCELLED (Ctrl-C cancels), 4 when
    the workflow has PAUSED.
    """
    from mistralish.cli_run import run_file

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    sys.exit(run_file(file, workflow, given, params, quiet=quiet))


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
def validate(files: tuple[Path, ...]) -> None:
    """Check definition files: workflows, workbooks or actions. The exit code is 2 when any is wrong."""
    from mistralish.cli_validate import validate_file

    good = [validate_file(file) for file in files]
    if not all(good):
        sys.exit(USAGE_ERROR)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("workflow", required=False)
@click.option("-i", "--input", "given", metavar="JSON", help="Input: a file, - for standard input, or JSON itself.")
@address_options
@settings_options
def quickstart(
    file: Path, workflow: str | None, given: str | None, config_file: str | None, **flags: str | None
) -> None:
    """Start the service, run a workflow of FILE on it through its REST API, and leave the service running."""
    from mistralish.cli_quickstart import quickstart as start_and_run

    sys.exit(start_and_run(load_settings(flags, config_file), config_file, file, workflow, given))


@main.command()
@address_options
@settings_options
def config(config_file: str | None, **flags: str | None) -> None:
    """Show every setting and where its value comes from; passwords are masked."""
    for name, value, origin in load_settings(flags, config_file).describe():
        click.echo(f"{name} = {value}  ({origin})")


@main.group()
def db() -> None:
    """Look after the database."""


@db.command()
@settings_options
def upgrade(config_file: str | None, **flags: str | None) -> None:
    """Bring the database's schema up to date (the service does so too when it starts)."""
    from mistralish.service import open_database

    store = open_database(load_settings(flags, config_file))
    try:
        click.echo(f"the schema is at version {store.schema_version()}")
    finally:
        store.close()


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@settings_options
def backup(file: Path, config_file: str | None, **flags: str | None) -> None:
    """Write a consistent copy of the database to the new FILE, also while the service runs.

    SQLite: FILE is a database, to be put in the original's place while no service runs. PostgreSQL: FILE is an archive
    for pg_restore.
    """
    from mistralish.store.backup import backup as make_backup

    settings = load_settings(flags, config_file)
    size = make_backup(settings.database_url, file.absolute())
    click.echo(f"{file}: {size} bytes, from {mask_secrets(settings.database_url)}")


@main.group()
def token() -> None:
    """Look after the tokens that the service takes with auth = tokens."""


@token.command("create")
@click.option("--project", required=True, metavar="PROJECT", help="What the token is for; projects are kept apart.")
@click.option("--user", default="", metavar="USER", help="Who will have it.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="May be repeated; admin: of the whole service.")
@click.option(
    "--expires", "days", type=click.IntRange(1, 36500), metavar="DAYS", help="[default: until it is revoked]."
)
@config_option
def create_token(config_file: str | None, project: str, user: str, roles: tuple[str, ...], days: int | None) -> None:
    """Make a token and print it, this once: only a hash of it is kept."""
    from mistralish.cli_tokens import create

    create(load_settings({}, config_file), project, user, roles, days)


@token.command("list")
@config_option
def list_tokens(config_file: str | None) -> None:
    """Show whose tokens there are, without the tokens."""
    from mistralish.cli_tokens import show

    show(load_settings({}, config_file))


@token.command("revoke")
@click.argument("identifier", metavar="ID")
@config_option
def revoke_token(config_file: str | None, identifier: str) -> None:
    """Have the token of this ID count no more, from the next request on."""
    from mistralish.cli_tokens import revoke

    revoke(load_settings({}, config_file), identifier)


@main.group("secret-key")
def secret_key() -> None:
    """Look after the keys of values that clients mark as secret."""


@secret_key.command("create")
def create_secret_key() -> None:
    """Print a fresh key, for the setting secret_keys. It is kept nowhere: with the last copy the values are lost."""
    from mistralish.sealing import new_key

    click.echo(new_key())


if __name__ == "__main__":
    main(prog_name="mistralish")
