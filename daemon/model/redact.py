"""Takes secrets out of texts that are kept or shown.

Others quote what they were sent in spellings of their own: as a URL has it, JSON, HTML, or Python's `repr`, and one
within the other. So a secret is looked for letter by letter, each in any of these spellings.
"""

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from html.entities import html5

HIDDEN = "***"
BACKSLASH = "\\"
ESCAPINGS = 8
"""A backslash that is escaped three times is eight of them."""


def scrubbed(text: str, *secrets: str) -> str:
    """`text` without the secrets, however they are spelled in it; the longest first, to leave no rest."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = _spellings(secret).sub(HIDDEN, text)
    return text


@lru_cache(maxsize=64)
def _spellings(secret: str) -> re.Pattern[str]:
    """The secret in every spelling. Every repetition is bounded: no text takes longer than in proportion to it."""
    # A letter is escaped by backslashes in front of it. Those that belong to the secret are part of the same row.
    pieces = re.findall(r"(\\*)([^\\]?)", secret)
    return re.compile("".join(_piece(len(backslashes), letter) for backslashes, letter in pieces))


def _piece(backslashes: int, letter: str) -> str:
    """So many backslashes of the secret and the letter behind them, which is empty at its end."""
    row = rf"\\{{{max(backslashes, 1)},{ESCAPINGS * (backslashes + 1)}}}"
    backslash = f"(?:{_encoded(BACKSLASH)}|{_numbered(BACKSLASH)}|{re.escape(BACKSLASH)})"
    each = f"{backslash}{{{backslashes}}}" if backslashes else ""
    if not letter:
        return f"(?:{each}(?!{re.escape(BACKSLASH)})|{row})" if backslashes else ""
    # The longer spelling comes first: the shorter one may be its beginning.
    bare = f"{_encoded(letter)}|{_numbered(letter)}|{re.escape(letter)}"
    return f"(?:{each}(?:{bare})|{row}(?:{bare}{_short(letter)}))"


def _numbered(letter: str) -> str:
    """The letter by its number, as JSON or `repr` has it, or by those of its bytes."""
    row = rf"\\{{1,{ESCAPINGS}}}"
    units, code = letter.encode("utf-16-be", "surrogatepass").hex(), ord(letter)
    four = "".join(f"{row}u{_digits(units[at : at + 4])}" for at in range(0, len(units), 4))
    two = "".join(f"{row}x{_digits(f'{octet:02x}')}" for octet in _utf8(letter))
    latin = f"|{row}x{_digits(f'{code:02x}')}" if code < 256 else ""
    return f"{four}|{two}|{row}U{_digits(f'{code:08x}')}{latin}"


def _short(letter: str) -> str:
    """What stands behind the backslash where the escaped letter has a short form, as a line break has."""
    name = json.dumps(letter)[2:-1]
    return f"|{name}" if len(name) == 1 and name.isalpha() else ""


def _encoded(letter: str) -> str:
    """The letter as a URL has it, which may be encoded once more, or as HTML has it, by its name or its number."""
    octets = "".join(f"%(?:25){{0,3}}{_digits(f'{octet:02x}')}" for octet in _utf8(letter))
    by_name = sorted(_names().get(letter, ()), key=len, reverse=True)
    by_number = [f"#0{{0,9}}{ord(letter)}", f"#[xX]0{{0,9}}{_digits(f'{ord(letter):x}')}"]
    in_html = "|".join([*by_number, *by_name])
    space = "|\\+" if letter == " " else ""
    return f"(?:{octets}|&(?:amp;){{0,3}}(?:{in_html});?{space})"


@cache
def _names() -> Mapping[str, set[str]]:
    """The names that HTML has for a letter."""
    names: dict[str, set[str]] = {}
    for name, letter in html5.items():
        names.setdefault(letter, set()).add(name.rstrip(";"))
    return names


def _digits(hexadecimal: str) -> str:
    """These digits in upper or lower case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in hexadecimal)


def _utf8(letter: str) -> bytes:
    return letter.encode("utf-8", "surrogatepass")
