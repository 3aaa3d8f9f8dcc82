"""Fault injection between a client and a service: five kinds of fault, and the list that picks one.

At most one fault hits a request: the first armed one that matches it and is not used up. A fault stays armed until it
has hit the requested number of times, or is released.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from threading import Event

from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Answer, Request


@dataclass(frozen=True, slots=True)
class Instead:
    """Something in between answers; the service never gets the request."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The service processes the request; its answer is changed on the way back."""

    change: Callable[[Request, Answer], Answer]


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer until the fault is released; then the connection is closed."""

    taken: bool = False
    """Whether the service processes the request first."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed instead of an answer."""

    taken: bool = False
    """Whether the service processes the request first."""


class Part(StrEnum):
    """A part of an answer."""

    HEAD = "head"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Drip:
    """The service answers, but a part of the answer is sent byte by byte until the fault is released."""

    part: Part
    pause: float
    """Seconds between two bytes."""


Fault = Instead | Rewrite | Hang | Cut | Drip


class Armed:
    """A fault that waits for matching requests."""

    def __init__(self, fault: Fault, times: int | None, when: Callable[[Request], bool]) -> None:
        """`times`: how many requests it hits; `None` for all."""
        self.fault = fault
        self.struck = 0
        self._times = times
        self._when = when
        self._released = Event()

    def strikes(self, request: Request) -> bool:
        """Whether the fault hits this request; if so, it counts. Called under the lock."""
        used_up = self._times is not None and self.struck >= self._times
        if self._released.is_set() or used_up or not self._when(request):
            return False
        self.struck += 1
        return True

    def release(self) -> None:
        """Ends the fault, and releases the requests it holds."""
        self._released.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits at most `seconds` for the release; returns whether it is released."""
        return self._released.wait(seconds)


class Faults:
    """The faults of one service. May be used while requests arrive."""

    def __init__(self, context: Context) -> None:
        """No fault is armed at first."""
        self._changed = context.changed
        self._armed: list[Armed] = []
        self.before_answer: Callable[[Request], None] | None = None
        """Called with each request after the service has processed it and before it answers."""

    def arm(self, fault: Fault, *, times: int | None = None, when: Callable[[Request], bool] = lambda _: True) -> Armed:
        """Arms the fault for requests for which `when` is true."""
        armed = Armed(fault, times, when)
        with self._changed:
            self._armed.append(armed)
        return armed

    def clear(self) -> None:
        """Releases every fault and removes the hook."""
        with self._changed:
            armed, self._armed = self._armed, []
            self.before_answer = None
        for one in armed:
            one.release()

    def strike(self, request: Request) -> Armed | None:
        """The fault that hits this request, or `None`."""
        with self._changed:
            struck = next((armed for armed in self._armed if armed.strikes(request)), None)
            self._changed.notify_all()
            return struck
