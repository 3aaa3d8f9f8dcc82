"""Since when nobody of a team is on duty.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Engine, select, update

from daemon.storage.engine import transaction
from daemon.storage.schema import DESTINATIONS
from daemon.storage.two_way_schema import TWO_WAY

_LOOKED_AT = select(TWO_WAY.c.duty_looked_at)
_IDS = select(DESTINATIONS.c.name, DESTINATIONS.c.team_id).where(DESTINATIONS.c.team_id.is_not(None))
_SINCE = select(DESTINATIONS.c.name, DESTINATIONS.c.off_duty_since)


class DutyRoster:
    """Called by the thread of the job `two-way`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def looked_at(self) -> datetime | None:
        """When it was last recorded."""
        with transaction(self._engine, writes=False) as connection:
            looked_at: datetime | None = connection.execute(_LOOKED_AT).scalar_one()
        return looked_at

    def team_ids(self, teams: Collection[str]) -> dict[str, str]:
        """What SIGNL4 calls those of these teams of which that is known."""
        with transaction(self._engine, writes=False) as connection:
            return {row.name: row.team_id for row in connection.execute(_IDS) if row.name in teams}

    def record(self, manned: Mapping[str, bool], now: datetime) -> tuple[frozenset[str], frozenset[str]]:
        """Records in which teams anybody is on duty; of those that are not named nothing changes.

        Returns where nobody is any more, and where somebody is again.
        """
        unmanned = {name for name, anybody in manned.items() if not anybody}
        with transaction(self._engine, writes=True) as connection:
            before = {row.name for row in connection.execute(_SINCE) if row.off_duty_since is not None}
            begun, ended = frozenset(unmanned - before), frozenset(before & manned.keys() - unmanned)
            for names, since in ((begun, now), (ended, None)):
                if names:
                    these = update(DESTINATIONS).where(DESTINATIONS.c.name.in_(names))
                    connection.execute(these.values(off_duty_since=since))
            connection.execute(update(TWO_WAY).values(duty_looked_at=now))
        return begun, ended
