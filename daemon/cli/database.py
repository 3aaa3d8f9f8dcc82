"""`db`: upgrades the database and makes backups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.options import configured, say

if TYPE_CHECKING:
    from daemon.config.load import Configuration


@click.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
@configured(offline=True)
def upgrade(configuration: Configuration) -> None:
    """Bring the database to the newest schema; `run` and `once` do it themselves."""
    from daemon.storage.instance import locked
    from daemon.storage.revision import file_of
    from daemon.storage.upgrade import upgrade as bring_up_to_date

    url = configuration.settings.database.url
    with locked(url):
        done = bring_up_to_date(url)
    say(f"{file_of(url)} {'was brought' if done else 'is'} up to date")


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@configured(offline=True)
def backup(configuration: Configuration, file: Path) -> None:
    """Write a consistent copy of the database, also while the daemon runs."""
    from daemon.storage.backup import backup as write_copy

    _check_named(file)
    write_copy(configuration.settings.database.url, file)
    say(f"written to {file}")


def _check_named(file: Path) -> None:
    """Raises `UsageError` for a dash: a copy is complete or absent, which a stream cannot be."""
    if str(file) == "-":
        raise click.UsageError("`-` is no file: a copy is complete or absent, which a stream cannot be; name a file")
