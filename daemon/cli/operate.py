"""`retry` and `drop`: operate on single deliveries.

Each id gets one line of output. A failure for one id does not affect the others.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.options import placed, say
from daemon.cli.proposals import gone_sources, unsettled_ids
from daemon.model.incident import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from daemon.config.place import Place


@click.command()
@click.argument("ids", nargs=-1, type=int, metavar="ID...", shell_complete=unsettled_ids)
@click.option("--dead", is_flag=True, help="All dead deliveries.")
@click.option("--force", is_flag=True, help="Also what is too late, and would open what is over or close what is open.")
@placed
def retry(place: Place, ids: tuple[int, ...], dead: bool, force: bool) -> None:
    """Make dead deliveries pending again, and waiting ones due now."""
    if not _retry(place.url, ids, dead=dead, force=force):
        sys.exit(1)


@click.command()
@click.argument("ids", nargs=-1, type=int, metavar="ID...", shell_complete=unsettled_ids)
@click.option(
    "--source",
    metavar="NAME",
    shell_complete=gone_sources,
    help="The open incidents of an account that the configuration does not poll any more (-: that of [betterstack]).",
)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@placed
def drop(place: Place, ids: tuple[int, ...], source: str | None, yes: bool) -> None:
    """Give up deliveries that cannot be sent, dead ones or waiting ones."""
    if bool(ids) == (source is not None):
        raise click.UsageError("give the ids of dead or waiting deliveries, or --source with the name of an account")
    if source is not None:
        from daemon.cli.give_up import give_up

        give_up(place.url, source, yes=yes)
        return
    if not _drop(place.url, ids, yes=yes):
        sys.exit(1)


def _retry(url: str, ids: Sequence[int], *, dead: bool, force: bool) -> bool:
    """Makes dead deliveries pending again, and pending ones due now. Returns whether all succeeded."""
    if bool(ids) == dead:
        raise click.UsageError("give the ids of dead or waiting deliveries, or --dead for all that are dead")
    all_done = True
    for is_done, sentence in retried(url, ids, force=force):
        say(sentence, err=not is_done)
        all_done = all_done and is_done
    return all_done


def retried(url: str, ids: Sequence[int], *, force: bool) -> Iterator[tuple[bool, str]]:
    """Retries these, or without any all that are dead. For each: whether it was done, and the sentence that says so.

    Raises `DatabaseUnusableError` and `DatabaseBusyError`.
    """
    from daemon.storage import operate
    from daemon.storage.engine import writer

    engine = writer(url, "retry")
    revivals = operate.revive(engine, ids or operate.dead_ids(engine), force=force)
    if not revivals:
        yield True, "no delivery is dead"
    too_late = {row["id"] for row in operate.droppable(engine, [one.id for one in revivals if one.refusal])}
    for revival in revivals:
        mend = f", and to give it up: drop {revival.id}" if revival.id in too_late else ""
        if revival.refusal:
            yield False, f"{revival.refusal}{mend}"
        else:
            yield True, f"delivery {revival.id} is {revival.became}"


def _drop(url: str, ids: Sequence[int], *, yes: bool) -> bool:
    """Drops deliveries, after a confirmation at the terminal or with `--yes`. Returns whether all succeeded."""
    from daemon.storage import operate
    from daemon.storage.engine import writer

    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask at; add --yes to give these deliveries up unasked")
    engine = writer(url, "drop")
    if not yes and (rows := operate.droppable(engine, ids)):
        for row in rows:
            say(_told(row))
        click.confirm("Give up what is listed here?", abort=True)
    droppings = operate.drop(engine, ids)
    for dropping in droppings:
        others = " and ".join(map(str, dropping.with_it))
        behind = f", and with it {others}: nobody was told" if others else ""
        say(dropping.refusal or f"delivery {dropping.id} is dropped{behind}", err=dropping.refusal is not None)
    return not any(dropping.refusal for dropping in droppings)


def _told(row: Mapping[str, Any]) -> str:
    """Describes a delivery, for the confirmation."""
    title = (row["payload"] or {}).get("Title", "")
    error = f"; {row['last_error']}" if row["last_error"] else ""
    what = f"delivery {row['id']} tells `{row['kind']}` of incident {row['incident_id']}{title and f' ({title})'}"
    return f"{what}: {row['state']}, attempts: {row['attempts']}{error}{_consequence(row)}"


def _consequence(row: Mapping[str, Any]) -> str:
    match row["kind"]:
        case Kind.NEW if not row["attempts"]:
            return "; nobody will hear of it, nor of its end"
        case Kind.RESOLVED:
            return "; an alert of it stays open in SIGNL4"
        case _:
            return ""
