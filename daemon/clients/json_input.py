"""JSON from outside, parsed leniently or checked strictly; refused if it would take too much memory."""

import json
import math
import re
from io import StringIO
from typing import Any

MOST_VALUES = 250_000
"""Most values in one text. A nested object takes 300 bytes of memory, however short it is in JSON."""
_LONGEST_NUMBER = 600
"""Digits. Python refuses to convert integers of more than a few thousand digits; the limit can be set down to 640."""
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape sequence of JSON; the group matches an unpaired surrogate."""


class TooManyValuesError(ValueError):
    """Too many values: a few bytes of JSON can take a hundred times as much memory."""


def parse_leniently(body: bytes) -> Any:
    """Parses JSON leniently, so that one odd value does not lose the others.

    Values that UTF-8, JSON or the database cannot hold are replaced. Raises `ValueError`, and its subclass
    `TooManyValuesError`.
    """
    _check_size(body)
    text = _decoded(body)
    if "\\ud" in text or "\\uD" in text:
        text = _without_lone_surrogates(text)
    try:
        return json.loads(text, strict=False, parse_constant=lambda _: None, parse_float=_finite, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def check_strictly(body: bytes) -> None:
    """Raises `ValueError` unless the body is strictly valid JSON in UTF-8. Numbers may have any length."""
    _check_size(body)
    try:
        json.loads(body.decode("utf-8-sig", "surrogatepass"), parse_int=str)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _check_size(body: bytes) -> None:
    """Counts the bytes that precede values: a hundred times as fast as parsing. Raises `TooManyValuesError`."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TooManyValuesError(f"it holds more than {MOST_VALUES:,} values")


def _decoded(body: bytes) -> str:
    """The text; unpaired surrogates and invalid bytes are replaced."""
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        pass
    try:
        return body.decode(encoding, "surrogatepass").encode("utf-8", "replace").decode("utf-8")
    except UnicodeDecodeError:
        return body.decode(encoding, "replace")


def _without_lone_surrogates(text: str) -> str:
    """Replaces unpaired surrogates piece by piece: `re.sub` would hold all matches at once, possibly millions."""
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


def _integer(text: str) -> int | str:
    """The number; as text if it is too long for Python."""
    return int(text) if len(text) <= _LONGEST_NUMBER else text
