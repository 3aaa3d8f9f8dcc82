"""The story of an incident as lines for people: at a terminal of its width, in a pipe each sentence is one line."""

import shutil
import sys
import textwrap
from collections.abc import Iterator

from daemon.cli.times import Times
from daemon.model.printable import printable
from daemon.model.story import Next, Record, Story

BROADEST = 120
"""Characters of a line at a terminal, however wide that is: longer ones are hard to read."""


def lines(record: Record, story: Story, times: Times) -> Iterator[str]:
    """The incident, what happened in order of time, and what happens next."""
    state = record.state
    about = ": ".join(filter(None, (state.name, state.cause)))
    yield from _wrapped("", f"{state.id}  {about}  ({state.phase}; times: {times.zone})")
    for happened in story.happened:
        yield from _wrapped(times.short(happened.at), happened.text)
    for following in story.next:
        yield from _wrapped("next:", _next(following, times))


def _next(one: Next, times: Times) -> str:
    return one.text if one.at is None else f"{one.text} {times.ahead(one.at)}"


def _wrapped(head: str, text: str) -> Iterator[str]:
    """The text behind its heading, in lines that are indented by it."""
    whole = printable(f"{head}  {text}" if head else text)
    if not sys.stdout.isatty():
        yield whole
        return
    width = min(shutil.get_terminal_size().columns, BROADEST)
    indent = " " * (len(head) + 2)
    yield from textwrap.wrap(whole, max(width, 40), subsequent_indent=indent, break_on_hyphens=False) or [""]
