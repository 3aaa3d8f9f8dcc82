"""What counts as taken is one table, by which the program and the script that tells of its failure judge alike."""

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.clients.json_input import MOST_VALUES
from daemon.model.delivery import Delivered
from tests.support.each import each
from tests.support.listener import after_request, listening, says
from tests.support.packing import small_window
from tests.support.tell_signl4 import SECRET, Place, place

OBJECT = b'{"eventId": "2516068755505199999_7647c33f-f66d-495f-aeb2-b408fba66404"}'
PORTAL = b"<html><body>{} Please sign in {}</body></html>"
PACKED = {
    "gzip": (b"gzip", gzip.compress(OBJECT)),
    "gzip in several members": (b"gzip", gzip.compress(OBJECT[:9]) + gzip.compress(OBJECT[9:])),
    "deflate": (b"deflate", zlib.compress(OBJECT)),
    "packed twice": (b"gzip, gzip", gzip.compress(gzip.compress(OBJECT))),
    "an encoding that is none": (b"utf-8", OBJECT),
    "an empty encoding": (b"", OBJECT),
    "a label that was left": (b"gzip", OBJECT),
    "another label that was left": (b"deflate", OBJECT),
    "labelled twice": (b"gzip, gzip", gzip.compress(OBJECT)),
    "labelled once, packed twice": (b"gzip", gzip.compress(gzip.compress(OBJECT))),
    "without a label": (b"identity", gzip.compress(OBJECT)),
    "a wrong checksum": (b"gzip", gzip.compress(OBJECT)[:-8] + bytes(8)),
    "deflate of a low level": (b"deflate", zlib.compress(OBJECT, 2)),
    "deflate of a middling level": (b"deflate", zlib.compress(OBJECT, 5)),
    "deflate with a small window": (b"deflate", small_window(OBJECT)),
}
"""Objects, oddly packed."""


@dataclass(frozen=True)
class Case:
    answer: bytes
    taken: bool


