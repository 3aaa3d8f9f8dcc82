"""An outgoing webhook of Better Stack: whom it tells of what, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.model.secret import Secret


@dataclass(frozen=True, slots=True)
class OutgoingWebhook:
    """One of them, as the API describes it."""

    id: str
    name: str
    host: str
    """Of its address, in lower case. The rest of that may be a secret."""
    team_name: str
    events: tuple[str, ...]
    """What of incidents it tells: `started`, `acknowledged`, `resolved`, `reopened`, `comment`."""
    body: str | Mapping[str, Any] | None
    """Its template; without one it sends Better Stack's own body."""
    secrets: tuple[Secret, ...]
    """What must not be shown of it: the last part of its address, and the password that it sends along."""
