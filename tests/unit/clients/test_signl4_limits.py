"""How long an answer asks to be left alone: `Retry-After` first, else an exhausted limit until its plausible reset."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.clients.http import Response
from daemon.clients.signl4 import answer_to
from daemon.model.delivery import Answer, Delivered, RateLimit, Rejected, Scope, TryLater
from tests.support.each import each
from tests.support.values import NOW

UNIX = int(NOW.timestamp())
ERRORS = [302, 400, 401, 403, 404, 408, 413, 415, 418, 422, 425, 429, 500, 503]


def answered(status: int, headers: dict[str, str]) -> Answer:
    return answer_to(Response(status, headers, b"{}"), "96sbq49u", NOW)


def limit(remaining: str | None = "0", reset: str | None = None) -> dict[str, str]:
    whole = {"x-ratelimit-limit": "150", "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}
    return {name: value for name, value in whole.items() if value is not None}


# Two seconds longer within a window, since no `Date` says that their clock is not behind.
RESETS = [
    (str(UNIX + 1), 3),
    (str(UNIX + 11), 13),
    (str(UNIX + 15), 15),
    (f" {UNIX + 15} ", 15),
    (str(UNIX + 60), 60),
    (str(UNIX + 900), 900),
    (str(UNIX + 901), 900),
    (str(UNIX + 86400), 900),
    (str(UNIX + 86401), None),
    (str(UNIX), 2),
    (str(UNIX - 2), None),
    (str(UNIX - 3), None),
    (str(UNIX - 86400), None),
    (str((UNIX + 15) * 1000), 15),
    (str((UNIX + 15) * 1000) + "000", None),
    ("9" * 12, None),
    ("9" * 400, None),
    ("9" * 5000, None),
    ("0", None),
    ("15", 15),
    ("15.0", 15),
    ("86401", None),
    ("-15", None),
    (f"+{UNIX + 15}", None),
    (f"{UNIX + 20}.0", 20),
    (f"{UNIX + 15}, {UNIX + 15}", 15),
    (f"{UNIX + 15}, {UNIX + 16}", None),
    ("soon", None),
    ("2026-11-23T09:30:15Z", 15),
    ("2026-11-23T09:30:15.0000000Z", 15),
    ("Mon, 23 Nov 2026 09:30:15 GMT", 15),
    ("\u0661" * 10, None),
    ("\u00b2" * 10, None),
    ("", None),
    (None, None),
]


@each(("reset", "seconds"), RESETS)
@each("status", [201, 429, 500])
def test_a_limit_that_is_used_up_holds_until_a_plausible_reset(
    status: int, reset: str | None, seconds: int | None
) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert answered(status, limit("0", reset)).hold == expected


@each("remaining", ["1", "149", "-1", "01", "1.0", "0.5", "none", "", None])
@each("status", [201, 400, 404, 429, 500])
def test_a_limit_that_is_not_used_up_holds_nothing(status: int, remaining: str | None) -> None:
    answer = answered(status, limit(remaining, str(UNIX + 15)))
    assert answer.hold is None
    assert type(answer.outcome) is {201: Delivered, 400: Rejected}.get(status, TryLater)


@pytest.mark.parametrize("status", ERRORS)
def test_an_error_under_a_used_up_limit_means_later_for_the_whole_target(status: int) -> None:
    """Headers before status: what a throttled request is answered with is written nowhere."""
    answer = answered(status, limit("0", str(UNIX + 15)))
    assert isinstance(answer.outcome, TryLater)
    assert answer.outcome.scope is Scope.DESTINATION
    assert answer.faulty == (status in {400, 401, 403, 404, 413, 415, 422})


@each("status", [400, 401, 403, 404, 413, 415, 422])
@each("reset", [str((UNIX + 15) * 10**6), str(UNIX - 20), None], ids=["microseconds", "past", "none"])
def test_so_does_one_whose_reset_makes_no_sense(status: int, reset: str | None) -> None:
    """A clock that is off by as little as the window must not turn a throttled alert into a refused one."""
    answer = answered(status, limit("0", reset))
    assert isinstance(answer.outcome, TryLater)
    assert answer.outcome.scope is Scope.DESTINATION


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_success_stays_one(status: int) -> None:
    answer = answered(status, limit("0", str(UNIX + 15)))
    assert (answer.outcome, answer.hold, answer.faulty) == (Delivered(None), timedelta(seconds=15), False)


@each("ahead", [-3600, -2, 0, 2, 3600])
@each(("reset", "hold", "resets_in"), [(15, 15, 15), (4, 4, 4), (1, 1, 1), (0, None, 0), (-1, None, None)])
def test_a_reset_is_read_by_their_clock_and_may_be_cut_to_a_second_that_has_passed(
    ahead: int, reset: int, hold: int | None, resets_in: int | None
) -> None:
    theirs = NOW + timedelta(seconds=ahead)
    dated = {"date": format_datetime(theirs, usegmt=True)}
    answer = answered(201, {**limit("0", str(UNIX + ahead + reset)), **dated})
    assert answer.hold == (None if hold is None else timedelta(seconds=hold))
    left = None if resets_in is None else timedelta(seconds=resets_in)
    assert answer.rate_limit == RateLimit(150, 0, left)


def test_a_limit_without_its_size_is_waited_out_with_a_margin() -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(UNIX + 4), "date": format_datetime(NOW)}
    assert answered(201, headers).hold == timedelta(seconds=5)


@each("status", [201, *ERRORS])
@each(
    ("headers", "rate_limit"),
    [
        (limit("149", str(UNIX + 15)), RateLimit(150, 149, timedelta(seconds=15))),
        (limit("0", str(UNIX + 7200)), RateLimit(150, 0, timedelta(hours=2))),
        (limit("149", str(UNIX - 1)), RateLimit(150, 149, timedelta(seconds=1))),
        (limit("149", str(UNIX - 2)), RateLimit(150, 149, timedelta(0))),
        (limit("149", str(UNIX - 3)), RateLimit(150, 149, None)),
        (limit("149", None), RateLimit(150, 149, None)),
        (limit("many", str(UNIX + 15)), None),
        ({"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "9"}, None),
        ({}, None),
    ],
)
def test_every_answer_says_what_is_allowed(status: int, headers: dict[str, str], rate_limit: RateLimit | None) -> None:
    assert answered(status, headers).rate_limit == rate_limit


@each(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("900", 900),
        ("901", 900),
        ("999999", 900),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30),
        (format_datetime(NOW + timedelta(hours=3), usegmt=True), 900),
        (format_datetime(NOW - timedelta(hours=3), usegmt=True), 0),
    ],
)
@each("status", [201, *ERRORS])
@each("others", [{}, limit("0", str(UNIX + 60)), limit("3", str(UNIX + 60))], ids=["", "0", "3"])
def test_retry_after_wins_on_every_answer(status: int, others: dict[str, str], text: str, seconds: int) -> None:
    assert answered(status, {**others, "retry-after": text}).hold == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["soon", "-7", "1e3", ""])
def test_retry_after_that_makes_no_sense_leaves_it_to_the_limit(text: str) -> None:
    assert answered(429, {**limit("0", str(UNIX + 60)), "retry-after": text}).hold == timedelta(seconds=60)
    assert answered(429, {"retry-after": text}).hold is None


@pytest.mark.parametrize(
    ("status", "outcome", "scope"),
    [
        (400, Rejected, None),
        (404, TryLater, Scope.UNCLEAR),
        (429, TryLater, Scope.DESTINATION),
        (503, TryLater, Scope.ROW),
    ],
)
def test_retry_after_alone_changes_no_outcome(status: int, outcome: type, scope: Scope | None) -> None:
    answer = answered(status, {"retry-after": "9"})
    assert (type(answer.outcome), getattr(answer.outcome, "scope", None)) == (outcome, scope)


HEADER = st.text(max_size=14) | st.integers(UNIX - 10**6, UNIX + 10**6).map(str)


@given(st.integers(200, 599), HEADER, HEADER | st.just("0"), HEADER)
def test_whatever_the_headers_say_the_hold_is_bounded(status: int, after: str, remaining: str, reset: str) -> None:
    hold = answered(status, {**limit(remaining, reset), "retry-after": after}).hold
    assert hold is None or timedelta(0) <= hold <= timedelta(minutes=15)
