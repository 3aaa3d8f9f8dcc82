"""`watch`: a live view of the database at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from daemon.cli.options import placed, utc_option

if TYPE_CHECKING:
    from daemon.config.place import Place


@click.command()
@utc_option
@placed
def watch(place: Place, utc: bool) -> None:
    """Show live what is open, where its alerts are, and what waits; keys explain, retry and silence."""
    from daemon.cli.live import loop
    from daemon.host import terminal

    if not terminal.is_there():
        raise click.UsageError(
            "this is no terminal that can show a live view; `status`, `incidents` and `deliveries` print what it shows"
        )
    with terminal.Terminal() as screen:
        loop.watch(place, screen, utc=utc)
    if screen.ended_by is not None:
        terminal.end_as_asked(screen.ended_by)
