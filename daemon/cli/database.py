"""`db`: upgrades the database, makes copies, and puts them back."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.database_copy import copy
from daemon.cli.options import placed, say

if TYPE_CHECKING:
    from daemon.config.place import Place


@click.group()
def db() -> None:
    """Look after the database."""


db.add_command(copy)


@db.command("upgrade")
@placed
def upgrade(place: Place) -> None:
    """Bring the database to the newest schema; `run` and `once` do it themselves."""
    from daemon.cli.progress import progress
    from daemon.storage.instance import locked
    from daemon.storage.place import is_postgresql
    from daemon.storage.revision import named
    from daemon.storage.upgrade import upgrade as bring_up_to_date

    url = place.url
    # The tables on a server are changed while nobody has the lease: the upgrade itself sees to that.
    with progress() as report, nullcontext() if is_postgresql(url) else locked(url):
        done = bring_up_to_date(url, lambda: report("bringing it up to date", None))
    say(f"{named(url)} {'was brought' if done else 'is'} up to date")


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@placed
def backup(place: Place, file: Path) -> None:
    """Write a consistent copy of the database to an SQLite file, also while the daemon runs."""
    from daemon.cli.progress import progress
    from daemon.storage.backup import backup as write_copy

    _check_named(file)
    with progress() as report:
        write_copy(place.url, file, report)
    say(f"written to {file}")


@db.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@placed
def restore(place: Place, file: Path) -> None:
    """Put a copy in the place of the database while no daemon runs; the file from before is kept."""
    from daemon.cli.progress import progress
    from daemon.storage.restore import restore as put_back
    from daemon.storage.revision import file_of

    _check_named(file)
    url = place.url
    with progress() as report:
        done = put_back(url, file, report)
    state = f"the state of {done.as_of:%Y-%m-%d %H:%M:%S} UTC" if done.as_of else "no round was complete yet"
    say(f"{file_of(url)} is restored from {file} ({state})")
    if done.kept is not None:
        say(f"the file from before is kept as {done.kept}")
    if done.unknown_because is None:
        say("what was told since then is known, and is not told again")
    else:
        say(f"what was told since then may be told again: {done.unknown_because}")


def _check_named(file: Path) -> None:
    """Raises `UsageError` for a dash: a copy is complete or absent, which a stream cannot be."""
    if str(file) == "-":
        raise click.UsageError("`-` is no file: a copy is complete or absent, which a stream cannot be; name a file")
