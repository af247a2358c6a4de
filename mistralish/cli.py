"""The command ``mistralish``: its subcommands, their options, and what each exits with."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import mistralish
from mistralish.config import Settings, load_settings
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


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command with settings has."""
    options = (
        click.option("--database-url", metavar="URL", help="sqlite:///path or postgresql://user:password@host/name."),
        click.option("--config", "config_file", metavar="FILE", help="Settings file (TOML)."),
    )
    for option in reversed(options):
        command = option(command)
    return command


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
@settings_options
def serve(config_file: str | None, **flags: str | None) -> None:
    """Serve the REST API until SIGTERM or Ctrl-C."""
    from mistralish.server import serve as serve_until_stopped

    settings = load_settings(flags, config_file)
    configure_logging(settings)
    serve_until_stopped(settings, lambda line: print(line, flush=True))


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


def configure_logging(settings: Settings) -> None:
    """Log to standard error, from the level that the settings name."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


if __name__ == "__main__":
    main(prog_name="mistralish")
