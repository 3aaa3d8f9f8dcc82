"""Better Stack's monitors and heartbeats (v2), read only: whole lists and single records in, `Monitor` values out.

A list counts only if it was read to its end. Pages slide while monitors come and go, so one that comes twice counts
once, and one that is missing may be there all the same: its own record tells.

Source: Better Stack's API documentation of November 2026. Whether the lists are filtered by `team_name` it does not
say; so that is asked for, and what is of another team is left out here as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from daemon.clients.betterstack import BetterStack
from daemon.clients.betterstack_response import is_followed
from daemon.clients.monitor_records import read_monitor
from daemon.clients.pages import PAGES_WITHOUT_NEW
from daemon.clients.record_fields import identifier
from daemon.model.errors import BetterStackError
from daemon.model.incident import Absence
from daemon.model.monitor import Monitor, MonitorKind, MonitorList

PATHS: Mapping[MonitorKind, str] = {
    MonitorKind.MONITOR: "/api/v2/monitors",
    MonitorKind.HEARTBEAT: "/api/v2/heartbeats",
}
PER_PAGE = 250
"""The API's maximum for these lists."""
MOST_PAGES = 100
"""A longer list is none that a person made, and would fill the memory."""


class Monitors:
    """The monitors and heartbeats that the token sees."""

    def __init__(self, betterstack: BetterStack) -> None:
        """`betterstack`: whose token, pace and connections are used."""
        self._betterstack = betterstack

    def listed(self, kind: MonitorKind) -> MonitorList:
        """All of them, of the one team if one is set. Raises `BetterStackError` unless the list was read to its end.

        It is also raised if most records cannot be read: then their format has changed, and nothing is proved.
        """
        return self._listed(kind, chain.from_iterable(self._pages(kind)))

    def first_page(self, kind: MonitorKind) -> MonitorList:
        """Those of the first page, by one request: whether the list can be read at all. Raises `BetterStackError`."""
        return self._listed(kind, next(self._pages(kind)))

    def _listed(self, kind: MonitorKind, records: Iterable[object]) -> MonitorList:
        team = self._betterstack.team.get("team_name")
        found: dict[str, Monitor] = {}
        problems: list[str] = []
        for record in records:
            try:
                monitor = read_monitor(kind, record)
            except ValueError as error:
                problems.append(str(error))
            else:
                # The later page was read later.
                found[monitor.id] = monitor
        if len(problems) > len(found):
            raise BetterStackError(
                f"Better Stack's list of {kind}s holds {len(problems)} records that cannot be read ({problems[0]}) "
                f"and {len(found)} that can; its format has changed"
            )
        mine = (one for one in found.values() if team is None or one.team_name in {"", team})
        return MonitorList(tuple(mine), len(problems))

    def lookup(self, kind: MonitorKind, monitor_id: str) -> Monitor | Absence:
        """Its own record, of whatever team it is. Raises `BetterStackError`."""
        record = self._betterstack.single(f"{PATHS[kind]}/{monitor_id}")
        if record is None:
            return Absence.NO_SUCH_RECORD
        try:
            monitor = read_monitor(kind, record)
        except ValueError:
            return Absence.UNREADABLE
        return monitor if monitor.id == monitor_id else Absence.UNREADABLE

    def _pages(self, kind: MonitorKind) -> Iterator[list[Any]]:
        """The records of each page. Raises `BetterStackError`."""
        seen = set[str]()
        without_new = 0
        for number in range(1, MOST_PAGES + 1):
            # Each page repeats all parameters: the URL of the next one is never followed.
            params = {**self._betterstack.team, "per_page": str(PER_PAGE), "page": str(number)}
            document = self._betterstack.other_list(PATHS[kind], params)
            records = document["data"]
            yield records
            followed = is_followed(document)
            if not (len(records) >= PER_PAGE if followed is None else followed):
                return
            ids = {identifier(one.get("id")) for one in records if isinstance(one, dict)}
            without_new = 0 if ids - seen else without_new + 1
            seen |= ids
            if without_new == PAGES_WITHOUT_NEW:
                raise BetterStackError(f"Better Stack's list of {kind}s does not end: its pages repeat themselves")
        raise BetterStackError(f"Better Stack's list of {kind}s is longer than {MOST_PAGES} pages")
