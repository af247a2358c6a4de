"""``mistralish token …``: make, list and revoke the tokens that the mode ``auth = tokens`` takes."""

from datetime import UTC, datetime

import click

from mistralish.config import Settings
from mistralish.tokens import create_token, read_tokens, revoke_token

_HEADINGS = ("id", "project", "user", "roles", "created", "expires")


def create(settings: Settings, project: str, user: str, roles: tuple[str, ...], days: int | None) -> None:
    """Print a new token on standard output, and what it is for on standard error. Raises MistralishError."""
    text, token = create_token(settings.tokens_file, project, user, roles, days)
    until = f"until {token.expires_at}" if token.expires_at else "until it is revoked"
    click.echo(f"token {token.id} for project {project}, good {until}; it is shown this once:", err=True)
    click.echo(text)
    if settings.auth != "tokens":
        click.echo("the service takes tokens when it runs with MISTRALISH_AUTH=tokens (setting auth)", err=True)


def show(settings: Settings) -> None:
    """Print what is known of each token. Raises MistralishError."""
    now = datetime.now(UTC)
    rows = [_HEADINGS]
    for token in read_tokens(settings.tokens_file):
        expires = token.expires_at + (" (expired)" if token.is_expired(now) else "")
        rows.append((token.id, token.project, token.user, ",".join(token.roles), token.created_at, expires))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        click.echo("  ".join((cell or "-").ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def revoke(settings: Settings, identifier: str) -> None:
    """Have a token count no more, from the next request on. Raises MistralishError."""
    token = revoke_token(settings.tokens_file, identifier)
    click.echo(f"token {token.id} of project {token.project} is revoked")
