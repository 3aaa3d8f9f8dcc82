"""Which of the correct events SIGNL4 got, in order. Pure."""

from collections.abc import Sequence

from daemon.sandbox.expectation import Due
from daemon.sandbox.history import Event


def matched(right: Sequence[Due], events: Sequence[Event]) -> list[tuple[Due, int]]:
    """The longest common subsequence of the correct events and the actual ones, none of which may be too early.

    Each with the index of its actual event.
    """
    longest = [[0] * (len(events) + 1) for _ in range(len(right) + 1)]
    for i in reversed(range(len(right))):
        for j in reversed(range(len(events))):
            skipped = max(longest[i + 1][j], longest[i][j + 1])
            longest[i][j] = max(skipped, 1 + longest[i + 1][j + 1]) if tells(events[j], right[i]) else skipped
    found, i, j = [], 0, 0
    while i < len(right) and j < len(events):
        if tells(events[j], right[i]) and longest[i][j] == 1 + longest[i + 1][j + 1]:
            found.append((right[i], j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def tells(event: Event, due: Due) -> bool:
    """Whether the event is the correct one, and not too early."""
    return event.kind == due.kind and due.may_be_told(event.at)
