"""One poisoned record among many never changes what is told of the others, whatever kind of poison it is."""

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient
from daemon.config.settings import HttpSection
from daemon.decisions.health import problems
from daemon.host.clock import TheirClock, utc_now
from daemon.model.errors import BetterStackError, TokenRefusedError
from daemon.model.page import Shown
from daemon.poll import Poll
from daemon.storage import queries
from tests.support.clock import Clock
from tests.support.engines import engine_on
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.poison import READABLE, REFUSALS, UNREADABLE, raw
from tests.support.shelf import Shelf, opened
from tests.support.store import Store
from tests.support.values import NOW, record
from tests.support.values import settings as given_settings

NEW, OVER = "new", "resolved"
SPOILING = ["nested 100,000 deep", "of very many values", "larger than the cap", "no JSON"]
POISONED = 500
"""The number of the poisoned one; those below it are older."""


class Reader(Flows):
    """The real client and the flows, on a database of their own."""

    def __init__(self, shelf: Shelf, directory: str, empty: bytes, **sections: Any) -> None:
        database = Path(directory) / "state.db"
        database.write_bytes(empty)
        self.shelf = shelf
        engine = engine_on(database)
        super().__init__(engine, Clock(), KeptLog(), Store(engine), **sections)

    def configure(self, *_: Any, **sections: Any) -> None:
        super().configure(**sections)
        whole = given_settings(betterstack={"base_url": self.shelf.url, "token": "a-token-of-better-stack"}, **sections)
        self.http = HttpClient(
            self.shelf.url, HttpSection(timeout=timedelta(minutes=2)), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        self.warnings: list[str] = []
        shown: list[Shown] = []
        self.source = BetterStack(
            self.http,
            whole.betterstack,
            lambda _: False,
            self.warnings.append,
            TheirClock(utc_now),
            report=shown.append,
        )
        self.poll = Poll(
            self.source, self.store, whole, clock=self.clock, log=self.log, on_queued=self._on_queued, shown=shown
        )

    def be_patient(self) -> None:
        """Lets pass what Better Stack asked for, and no more."""
        self.source._quiet.until = 0.0
        self.clock.pass_(seconds=1)

    def put(self, number: int, *, over: bool = False, **attributes: Any) -> None:
        """From now on there is this record."""
        if over:
            attributes |= {"status": "Resolved", "resolved_at": self.clock.now}
        self.shelf.listed[str(number)] = raw(record(str(number), **attributes))
        self.shelf.listed = dict(sorted(self.shelf.listed.items(), key=lambda item: -int(item[0])))
        (self.shelf.over.add if over else self.shelf.over.discard)(str(number))

    def tell(self) -> set[tuple[str, str]]:
        """What is told after a round that must be complete."""
        self.round(sweep=True)
        return set(self.outbox())

    def problems(self) -> list[str]:
        """What `status` says."""
        return list(
            problems(
                queries.snapshot(self.engine),
                timedelta(seconds=30),
                timedelta(minutes=5),
                self.clock.now,
                warn_after=None,
            )
        )


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    with opened() as shelf:
        yield shelf


@contextmanager
def reading(shelf: Shelf, empty: bytes) -> Iterator[Reader]:
    shelf.clear()
    with tempfile.TemporaryDirectory() as directory:
        reader = Reader(shelf, directory, empty)
        with closing(reader.http):
            yield reader
        reader.engine.dispose()


@pytest.fixture
def reader(shelf: Shelf, empty_database: bytes) -> Iterator[Reader]:
    with reading(shelf, empty_database) as reader:
        yield reader


AMONG = st.sampled_from([1, 2, 9, 10, 49, 50, 51, 60])
"""How many others are open; the borders of pages are where a reader goes astray."""


@pytest.mark.parametrize("kind", [*READABLE, *UNREADABLE])
@settings(max_examples=2, phases=[Phase.generate])
@given(older=AMONG, newer=st.sampled_from([1, 9, 49]), known=st.booleans(), alone=st.booleans())
def test_in_a_list_it_costs_no_other(
    shelf: Shelf, empty_database: bytes, kind: str, older: int, newer: int, known: bool, alone: bool
) -> None:
    """`known`: it was readable once. `alone`: its single record is poisoned as well."""
    others = [*range(POISONED - older, POISONED), *range(POISONED + 1, POISONED + 1 + newer)]
    with reading(shelf, empty_database) as reader:
        for number in others:
            reader.put(number)
        if known:
            reader.put(POISONED)
        reader.tell()
        ended, begun = others[0], 900
        reader.put(ended, over=True)
        reader.put(begun)
        reader.put(POISONED)
        poison = (READABLE | UNREADABLE)[kind](record(str(POISONED)))
        shelf.listed[str(POISONED)] = poison
        shelf.alone[str(POISONED)] = poison if alone else raw(record(str(POISONED)))
        reader.clock.pass_(minutes=1)
        told = {one for one in reader.tell() if one[0] != str(POISONED)}
        assert told == {*((str(one), NEW) for one in [*others, begun]), (str(ended), OVER)}
        assert ((str(POISONED), NEW) in reader.outbox()) is (known or kind in READABLE)


@pytest.mark.parametrize("kind", [*UNREADABLE, *REFUSALS])
@settings(max_examples=2, phases=[Phase.generate])
@given(others=st.integers(1, 12), poisoned_first=st.booleans())
def test_as_a_single_record_it_costs_no_other_and_no_round(
    shelf: Shelf, empty_database: bytes, kind: str, others: int, poisoned_first: bool
) -> None:
    """All of them vanish from the list of open ones at once, so that each has to be looked up."""
    poisoned = 100 if poisoned_first else 100 + others
    numbers = range(100, 101 + others)
    with reading(shelf, empty_database) as reader:
        for number in numbers:
            reader.put(number, started_at=NOW - timedelta(days=9))
        reader.tell()
        for number in numbers:
            reader.put(number, over=True, started_at=NOW - timedelta(days=9))
        records, shelf.listed = shelf.listed, {}
        shelf.alone = dict(records)
        if kind in REFUSALS:
            shelf.refused[str(poisoned)] = REFUSALS[kind]
        else:
            shelf.alone[str(poisoned)] = UNREADABLE[kind](record(str(poisoned)))
        reader.clock.pass_(minutes=1)
        if kind.endswith("Retry-After"):
            # That is a wish for silence, which ends the round at once; the next one begins with the others.
            with pytest.raises(BetterStackError, match="429"):
                reader.round()
            reader.be_patient()
            with pytest.raises(BetterStackError, match="429"):
                reader.round()
        else:
            reader.round()
        told = {incident_id for incident_id, what in reader.outbox() if what == OVER}
        assert told == {str(number) for number in numbers if number != poisoned}
        reader.be_patient()
        reader.round()
        assert reader.phases()[str(poisoned)] == "open", "nothing is concluded about it"


@pytest.mark.parametrize("kind", SPOILING)
def test_a_spoilt_page_is_asked_for_again_in_smaller_ones(reader: Reader, kind: str) -> None:
    for number in range(400, 520):
        reader.put(number)
    reader.shelf.listed["437"] = UNREADABLE[kind](record("437"))
    reader.round()
    asked = [(q.split("per_page=")[1].split("&")[0], q.split("page=")[-1]) for q in reader.shelf.asked if "?" in q]
    small = [("10", str(page)) for page in (6, 7, 8, 9)]
    single = [("1", str(page)) for page in range(81, 91)]
    assert asked == [("50", "1"), ("50", "2"), *small, *single, ("10", "10"), ("50", "3")]
    assert {incident_id for incident_id, _ in reader.outbox()} == {str(n) for n in range(400, 520)} - {"437"}
    assert len([warning for warning in reader.warnings if "skipped" in warning]) == 1


@pytest.mark.parametrize("kind", SPOILING)
def test_a_list_that_cannot_be_read_at_all_fails_the_round_after_a_few_requests(reader: Reader, kind: str) -> None:
    for number in range(400, 520):
        reader.put(number)
    # Of what is larger than the cap only as many as anybody asks for: a whole list of it would fill the memory.
    for number in range(517 if kind == "larger than the cap" else 400, 520):
        reader.shelf.listed[str(number)] = UNREADABLE[kind](record(str(number)))
    with pytest.raises(BetterStackError):
        reader.round()
    assert len(reader.shelf.asked) == 5


@pytest.mark.parametrize("name", [None, "links", "meta"])
@pytest.mark.parametrize("count", [49, 50, 51, 100, 120])
def test_a_list_without_pagination_is_read_to_its_end(reader: Reader, name: str | None, count: int) -> None:
    reader.shelf.pagination = name
    for number in range(200, 200 + count):
        reader.put(number)
    assert len(reader.tell()) == count


@pytest.mark.parametrize("count", [1, 2, 120])
def test_a_page_without_one_readable_record_is_a_changed_format(reader: Reader, count: int) -> None:
    for number in range(200, 200 + count):
        reader.put(number)
        reader.shelf.listed[str(number)] = raw({"id": str(number), "properties": {"status": "Started"}})
    with pytest.raises(BetterStackError, match="format has changed"):
        reader.round()


def test_one_unreadable_record_that_has_a_page_to_itself_is_no_changed_format(reader: Reader) -> None:
    for number in range(200, 251):
        reader.put(number)
    reader.shelf.listed["200"] = raw({"id": "200"})
    assert len(reader.tell()) == 50


@pytest.mark.parametrize(("bad", "of", "alarming"), [(1, 5, False), (5, 50, False), (6, 50, True), (2, 5, True)])
def test_more_than_a_tenth_that_cannot_be_read_is_a_problem(reader: Reader, bad: int, of: int, alarming: bool) -> None:
    for number in range(200, 200 + of):
        reader.put(number)
    for number in range(200, 200 + bad):
        reader.shelf.listed[str(number)] = raw({"id": str(number)})
    reader.round()
    said = [one for one in reader.problems() if f"{bad} of the {of} records" in one]
    assert bool(said) is alarming
    for number in range(200, 200 + bad):
        reader.put(number)
    reader.round()
    assert reader.problems() == []


class TestWhoRefuses:
    def test_403_for_lists_is_the_tokens(self, reader: Reader) -> None:
        reader.shelf.refused_lists = REFUSALS["403"]
        with pytest.raises(TokenRefusedError, match=r"betterstack\.token"):
            reader.round()

    @pytest.mark.parametrize("body", [b"<html>no</html>", b"  <!doctype html>no", b"Forbidden"])
    def test_403_of_a_filter_is_not(self, reader: Reader, body: bytes) -> None:
        reader.shelf.refused_lists = (403, body, {"Content-Type": "text/html"})
        for _ in range(3):
            with pytest.raises(BetterStackError, match="something in front of Better Stack") as failed:
                reader.round()
            assert "token" not in str(failed.value)
            assert queries.snapshot(reader.engine).refused_rounds == 0

    @pytest.mark.parametrize("answer", [(401, b"{}", {}), (401, b"<html>", {})])
    def test_401_for_a_single_record_is_the_tokens(self, reader: Reader, answer: Any) -> None:
        reader.put(7)
        reader.round()
        reader.shelf.listed.clear()
        reader.shelf.refused["7"] = answer
        with pytest.raises(TokenRefusedError):
            reader.round()
        assert reader.store.set_aside() == {}

    @pytest.mark.parametrize("kind", ["403", "403 of a filter"])
    def test_403_for_a_single_record_is_the_records(self, reader: Reader, kind: str) -> None:
        reader.put(7)
        reader.round()
        reader.shelf.listed.clear()
        reader.shelf.refused["7"] = REFUSALS[kind]
        reader.round()
        assert "refused the token" not in reader.store.set_aside()["7"].why
        assert "HTTP 403" in reader.store.set_aside()["7"].why
