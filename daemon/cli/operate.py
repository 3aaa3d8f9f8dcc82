"""What an operator decides about single deliveries: `retry` and `drop`.

One line is said for each id, and whatever could not be done with one does not keep the others from it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from daemon.model.errors import DatabaseUnusableError
from daemon.model.incident import Kind
from daemon.storage import queries
from daemon.storage.engine import existing

Say = Callable[..., None]
"""Prints a sentence; on standard error with `err`."""


def retry(url: str, ids: Sequence[int], say: Say, *, dead: bool, force: bool) -> bool:
    """Dead deliveries become pending again, waiting ones are due now. Whether all were."""
    if bool(ids) == dead:
        raise click.UsageError("give the ids of dead or waiting deliveries, or --dead for all that are dead")
    engine = existing(url)
    if engine is None:
        raise _nothing_to("retry")
    revivals = queries.revive(engine, ids or queries.dead_ids(engine), force=force)
    refused = [revival.id for revival in revivals if revival.refusal]
    too_late = {row["id"] for row in queries.droppable(engine, refused)}
    for revival in revivals:
        mend = f", and to give it up: drop {revival.id}" if revival.id in too_late else ""
        if revival.refusal:
            say(f"{revival.refusal}{mend}", err=True)
        else:
            say(f"delivery {revival.id} is {revival.became}")
    return not refused


def drop(url: str, ids: Sequence[int], say: Say, *, yes: bool) -> bool:
    """Gives deliveries up, once somebody at a terminal said so, or `--yes` did. Whether all were."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask at; add --yes to give these deliveries up unasked")
    engine = existing(url)
    if engine is None:
        raise _nothing_to("drop")
    if not yes and (rows := queries.droppable(engine, ids)):
        for row in rows:
            say(_told(row))
        click.confirm("Give up what is listed here?", abort=True)
    droppings = queries.drop(engine, ids)
    for dropping in droppings:
        others = " and ".join(map(str, dropping.with_it))
        behind = f", and with it {others}: nobody was told" if others else ""
        say(dropping.refusal or f"delivery {dropping.id} is dropped{behind}", err=dropping.refusal is not None)
    return not any(dropping.refusal for dropping in droppings)


def _told(row: Mapping[str, Any]) -> str:
    """What somebody should know of a delivery before giving it up."""
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


def _nothing_to(verb: str) -> DatabaseUnusableError:
    return DatabaseUnusableError(f"there is no database yet, so there is nothing to {verb}; run the daemon first")
