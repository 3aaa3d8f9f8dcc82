"""Buffered output of the process: one thread writes all lines, so a slow reader blocks no other thread.

1. A caller waits until its line is written, so that lines before a crash are out; but at most `PATIENCE`, and after a
   wait in vain no caller waits for `NO_WAIT`.
2. Lines keep their order. The buffer holds at most `MOST` characters; beyond that the oldest lines are dropped, so the
   last lines of a process survive. The number of lost lines is written as soon as the reader reads again.
3. At the end of the process the buffer is written, within a time limit.

A line that cannot be written, because the reader is gone or the disk is full, is lost and counted too.
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
"""Size of the buffer, and the overhead counted for each line, in characters. A single line may be larger."""
PATIENCE = 0.2
"""Seconds that a caller waits for its line."""
NO_WAIT = 60.0
"""Seconds without such waits after one in vain."""
LAST_WORDS = 2.0
"""Seconds to write the buffer at the end of the process."""
RETRY_SECONDS = 0.1
"""Seconds between two attempts to write."""
CHUNK, LEAST = 65536, select.PIPE_BUF
"""Most bytes of one write. A pipe that is ready accepts the smaller number without blocking."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output."""

    text: str
    first: Callable[[], bool] | None = None
    """A preferred way to write it; returns whether it succeeded. If it raises `OSError`, `text` is written instead."""

    @property
    def weight(self) -> int:
        """Its size in the buffer, in characters."""
        return len(self.text) + EACH


class Outlet:
    """The buffer in front of one descriptor, and the thread that writes to it."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self.lost_line: Callable[[int], Line] = lambda lost: Line(lost_sentence(lost))
        self._out = _Descriptor(descriptor, encoding)
        # Its lock is reentrant: the garbage collector may log in the middle of another line.
        self._changed = Condition()
        self._waiting: deque[tuple[int, Line]] = deque()
        self._size = self._lost = self._handed = self._done = self._given_up = 0
        self._no_wait_until = 0.0
        self._writer: Thread | None = None
        atexit.register(self.flush, LAST_WORDS)

    def put(self, line: Line) -> None:
        """Adds a line, and waits for it as described above."""
        with self._changed:
            self._handed += 1
            number = self._handed
            self._waiting.append((number, line))
            self._size += line.weight
            self._make_room()
            self._changed.notify_all()
            if not self._is_writing() or current_thread() is self._writer or time.monotonic() < self._no_wait_until:
                return
            if not self._changed.wait_for(lambda: self._done >= number, PATIENCE):
                self._no_wait_until = time.monotonic() + NO_WAIT

    def flush(self, seconds: float) -> bool:
        """Waits until all lines are written; returns whether they are. Does not wait twice for the same lines."""
        until = time.monotonic() + seconds
        with self._changed:
            if self._done < self._handed != self._given_up:
                if self._is_writing():
                    self._changed.wait_for(lambda: self._done >= self._handed, seconds)
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
        """Whether a writer thread runs; starts one if there is none."""
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
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                number, line, lost = self._next()
            lost = self._write(line, lost, None)
            with self._changed:
                self._lost += lost
                self._done = number
                self._changed.notify_all()

    def _write_here(self, until: float) -> None:
        """Writes the buffer in this thread, when no writer thread can be started. Ends at the deadline `until`."""
        while self._waiting and time.monotonic() < until:
            number, line, lost = self._next()
            self._lost = self._write(line, lost, until)
            if self._lost:
                return
            self._done = number

    def _next(self) -> tuple[int, Line, int]:
        """The oldest line, with its number, and how many lines were lost before it."""
        number, line = self._waiting.popleft()
        self._size -= line.weight
        lost, self._lost = self._lost, 0
        return number, line, lost

    def _write(self, line: Line, lost: int, until: float | None) -> int:
        """Writes a note about lost lines, then the line. Returns how many losses are still unreported."""
        try:
            if lost:
                self._out.write(self.lost_line(lost), until)
                lost = 0
            self._out.write(line, until)
        except Exception:  # noqa: BLE001 - no line may end the writer thread
            return lost + 1
        return lost


class _Descriptor:
    """The descriptor that lines are written to."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._torn = False

    def write(self, line: Line, until: float | None) -> None:
        """Writes one whole line. Raises `OSError`, and `TimeoutError` at `until` (monotonic).

        Without `until` it waits as long as necessary.
        """
        if line.first is not None and until is None:
            with suppress(OSError):
                while not line.first():
                    time.sleep(RETRY_SECONDS)
                return
        data = f"{line.text}\n".encode(self._encoding, "replace")
        if self._torn:
            # The last line was written only in part: start a new line.
            data = b"\n" + data
        left = memoryview(data)
        while left:
            self._wait_for_room(until)
            try:
                left = left[os.write(self._descriptor, left[: CHUNK if until is None else LEAST]) :]
            except BlockingIOError:
                time.sleep(RETRY_SECONDS)
            else:
                self._torn = bool(left)

    def _wait_for_room(self, until: float | None) -> None:
        """Waits until the descriptor is writable: another process that shares it may have made it non-blocking.

        Raises `TimeoutError`.
        """
        room = select.poll()
        room.register(self._descriptor, select.POLLOUT)
        left = None if until is None else max(until - time.monotonic(), 0) * 1000
        if not room.poll(left):
            raise TimeoutError


def lost_sentence(lost: int) -> str:
    """The log line about lost lines."""
    return f"{lost} {'line was' if lost == 1 else 'lines were'} lost, since nothing took them"


def outlet_to(stream: TextIO | None) -> Outlet | None:
    """The outlet for the descriptor of a stream; `None` for a stream in memory, which never blocks."""
    try:
        descriptor = -1 if stream is None else stream.fileno()
        place = os.fstat(descriptor)
    except (OSError, ValueError):
        return None
    return _outlet(descriptor, getattr(stream, "encoding", "utf-8"), (place.st_dev, place.st_ino))


@lru_cache(maxsize=1)
def _outlet(descriptor: int, encoding: str, _place: tuple[int, int]) -> Outlet:
    """One outlet per process; a new one if the descriptor is redirected."""
    return Outlet(descriptor, encoding)


def say(stream: TextIO | None, text: str) -> None:
    """Writes one line to the stream, after all earlier lines of its outlet."""
    outlet = outlet_to(stream)
    if outlet is not None:
        outlet.put(Line(text))
    elif stream is not None:
        with suppress(OSError, ValueError):
            stream.write(f"{text}\n")
            stream.flush()


def flush(stream: TextIO | None, seconds: float) -> None:
    """Writes the buffer of the stream's outlet, within `seconds`."""
    outlet = outlet_to(stream)
    if outlet is not None:
        outlet.flush(seconds)


def end_at_once(seconds: float, status: int) -> NoReturn:
    """Ends the process without waiting for any thread. Flushes the log first, within `seconds`."""
    flush(sys.stderr, seconds)
    os._exit(status)
