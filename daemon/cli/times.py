"""How people are shown moments: the time on the clock, and beside it how long ago that was, or in what time it is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daemon.decisions.ages import age


@dataclass(frozen=True, slots=True)
class Times:
    """The way to show moments."""

    utc: bool
    """In UTC; otherwise in the local time zone, which is that of `TZ` or else of the machine."""
    now: datetime

    @property
    def zone(self) -> str:
        """The zone of `brief`, for a heading."""
        return "UTC" if self.utc else "local"

    def whole(self, moment: datetime | None) -> str | None:
        """On one line, as in "2026-11-28 03:12:45+01:00 (5 min 3 s ago)"."""
        return None if moment is None else f"{self._there(moment).isoformat(' ', 'seconds')} ({self._age(moment)})"

    def brief(self, moment: datetime | None) -> str | None:
        """On two lines, without the year and the zone."""
        return None if moment is None else f"{self._there(moment):%m-%d %H:%M:%S}\n{self._age(moment)}"

    def short(self, moment: datetime) -> str:
        """Without the year and the zone, as in "11-28 03:12:45"."""
        return f"{self._there(moment):%m-%d %H:%M:%S}"

    def ahead(self, moment: datetime) -> str:
        """When something happens, as in "at 11-28 03:12:45 (in 12 s)"; "now" if that time has come."""
        return "now" if moment <= self.now else f"at {self.short(moment)} (in {age(self.now, moment)})"

    def _age(self, moment: datetime) -> str:
        # What was recorded while this command ran is not to come.
        is_to_come = moment - self.now >= timedelta(seconds=1)
        return f"in {age(self.now, moment)}" if is_to_come else f"{age(moment, self.now)} ago"

    def _there(self, moment: datetime) -> datetime:
        try:
            return moment.astimezone(UTC if self.utc else None)
        except (OverflowError, ValueError, OSError):
            # The first and the last day of all that can be written have no local time.
            return moment
