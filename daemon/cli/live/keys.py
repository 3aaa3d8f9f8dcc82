"""Keys, from the bytes that a terminal sends for them."""

import codecs
import re
from collections.abc import Iterator
from enum import StrEnum


class Key(StrEnum):
    """A key that is no character. Its value is longer than one, so none equals a character."""

    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    HOME = "home"
    END = "end"
    TAB = "tab"
    ENTER = "enter"
    ESCAPE = "escape"
    ERASE = "erase"


_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])|\x1b(?![\[O])|[^\x1b]", re.DOTALL)
_BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")
"""A sequence that may go on."""
_CODES = {
    "\x1b[A": Key.UP,
    "\x1bOA": Key.UP,
    "\x1b[B": Key.DOWN,
    "\x1bOB": Key.DOWN,
    "\x1b[5~": Key.PAGE_UP,
    "\x1b[6~": Key.PAGE_DOWN,
    "\x1b[H": Key.HOME,
    "\x1bOH": Key.HOME,
    "\x1b[1~": Key.HOME,
    "\x1b[F": Key.END,
    "\x1bOF": Key.END,
    "\x1b[4~": Key.END,
    "\x1b[Z": Key.TAB,
    "\t": Key.TAB,
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x1b": Key.ESCAPE,
    "\x7f": Key.ERASE,
    "\b": Key.ERASE,
}


class Keys:
    """Turns what is typed into keys, however it is cut into pieces."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    @property
    def unfinished(self) -> bool:
        """Whether a sequence has begun that may go on; the key Escape alone begins one, too."""
        return bool(self._rest)

    def feed(self, typed: bytes) -> list[str]:
        """The keys that are complete: a `Key`, or a character that can be seen. Other keys are left out."""
        text = self._rest + self._decoder.decode(typed)
        begun = _BEGUN.search(text)
        self._rest = begun[0] if begun else ""
        return list(_keys(text[: len(text) - len(self._rest)]))

    def finish(self) -> list[str]:
        """The keys of a sequence that does not go on."""
        begun, self._rest = self._rest, ""
        return [Key.ESCAPE] if begun else []


def _keys(text: str) -> Iterator[str]:
    for found in _SEQUENCE.findall(text):
        if found in _CODES:
            yield _CODES[found]
        elif len(found) == 1 and found.isprintable():
            yield found
