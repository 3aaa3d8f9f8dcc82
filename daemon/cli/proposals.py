"""What a shell proposes for the arguments of a command: ids from the database, teams from the configuration.

It is only ever a help: where these cannot be read, nothing is proposed, and nothing is said.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from daemon.model.errors import DaemonError
from daemon.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import click

    Proposals = Iterator[tuple[str, str]]

MOST = 50
"""So many are proposed, the newest."""
LOOKED_AT = 500
"""Among so many, the newest, those are looked for that begin as what is typed."""


def incident_ids(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Ids of incidents, the latest to change first."""
    return _of_database(context, begun, _incidents)


def unsettled_ids(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Numbers of deliveries that are dead or wait."""
    return _of_database(context, begun, _unsettled)


def silence_ids(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Numbers of silences that are not over."""
    return _of_database(context, begun, _silences)


def monitor_ids(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Ids of monitors and heartbeats, in the order of their names."""
    return _of_database(context, begun, _monitors)


def gone_sources(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Names of accounts that are not polled any more, and of which something is open."""
    return _of_database(context, begun, _gone)


def teams(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Names of the teams that the configuration file has."""
    from daemon.config import sources
    from daemon.model.destination import DEFAULT

    try:
        signl4 = sources.read_toml(sources.find(_named(context), os.environ)).get("signl4", {})
        names = [DEFAULT, *signl4.get("teams", {})]
    except (DaemonError, AttributeError, TypeError):
        return []
    return _beginning(begun, ((name, "") for name in names))


def _incidents(url: str) -> Proposals:
    from daemon.storage import listings
    from daemon.storage.engine import listing_reader

    for row in listings.incidents(listing_reader(url), limit=LOOKED_AT).newest_first():
        yield row["id"], f"{row['phase']}: {row['name']}"


def _monitors(url: str) -> Proposals:
    from daemon.storage.engine import listing_reader
    from daemon.storage.monitors import listing

    for one in listing(listing_reader(url))[0]:
        yield one.state.id, f"{one.state.kind} {one.state.name}: {one.state.status}"


def _gone(url: str) -> Proposals:
    from daemon.decisions.poll_health import DASH
    from daemon.storage import queries
    from daemon.storage.engine import listing_reader

    for one in queries.snapshot(listing_reader(url)).untracked:
        yield one.polled_from or DASH, f"{len(one.ids)} open"


def _unsettled(url: str) -> Proposals:
    from daemon.model.delivery import DeliveryState
    from daemon.storage import listings
    from daemon.storage.engine import listing_reader

    engine = listing_reader(url)
    for state in (DeliveryState.DEAD, DeliveryState.PENDING):
        for row in listings.deliveries(engine, state=state, limit=LOOKED_AT).newest_first():
            yield str(row["id"]), f"{state}: {row['kind']} of {row['incident_name']}"


def _silences(url: str) -> Proposals:
    from daemon.host.clock import utc_now
    from daemon.storage import silences
    from daemon.storage.engine import listing_reader

    for silence, _ in silences.every(listing_reader(url), utc_now(), over=False):
        yield str(silence.id), silence.comment


def _of_database(context: click.Context, begun: str, found: Callable[[str], Proposals]) -> list[CompletionItem]:
    from daemon.config.place import place

    try:
        return _beginning(begun, found(place(_named(context), os.environ).url))
    except DaemonError:
        return []


def _named(context: click.Context) -> Path | None:
    """The configuration file that is named before or after the command."""
    named: Path | None = context.params.get("config") or context.find_root().params.get("config")
    return named


def _beginning(begun: str, proposals: Iterable[tuple[str, str]]) -> list[CompletionItem]:
    """With what is said beside each, on one line."""
    fitting = (
        CompletionItem(value, help=printable(about) or None) for value, about in proposals if _fits(value, begun)
    )
    return list(islice(fitting, MOST))


def _fits(value: str, begun: str) -> bool:
    return value.startswith(begun) and value.isprintable() and " " not in value
