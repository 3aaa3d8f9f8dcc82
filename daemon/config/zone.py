"""Time zones by their names in the database of IANA."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from daemon.config.alike import alike

_FORM = 'write it like zone = "Europe/Berlin"'
_NO_DATABASE = "this machine has no time zones; install the package tzdata"


@cache
def zone_of(name: str) -> ZoneInfo:
    """The rules of a zone that `read_zone` has accepted, kept for the life of the process.

    The files may be replaced or removed while it runs, and a window has to begin and end all the same.
    """
    return ZoneInfo(name)


def read_zone(value: object) -> str:
    """The name of a zone that is known. Raises `ValueError` with a sentence that begins with the key, `zone`."""
    if value is None:
        raise ValueError(f"zone is missing: times of day mean nothing without it; {_FORM}")
    if not isinstance(value, str) or not value:
        raise ValueError(f"zone is not the name of a time zone; {_FORM}")
    try:
        zone_of(value)
    except (ValueError, OSError, KeyError):  # a path, a directory, none at all
        raise ValueError(f"zone ({value[:80]!r}) is not known; {_mend(value)}") from None
    return value


def _mend(name: str) -> str:
    known = {one.lower(): one for one in available_timezones()}
    if not known:
        return _NO_DATABASE
    # Most people know the city, which is the last part of a name.
    cities = {one.rpartition("/")[2]: one for one in known}
    wanted = name.lower().replace(" ", "_")
    city = alike(wanted.rpartition("/")[2], cities)
    found = alike(wanted, known) or (cities[city] if city else None)
    return f'the nearest is "{known[found]}"' if found else f"take a name of the IANA database; {_FORM}"
