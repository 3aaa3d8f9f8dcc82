"""Which outgoing webhooks of Better Stack tell SIGNL4 what this program tells it, and so double each page. Pure."""

from collections.abc import Container, Iterable

from daemon.config.betterstack import BetterStackSection
from daemon.model.incident import Kind
from daemon.model.outgoing_webhook import OutgoingWebhook
from daemon.model.redact import redacted

SIGNL4_HOST = "connect.signl4.com"
KINDS = {"started": Kind.NEW, "acknowledged": Kind.ACKNOWLEDGED, "resolved": Kind.RESOLVED}
"""The messages of this program that take the place of those of a webhook."""
_DOUBLED = (*KINDS, "reopened")
"""Comments are not told by this program, so a webhook for them alone doubles nothing."""


def to_signl4(
    webhooks: Iterable[OutgoingWebhook], hosts: Container[str], settings: BetterStackSection
) -> list[OutgoingWebhook]:
    """Those that lead to SIGNL4, of the team that is read. `hosts`: SIGNL4's."""
    team = settings.team_name
    mine = (one for one in webhooks if team is None or one.team_name in {"", team})
    return [one for one in mine if one.host in hosts]


def named(webhook: OutgoingWebhook) -> str:
    """What a person recognises it by; none of its secrets is in that."""
    secrets = (secret.reveal() for secret in webhook.secrets)
    name = " ".join(redacted(webhook.name, *secrets).split())[:80]
    team = f", team {webhook.team_name}" if webhook.team_name else ""
    return f'"{name}" (id {webhook.id or "unknown"}{team})' if name else f"with the id {webhook.id}{team}"


def doubled(webhook: OutgoingWebhook) -> str | None:
    """The sentence about one that tells SIGNL4 of incidents as well; `None` if it does not."""
    events = [event for event in webhook.events if event in _DOUBLED]
    if not events:
        return None
    which = ", ".join(f"incident {event}" for event in events)
    return (
        f"Better Stack's outgoing webhook {named(webhook)} tells SIGNL4 of incidents as well, so each page comes "
        f"twice; switch these events off in it, or remove it: {which}"
    )
