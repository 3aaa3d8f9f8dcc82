"""The faults that can be set by a word while the sandbox runs."""

import re
from collections.abc import Callable, Mapping

from daemon.model.errors import DaemonError
from daemon.sandbox import mishaps
from daemon.sandbox.faults import Armed, Cut, Drip, Fault, Faults, Hang, Part

WORDS: Mapping[str, tuple[str, Callable[[], Fault]]] = {
    "limit": ("answers 429, with Retry-After: 20", lambda: mishaps.too_many(20)),
    "html": ("answers 200 with the page of a captive portal", mishaps.captive_portal),
    "empty": ("takes the request, answers without a body", mishaps.empty),
    "slow": ("takes the request, answers one byte each 0.1 s", lambda: Drip(Part.BODY, 0.1)),
    "hang": ("does not answer", Hang),
    "cut": ("closes the connection, takes nothing", Cut),
    "lost": ("takes the request, then closes the connection", lambda: Cut(taken=True)),
}
"""Each with what a service does then."""


class NoSuchFaultError(DaemonError):
    """There is no fault of that name."""


class Trouble:
    """The fault of one service; a new one takes the place of the one before."""

    def __init__(self, faults: Faults) -> None:
        """There is none at first."""
        self._faults = faults
        self._armed: Armed | None = None
        self._what, self._times = "", 0

    def begin(self, word: str, times: int = 0) -> None:
        """Sets the fault for so many requests; 0: for all. Raises `NoSuchFaultError`."""
        fault, what = _fault(word)
        self.mend()
        self._armed = self._faults.arm(fault, times=times or None)
        self._what, self._times = what, times

    def mend(self) -> None:
        """Takes the fault away, and lets go of the requests that it holds."""
        self._faults.clear()
        self._armed = None

    @property
    def works(self) -> bool:
        """Whether there is no fault, or it is used up."""
        return self._armed is None or 0 < self._times <= self._armed.struck

    def __str__(self) -> str:
        """What the service does now."""
        if self._armed is None or self.works:
            return "works"
        left = f"for the next {self._times - self._armed.struck}" if self._times else "until it is mended"
        return f"{self._what} ({left})"


def _fault(word: str) -> tuple[Fault, str]:
    if re.fullmatch("[345][0-9][0-9]", word):
        return mishaps.status(int(word)), f"answers {word}"
    if word not in WORDS:
        raise NoSuchFaultError(f"there is no fault {word!r}: give a status such as 503, or {', '.join(WORDS)}")
    what, make = WORDS[word]
    return make(), what
