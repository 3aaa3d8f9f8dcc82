"""Redacts secrets from texts that are stored or shown.

Error texts may quote a secret in another encoding: URL, JSON, HTML, Python's `repr`, or one nested in another. So a
secret is matched character by character, each in any of these encodings.
"""

import json
import re
from functools import lru_cache
from html.entities import html5

HIDDEN = "***"
BACKSLASH = "\\"
ESCAPINGS = 8
"""A backslash escaped three times becomes eight."""


def redacted(text: str, *secrets: str) -> str:
    """Replaces the secrets in `text`, in any encoding; the longest first, so that no part of one remains."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = _spellings(secret).sub(HIDDEN, text)
    return text


@lru_cache(maxsize=64)
def _spellings(secret: str) -> re.Pattern[str]:
    """A pattern for the secret in every encoding. All repetitions are bounded, so matching takes linear time."""
    # Backslashes before a character may escape it or belong to the secret, so both are matched as one row.
    pieces = re.findall(r"(\\*)([^\\]?)", secret)
    return re.compile("".join(_piece(len(backslashes), letter) for backslashes, letter in pieces))


def _piece(backslashes: int, letter: str) -> str:
    """A pattern for this many backslashes of the secret and the character after them; at the end it is empty."""
    row = rf"\\{{{max(backslashes, 1)},{ESCAPINGS * (backslashes + 1)}}}"
    backslash = f"(?:{_encoded(BACKSLASH)}|{_numbered(BACKSLASH)}|{re.escape(BACKSLASH)})"
    each = f"{backslash}{{{backslashes}}}" if backslashes else ""
    if not letter:
        return f"(?:{each}(?!{re.escape(BACKSLASH)})|{row})" if backslashes else ""
    # The longer encoding comes first: the shorter one may be its prefix.
    bare = f"{_encoded(letter)}|{_numbered(letter)}|{re.escape(letter)}"
    return f"(?:{each}(?:{bare})|{row}(?:{bare}{_short(letter)}))"


def _numbered(letter: str) -> str:
    """The character by its number, as in JSON or `repr`, or by its bytes."""
    row = rf"\\{{1,{ESCAPINGS}}}"
    units, code = letter.encode("utf-16-be", "surrogatepass").hex(), ord(letter)
    four = "".join(f"{row}u{_digits(units[at : at + 4])}" for at in range(0, len(units), 4))
    two = "".join(f"{row}x{_digits(f'{octet:02x}')}" for octet in _utf8(letter))
    latin = f"|{row}x{_digits(f'{code:02x}')}" if code < 256 else ""
    return f"{four}|{two}|{row}U{_digits(f'{code:08x}')}{latin}"


def _short(letter: str) -> str:
    """The letter of the short escape, if the character has one, as the line break has `n`."""
    name = json.dumps(letter)[2:-1]
    return f"|{name}" if len(name) == 1 and name.isalpha() else ""


def _encoded(letter: str) -> str:
    """The character percent-encoded, also repeatedly, or as an HTML entity, by name or by number."""
    octets = "".join(f"%(?:25){{0,3}}{_digits(f'{octet:02x}')}" for octet in _utf8(letter))
    by_name = sorted(_names(letter), key=len, reverse=True)
    by_number = [f"#0{{0,9}}{ord(letter)}", f"#[xX]0{{0,9}}{_digits(f'{ord(letter):x}')}"]
    in_html = "|".join([*by_number, *by_name])
    space = "|\\+" if letter == " " else ""
    return f"(?:{octets}|&(?:amp;){{0,3}}(?:{in_html});?{space})"


@lru_cache(maxsize=256)
def _names(letter: str) -> frozenset[str]:
    """HTML's entity names for the character. A table for all characters would take half a megabyte."""
    return frozenset(name.rstrip(";") for name, meant in html5.items() if meant == letter)


def _digits(hexadecimal: str) -> str:
    """A pattern for these digits in upper or lower case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in hexadecimal)


def _utf8(letter: str) -> bytes:
    return letter.encode("utf-8", "surrogatepass")
