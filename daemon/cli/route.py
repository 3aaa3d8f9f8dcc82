"""`route test`: who would be told of an incident, and why, without telling anybody."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from daemon.cli.options import configured, json_option, say, utc_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.cli.times import Times
    from daemon.cli.trial import Told, Trial
    from daemon.config.configuration import Configuration


@click.group()
def route() -> None:
    """Try the rules of the configuration."""


@route.command("test")
@click.argument("incident", metavar="ID|FILE")
@utc_option
@json_option
@configured()
def test(configuration: Configuration, incident: str, utc: bool, as_json: bool) -> None:
    """Say who would be told of an incident that opened now, and send nothing: an id at Better Stack, or a record in a
    file (-: standard input).
    """
    from daemon.cli.as_json import spelled
    from daemon.cli.preview import found
    from daemon.cli.times import Times
    from daemon.cli.trial import trial
    from daemon.host.clock import utc_now

    shown, settings = found(configuration.settings, incident)
    result = trial(settings, shown)
    if as_json:
        click.echo(spelled(asdict(result)))
        return
    for line in _lines(result, Times(utc, utc_now())):
        say(line)


def _lines(result: Trial, times: Times) -> Iterator[str]:
    yield from result.reasons
    for one in result.told:
        yield f"team {one.team} would be told{_when(one, times)}"
    if result.nobody_because is not None:
        yield f"nobody would be told: {result.nobody_because}"


def _when(told: Told, times: Times) -> str:
    return "" if told.held_until is None else f" {times.ahead(told.held_until)}, held until then: {told.held_because}"
