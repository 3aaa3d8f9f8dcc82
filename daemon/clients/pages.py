"""Pagination of Better Stack's lists, robust against single bad records.

1. A list ends where a response says so. If no response says so, it ends with the first page that is not full.
2. A page that cannot be read (too large or no JSON) is fetched again as smaller pages, down to single records, so that
   only the bad record is lost.
3. Several unreadable records in a row mean that the list itself is unreadable.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from daemon.model.errors import BetterStackError, UnreadableAnswerError
from daemon.model.incident import Incident
from daemon.model.page import Page, Shown, Unchanged

PER_PAGE = 50
"""The API's maximum."""
PAGE_CAP = 1000
PAGES_WITHOUT_NEW = 3
"""Pages in a row without a new id, each with a next page: then the list is an endless loop."""
UNREADABLE_IN_A_ROW = 3
_SMALLER = {50: 10, 10: 1}


@dataclass(frozen=True, slots=True)
class PageResponse:
    """The response to one page request."""

    records: Sequence[object]
    size: int
    """How many records were requested."""
    following: bool | None
    """Whether it names a next page; `None` if it does not say."""
    digest: bytes = b""
    known: Unchanged | None = None
    """In place of the records, if it was read before."""

    @property
    def is_last(self) -> bool:
        """Whether the list ends here."""
        if self.known is not None:
            return self.known.is_last
        return len(self.records) < self.size if self.following is None else not self.following


Ask = Callable[[int, int], PageResponse]
"""Fetches page `number`, counted from 1, with `size` records a page. Raises `BetterStackError`."""


def pages(
    ask: Ask, read: Callable[[object], Incident], report: Callable[[Shown], None], warning: Callable[[str], None]
) -> Iterator[Page]:
    """The pages of a list as they arrive. Raises `BetterStackError`.

    `read` raises `ValueError` for an unreadable record, after its own warning. `report` gets the counts of the list, if
    it was read to its end; `warning` a sentence for each oddity.
    """
    reader = _ListReader(ask, read, warning)
    without_new = 0
    for number in range(1, PAGE_CAP + 1):
        known = len(reader.seen)
        yield from reader.page(number)
        if reader.is_over:
            report(Shown(reader.readable, tuple(reader.unreadable)))
            return
        without_new = 0 if len(reader.seen) > known else without_new + 1
        if without_new == PAGES_WITHOUT_NEW:
            raise BetterStackError(f"Better Stack's list does not end: {without_new} pages running bring nothing new")
    raise BetterStackError(f"Better Stack's list is longer than {PAGE_CAP} pages")


@dataclass(slots=True)
class _ListReader:
    """The progress through a list."""

    ask: Ask
    read: Callable[[object], Incident]
    warning: Callable[[str], None]
    seen: set[str] = field(default_factory=set)
    readable: int = 0
    unreadable: list[str] = field(default_factory=list)
    """The reason for each unreadable record."""
    unreadable_in_a_row: int = 0
    """Unreadable responses in a row."""
    is_over: bool = False

    def page(self, number: int) -> Iterator[Page]:
        """One page of `PER_PAGE` records, in smaller pages if necessary. Raises `BetterStackError`."""
        read_before, unread_before, new_list = self.readable, len(self.unreadable), not self.seen
        for response in self._responses(PER_PAGE, number):
            page = self._read(response)
            self.seen |= page.ids
            self.is_over = page.is_last
            yield page
        unread = self.unreadable[unread_before:]
        if unread and self.readable == read_before and (new_list or len(unread) > 1):
            raise BetterStackError(
                f"Better Stack's page {number} holds no record that can be read ({unread[0]}); its format has changed"
            )

    def _read(self, response: PageResponse) -> Page:
        if response.known is not None:
            self.readable += len(response.known.ids)
            return Page((), response.digest, response.is_last, response.known.ids)
        unread_before = len(self.unreadable)
        incidents = tuple(self._readable(response.records))
        whole = len(self.unreadable) == unread_before
        return Page(incidents, response.digest if whole else b"", response.is_last)

    def _readable(self, records: Sequence[object]) -> Iterator[Incident]:
        for record in records:
            try:
                incident = self.read(record)
            except ValueError as error:
                self.unreadable.append(str(error))
            else:
                self.readable += 1
                yield incident

    def _responses(self, size: int, number: int) -> Iterator[PageResponse]:
        try:
            response = self.ask(size, number)
        except UnreadableAnswerError as error:
            if size in _SMALLER:
                yield from self._in_smaller(size, number)
            else:
                self._skip(error)
        else:
            self.unreadable_in_a_row = 0
            yield response

    def _in_smaller(self, size: int, number: int) -> Iterator[PageResponse]:
        smaller = _SMALLER[size]
        parts = size // smaller
        for part in range((number - 1) * parts + 1, number * parts + 1):
            for response in self._responses(smaller, part):
                yield response
                if response.is_last:
                    return

    def _skip(self, error: UnreadableAnswerError) -> None:
        self.unreadable_in_a_row += 1
        if self.unreadable_in_a_row == UNREADABLE_IN_A_ROW:
            raise error
        self.warning(f"Better Stack sent a record that was skipped; asked for alone: {error}")
        self.unreadable.append(str(error))
