"""What of `database.url` works otherwise than it looks: sentences for `check`. Pure."""

import re
from collections.abc import Iterator

from daemon.config.settings import Settings

_OPTION = re.compile(r"[?&](\w+)=([^&]*)")
READABLE = {"any", "read-only", "standby", "prefer-standby"}
"""Values of `target_session_attrs` with which libpq takes a server that cannot be written to
(postgresql.org/docs/current/libpq-connect.html)."""


def database_remarks(settings: Settings) -> Iterator[str]:
    """A warning each, with the mend."""
    options = dict(_OPTION.findall(settings.database.url)) if settings.database.is_on_server else {}
    if "options" in options:
        yield (
            "database.url has options=, which PgBouncer refuses; leave it out, since all that the program needs it "
            "sets in each transaction, or give it to the role: ALTER ROLE ... SET ..."
        )
    wanted = options.get("target_session_attrs", "")
    if wanted in READABLE:
        yield (
            f"database.url has target_session_attrs={wanted}, with which a server that only follows another one may be "
            "taken, and nothing can be written there; leave it out"
        )
