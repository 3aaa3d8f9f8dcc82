"""Headers that say how much is allowed, as servers and gateways really spell them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.clients.http import Response
from daemon.clients.limits import Limit, limit_said
from daemon.clients.signl4 import answer_to
from daemon.model.delivery import WINDOW, RateLimit
from tests.support.values import NOW


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


SAID: dict[str, tuple[dict[str, str], Limit]] = {
    "SIGNL4": (
        {"x-ratelimit-limit": "150", "x-ratelimit-remaining": "149", "x-ratelimit-reset": "1795426215"},
        Limit(150, 149, None, datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC), WINDOW),
    ),
    "seconds in place of a time": (
        {"x-ratelimit-limit": "150", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"},
        Limit(150, 0, seconds(12), None, WINDOW),
    ),
    "decimals": (
        {"x-ratelimit-limit": "150.0", "x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "12.0"},
        Limit(150, 0, seconds(12), None, WINDOW),
    ),
    "the draft up to 06": (
        {"ratelimit-limit": "10", "ratelimit-remaining": "1", "ratelimit-reset": "7"},
        Limit(10, 1, seconds(7)),
    ),
    "the draft up to 06, with its policy in the limit": (
        {"ratelimit-limit": "10, 10;w=15, 1000;w=3600", "ratelimit-remaining": "9", "ratelimit-reset": "7"},
        Limit(10, 9, seconds(7), None, WINDOW),
    ),
    "the draft up to 06, with a policy": (
        {
            "ratelimit-limit": "100",
            "ratelimit-remaining": "9",
            "ratelimit-reset": "50",
            "ratelimit-policy": "10;w=1, 100;w=60",
        },
        Limit(100, 9, seconds(50), None, seconds(60)),
    ),
    "the draft 07": (
        {"ratelimit": "limit=100, remaining=50, reset=5", "ratelimit-policy": "100;w=10"},
        Limit(100, 50, seconds(5)),
    ),
    "the draft from 08 on": (
        {"ratelimit": '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=60'},
        Limit(100, 50, seconds(30), None, seconds(60)),
    ),
    "the draft from 08 on, with a token for a name": (
        {"ratelimit": "default;r=50;t=30", "ratelimit-policy": "default;l=100;w=60"},
        Limit(100, 50, seconds(30), None, seconds(60)),
    ),
    "two policies, and the exhausted one counts": (
        {
            "ratelimit": '"burst";r=9;t=1, "daily;x";r=0;t=4000',
            "ratelimit-policy": '"burst";q=10;w=15, "daily;x";q=1000;w=86400',
        },
        Limit(1000, 0, seconds(4000), None, seconds(86400)),
    ),
    "two exhausted ones, and the longer one counts": (
        {"ratelimit": '"a";r=0;t=1, "b";r=0;t=60, "c";r=0;t=5'},
        Limit(None, 0, seconds(60)),
    ),
    "AspNetCoreRateLimit": (
        {
            "x-rate-limit-limit": "15s",
            "x-rate-limit-remaining": "0",
            "x-rate-limit-reset": "2026-11-23T09:30:15.5000000Z",
        },
        Limit(None, 0, None, NOW + seconds(15.5)),
    ),
    "nonsense": ({"ratelimit": ";;=,,", "x-ratelimit-limit": "many", "ratelimit-policy": '"'}, Limit(window=WINDOW)),
    "nothing": ({}, Limit()),
}


@pytest.mark.parametrize("case", SAID)
def test_each_form_is_read(case: str) -> None:
    headers, limit = SAID[case]
    assert limit_said(headers) == limit


@pytest.mark.parametrize(
    ("case", "hold", "rate_limit"),
    [
        ("SIGNL4", None, RateLimit(150, 149, seconds(15))),
        ("seconds in place of a time", 12, RateLimit(150, 0, seconds(12))),
        ("the draft up to 06", None, None),
        ("the draft up to 06, with its policy in the limit", None, RateLimit(10, 9, seconds(7))),
        ("the draft up to 06, with a policy", None, None),
        ("two policies, and the exhausted one counts", 900, None),
        ("two exhausted ones, and the longer one counts", 61, None),
        ("AspNetCoreRateLimit", 16.5, None),
        ("nonsense", None, None),
    ],
)
def test_an_exhausted_limit_holds_back_whatever_its_form_and_only_that_of_signl4s_window_sets_the_pace(
    case: str, hold: float | None, rate_limit: RateLimit | None
) -> None:
    answer = answer_to(Response(429, SAID[case][0], b"{}"), "96sbq49u", NOW)
    assert answer.hold == (None if hold is None else seconds(hold))
    assert answer.rate_limit == rate_limit


NAMES = [
    "ratelimit",
    "ratelimit-policy",
    "x-rate-limit-reset",
    "ratelimit-limit",
    "ratelimit-reset",
    "ratelimit-remaining",
]
TEXT = st.text(alphabet='0123456789;=,". rqtwab-:TZ', max_size=30) | st.text(max_size=10)


@given(st.dictionaries(st.sampled_from(NAMES), TEXT, max_size=6))
def test_whatever_they_say_it_is_read_without_a_fault_and_the_hold_is_bounded(headers: dict[str, str]) -> None:
    hold = answer_to(Response(429, headers, b"{}"), "96sbq49u", NOW).hold
    assert hold is None or timedelta(0) <= hold <= timedelta(minutes=15)
