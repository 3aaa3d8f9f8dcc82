"""The story of an incident as people read it: each sentence beside its time."""

from collections.abc import Iterator

from daemon.cli.times import Times
from daemon.model.printable import printable
from daemon.model.story import Next, Record, Story


def heading(record: Record, times: Times) -> str:
    """The incident, and the zone of the times below it."""
    state = record.state
    about = ": ".join(filter(None, (state.name, state.cause)))
    return printable(f"{state.id}  {about}  ({state.phase}; times: {times.zone})")


def sentences(story: Story, times: Times) -> Iterator[tuple[str, str]]:
    """What happened, in order of time, then what happens next. Each with what stands before it."""
    for happened in story.happened:
        yield times.short(happened.at), printable(happened.text)
    for following in story.next:
        yield "next:", printable(_next(following, times))


def _next(one: Next, times: Times) -> str:
    return one.text if one.at is None else f"{one.text} {times.ahead(one.at)}"
