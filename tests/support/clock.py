"""Clocks that are set by hand."""

from datetime import datetime, timedelta

from tests.support.values import NOW


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        """Lets time pass."""
        self.now += timedelta(**span)


class TwoClocks:
    """Each is a function, as it is in the module."""

    def __init__(self) -> None:
        self.wall = 1_795_425_255.0
        self.steady = 1000.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def pass_(self, seconds: float) -> None:
        """Lets time pass."""
        self.wall += seconds
        self.steady += seconds
