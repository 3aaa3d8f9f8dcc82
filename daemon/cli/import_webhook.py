"""`import-webhook`: the body of a webhook as TOML for the configuration, so that it need not be typed again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from daemon.cli.options import KINDS, config_option, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from daemon.config.settings import Settings
    from daemon.decisions.imported import Pasted
    from daemon.model.outgoing_webhook import OutgoingWebhook


@click.command("import-webhook")
@click.argument("file", required=False)
@click.option("--from-better-stack", is_flag=True, help="Read the outgoing webhooks that lead to SIGNL4 there.")
@click.option(
    "--template", type=KINDS, help="What FILE is for; otherwise its X-S4-Status says it, else it is for new incidents."
)
@config_option
@click.pass_context
def import_webhook(
    ctx: click.Context, /, file: str | None, from_better_stack: bool, template: str | None, config: Path | None
) -> None:
    """Print the body of a webhook in FILE (-: standard input) as TOML for the configuration."""
    if (file is None) is not from_better_stack or (template and from_better_stack):
        raise click.UsageError("give either FILE, with --template if needed, or --from-better-stack")
    if file is not None:
        from daemon.cli.pasted import body, content, named
        from daemon.decisions.imported import Pasted, kind_of
        from daemon.model.incident import Kind

        held = body(content(file), named(file))
        _print([Pasted(Kind(template) if template else kind_of(held), held)])
        return
    from daemon.config.reading import read

    settings = read(config or ctx.obj, os.environ).settings
    webhooks = _read(settings)
    secrets = [secret.reveal() for one in webhooks for secret in one.secrets]
    _print(_bodies(webhooks), *secrets, *settings.secrets())


def _read(settings: Settings) -> list[OutgoingWebhook]:
    """Raises `DaemonError`, also if there are none."""
    from daemon.cli.outgoing import leading_to_signl4, why_unread
    from daemon.cli.source import better_stack
    from daemon.model.errors import BetterStackError, DaemonError
    from daemon.model.outgoing_webhook import OutgoingWebhook

    found = list[OutgoingWebhook]()
    try:
        for polled_from in settings.polled:
            with better_stack(settings, polled_from) as source:
                found += leading_to_signl4(source, settings.of(polled_from))
    except BetterStackError as error:
        raise DaemonError(
            f"the outgoing webhooks of Better Stack are not known: {why_unread(error)}; "
            "or copy the body of one from there: betterstack-signl4 import-webhook -"
        ) from None
    if not found:
        raise DaemonError("no outgoing webhook of Better Stack leads to SIGNL4, so there is nothing to import")
    return found


def _bodies(webhooks: Iterable[OutgoingWebhook]) -> Iterator[Pasted]:
    """A body for each message that takes the place of one of them. What cannot be imported is said as a comment."""
    from daemon.cli.pasted import body
    from daemon.decisions.imported import Pasted
    from daemon.decisions.outgoing import KINDS as TAKING_OVER
    from daemon.decisions.outgoing import named
    from daemon.model.errors import DaemonError

    for webhook in webhooks:
        events = [event for event in webhook.events if event in TAKING_OVER]
        name = f"Better Stack's outgoing webhook {named(webhook)}"
        if webhook.body is None or not events:
            why = "tells of no start, acknowledgement or end" if not events else "has no body of its own"
            say(f"# {name} {why}, so nothing of it is imported")
            continue
        try:
            held = body(webhook.body, name)
        except DaemonError as error:
            say(f"# {' '.join(str(error).split())}; nothing of it is imported")
            continue
        for event in events:
            yield Pasted(TAKING_OVER[event], held, (f"{name}: incident {event}",))


def _print(pasted: Iterable[Pasted], *secrets: str) -> None:
    from daemon.decisions.imported import as_toml
    from daemon.model.redact import redacted

    lines = [redacted(line, *secrets) for line in as_toml(pasted)]
    if lines:
        say("# For the configuration; each table takes the place of the one of that name there.")
    for line in lines:
        say(line)
