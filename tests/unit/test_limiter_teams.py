"""Several teams of one account: together they keep its limit, and alerts of open incidents go first."""

from collections import Counter, deque
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.limiter import GIVE_WAY, Limiter
from daemon.model.admission import Admission
from daemon.model.delivery import WINDOW, Answer, Delivered, RateLimit
from tests.support.values import NOW, ago

WILLING = Admission(max_in_flight=4, clean_from=ago(days=1), refused_from=ago(days=1))
TEAMS = ("default", "night", "day")


def limiter(limit: int, *teams: str, sent: int = 0) -> Limiter:
    """That of an account with this limit and these teams, of whose events so many count already."""
    made = Limiter()
    for team in teams:
        made.begin(limit, lambda: (NOW,) * sent, team)
    return made


def room(of: Limiter, team: str, in_flight: int = 0, now: datetime = NOW) -> int:
    """How many more the team may send now."""
    admission = of.admit(WILLING, in_flight, now, team)
    return admission.max_in_flight - in_flight if admission.clean_from <= now else 0


def test_what_one_team_has_in_flight_is_not_free_for_another() -> None:
    of = limiter(10, "default", "night", sent=5)
    assert room(of, "default") == 4
    assert of.reserve(4, WILLING, 0, NOW, "default") == 4
    assert room(of, "night") == 1
    assert of.reserve(4, WILLING, 0, NOW, "night") == 1
    assert room(of, "default", 4) == 0


def test_what_one_team_has_sent_counts_for_another() -> None:
    of = limiter(10, "default", "night")
    said = RateLimit(10, 1, timedelta(seconds=10))
    of.answered(Answer(Delivered(None), rate_limit=said), 0, NOW, sent_at=NOW, team="default")
    assert room(of, "night") == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [(0, 0, 3), (0, 1, 2), (0, 3, 0), (0, 9, 0), (1, 9, 1), (2, 1, 2), (3, 9, 3), (9, 9, 3)],
)
def test_alerts_of_open_incidents_go_first_whatever_their_team(ours: int, theirs: int, expected: int) -> None:
    of = limiter(10, *TEAMS, sent=7)
    of.wants(ours, 0, NOW, "default")
    of.wants(theirs, 0, NOW, "night")
    assert room(of, "default") == expected


def test_who_gives_way_asks_again_soon() -> None:
    of = limiter(10, "default", "night", sent=7)
    of.wants(3, 0, NOW, "night")
    assert of.admit(WILLING, 0, NOW, "default").clean_from == NOW + GIVE_WAY


def test_a_team_that_hangs_holds_up_the_others_for_a_window_at_most() -> None:
    of = limiter(10, "default", "night")
    of.wants(99, 0, NOW, "night")
    assert room(of, "default") == 0
    assert room(of, "default", now=NOW + WINDOW) == 4


def test_what_a_team_took_back_when_it_ended_is_free_again() -> None:
    of = limiter(10, "default", "night", sent=6)
    of.reserve(4, WILLING, 0, NOW, "night")
    assert room(of, "default") == 0
    of.wants(0, 0, NOW, "night")
    assert room(of, "default") == 4


def test_a_team_alone_asks_nobody() -> None:
    of = limiter(10, "default", sent=7)
    of.wants(9, 0, NOW, "default")
    assert not of.is_shared
    assert of.reserve(99, WILLING, 0, NOW) == 99


STEPS = st.lists(
    st.tuples(st.sampled_from(["send", "answer", "wait"]), st.sampled_from(TEAMS), st.integers(1, 9)), max_size=200
)


@given(STEPS)
def test_together_the_teams_never_exceed_the_limit(steps: list[tuple[str, str, int]]) -> None:
    """In no window, wherever it begins, does the account send more than it may."""
    of, now = limiter(10, *TEAMS), NOW
    in_flight, sent = Counter[str](), deque[datetime]()
    for what, team, many in steps:
        if what == "wait":
            now += timedelta(seconds=many)
        elif what == "answer" and in_flight[team]:
            in_flight[team] -= 1
            used = sum(now - at < WINDOW for at in sent)
            said = RateLimit(10, max(10 - used, 0), timedelta(seconds=15))
            of.answered(Answer(Delivered(None), rate_limit=said), in_flight[team], now, sent_at=now, team=team)
        elif what == "send":
            willing = replace(WILLING, max_in_flight=99)
            free = of.admit(willing, in_flight[team], now, team)
            wanted = min(many, free.max_in_flight - in_flight[team]) if free.clean_from <= now else 0
            granted = of.reserve(max(wanted, 0), willing, in_flight[team], now, team)
            for _ in range(granted):
                of.sent(now)
            in_flight[team] += granted
            sent.extend([now] * granted)
        assert all(sum(at <= other < at + WINDOW for other in sent) <= 10 for at in set(sent))
