"""Decompresses a response body piece by piece, never beyond a cap: kilobytes can expand to gigabytes.

The bytes themselves show whether they are compressed. `Content-Encoding` is unreliable: proxies decompress a body and
keep the header, compress it twice, or put a word such as `utf-8` into the header.
"""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from daemon.model.errors import DaemonError

STEP = 64 * 1024
"""Most bytes decompressed at once, which bounds what an error's stack frames keep alive."""
LAYERS = 2
_PLAIN = {"", "identity", "none", "utf-8", "utf8", "iso-8859-1", "binary", "8bit", "chunked"}
_ENCODINGS = {"gzip", "x-gzip", "deflate"}


class DecompressError(DaemonError):
    """The body cannot be decompressed; the text says why."""


class LargerError(DecompressError):
    """The body is larger than the cap."""


def decompressed(pieces: Iterable[bytes], label: str, cap: int) -> Iterator[bytes]:
    """The decompressed body, in pieces. `label`: its `Content-Encoding`. `cap`: most bytes, both raw and decompressed.

    Raises `DecompressError` after yielding the readable part. A body that is not decompressible is yielded raw first.
    """
    named = [name for name in (part.strip() for part in label.lower().split(",")) if name not in _PLAIN]
    head, pieces = _peeked(_capped(pieces, cap))
    layers = 0
    while _is_compressed(head) and layers < LAYERS:
        head, pieces = _peeked(_capped(_inflated(pieces), cap))
        layers += 1
    yield from pieces
    known = len(named) <= LAYERS and _ENCODINGS.issuperset(named)
    is_open = not named or layers > 0 or head.lstrip()[:1] in {b"", b"{", b"["}
    if head and not (known and is_open):
        raise DecompressError(f"the answer is packed as {label.strip()[:40]!r}, which cannot be unpacked")


def _peeked(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning, at least two bytes if there are as many; and all pieces."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) > 1:
            break
    return head, chain([head] if head else (), pieces)


def _is_compressed(head: bytes) -> bool:
    """Whether it begins with the header of gzip, or of zlib (HTTP's "deflate")."""
    if len(head) < 2:
        return False
    first, second = head[:2]
    zlibs = first & 0x0F == 8 and first >> 4 <= 7 and not second & 0x20 and (first * 256 + second) % 31 == 0
    return zlibs or head.startswith(b"\x1f\x8b")


def _capped(pieces: Iterable[bytes], cap: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > cap:
            raise LargerError(f"the answer is larger than {cap // 1024 // 1024} MB")
        yield piece


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompresses one layer: zlib, or gzip with one or more members."""
    unpacker, between = None, False
    for piece in pieces:
        # After a member another one may follow, or zero padding.
        rest, more = piece.lstrip(b"\0") if between else piece, False
        while rest or more:
            unpacker = unpacker or zlib.decompressobj(zlib.MAX_WBITS | 32)
            before = unpacker.copy()
            try:
                inner = unpacker.decompress(rest, STEP)
            except zlib.error as error:
                yield _up_to_the_fault(before, rest)
                raise DecompressError(f"the answer cannot be unpacked: {error}") from None
            rest, more = unpacker.unconsumed_tail, len(inner) == STEP
            between = unpacker.eof
            if between:
                rest, more, unpacker = unpacker.unused_data.lstrip(b"\0"), False, None
            yield inner
    if unpacker is not None:
        raise DecompressError("the answer ends before it is unpacked")


def _up_to_the_fault(unpacker: "zlib._Decompress", piece: bytes) -> bytes:
    """The readable beginning of a piece that cannot be decompressed completely, as with a wrong checksum."""
    had = bytearray()
    for place in range(len(piece)):
        try:
            had += unpacker.decompress(piece[place : place + 1])
        except zlib.error:
            break
        if len(had) > STEP:
            break
    return bytes(had)
