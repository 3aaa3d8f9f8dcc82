"""What the writers of a leader are fenced by, and what they find out about its term."""

import threading

from daemon.model.errors import TermLostError


class Fence:
    """The term of a leader, as its writers see it. Any thread may use it."""

    def __init__(self, holder: str, epoch: int, timeline: str) -> None:
        """`holder`: the random id of the process. `timeline`: that of the server when it took over."""
        self.holder = holder
        self.epoch = epoch
        self.timeline = timeline
        self.lost: str | None = None
        """Why the term is over for good; `None` while it is not."""
        self.remark: str | None = None
        """Why the term cannot be relied on until a renewal succeeds; `None` if nothing is wrong."""
        self.doubts = 0
        """How often it could not be relied on so far."""
        self._lock = threading.Lock()

    @property
    def condition(self) -> str:
        """The condition of a row of this term, in SQL."""
        return f"holder = '{self.holder}' AND epoch = {self.epoch:d}"

    def check(self, timeline: str | None = None) -> None:
        """Raises `TermLostError` if the term is over. `timeline`: that of the server that answered.

        A server with another timeline was promoted, and may lack what this process has written and relied on.
        """
        if timeline is not None and timeline != self.timeline:
            self.end(f"another server has become the primary one (timeline {timeline}, before {self.timeline})")
        if self.lost is not None:
            raise self.error()

    def error(self) -> TermLostError:
        """The error of a write after the end."""
        return TermLostError(f"this process is not the leader any more: {self.lost}")

    def end(self, why: str) -> None:
        """The term is over; the first reason stays."""
        with self._lock:
            self.lost = self.lost or why

    def doubt(self, remark: str) -> None:
        """What was just written may be lost with the server, so that another process takes over without it."""
        with self._lock:
            self.doubts += 1
            self.remark = remark

    def rely(self, doubts: int) -> bool:
        """A renewal that began when there were `doubts` has reached all servers that it has to; whether that counts."""
        with self._lock:
            if self.doubts != doubts or self.lost is not None:
                return False
            self.remark = None
            return True
