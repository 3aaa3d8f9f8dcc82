"""Values of lists: their pages, and what a whole list showed."""

from dataclasses import dataclass

from daemon.model.incident import Incident


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    incidents: tuple[Incident, ...]
    digest: bytes = b""
    """Of the response; empty if it held something that could not be read."""
    is_last: bool = False
    unchanged: frozenset[str] | None = None
    """The ids, without the incidents, if the digest is that of a page which changed nothing."""

    @property
    def ids(self) -> frozenset[str]:
        """Of all incidents of the page."""
        return frozenset(one.id for one in self.incidents) if self.unchanged is None else self.unchanged


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A page that changed nothing when it was last read."""

    ids: frozenset[str]
    is_last: bool


KnownPages = dict[bytes, Unchanged]
"""By their digests. Forgotten as soon as anything is recorded."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The counts of a list that was read to its end."""

    readable: int
    """Number of readable records."""
    unreadable: tuple[str, ...] = ()
    """The reason for each unreadable record."""
