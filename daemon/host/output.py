"""The way out for the lines of this process: one thread writes them, and no reader can keep anybody else waiting.

1. Whoever speaks waits until the line is out, so that what was said before a crash has been said, but no longer than
   `PATIENCE`; and once somebody waited in vain, nobody waits again for `MISTRUST`.
2. Lines come out in order. Those that are not out yet take no more than `MOST` characters: beyond that the oldest are
   given up, so that the last words of a process are among those that are left. How many were lost is said as soon as
   somebody reads again.
3. At the end of the process what still waits is written, as far as a bound in time allows.

A line that cannot be written, since nobody is there to read it or the disk is full, is lost and counted too.
"""

import atexit
import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from threading import Condition, Thread, current_thread
from typing import NoReturn, TextIO

MOST, EACH = 500_000, 200
"""Characters of all lines, and what each counts beyond its own; a longer line is kept if it is the only one."""
PATIENCE = 0.2
"""Seconds."""
MISTRUST = 60.0
"""Seconds."""
LAST_WORDS = 2.0
"""Seconds that the end of the process may take for what still waits."""
AGAIN = 0.1
"""Seconds between two tries of what was not taken."""
CHUNK, LEAST = 65536, select.PIPE_BUF
"""Bytes of one write; a pipe that is ready takes the smaller number without delay."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is said."""

    text: str
    first: Callable[[], bool] | None = None
    """A better way to say it: whether it was taken. Where it raises `OSError`, the text goes out after all."""

    @property
    def weight(self) -> int:
        """What it counts while it waits."""
        return len(self.text) + EACH


class Outlet:
    """Hands lines to the thread that writes them to one descriptor."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self.lost_line: Callable[[int], Line] = lambda lost: Line(lost_sentence(lost))
        self._out = _Descriptor(descriptor, encoding)
        # Its lock is reentrant: what the garbage collector comes upon may be said in the middle of another line.
        self._bell = Condition()
        self._waiting: deque[tuple[int, Line]] = deque()
        self._size = self._lost = self._handed = self._done = self._given_up = 0
        self._mistrusted_until = 0.0
        self._writer: Thread | None = None
        atexit.register(self.flush, LAST_WORDS)

    def put(self, line: Line) -> None:
        """Hands a line over."""
        with self._bell:
            self._handed += 1
            number = self._handed
            self._waiting.append((number, line))
            self._size += line.weight
            self._make_room()
            self._bell.notify_all()
            if not self._is_writing() or current_thread() is self._writer or time.monotonic() < self._mistrusted_until:
                return
            if not self._bell.wait_for(lambda: self._done >= number, PATIENCE):
                self._mistrusted_until = time.monotonic() + MISTRUST

    def flush(self, seconds: float) -> bool:
        """Waits until all that was handed over is out; whether it is. What was waited for in vain, is not again."""
        until = time.monotonic() + seconds
        with self._bell:
            if self._done < self._handed != self._given_up:
                if self._is_writing():
                    self._bell.wait_for(lambda: self._done >= self._handed, seconds)
                else:
                    self._write_here(until)
                self._given_up = self._handed
            return self._done >= self._handed

    def _make_room(self) -> None:
        while self._size > MOST and len(self._waiting) > 1:
            _, given_up = self._waiting.popleft()
            self._size -= given_up.weight
            self._lost += 1

    def _is_writing(self) -> bool:
        """Whether there is a thread that writes; where none could be started before, it is tried again."""
        if self._writer is None or not self._writer.is_alive():
            writer = Thread(target=self._write_for_ever, name="log", daemon=True)
            try:
                writer.start()
            except RuntimeError:
                return False
            self._writer = writer
        return True

    def _write_for_ever(self) -> None:
        while True:
            with self._bell:
                self._bell.wait_for(lambda: self._waiting)
                number, line, lost = self._next()
            lost = self._write(line, lost, None)
            with self._bell:
                self._lost += lost
                self._done = number
                self._bell.notify_all()

    def _write_here(self, until: float) -> None:
        """For an end without a thread: all that waits, by this one. What it takes is bounded by the clock alone."""
        while self._waiting and time.monotonic() < until:
            number, line, lost = self._next()
            self._lost = self._write(line, lost, until)
            if self._lost:
                return
            self._done = number

    def _next(self) -> tuple[int, Line, int]:
        """The oldest line, and how many were lost before it."""
        number, line = self._waiting.popleft()
        self._size -= line.weight
        lost, self._lost = self._lost, 0
        return number, line, lost

    def _write(self, line: Line, lost: int, until: float | None) -> int:
        """Says that lines were lost, and then the line. How many are still to be told of."""
        try:
            if lost:
                self._out.write(self.lost_line(lost), until)
                lost = 0
            self._out.write(line, until)
        except Exception:  # noqa: BLE001 - the writer outlasts whatever a line does to it
            return lost + 1
        return lost


class _Descriptor:
    """What the lines are written to."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._torn = False

    def write(self, line: Line, until: float | None) -> None:
        """One whole line. Raises `OSError`: `TimeoutError` where it is not taken by that time of the monotonic clock.

        Without such a time it waits for as long as it takes.
        """
        if line.first is not None and until is None:
            with suppress(OSError):
                while not line.first():
                    time.sleep(AGAIN)
                return
        data = f"{line.text}\n".encode(self._encoding, "replace")
        if self._torn:
            # Of the last line only a part was taken; this one begins a line of its own.
            data = b"\n" + data
        left = memoryview(data)
        while left:
            self._wait_for_room(until)
            try:
                left = left[os.write(self._descriptor, left[: CHUNK if until is None else LEAST]) :]
            except BlockingIOError:
                time.sleep(AGAIN)
            else:
                self._torn = bool(left)

    def _wait_for_room(self, until: float | None) -> None:
        """The descriptor may be set not to block by whoever else has it."""
        room = select.poll()
        room.register(self._descriptor, select.POLLOUT)
        left = None if until is None else max(until - time.monotonic(), 0) * 1000
        if not room.poll(left):
            raise TimeoutError


def lost_sentence(lost: int) -> str:
    """How the log tells that a part of it is missing."""
    return f"{lost} {'line was' if lost == 1 else 'lines were'} lost, since nothing took them"


def outlet_to(stream: TextIO | None) -> Outlet | None:
    """The outlet that leads where this stream does; `None` for one in memory alone, which keeps nobody waiting."""
    try:
        descriptor = -1 if stream is None else stream.fileno()
        place = os.fstat(descriptor)
    except (OSError, ValueError):
        return None
    return _outlet(descriptor, getattr(stream, "encoding", "utf-8"), (place.st_dev, place.st_ino))


@lru_cache(maxsize=1)
def _outlet(descriptor: int, encoding: str, _place: tuple[int, int]) -> Outlet:
    """The process has one, unless the descriptor comes to lead elsewhere."""
    return Outlet(descriptor, encoding)


def say(stream: TextIO | None, text: str) -> None:
    """Writes one line there, after all that was handed to its outlet."""
    outlet = outlet_to(stream)
    if outlet is not None:
        outlet.put(Line(text))
    elif stream is not None:
        with suppress(OSError, ValueError):
            stream.write(f"{text}\n")
            stream.flush()


def flush(stream: TextIO | None, seconds: float) -> None:
    """For an end that leaves no time: what waits is written, if that takes no longer."""
    outlet = outlet_to(stream)
    if outlet is not None:
        outlet.flush(seconds)


def end_at_once(seconds: float, status: int) -> NoReturn:
    """Ends the process without waiting for any thread. What was said goes out first, if that takes no longer."""
    flush(sys.stderr, seconds)
    os._exit(status)
