"""`why`: the whole story of one incident, and what happens next."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.options import as_text, json_option, placed, say, utc_option
from daemon.cli.proposals import incident_ids

if TYPE_CHECKING:
    from daemon.cli.times import Times
    from daemon.config.place import Place
    from daemon.model.story import Findings, Record, Story

ABOUT = ("id", "name", "cause", "phase", "generation", "external_id", "polled_from")
"""What `--json` says of the incident itself."""


@click.command()
@click.argument("incident_id", metavar="INCIDENT_ID", callback=as_text, shell_complete=incident_ids)
@utc_option
@json_option
@placed
def why(place: Place, incident_id: str, utc: bool, as_json: bool) -> None:
    """Tell the story of one incident: what was seen, decided and sent, and what happens next."""
    from daemon.cli.as_json import spelled
    from daemon.cli.times import Times
    from daemon.decisions.explain import explain
    from daemon.host.clock import utc_now
    from daemon.storage import history
    from daemon.storage.engine import listing_reader
    from daemon.storage.instance import holder

    process = holder(place.url)
    found = history.read(listing_reader(place.url), incident_id, utc_now())
    if found.record is None:
        say(_unknown(incident_id, found), err=True)
        sys.exit(1)
    present = replace(found.present, process=process)
    story = explain(found.record, present)
    if as_json:
        click.echo(spelled(_for_programs(found.record, story)))
        return
    _show(found.record, story, Times(utc, present.at))


def _show(record: Record, story: Story, times: Times) -> None:
    """At a terminal in lines that fit; in a pipe each sentence is one line."""
    from daemon.cli.storyline import heading, sentences

    if sys.stdout.isatty():
        from daemon.cli.render import show_story

        show_story(heading(record, times), sentences(story, times))
        return
    click.echo(heading(record, times))
    for before, sentence in sentences(story, times):
        click.echo(f"{before}  {sentence}")


def _for_programs(record: Record, story: Story) -> dict[str, Any]:
    return {**{name: getattr(record.state, name) for name in ABOUT}, **asdict(story)}


def _unknown(incident_id: str, found: Findings) -> str:
    """Why there is no story, and what to try."""
    if found.unreadable_because is not None:
        return f"nothing is known of incident {incident_id}: its record cannot be read ({found.unreadable_because})"
    nothing = f"there is no incident {incident_id} here"
    if found.incident_of_delivery is not None:
        incident = found.incident_of_delivery
        return f"{nothing}, but a delivery of that number, which is of incident {incident}; try: why {incident}"
    return f"{nothing}; `incidents` lists those there are, `incidents --name WORD` those with such a name"
