"""The forms that single settings take: durations, addresses, and the rest."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.config.types import duration, is_loopback, spelled
from tests.support.each import each
from tests.support.values import mistake, settings


class TestDurations:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("30s", 30),
            ("5m", 300),
            ("6h", 21600),
            ("90d", 7776000),
            ("0s", 0),
            ("0", 0),
            ("45", 45),
            (45, 45),
            (0.5, 0.5),
            ("1.5h", 5400),
            ("0.1s", 0.1),
            (" 30s ", 30),
            ("007s", 7),
            (timedelta(minutes=1), 60),
        ],
    )
    def test_are_read(self, value: object, seconds: float) -> None:
        assert duration(value).total_seconds() == seconds

    @each(
        "value",
        [
            *(
                "",
                " ",
                "s",
                "30 s",
                "30S",
                "30ms",
                "30sec",
                "1h30m",
                "-5s",
                "+5s",
                "1,5h",
                ".5s",
                "5.s",
                "1e3",
                "1e3s",
                "PT5M",
            ),
            *("30s\n30s", "soon", "nan", "inf", "0x10", "1" * 16, -1, -0.5, 1e30, float("nan"), float("inf")),
            *(True, False, None, [], {}, b"30s", object()),
        ],
    )
    def test_in_another_form_are_refused_with_the_right_one(self, value: object) -> None:
        with pytest.raises(ValueError, match=r'^is not a duration; write it like "30s", "5m", "6h", "90d" or a number'):
            duration(value)

    @given(st.text(max_size=20) | st.from_regex(r"[0-9.]{1,15}[smhd]?", fullmatch=True) | st.integers() | st.floats())
    @example("999999999999d")
    @example("999999999999999")
    @example("\u0663s")
    def test_in_any_form_are_read_or_refused(self, value: object) -> None:
        try:
            assert duration(value) >= timedelta(0)
        except ValueError as error:
            assert "; " in str(error)  # noqa: PT017 - either end is fine

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0, "0s"), (1, "1s"), (90, "90s"), (60, "1m"), (3600, "1h"), (5400, "90m"), (86400, "1d"), (0.5, "0.5s")],
    )
    def test_are_shown_as_one_would_write_them(self, seconds: float, text: str) -> None:
        assert spelled(timedelta(seconds=seconds)) == text

    @given(st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds)))
    @example(timedelta(seconds=1_000_001))
    @example(timedelta(milliseconds=100_500))
    def test_are_shown_so_that_they_can_be_read(self, value: timedelta) -> None:
        assert duration(spelled(value)) == value


PLAIN = "must be a plain address; leave out user, password, ? and #"
NO_URL = "is not a URL; write it like https://host.example.com"
CLEAR = "would send a secret in the clear; use https (http is for loopback addresses only)"


class TestAddresses:
    @each("section", ["betterstack", "signl4"])
    @each(
        ("url", "said"),
        [
            ("https://one.test", None),
            ("https://one.test:8443/path/", None),
            ("HTTPS://ONE.test", None),
            ("http://localhost", None),
            ("http://localhost:8080/", None),
            ("http://127.0.0.1:8080", None),
            ("http://127.9.9.9", None),
            ("http://[::1]:8080", None),
            ("https://[2001:db8::1]", None),
            ("http://one.test", CLEAR),
            ("http://10.0.0.1", CLEAR),
            ("http://[::2]", CLEAR),
            ("http://0.0.0.0", CLEAR),
            ("http://127.0.0.1.evil.test", CLEAR),
            ("http://localhost.evil.test", CLEAR),
            ("http://evil.test/127.0.0.1", CLEAR),
            ("http://LOCALHOST", None),
            ("https://jane@one.test", PLAIN),
            ("https://jane:pw@one.test", PLAIN),
            ("https://@one.test", PLAIN),
            ("http://127.0.0.1@evil.test", PLAIN),
            ("https://one.test?x=1", PLAIN),
            ("https://one.test#x", PLAIN),
            ("https://one.test?", PLAIN),
            ("https://one.test/#", PLAIN),
            ("one.test", NO_URL),
            ("//one.test", NO_URL),
            ("ftp://one.test", NO_URL),
            ("file:///etc/passwd", NO_URL),
            ("https://", NO_URL),
            ("https:///path", NO_URL),
            ("https://[", NO_URL),
            ("https://[::1", NO_URL),
            ("https://one.test:99999", NO_URL),
            ("https://one.test:x", NO_URL),
            ("https://one test", NO_URL),
            (" https://one.test", NO_URL),
            ("https://one.test\n", NO_URL),
            ("https://ön.test", NO_URL),
            ("", NO_URL),
        ],
    )
    def test_of_a_service_are_https_or_loopback(self, section: str, url: str, said: str | None) -> None:
        assert mistake(section, "base_url", url) == said

    @pytest.mark.parametrize("url", ["https://one.test", "https://one.test/", "https://one.test///"])
    def test_end_without_a_slash(self, url: str) -> None:
        whole = settings(betterstack={"base_url": url, "dashboard_url": url}, signl4={"base_url": url})
        addresses = {whole.betterstack.base_url, whole.betterstack.dashboard_url, whole.signl4.base_url}
        assert addresses == {"https://one.test"}

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("http://one.test/team/t1", None),
            ("https://one.test", None),
            ("ftp://one.test", NO_URL),
            ("x", NO_URL),
            ("https://jane@one.test", PLAIN),
            ("https://one.test?x", PLAIN),
        ],
    )
    def test_of_the_dashboard_may_be_http(self, url: str, said: str | None) -> None:
        assert mistake("betterstack", "dashboard_url", url) == said

    @pytest.mark.parametrize(
        ("host", "loopback"),
        [
            *(("127.0.0.1", True), ("127.255.0.1", True), ("::1", True), ("localhost", True)),
            *(
                ("128.0.0.1", False),
                ("localhost.", False),
                ("", False),
                ("::2", False),
                ("0.0.0.0", False),
                ("127.1", False),
            ),
        ],
    )
    def test_are_loopback_only_if_nothing_else_can_be_meant(self, host: str, loopback: bool) -> None:
        assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("sqlite:///state.db", True),
        ("sqlite:////var/lib/x/state.db", True),
        ("sqlite:///", False),
        ("sqlite://", False),
        ("sqlite:///:memory:", False),
        ("sqlite:///state.db?mode=ro", False),
        ("postgresql:///x", True),
        ("state.db", False),
        ("SQLITE:///state.db", False),
        ("", False),
    ],
)
def test_a_database_is_a_file(url: str, taken: bool) -> None:
    assert (mistake("database", "url", url) is None) is taken


@pytest.mark.parametrize(
    ("secret", "taken"),
    [
        ("96sbq49u", True),
        ("96-sbq_49u.~!", True),
        ("a/b", False),
        ("a?b", False),
        ("a#b", False),
        ("a:b", False),
        ("", False),
        ("a b", False),
        ("a\tb", False),
        ("ä", False),
        ("a\x7f", False),
    ],
)
def test_a_secret_is_one_part_of_an_address(secret: str, taken: bool) -> None:
    assert (mistake("signl4", "secret", secret) is None) is taken


@pytest.mark.parametrize("token", ["abc/def+ghi==", "a:b", "a#b?c"])
def test_a_token_may_hold_what_a_secret_may_not(token: str) -> None:
    assert mistake("betterstack", "token", token) is None


@pytest.mark.parametrize(
    ("text", "taken"), [("$INCIDENT_ID", True), ("bs-$INCIDENT_ID-x", True), ("INCIDENT_ID", False), ("", False)]
)
def test_an_external_id_tells_incidents_apart(text: str, taken: bool) -> None:
    assert (mistake("signl4", "external_id", text) is None) is taken