def answer(status: int, body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    size = b"Content-Length: %d" % (len(body) if length is None else length)
    return b"\r\n".join([b"HTTP/1.1 %d Whatever" % status, size, *headers, b"", body])


def packed(status: int, name: str) -> bytes:
    label, body = PACKED[name]
    return answer(status, body, b"Content-Encoding: " + label)


WHATEVER = {
    "nothing": b"",
    "an object": OBJECT,
    "a byte order mark": b"\xef\xbb\xbf" + OBJECT,
    "blanks before it": b" \r\n\t" + OBJECT,
    "a text of JSON": b'"taken"',
    "HTML": PORTAL,
    "half an object": OBJECT[:-1],
    "no text at all": b"\x00\xff\xfe\x80{",
}
UNREADABLE = {
    "labelled as gzip, and is not": answer(201, OBJECT, b"Content-Encoding: gzip"),
    "gzip that breaks off": answer(201, PACKED["gzip"][1][:-9], b"Content-Encoding: gzip"),
    "a packing that nobody knows": answer(201, b"\x8b\x02\x80{}\x03", b"Content-Encoding: br"),
    "shorter than it says": answer(201, OBJECT, length=1000),
    "chunks that are none": answer(201, OBJECT).replace(b"Content-Length: 71", b"Transfer-Encoding: chunked"),
}
ODD_HEADS = {
    "a blank before a colon": b"X-Odd : 1",
    "a transfer that is none": b"Transfer-Encoding: identity",
    "a transfer within another": b"Transfer-Encoding: gzip, chunked",
    "a line without a colon": b"X-Odd",
    "a name beyond ASCII": b"X-\xc3\x84: 1",
    "two lengths": b"Content-Length: 7",
    "a length that is none": b"Content-Length: many",
}
OBJECTS = {
    "plain": OBJECT,
    "empty": b"{}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "blanks around it": b" \r\n\t{ } \n\n",
    "nested": b'{"a": [1, -2.5e+7, true, {"b": [[], {}, "]}"]}], "c": null}',
    "escapes": rb'{"a\"}": "\\", "\u00fc\/": "\ud83d"}',
    "beyond ASCII": '{"ä": "\N{KEY}"}'.encode(),
    "numbers that are none": b'{"a": NaN, "b": -Infinity}',
    "a number of 5,000 digits": b'{"a": %s}' % (b"9" * 5000),
}
OTHERS = {
    "a portal": PORTAL,
    "an object, and more": b"{} {}",
    "an object in a page": b"<p>{}</p>",
    "half an object": OBJECT[:-1],
    "a comma too much": b'{"a": 1,}',
    "a comma too few": b'{"a": 1 "b": 2}',
    "a key without quotes": b'{a: "1"}',
    "a value without quotes": b'{"a": b}',
    "single quotes": b"{'a': 'b'}",
    "leading zeros": b'{"a": 01}',
    "half a number": b'{"a": 1.}',
    "a line break in a text": b'{"a": "b\nc"}',
    "an escape that is none": rb'{"a": "\x"}',
    "a NUL": b"{\x00}",
    "a control": b'{"\x01": \x02}',
    "two controls": b"{\x01:\x02}",
    "not UTF-8": b'{"a": "\xff"}',
    "a list": b"[{}]",
    "a text": b'"{}"',
    "a number": b"0",
    "null": b"null",
    "a text that begins much like zlib": b"xXx",
    "a text that begins like zlib": b"x^2 {}",
    "UTF-16": "{}".encode("utf-16"),
    "UTF-16 without a mark": OBJECT.decode().encode("utf-16-le"),
    "very many values": b'{"a": [%s[]]}' % (b"[]," * (MOST_VALUES // 2)),
    "two bytes": b"OK",
    "one byte": b"x",
}
CASES = {
    **{
        f"{status}, {name}": Case(answer(status, body), True)
        for status in (201, 202)
        for name, body in WHATEVER.items()
    },
    **{f"{status}": Case(answer(status, b""), True) for status in (200, 201, 202, 203, 204, 205, 206)},
    **{f"201, {name}": Case(packed(201, name), True) for name in PACKED},
    **{f"201, {name}": Case(whole, True) for name, whole in UNREADABLE.items()},
    **{f"201, {name}": Case(answer(201, OBJECT, head), True) for name, head in ODD_HEADS.items()},
    **{f"503, {name}": Case(answer(503, OBJECT, head), False) for name, head in ODD_HEADS.items()},
    "201, and no more of its head": Case(b"HTTP/1.1 201 Created\r\nContent-Type: appl", True),
    "20, and no more": Case(b"HTTP/1.1 20", False),
    "100, then 201 with an odd head": Case(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(201, OBJECT, b"X-Odd : 1"), True),
    **{f"200, {name}": Case(answer(200, body), True) for name, body in OBJECTS.items()},
    **{f"200, {name}": Case(packed(200, name), True) for name in PACKED},
    **{f"200, {name}": Case(answer(200, body), False) for name, body in OTHERS.items()},
    "200, blanks": Case(answer(200, b" \r\n\t\x0b\x0c"), True),
    "203, an object": Case(answer(203, b"{}"), True),
    "203, a portal": Case(answer(203, PORTAL), False),
    "200, an object, shorter than it says": Case(answer(200, OBJECT, length=1000), True),
    "200, half an object, shorter than it says": Case(answer(200, OBJECT[:-1], length=1000), False),
    "200, nothing, shorter than it says": Case(answer(200, b"", length=1000), False),
    "200, gzip that breaks off behind the object": Case(
        answer(200, PACKED["gzip"][1][:-4], b"Content-Encoding: gzip"), True
    ),
    "200, gzip that breaks off at once": Case(answer(200, PACKED["gzip"][1][:10], b"Content-Encoding: gzip"), False),
    "200, nothing in a packing that nobody knows": Case(answer(200, b"", b"Content-Encoding: br"), True),
    "200, gzip of nothing": Case(answer(200, gzip.compress(b""), b"Content-Encoding: gzip"), True),
    "200, labelled as gzip, and is not": Case(answer(200, b"\x1f\x8b{}", b"Content-Encoding: gzip"), False),
    "200, a portal in gzip": Case(answer(200, gzip.compress(PORTAL), b"Content-Encoding: gzip"), False),
    "100, then 201": Case(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(201, OBJECT), True),
    **{f"{status}": Case(answer(status, OBJECT), False) for status in (400, 401, 404, 406, 429, 500, 503)},
    "302": Case(answer(302, OBJECT, b"Location: /elsewhere"), False),
    "302, to where it is taken": Case(answer(302, b"", b"Location: https://example.com/201"), False),
    "nothing": Case(b"", False),
    "no HTTP": Case(b"201 Created\r\n\r\n{}", False),
}


def pointed_at(root: Path, url: str) -> Place:
    return place(root, f'[signl4]\nbase_url = "{url}"\n')


REPEATED = {
    *(f"202, {name}" for name in WHATEVER if name != "HTML"),
    *(f"201, {name}" for name in PACKED if name != "a wrong checksum"),
    *(f"503, {name}" for name in ODD_HEADS if name not in {"a blank before a colon", "two lengths"}),
    *("401", "406", "503"),
}
"""What shows of the script nothing that another case does not: the status comes first, whatever stands below it."""


@pytest.mark.parametrize("taken", [True, False])
def test_the_script_judges_an_answer(tmp_path: Path, taken: bool) -> None:
    assert CASES.keys() >= REPEATED
    for name in [name for name in CASES if CASES[name].taken is taken and name not in REPEATED]:
        root = tmp_path / name
        root.mkdir()
        with listening(after_request(says(CASES[name].answer))) as signl4:
            told = pointed_at(root, signl4.url).tell()
        assert (told.returncode == 0) is taken, (name, told.stderr)
        assert (root / "config").read_text() == ("told\n" if taken else "asked\n"), name
        assert bool(told.stderr) is not taken, (name, told.stderr)
        assert len(signl4.asked) == 1, name


def test_the_script_does_not_count_very_many_values(tmp_path: Path) -> None:
    """As valid as it is: mawk of Debian 13 would need minutes, and the unit is ended after two."""
    with listening(after_request(says(answer(200, b'{"a": [%s0]}' % (b"0," * 20_000))))) as signl4:
        told = pointed_at(tmp_path, signl4.url).tell()
    assert "without SIGNL4's JSON" in told.stderr


@each("name", CASES)
def test_the_program_judges_it_alike(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    with listening(after_request(says(case.answer))) as signl4:
        outcome = pointed_at(tmp_path, signl4.url).send().outcome
    assert isinstance(outcome, Delivered) is case.taken, outcome


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=VALUES, ascii_alone=st.booleans(), cut=st.integers(-40, 40), indent=st.sampled_from([None, 0, 2]))
@settings(max_examples=25)
def test_whatever_json_and_half_of_it_is_judged_alike(
    tmp_path_factory: pytest.TempPathFactory, value: object, ascii_alone: bool, cut: int, indent: int | None
) -> None:
    """A positive `cut` leaves the text whole."""
    text = json.dumps({"inside": value} if cut % 2 else value, ensure_ascii=ascii_alone, indent=indent)
    body = text.encode("utf-8", "surrogatepass")
    body = body[:cut] if cut < 0 else body
    with listening(after_request(says(answer(200, body)))) as signl4:
        ours = pointed_at(tmp_path_factory.mktemp("judged"), signl4.url)
        told, outcome = ours.tell(), ours.send().outcome
    assert (told.returncode == 0) is isinstance(outcome, Delivered), body


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("size", [2, 60])
def test_an_answer_of_many_megabytes_is_not_kept(tmp_path: Path, status: int, size: int) -> None:
    """It may hold no more than the unit allows."""
    body = b'{"a": "%s"}' % (b"a" * size * 1024 * 1024)
    with listening(after_request(says(answer(status, body)))) as signl4:
        ours = pointed_at(tmp_path, signl4.url)
        told = Place(ours.root, "prlimit --as=134217728 /bin/sh").tell()
    assert (told.returncode == 0) is (status == 201), told.stderr


def test_an_answer_that_unpacks_to_more_than_the_memory_is_not_kept(tmp_path: Path) -> None:
    bomb = gzip.compress(gzip.compress(b" " * 1024**2) * 256)
    with listening(after_request(says(answer(200, bomb, b"Content-Encoding: gzip, gzip")))) as signl4:
        ours = pointed_at(tmp_path, signl4.url)
        told = Place(ours.root, "prlimit --as=134217728 /bin/sh").tell()
    assert told.returncode in {0, 1}


@pytest.mark.parametrize("status", [404, 200])
def test_what_an_answer_says_is_not_shown(tmp_path: Path, status: int) -> None:
    body = f'{{"details": "An event source with ID {SECRET} was not found."'.encode()
    with listening(after_request(says(answer(status, body)))) as signl4:
        told = pointed_at(tmp_path, signl4.url).tell()
    assert told.returncode == 1
    assert SECRET not in told.stdout + told.stderr
