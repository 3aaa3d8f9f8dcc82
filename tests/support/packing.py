"""Bodies packed as the standard library does not by itself."""

import zlib


def small_window(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=9)
    return packer.compress(body) + packer.flush()
