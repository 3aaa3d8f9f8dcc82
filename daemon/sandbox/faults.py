"""What goes wrong between a client and a service: five kinds of fault, and the switchboard that picks one.

At most one fault strikes a request: the first armed one that means it and is not used up. A fault stays armed until
it was used the number of times asked for, or is released.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from threading import Event

from daemon.sandbox.exchange import Answer, Request
from daemon.sandbox.ground import Ground


@dataclass(frozen=True, slots=True)
class Instead:
    """Something on the way answers; the service never sees the request."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The service takes the request; its answer is changed on the way back."""

    change: Callable[[Request, Answer], Answer]


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer until the fault is released, and then a closed connection."""

    taken: bool = False
    """Whether the service has taken the request first."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed in place of an answer."""

    taken: bool = False
    """Whether the service has taken the request first."""


class Part(StrEnum):
    """A part of an answer."""

    HEAD = "head"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Drip:
    """The service answers, and a part of the answer goes out byte by byte until the fault is released."""

    part: Part
    pause: float
    """Seconds between two bytes."""


Fault = Instead | Rewrite | Hang | Cut | Drip


class Armed:
    """A fault that waits for its requests."""

    def __init__(self, fault: Fault, times: int | None, when: Callable[[Request], bool]) -> None:
        """`times`: how many requests it strikes, without a number all of them."""
        self.fault = fault
        self.struck = 0
        self._times = times
        self._when = when
        self._released = Event()

    def strikes(self, request: Request) -> bool:
        """Whether the fault is this request's; if so, that was one of its times. Used under the lock."""
        used_up = self._times is not None and self.struck >= self._times
        if self._released.is_set() or used_up or not self._when(request):
            return False
        self.struck += 1
        return True

    def release(self) -> None:
        """Strike no more, and let go of the requests that are held."""
        self._released.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until the fault is released, at most so long. Says whether it is."""
        return self._released.wait(seconds)


class Faults:
    """The faults of one service. All of it may be used while requests come in."""

    def __init__(self, ground: Ground) -> None:
        """No fault is armed at first."""
        self._bell = ground.bell
        self._armed: list[Armed] = []
        self.before_answer: Callable[[Request], None] | None = None
        """Called with each request when the service has done its work and before anything goes back."""

    def arm(self, fault: Fault, *, times: int | None = None, when: Callable[[Request], bool] = lambda _: True) -> Armed:
        """From now on the fault strikes requests that `when` is true of."""
        armed = Armed(fault, times, when)
        with self._bell:
            self._armed.append(armed)
        return armed

    def clear(self) -> None:
        """Releases every fault and forgets the hook."""
        with self._bell:
            armed, self._armed = self._armed, []
            self.before_answer = None
        for one in armed:
            one.release()

    def strike(self, request: Request) -> Armed | None:
        """The fault that strikes this request."""
        with self._bell:
            struck = next((armed for armed in self._armed if armed.strikes(request)), None)
            self._bell.notify_all()
            return struck
