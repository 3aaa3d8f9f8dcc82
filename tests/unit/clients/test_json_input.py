"""What is read from an answer: its JSON, when to come back, and what it says for the operator."""

import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.clients.http import Response, described
from daemon.clients.json_input import MOST_VALUES
from daemon.model.redact import redacted
from tests.support.each import each
from tests.support.values import NOW

MOST = timedelta(minutes=15)
SECRET = "96sbq+49u"
ODD_SECRET = 'a"b\\c%d/e&f'


def reply(body: bytes = b"", status: int = 500, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def http_date(**span: float) -> str:
    return format_datetime(NOW + timedelta(**span), usegmt=True)


class TestRetryAfter:
    @each(
        ("text", "seconds"),
        [
            ("0", 0),
            ("1", 1),
            ("20", 20),
            (" 20 ", 20),
            ("007", 7),
            ("900", 900),
            ("901", 900),
            ("999999999", 900),
            ("9" * 50, 900),
            ("9" * 5000, 900),
            ("-1", None),
            ("-999999", None),
            ("+5", 5),
            ("30.0", 30),
            ("1.5", 1.5),
            ("30.", 30),
            ('"30"', 30),
            ("30s", 30),
            ("30 seconds", 30),
            ("30 Sec", 30),
            ("1500ms", 1.5),
            ("2m", 120),
            ("2 minutes", 120),
            ("1h", 900),
            ("00:00:30", 30),
            ("00:00:30.5000000", 30.5),
            ("00:02:00", 120),
            ("1.00:00:00", 900),
            ("5, 6", 6),
            ("6, 5", 6),
            ("5, soon", None),
            (str(int(NOW.timestamp()) + 30), 30),
            (str(int(NOW.timestamp()) * 1000 + 30_000), 30),
            (str(int(NOW.timestamp()) - 30), 0),
            ("1e3", None),
            ("30 days ago", None),
            ("30:00", None),
            ("00:00:30:00", None),
            ("", None),
            ("soon", None),
            ("\u0665", None),
            ("\u00b2", None),
            (http_date(seconds=30), 30),
            (http_date(days=2), 900),
            (http_date(seconds=-30), 0),
            (http_date(days=-4000), 0),
            ("Mon, 23 Nov 2026 10:31:00 +0100", 60),
            ("Mon, 23 Nov 2026 09:31:00 -0000", 60),
            ("Mon, 23 Nov 2026 09:31:00", 60),
            ("Monday, 23-Nov-26 09:31:00 GMT", 60),
            ("Mon, 32 Nov 2026 09:31:00 GMT", None),
            ("Mon, 23 Nov 99999 09:31:00 GMT", None),
            ("Mon, 23 Nov 2026 09:31:00 +9999999", None),
            ("2026-11-23T09:31:00Z", 60),
            ("2026-11-23T09:31:00.1234567Z", 60.123456),
            ("2026-11-23 09:31:00", 60),
            ("2026-11-23T10:31:00+01:00", 60),
            ("2026-11-23T25:31:00Z", None),
            ("2026-11-23", None),
            ("20261123", 900),
            (", , , ,", None),
        ],
    )
    def test_every_form_with_one_meaning_is_read_and_nothing_else(self, text: str, seconds: int | None) -> None:
        expected = None if seconds is None else timedelta(seconds=seconds)
        assert reply(retry_after=text).retry_after(MOST, NOW) == expected

    def test_without_the_header_there_is_none(self) -> None:
        assert reply().retry_after(MOST, NOW) is None

    @settings(max_examples=50)
    @given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,6} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d [+-]?\w*"))
    @example("Fri, 31 Dec 9999 23:59:59 -2359")
    @example("Sat, 01 Jan 0001 00:00:00 +2359")
    def test_whatever_it_says_the_wait_is_bounded(self, text: str) -> None:
        wait = reply(retry_after=text).retry_after(MOST, NOW)
        assert wait is None or timedelta(0) <= wait <= MOST


