"""Better Stack's outgoing webhooks that lead to SIGNL4, for `check --online` and `import-webhook`."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from daemon.clients.betterstack import BetterStack
from daemon.clients.outgoing_webhooks import outgoing_webhooks
from daemon.config.settings import Settings
from daemon.decisions.outgoing import SIGNL4_HOST, doubled, to_signl4
from daemon.model.errors import BetterStackError, ForbiddenError, NoSuchRouteError
from daemon.model.outgoing_webhook import OutgoingWebhook


def leading_to_signl4(source: BetterStack, settings: Settings) -> list[OutgoingWebhook]:
    """Those of the team that is read. Raises `BetterStackError`."""
    hosts = {SIGNL4_HOST, (urlsplit(settings.signl4.base_url).hostname or "").rstrip(".")}
    return to_signl4(outgoing_webhooks(source.other_list), hosts, settings.betterstack)


def doubling(source: BetterStack, settings: Settings) -> Iterator[str]:
    """A warning for each that doubles the pages. That they cannot be read proves nothing, and fails nothing."""
    try:
        found = leading_to_signl4(source, settings)
    except BetterStackError as error:
        yield f"not proven: that no outgoing webhook of Better Stack doubles the pages; {why_unread(error)}"
        return
    for webhook in found:
        if sentence := doubled(webhook):
            yield f"warning: {sentence}"


def why_unread(error: BetterStackError) -> str:
    """Why the list of webhooks was not read, and what to do."""
    if isinstance(error, ForbiddenError | NoSuchRouteError):
        return "the token may not read them, so look at them in Better Stack, under Integrations"
    return f"they cannot be read: {error}"
