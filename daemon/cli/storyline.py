"""The story of an incident as people read it: each sentence beside its time."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from daemon.cli.times import Times
from daemon.model.printable import printable
from daemon.model.story import Happened, Next, Record, Story


def heading(record: Record, times: Times) -> str:
    """The incident, and the zone of the times below it."""
    state = record.state
    about = ": ".join(filter(None, (state.name, state.cause)))
    return printable(f"{state.id}  {about}  ({state.phase}; times: {times.zone})")


def sentences(story: Story, times: Times) -> Iterator[tuple[str, str]]:
    """What happened, in order of time, then what happens next. Each with what stands before it."""
    for _, alike in groupby(story.happened, key=lambda one: (one.what, one.text)):
        first, *others = alike
        yield times.short(first.at), printable(f"{first.text}{_took(first)}{_again(others, times)}")
    for following in story.next:
        yield "next:", printable(_next(following, times))


def _took(one: Happened) -> str:
    if one.seconds is None:
        return ""
    return f" (took {one.seconds:.3f} s)" if one.seconds < 1 else f" (took {one.seconds:.1f} s)"


def _again(others: Sequence[Happened], times: Times) -> str:
    """An outage of hours is one sentence, however often a message was tried."""
    if not others:
        return ""
    often = "once more" if len(others) == 1 else f"{len(others)} times more"
    return f"; the same {often}, until {times.short(others[-1].at)}"


def _next(one: Next, times: Times) -> str:
    return one.text if one.at is None else f"{one.text} {times.ahead(one.at)}"
