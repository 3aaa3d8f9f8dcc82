"""The way out of lines: real pipes that are read late, in part or never, and what comes out of them in the end."""

import os
import re
import resource
import select
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from daemon.host.output import EACH, MOST, PATIENCE, Line, Outlet, outlet_to, say
from tests.support.slowness import SLOWNESS

LONG = 20.0 * SLOWNESS
"""Seconds that nobody waits, unless somebody is kept waiting."""


class Pipe:
    """Both ends of a pipe, and the outlet that leads into it."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.outlet = Outlet(self.writing)

    def fill(self) -> None:
        """Nothing more goes in until somebody reads."""
        os.set_blocking(self.writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(self.writing, b"." * 4096)
        os.set_blocking(self.writing, True)

    def lines(self, last: str) -> list[str]:
        """Reads until that line came."""
        text = b""
        while not text.endswith(f"{last}\n".encode()):
            assert select.select([self.reading], [], [], LONG)[0], text[-200:]
            text += os.read(self.reading, 65536)
        return text.decode().lstrip(".").splitlines()

    def close(self) -> None:
        """Without a reader all that waits is lost at once, and nothing of it gets into another test's pipe."""
        os.close(self.reading)
        self.outlet.put(Line("the end"))
        self.outlet.flush(LONG)
        os.close(self.writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_a_line_is_out_before_whoever_spoke_goes_on(pipe: Pipe) -> None:
    for number in range(100):
        pipe.outlet.put(Line(f"line {number}"))
        assert select.select([pipe.reading], [], [], 0)[0]
        assert os.read(pipe.reading, 100) == f"line {number}\n".encode()


def test_lines_that_nobody_reads_keep_nobody_waiting_and_take_bounded_room(pipe: Pipe) -> None:
    pipe.fill()
    begun = time.monotonic()
    for number in range(20_000):
        pipe.outlet.put(Line(f"line {number}"))
    assert time.monotonic() - begun < LONG
    assert len(pipe.outlet._waiting) <= MOST / EACH


def test_once_somebody_reads_again_the_rest_comes_in_order_and_what_is_missing_is_counted(pipe: Pipe) -> None:
    pipe.fill()
    for number in range(20_000):
        pipe.outlet.put(Line(f"line {number}"))
    first, lost, *rest = pipe.lines("line 19999")
    assert first == "line 0"
    found = re.fullmatch(r"(\d+) lines were lost, since nothing took them", lost)
    assert found
    assert rest == [f"line {number}" for number in range(1 + int(found[1]), 20_000)]
    pipe.outlet.put(Line("and so on"))
    assert pipe.lines("and so on") == ["and so on"]


def test_many_threads_that_speak_to_nobody_all_go_on(pipe: Pipe) -> None:
    pipe.fill()

    def speak() -> None:
        for _ in range(1000):
            pipe.outlet.put(Line("x" * 100))

    threads = [threading.Thread(target=speak) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("size", [1, 4096, 300_000, 3_000_000])
def test_a_line_of_any_length_is_whole(pipe: Pipe, size: int) -> None:
    text = "ab" * (size // 2) + "!"
    reader = threading.Thread(target=lambda: read.extend(pipe.lines(text[-4:])))
    read: list[str] = []
    reader.start()
    pipe.outlet.put(Line(text))
    reader.join(LONG)
    assert read == [text]


def test_a_descriptor_that_somebody_set_not_to_block_loses_nothing(pipe: Pipe) -> None:
    pipe.fill()
    os.set_blocking(pipe.writing, False)
    for number in range(500):
        pipe.outlet.put(Line(f"line {number}"))
    assert pipe.lines("line 499") == [f"line {number}" for number in range(500)]


def test_what_cannot_be_written_is_counted_until_it_can(tmp_path: Path) -> None:
    place = tmp_path / "fifo"
    os.mkfifo(place)
    reading = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    writing = os.open(place, os.O_WRONLY)
    lines = Outlet(writing)
    os.close(reading)
    for number in range(3):
        lines.put(Line(f"unread {number}"))
    reading = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    lines.put(Line("read"))
    assert os.read(reading, 1000).decode().splitlines() == ["3 lines were lost, since nothing took them", "read"]
    os.close(reading)
    os.close(writing)


def test_after_a_line_that_was_taken_in_part_the_next_begins_on_its_own(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("w") as stream:
        lines = Outlet(stream.fileno())
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limit[1]))
        try:
            lines.put(Line("a line that finds no room"))
            lines.flush(LONG)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        lines.put(Line("the next"))
        assert lines.flush(LONG)
    assert file.read_text().splitlines() == ["a line tha", "1 line was lost, since nothing took them", "the next"]


def test_the_end_waits_for_what_is_read_and_not_long_nor_twice_for_what_is_not(pipe: Pipe) -> None:
    pipe.fill()
    pipe.outlet.put(Line("the last words"))
    begun = time.monotonic()
    assert pipe.outlet.flush(0.3) is False
    assert pipe.outlet.flush(LONG) is False
    assert time.monotonic() - begun < LONG
    pipe.lines("the last words")
    pipe.outlet.put(Line("and one more"))
    assert pipe.outlet.flush(LONG) is True


def test_without_a_thread_the_lines_are_written_at_the_end_and_no_reader_is_waited_for(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    pipe.outlet.put(Line("one"))
    pipe.outlet.put(Line("two" * 5000))
    assert pipe.outlet.flush(LONG) is True
    assert pipe.lines("two") == ["one", "two" * 5000]
    pipe.fill()
    pipe.outlet.put(Line("three"))
    assert pipe.outlet.flush(0.1) is False


def test_a_thread_that_could_not_be_started_is_started_with_a_later_line(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", start)
        pipe.outlet.put(Line("one"))
    pipe.outlet.put(Line("two"))
    assert pipe.lines("two") == ["one", "two"]


def test_what_is_said_while_a_line_is_written_holds_nobody_up(pipe: Pipe) -> None:
    """As the garbage collector may, in whatever thread it comes upon something."""

    def speak() -> bool:
        pipe.outlet.put(Line("in the middle"))
        return True

    pipe.outlet.put(Line("told elsewhere", speak))
    assert pipe.lines("in the middle") == ["in the middle"]


def test_a_better_way_that_hangs_is_tried_again_and_one_that_is_gone_is_not(pipe: Pipe) -> None:
    answers = [False, False, True]
    pipe.outlet.put(Line("patience", lambda: answers.pop(0)))

    def gone() -> bool:
        raise ConnectionRefusedError

    pipe.outlet.put(Line("as a line", gone))
    assert pipe.lines("as a line") == ["as a line"]
    assert answers == []


def test_whatever_a_line_does_the_writer_goes_on(pipe: Pipe) -> None:
    def broken() -> bool:
        raise ValueError

    pipe.outlet.put(Line("broken", broken))
    pipe.outlet.put(Line("the next"))
    assert pipe.lines("the next") == ["1 line was lost, since nothing took them", "the next"]


def test_a_stream_has_one_outlet_and_one_in_memory_needs_none(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        assert outlet_to(stream) is outlet_to(stream)
        say(stream, "ünïcödé \udcff")
    assert (tmp_path / "log").read_text() == "ünïcödé ?\n"
    assert outlet_to(None) is None
    say(None, "to nobody")


def test_where_somebody_waited_in_vain_nobody_waits_again_soon(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    wait_for = threading.Condition.wait_for

    def waiting(bell: threading.Condition, predicate: object, timeout: float | None = None) -> bool:
        if timeout == PATIENCE:
            waits.append(timeout)
        return bool(wait_for(bell, predicate, timeout))  # type: ignore[arg-type]

    monkeypatch.setattr(threading.Condition, "wait_for", waiting)
    pipe.fill()
    for number in range(50):
        pipe.outlet.put(Line(f"line {number}"))
    assert len(waits) == 1
    pipe.lines("line 49")
