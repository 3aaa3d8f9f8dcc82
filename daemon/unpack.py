"""The body of an answer, unpacked piece by piece and never beyond a cap: kilobytes can hold gigabytes.

A label that names no packing (`identity`, `utf-8`, nothing between two commas) changes nothing: some proxies and
frameworks put such words where the name of a packing belongs, and the body behind them is as it always was.
"""

import zlib
from collections.abc import Iterable, Iterator

from daemon.errors import DaemonError

STEP = 64 * 1024
"""So many bytes are unpacked at once, so that no frame that an error keeps alive holds more."""
LAYERS = 2
_PLAIN = {"", "identity", "none", "utf-8", "utf8", "iso-8859-1", "binary", "8bit", "chunked"}
_PACKED = {"gzip", "x-gzip", "deflate"}


class UnpackError(DaemonError):
    """The body cannot be had; the text says why."""


class LargerError(UnpackError):
    """The body is larger than the cap."""


def unpacked(pieces: Iterable[bytes], label: str, cap: int) -> Iterator[bytes]:
    """The body in pieces. `label`: its `Content-Encoding`. Raises `UnpackError`, behind what could be had of it.

    What cannot be unpacked is handed on as it came, before the error. `cap`: bytes, as they come and unpacked.
    """
    layers = [name for name in (part.strip() for part in label.lower().split(",")) if name not in _PLAIN]
    known = len(layers) <= LAYERS and _PACKED.issuperset(layers)
    pieces = _capped(pieces, cap)
    for _ in layers if known else ():
        pieces = _capped(_inflated(pieces), cap)
    yield from pieces
    if not known:
        raise UnpackError(f"the answer is packed as {label.strip()[:40]!r}, which nobody asked for")


def _capped(pieces: Iterable[bytes], cap: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > cap:
            raise LargerError(f"the answer is larger than {cap // 1024 // 1024} MB")
        yield piece


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One layer of gzip, in one member or several, or of zlib, which is what HTTP calls deflate."""
    unpacker, between = None, False
    for piece in pieces:
        # Another member may follow the last one, or zeros that fill a block.
        rest, more = piece.lstrip(b"\0") if between else piece, False
        while rest or more:
            unpacker = unpacker or zlib.decompressobj(zlib.MAX_WBITS | 32)
            try:
                inner = unpacker.decompress(rest, STEP)
            except zlib.error as error:
                raise UnpackError(f"the answer cannot be unpacked: {error}") from None
            rest, more = unpacker.unconsumed_tail, len(inner) == STEP
            between = unpacker.eof
            if between:
                rest, more, unpacker = unpacker.unused_data.lstrip(b"\0"), False, None
            yield inner
    if unpacker is not None:
        raise UnpackError("the answer ends before it is unpacked")
