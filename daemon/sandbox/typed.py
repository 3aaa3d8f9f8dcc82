"""What the words mean that are typed into a running sandbox."""

from collections.abc import Iterable
from difflib import get_close_matches

from daemon.model.errors import DaemonError

ALL = "all"


class CommandError(DaemonError):
    """What was typed is no command, or cannot be done now."""


def one_of(word: str, names: Iterable[str], what: str) -> str:
    """The name that is meant, in whole or by its beginning; `signl4` before `signl4-api`. Raises `CommandError`."""
    known = list(names)
    found = [name for name in known if name.startswith(word.lower())]
    shortest = min(found, key=len, default="")
    if found and all(name.startswith(shortest) for name in found):
        return shortest
    if found:
        raise CommandError(f"{word!r} may be {' or '.join(found)}")
    near = get_close_matches(word.lower(), known, 1)
    rest = f"did you mean {near[0]!r}?" if near else "help lists all"
    raise CommandError(f"there is no {what} {word!r}; {rest}")
