"""A progress bar on standard error, for whatever takes longer than a second.

It is shown at a terminal alone: a pipe and a file get nothing, and what is quick shows nothing either. The cursor stays
visible, so a process that is killed leaves the terminal as it was.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from daemon.model.progress import Report, silent

LATER = 1.0
"""Seconds after which it is shown."""


@contextmanager
def progress() -> Iterator[Report]:
    """Shows what is reported, until the end of the block."""
    console = Console(stderr=True)
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") in {"", "dumb"}:
        yield silent
        return
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=None)

    def report(doing: str, done: float | None) -> None:
        bar.update(task, description=doing, completed=done or 0.0, total=None if done is None else 1.0)

    def show() -> None:
        bar.start()
        console.show_cursor(True)

    timer = Timer(LATER, show)
    timer.start()
    try:
        yield report
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
