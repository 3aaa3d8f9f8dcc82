"""The body of an HTTP request, by its length or in chunks (RFC 9112, sections 6 and 7)."""

import re
from collections.abc import Iterator, Mapping
from io import BufferedIOBase

MOST_BYTES = 16 * 1024 * 1024
LONGEST_LINE = 1024
"""Bytes of a chunk's first line, or of a trailer."""


def read_body(headers: Mapping[str, str], stream: BufferedIOBase) -> bytes:
    """Reads the body. `headers`: with names in lower case. Raises `ValueError` if it has no end or is too large."""
    if "transfer-encoding" in headers:
        return b"".join(_chunks(stream))
    return stream.read(_size(headers.get("content-length", "0"), 10))


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    total = 0
    while size := _size(stream.readline(LONGEST_LINE).partition(b";")[0].strip().decode("latin-1"), 16):
        total += size
        if total > MOST_BYTES:
            raise ValueError("the body is too large")
        yield stream.read(size)
        stream.readline(LONGEST_LINE)
    while stream.readline(LONGEST_LINE).strip():
        pass


def _size(text: str, base: int) -> int:
    if not re.fullmatch("[0-9a-fA-F]{1,12}", text) or (size := int(text, base)) > MOST_BYTES:
        raise ValueError("the length of the body is not one")
    return size
