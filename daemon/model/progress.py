"""How far something is that takes a while, for people who wait for it."""

from collections.abc import Callable

Report = Callable[[str, float | None], None]
"""Gets what is being done now, and how much of it is done, from 0 to 1; `None` if that is not known."""


def silent(_doing: str, _done: float | None) -> None:
    """Nobody waits."""