class TestJson:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}),
            ("[NaN, Infinity, -Infinity]", [None, None, None]),
            ("[1e999, -1e999]", [None, None]),
            (r'{"a\ud83d": "b\udc00c"}', {"a?": "b?c"}),
            (r'["\ud83d\ude00", "\u00e4"]', ["\U0001f600", "ä"]),
            (r'[["\ud83d"]]', [["?"]]),
            ('{"a": 1, "a": 2}', {"a": 2}),
            ("1" * 400, int("1" * 400)),
            (f"[{'1' * 5000}, -{'2' * 700}, 3]", ["1" * 5000, "-" + "2" * 700, 3]),
            (f"[{'1.' + '0' * 5000}, 1e-5000]", [1.0, 0.0]),
            ('["one\n line", "a\x00b", "\x1b"]', ["one\n line", "a\x00b", "\x1b"]),
            (r'["\\ud800", "\\\ud800", "\ud83d\ude00\ud83d"]', ["\\ud800", "\\?", "\U0001f600?"]),
        ],
    )
    def test_is_read_without_what_json_and_utf8_cannot_say(self, text: str, value: object) -> None:
        assert reply(text.encode()).json() == value

    def test_surrogates_in_the_bytes_themselves_are_replaced(self) -> None:
        assert reply(b'["\xed\xa0\x80"]').json() == ["?"]

    @pytest.mark.parametrize("odd", [b"\xff", b"\xc3", b"\xe2\x82", b"\xf5\x80\x80\x80"])
    def test_a_byte_that_is_no_text_costs_no_other(self, odd: bytes) -> None:
        one, other = reply(b'["caf\xc3\xa9 ' + odd + b'", "' + "søn".encode() + b'"]').json()
        assert (one.rstrip("\ufffd"), other) == ("café ", "søn")

    def test_what_is_nested_deeper_than_anybody_means_to_is_read_all_the_same(self) -> None:
        value = reply(b"[" * 520 + b"]" * 520).json()
        depth = 0
        while value:
            [value], depth = value, depth + 1
        assert depth == 519

    def test_a_full_page_of_large_records_is_read(self) -> None:
        metadata = {f"key {n}": {"value": "host, port, path"} for n in range(1000)}
        page = {"data": [{"id": str(n), "attributes": {"metadata": metadata}} for n in range(50)]}
        assert reply(json.dumps(page).encode()).json() == page

    @pytest.mark.parametrize("value", [b"[]", b'{"a":1}', b"1", b"null", b'"text"'])
    def test_more_values_than_memory_is_meant_for_are_not_read(self, value: bytes) -> None:
        count = MOST_VALUES // sum(map((value + b",").count, (b",", b"[", b"{")))
        tracemalloc.start()
        try:
            assert len(reply(b"[" + b",".join([value] * (count - 2)) + b"]").json()) == count - 2
            assert tracemalloc.get_traced_memory()[1] < 40_000_000
            with pytest.raises(ValueError, match="more than 250,000 values"):
                reply(b"[" + b",".join([value] * (count + 2)) + b"]").json()
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"<html>", b"{", b'{"a": }', b"\xff\xfe\xff", b"'a'", b"{} {}", b"[" * 100_000),
            *(b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
        ],
        ids=lambda body: body[:8].decode("latin-1"),
    )
    def test_what_is_no_json_is_one_kind_of_error(self, body: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - each kind has a text of its own
            reply(body).json()

    @given(st.binary() | st.text().map(str.encode))
    def test_no_body_raises_anything_else(self, body: bytes) -> None:
        try:
            value = reply(body).json()
        except ValueError:
            return
        json.dumps(value, allow_nan=False).encode()

    @settings(max_examples=50)
    @given(st.recursive(st.none() | st.integers() | st.text(max_size=9), st.lists, max_leaves=4))
    def test_what_is_json_comes_back_as_it_was(self, value: object) -> None:
        assert reply(json.dumps(value).encode()).json() == value


class TestWhatAnAnswerSays:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"errors": "Invalid token."}, "Invalid token."),
            ({"errors": {"base": ["URL is invalid."]}}, '{"base": ["URL is invalid."]}'),
            ({"errors": ["a", "b"]}, '["a", "b"]'),
            ({"error": "one"}, "one"),
            ({"message": "one"}, "one"),
            ({"errors": "one", "error": "two", "message": "three"}, "one"),
            ({"errors": None, "error": "", "message": "three"}, "three"),
            ({"error": "two", "message": "three"}, "two"),
            (
                {"message": "Error raising event.", "details": "Not found.", "code": 3004},
                "Error raising event. Not found.",
            ),
            ({"message": "one", "details": ["two"]}, "one"),
            ({"code": 7}, '{"code": 7}'),
            ({}, "{}"),
            ([1, 2], "[1, 2]"),
            ("text", '"text"'),
            (None, "null"),
        ],
    )
    def test_is_taken_from_where_the_two_services_put_it(self, body: object, said: str) -> None:
        assert described(reply(json.dumps(body).encode(), 422), SECRET) == f"HTTP 422 {said}"

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "HTTP 502"),
            (b" \r\n\t", "HTTP 502"),
            (b"<html>\n  <h1>Bad\tgateway</h1>\n</html>", "HTTP 502 <html> <h1>Bad gateway</h1> </html>"),
            (b"\xff\xfe", "HTTP 502 \ufffd\ufffd"),
            (b"a" * 500, "HTTP 502 " + "a" * 200),
        ],
    )
    def test_is_one_short_line_where_there_is_no_json(self, body: bytes, said: str) -> None:
        assert described(reply(body, 502), SECRET) == said

    @settings(max_examples=50)
    @given(st.binary(max_size=400) | st.lists(st.text()).map(lambda value: json.dumps(value).encode()))
    def test_is_always_one_short_line(self, body: bytes) -> None:
        text = described(reply(body), SECRET)
        assert len(text) <= len("HTTP 500 ") + 200
        assert len(text.splitlines()) == 1

    @each("secret", [SECRET, ODD_SECRET], ids=["plain", "odd"])
    @each("spelling", [str, lambda text: quote(text, safe="")], ids=["plain", "quoted"])
    @each(
        "shape",
        [
            lambda text: {"errors": f"no {text} here"},
            lambda text: {"errors": {"base": [text]}},
            lambda text: {"errors": [{"deep": text}]},
            lambda text: {"message": "no", "details": f"source {text}"},
            lambda text: {"message": f"{text}{text}"},
            lambda text: {"other": text},
            lambda text: [text],
            lambda text: {"errors": {text: 1}},
        ],
    )
    def test_never_holds_the_secret(
        self, secret: str, spelling: Callable[[str], str], shape: Callable[[str], object]
    ) -> None:
        text = described(reply(json.dumps(shape(spelling(secret))).encode()), secret)
        forms = {secret, spelling(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]}
        assert not [form for form in forms if form in text]
        assert "***" in text

    @each("before", range(185, 205))
    def test_never_holds_half_of_a_secret_that_the_cut_would_part(self, before: int) -> None:
        text = described(reply(b"x" * before + SECRET.encode() + b" rest"), SECRET)
        assert not [SECRET[:size] for size in range(3, len(SECRET)) if SECRET[:size] in text]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://h/webhook/96sbq%2B49u failed", "https://h/webhook/*** failed"),
        ("96sbq+49u96sbq+49u", "******"),
        ("96sbq+49", "96sbq+49"),
        ("96sbq%2b49u", "***"),
        ("", ""),
    ],
)
def test_a_text_is_scrubbed_of_the_secret_in_each_spelling(text: str, clean: str) -> None:
    assert redacted(text, SECRET) == clean


class TestDate:
    @pytest.mark.parametrize(
        ("text", "minutes"),
        [
            (http_date(minutes=3), 3),
            (http_date(minutes=-3), -3),
            (http_date(days=3650), 3650 * 1440),
            ("Thu, 01 Jan 2026 00:00:00 GMT", (datetime(2026, 1, 1, tzinfo=UTC) - NOW) / timedelta(minutes=1)),
            ("Wed, 31 Dec 2025 23:59:59 GMT", None),
            ("Thu, 01 Jan 1970 00:00:00 GMT", None),
            ("Mon, 01 Jan 0001 00:00:00 GMT", None),
            (
                "Thu, 31 Dec 2099 23:59:59 GMT",
                (datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC) - NOW) / timedelta(minutes=1),
            ),
            ("Fri, 01 Jan 2100 00:00:00 GMT", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", None),
            ("yesterday", None),
            ("", None),
        ],
    )
    def test_says_how_far_their_clock_is_ahead_unless_it_cannot_be_true(self, text: str, minutes: float | None) -> None:
        expected = None if minutes is None else timedelta(minutes=minutes)
        assert reply(date=text).ahead(NOW) == expected
