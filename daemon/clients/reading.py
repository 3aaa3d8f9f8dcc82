"""JSON that others wrote, read as kindly as can be, or to the letter; never where it would take too much memory."""

import json
import math
import re
from io import StringIO
from typing import Any

MOST_VALUES = 250_000
"""In one text. An object within an object takes three hundred bytes of memory, however few it takes in JSON."""
_LONGEST_NUMBER = 600
"""Digits. Python refuses to read and to write numbers of more than some thousands, and can be told to refuse at 640."""
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape of JSON; the group is half of a surrogate pair without its other half."""


class TooManyValuesError(ValueError):
    """What JSON spells in a few bytes can take a hundred times as many in memory."""


def kindly(body: bytes) -> Any:
    """What is odd in one place costs nothing in another.

    What neither UTF-8 nor JSON nor the database can hold is replaced. Raises `ValueError`, and of these
    `TooManyValuesError`.
    """
    _check_size(body)
    text = _decoded(body)
    if "\\ud" in text or "\\uD" in text:
        text = _without_half_pairs(text)
    try:
        return json.loads(
            text, strict=False, parse_constant=lambda _: None, parse_float=_finite, parse_int=_whole_number
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def check_to_the_letter(body: bytes) -> None:
    """Raises `ValueError` for what is no JSON in UTF-8, or only looks like it; any number is one, however long."""
    _check_size(body)
    try:
        json.loads(body.decode("utf-8-sig", "surrogatepass"), parse_int=str)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _check_size(body: bytes) -> None:
    """By the bytes that stand before each value, since to count is a hundred times as quick as to read."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TooManyValuesError(f"it holds more than {MOST_VALUES:,} values")


def _decoded(body: bytes) -> str:
    """The text without half surrogate pairs; where there are other bytes that are none, they are replaced."""
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        pass
    try:
        return body.decode(encoding, "surrogatepass").encode("utf-8", "replace").decode("utf-8")
    except UnicodeDecodeError:
        return body.decode(encoding, "replace")


def _without_half_pairs(text: str) -> str:
    """Written piece by piece: `re.sub` keeps all that it found at once, which can be millions of escapes."""
    kept, at = StringIO(), 0
    for escape in _ESCAPE.finditer(text):
        if escape[1]:
            kept.write(text[at : escape.start()])
            kept.write("?")
            at = escape.end()
    kept.write(text[at:])
    return kept.getvalue()


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _whole_number(text: str) -> int | str:
    """A number; one that Python would refuse stays the text that it is."""
    return int(text) if len(text) <= _LONGEST_NUMBER else text
