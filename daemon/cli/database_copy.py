"""`db copy`: moves a state from one database to another, from a file to a server or back."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.cli.options import config_option, place_of, say

CONFIGURED = "configured"
"""What stands for the database of the configuration: a URL of a server may hold a password."""


@click.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@config_option
@click.pass_context
def copy(ctx: click.Context, source: str, target: str, config: Path | None) -> None:
    """Copy the state to another database, while nothing runs on either; every row is compared.

    FROM and TO are written like database.url: sqlite:////var/lib/x/state.db, or postgresql+psycopg://USER@HOST/NAME;
    `configured` is the one of the configuration. TO is new, or nothing is recorded in it.

    Other users of this machine see what is on a command line. So give a password by PGPASSWORD or ~/.pgpass, or have it
    in database.url and write `configured`.
    """
    from daemon.cli.progress import progress
    from daemon.storage.copy import copy as copy_all
    from daemon.storage.place import shown
    from daemon.storage.revision import named

    ours, theirs = (_url(ctx, name, given, config) for name, given in (("FROM", source), ("TO", target)))
    if ours == theirs:
        raise click.UsageError(f"FROM and TO are the same: {shown(ours)}")
    warnings: list[str] = []
    with progress() as report:
        counts = copy_all(ours, theirs, report, warnings.append)
    for warning in warnings:
        say(f"warning: {warning}", err=True)
    filled = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    say(f"copied {named(ours)} to {named(theirs)}; all rows were compared: {filled}")
    if target != CONFIGURED:
        say(f'next: write url = "{shown(theirs)}" into [database]{_with_password(theirs)}, and start the service')
    else:
        say("next: start the service")


def _with_password(url: str) -> str:
    from daemon.storage.place import shown

    return "" if shown(url) == url else " with its password, or into the credential file database.url"


def _url(ctx: click.Context, name: str, given: str, config: Path | None) -> str:
    """The URL that an argument means. Raises `UsageError`, and what `place_of` raises."""
    from daemon.config.database import database_url

    if given == CONFIGURED:
        return place_of(ctx, config or ctx.obj).url
    try:
        return database_url(given)
    except ValueError as error:
        raise click.UsageError(f"{name} {error}") from None
