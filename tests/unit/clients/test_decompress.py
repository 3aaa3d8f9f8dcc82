"""Bodies as they come packed, and how much of each is ever held."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.clients.decompress import DecompressError, decompressed
from tests.support.each import each
from tests.support.packing import small_window

CAP = 1024 * 1024
BODY = b'{"eventId": "2516"}'


def read(body: bytes, label: str, size: int = 7, cap: int = CAP) -> bytes:
    pieces = (body[place : place + size] for place in range(0, len(body), size))
    return b"".join(decompressed(pieces, label, cap))


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


MEMBERS = gzip.compress(BODY[:5]) + gzip.compress(b"") + gzip.compress(BODY[5:])
READ = {
    "without a label": ("", BODY),
    "identity": ("identity", BODY),
    "identity, oddly spelt": (" Identity , ", BODY),
    "a character set for a packing": ("utf-8", BODY),
    "another one": ("UTF-8, identity", BODY),
    "gzip": ("gzip", gzip.compress(BODY)),
    "gzip by its old name, in capitals": ("X-GZIP", gzip.compress(BODY)),
    "gzip and identity": ("identity, gzip", gzip.compress(BODY)),
    "gzip between commas": (",gzip,", gzip.compress(BODY)),
    "gzip in several members": ("gzip", MEMBERS),
    "gzip that fills its block with zeros": ("gzip", gzip.compress(BODY) + bytes(500)),
    "gzip twice": ("gzip, gzip", gzip.compress(gzip.compress(BODY))),
    "deflate": ("deflate", zlib.compress(BODY)),
    "deflate in gzip": ("deflate, gzip", gzip.compress(zlib.compress(BODY))),
    "deflate of each level": ("deflate", zlib.compress(BODY, 2)),
    "deflate with a small window": ("deflate", small_window(BODY)),
    "unpacked on the way, with the label left": ("gzip", BODY),
    "packed once and labelled twice": ("gzip, gzip", gzip.compress(BODY)),
    "packed twice and labelled once": ("gzip", gzip.compress(gzip.compress(BODY))),
    "packed without a label": ("", gzip.compress(BODY)),
}
NOT_READ = {
    "another packing": ("br", BODY, "packed as 'br', which cannot be unpacked"),
    "gzip and another packing": ("gzip, br", BODY, "packed as 'gzip, br'"),
    "three layers": ("gzip, gzip, gzip", BODY, "packed as"),
    "zeros that are no gzip": ("gzip", bytes(40), "cannot be unpacked"),
    "gzip that ends early": ("gzip", gzip.compress(BODY)[:-9], "ends before it is unpacked"),
    "gzip whose second member ends early": ("gzip", MEMBERS[:-9], "ends before it is unpacked"),
    "gzip with rubbish behind it": ("gzip", gzip.compress(BODY) + b"rubbish", "cannot be unpacked"),
    "deflate without its head": ("deflate", raw_deflate(BODY), "cannot be unpacked"),
}


@each("size", [1, 7, 10_000])
@each(("label", "body"), READ.values(), ids=READ)
def test_what_can_be_unpacked_is(label: str, body: bytes, size: int) -> None:
    assert read(body, label, size) == BODY


@each("size", [1, 7, 10_000])
@pytest.mark.parametrize(("label", "body", "why"), NOT_READ.values(), ids=NOT_READ)
def test_what_cannot_be_unpacked_is_one_kind_of_error(label: str, body: bytes, why: str, size: int) -> None:
    with pytest.raises(DecompressError, match=why):
        read(body, label, size)


@pytest.mark.parametrize("label", ["", "gzip", "gzip, gzip", "deflate", "br"])
def test_nothing_is_nothing_whatever_it_is_labelled(label: str) -> None:
    assert read(b"", label) == b""


@pytest.mark.parametrize(
    ("label", "body"),
    [
        ("br", BODY),
        ("gzip", gzip.compress(BODY)[:-6]),
        ("gzip", gzip.compress(BODY)[:-6] + b"wrong!"),
        ("deflate", zlib.compress(BODY)[:-1] + b"?"),
    ],
)
def test_what_could_be_had_is_handed_on_before_the_error(label: str, body: bytes) -> None:
    had = bytearray()
    with pytest.raises(DecompressError):
        for piece in decompressed([body], label, CAP):
            had += piece
    assert had == BODY


@given(st.binary(max_size=3000), st.integers(1, 400), st.integers(1, 3))
def test_what_was_packed_comes_back_as_it_was(body: bytes, size: int, members: int) -> None:
    cut = len(body) // members + 1
    packed = b"".join(gzip.compress(body[place : place + cut]) for place in range(0, len(body) + 1, cut))
    assert read(packed, "gzip", size) == body
    assert read(zlib.compress(body), "deflate", size) == body


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "gzip, gzip", "", "br", "\u00fc"]))
def test_no_body_raises_anything_else(body: bytes, label: str) -> None:
    try:
        read(body, label)
    except DecompressError:
        return


@pytest.mark.parametrize("label", ["", "gzip", "gzip, gzip", "br"])
def test_up_to_the_cap_it_is_read_and_a_byte_beyond_it_is_an_error(label: str) -> None:
    for size in (CAP, CAP + 1):
        body = bytes(size)
        for _ in range(label.count("gzip")):
            body = gzip.compress(body)
        if size == CAP and label != "br":
            assert len(read(body, label, 10_000)) == CAP
        else:
            with pytest.raises(DecompressError, match="larger than 1 MB" if size > CAP else "packed as"):
                read(body, label, 10_000)


def test_members_without_content_do_not_go_on_for_ever() -> None:
    """Nothing comes out of them, so that what goes in has to be counted."""

    def members() -> Iterator[bytes]:
        while True:
            yield gzip.compress(b"") * 100

    with pytest.raises(DecompressError, match="larger than 1 MB"):
        list(decompressed(members(), "gzip", CAP))


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_takes_no_more_memory_than_the_cap(layers: int) -> None:
    packed = gzip.compress(bytes(100 * CAP))
    for _ in range(layers - 1):
        packed = gzip.compress(packed, 1)
    tracemalloc.start()
    try:
        with pytest.raises(DecompressError, match="larger than 1 MB"):
            for _ in decompressed([packed], ", ".join(["gzip"] * layers), CAP):
                pass
        assert tracemalloc.get_traced_memory()[1] < 2 * CAP
    finally:
        tracemalloc.stop()
