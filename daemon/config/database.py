"""`[database]` and `[lease]`: where the state is kept, and which of several hosts works on it."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from daemon.config.checks import After
from daemon.config.types import Duration, spelled, within
from daemon.storage.place import is_postgresql

BESIDES_TIMEOUT = timedelta(seconds=10)
"""How much longer than `http.timeout` a lease is at least: no request starts whose answer would come after its end."""


FORMS = (
    "must name an SQLite file or a database of PostgreSQL; write it like "
    "sqlite:////var/lib/betterstack-signl4/state.db, or like postgresql+psycopg://USER:PASSWORD@HOST/NAME"
)
NO_DRIVER = (
    "names a server of PostgreSQL, whose driver is not installed; run: pip install 'betterstack-signl4[postgresql]', "
    "or in a checkout: sudo make install EXTRAS=postgresql"
)
_OTHER_DRIVER = re.compile(r"postgres(ql)?(\+\w*)?:", re.IGNORECASE)


def database_url(value: str) -> str:
    """A URL of a database as it is. Raises `ValueError` with the fix."""
    if is_postgresql(value):
        try:
            from daemon.storage.server_url import check_server_url  # noqa: PLC0415 - only for a server
        except ImportError:
            raise ValueError(NO_DRIVER) from None
        check_server_url(value)
    elif _OTHER_DRIVER.match(value):
        raise ValueError("is of a driver that this program does not use; begin it with postgresql+psycopg://")
    elif not value.startswith("sqlite:///") or value in {"sqlite:///", "sqlite:///:memory:"} or "?" in value:
        raise ValueError(FORMS)
    return value


DatabaseUrl = Annotated[str, After(database_url)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSection:
    """`[database]`: where the state is kept, and for how long."""

    # A server's may hold a password.
    url: DatabaseUrl = field(default="sqlite:///state.db", repr=False)
    retention: Annotated[Duration, within("7d", "3650d")] = timedelta(days=90)

    @property
    def is_on_server(self) -> bool:
        """Whether several hosts may share it."""
        return is_postgresql(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSection:
    """`[lease]`: how long a host that is not heard of keeps the others from working. Only with PostgreSQL."""

    duration: Annotated[Duration, within("12s", "10m")] = timedelta(seconds=30)


def check_lease(database: DatabaseSection, lease: LeaseSection, timeout: timedelta) -> None:
    """Raises `ValueError` if no request of `http.timeout` could be made within the lease."""
    least = timeout + BESIDES_TIMEOUT
    if database.is_on_server and lease.duration < least:
        raise ValueError(
            f"lease.duration ({spelled(lease.duration)}) is too short for http.timeout ({spelled(timeout)}): a host "
            f"must know that it is the only one until a request has ended; make it at least {spelled(least)}, or "
            "http.timeout shorter"
        )
