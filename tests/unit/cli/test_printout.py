"""Standard output, written by a thread of its own: all of it in order, or an error that says why not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import pytest

from daemon.cli.printout import Printout
from daemon.host.signals import Stop
from daemon.model.errors import DaemonError

LONG = "é" * 100_000
"""More than a pipe holds."""


@contextmanager
def standard_output() -> Iterator[int]:
    """What is printed meanwhile is read from this descriptor, which the test closes."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream, redirect_stdout(stream):
        yield reading


def test_all_is_written_in_order_however_late_it_is_read() -> None:
    with standard_output() as reading:
        printout = Printout(Stop())
        texts = [LONG, "second", "third"]
        for text in texts:
            printout.put(text)
        wanted = "".join(f"{text}\n" for text in texts).encode()
        read = b""
        while len(read) < len(wanted):
            read += os.read(reading, len(wanted))
        printout.end()
        os.close(reading)
    assert read == wanted


def test_after_a_stop_it_waits_no_longer_and_says_that_something_is_missing() -> None:
    with standard_output() as reading:
        stop = Stop()
        printout = Printout(stop)
        printout.put(LONG)
        stop.set()
        with pytest.raises(DaemonError, match="was not read to its end"):
            printout.end()
        # The thread ends with its reader.
        os.close(reading)
        printout._writer.join()


def test_an_output_that_takes_no_more_stops_the_work_and_is_raised() -> None:
    with standard_output() as reading:
        os.close(reading)
        stop = Stop()
        printout = Printout(stop)
        printout.put("first")
        with pytest.raises(BrokenPipeError):
            printout.end()
        assert stop.wait(0)
