"""The looks at monitors: what is told of them, and what an answer that lacks something proves."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.errors import DatabaseBusyError
from daemon.recording import Recording
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.watching import BEGUN, ENDED, PAUSED, Watched, pause, unpause


@pytest.fixture
def watched(engine: Engine, clock: Clock, log: KeptLog) -> Watched:
    """Monitor 77, which is up, and was looked at."""
    found = Watched(engine, clock, log)
    found.lists.has("77")
    found.look()
    return found


def test_a_first_look_tells_nothing_of_what_is_there(watched: Watched) -> None:
    assert (watched.changes(), watched.told(), watched.log.named("monitor changed")) == ([], [], [])


def test_a_pause_that_lasts_is_told_once_and_its_end_once(watched: Watched) -> None:
    pause(watched)
    assert watched.look() == []
    assert watched.look(days=7, minutes=-6) == []
    assert watched.look(minutes=5) == BEGUN
    assert watched.look() == []
    unpause(watched)
    assert watched.look() == ENDED
    assert watched.look() == []
    assert watched.changes() == [("77", "paused"), ("77", "unpaused")]


def test_what_was_done_is_logged_with_the_name(watched: Watched) -> None:
    pause(watched, configuration={"url": "99"})
    watched.look()
    assert [(one["monitor"], one["did"], one.get("attributes")) for one in watched.log.named("monitor changed")] == [
        ("monitor 77", "paused", None),
        ("monitor 77", "updated", "url"),
    ]


def test_what_is_told_reads_well_and_leads_to_the_monitor(watched: Watched) -> None:
    watched.begin(tell=["paused"])
    pause(watched)
    watched.look()
    [sent] = watched.flows.signl4.sent
    assert sent["Title"] == "Monitor Shop front page is paused since 2026-11-23 09:35 UTC"
    assert "Nobody watches it." in str(sent)
    unpause(watched)
    watched.look()
    assert all("/incidents/" not in str(one) for one in watched.flows.signl4.sent)


def test_a_restart_tells_nothing_again(watched: Watched) -> None:
    for number in range(3):
        watched.begin(tell=["updated", "paused"])
        if not number:
            pause(watched, configuration={"url": "99"})
        expected = [(PAUSED, "new"), ("monitor-77-updated", "new")] if not number else []
        assert sorted(watched.look()) == expected
    assert watched.changes() == [("77", "paused"), ("77", "updated")]


@pytest.mark.parametrize(
    ("what", "done"),
    [
        ("created", lambda watched: watched.lists.has("78", created_at=watched.clock())),
        ("updated", lambda watched: watched.lists.has("77", configuration={"url": "9"}, updated_at=watched.clock())),
    ],
)
def test_what_is_told_of_is_closed_after_an_hour(watched: Watched, what: str, done: Any) -> None:
    watched.begin(tell=[what])
    done(watched)
    [told] = watched.look()
    assert told[0].endswith(f"-{what}")
    assert watched.look(minutes=59) == []
    assert watched.look(minutes=2) == [(told[0], "resolved")]
    assert watched.look() == []


def test_what_was_done_while_nobody_looked_is_told_all_the_same(watched: Watched) -> None:
    watched.begin(tell=["updated"])
    watched.lists.has("77", configuration={"url": "9"}, updated_at=watched.clock())
    assert watched.look(hours=9) == [("monitor-77-updated", "new")]
    assert watched.look(minutes=61) == [("monitor-77-updated", "resolved")]


def test_what_is_done_again_within_the_hour_is_told_again(watched: Watched) -> None:
    watched.begin(tell=["updated"])
    for number, expected in enumerate(("new", "resolved")):
        watched.lists.has("77", configuration={"url": str(number)}, updated_at=watched.clock())
        assert watched.look() == [("monitor-77-updated", expected)]
    # SIGNL4 needs two seconds between two messages about one alert.
    assert watched.look(seconds=3) == [("monitor-77-updated", "new")]


SEEN: dict[str, Callable[[Watched], None]] = {
    "created": lambda watched: watched.lists.has("78", created_at=watched.clock()),
    "updated": lambda watched: watched.lists.has("77", configuration={"url": "9"}, updated_at=watched.clock()),
    "paused": pause,
    "paused, without a time": lambda watched: pause(watched, paused_at=None),
    "unpaused": unpause,
    "deleted": lambda watched: watched.lists.had("77"),
    "created: it is back": lambda watched: watched.lists.has("77"),
}
"""What somebody does, for whom it is told at once."""
BEFORE: dict[str, list[Callable[[Watched], None]]] = {
    "unpaused": [pause],
    "created: it is back": [lambda watched: watched.lists.had("77"), lambda _: None],
}
"""What was done and recorded before."""


@pytest.fixture(params=SEEN)
def news(watched: Watched, request: pytest.FixtureRequest) -> str:
    """The alert that is to be told, of something that was done since the latest look."""
    case = str(request.param)
    for done in BEFORE.get(case, []):
        done(watched)
        watched.look()
    watched.begin(tell=[case.split(",", maxsplit=1)[0].split(":", maxsplit=1)[0]])
    SEEN[case](watched)
    if case == "deleted":
        watched.look()
    return f"monitor-{78 if case == 'created' else 77}-{case.split(',', maxsplit=1)[0].split(':', maxsplit=1)[0]}"


@pytest.mark.parametrize("at", ["the alert", "the record"])
def test_what_was_seen_before_a_crash_is_told_once(
    watched: Watched, news: str, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        where: tuple[object, str] = (watched.records, "record")
        patched.setattr(*(where if at == "the record" else (Recording, "apply")), kill)
        with pytest.raises(Killed):
            watched.look()
    told = watched.told()
    assert told == ([(news, "new")] if at == "the record" else [])
    watched.flow = watched.begun()
    assert [*told, *watched.look(), *watched.look(seconds=30)] == [(news, "new")]


def test_what_cannot_be_recorded_is_told_once(watched: Watched, news: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise DatabaseBusyError("locked")

    told = []
    with monkeypatch.context() as patched:
        patched.setattr(watched.records, "record", busy)
        for _ in range(3):
            with pytest.raises(DatabaseBusyError):
                watched.look()
            told += watched.told()
    assert [*told, *watched.look()] == [(news, "new")]


def test_an_alert_whose_cause_was_never_recorded_is_closed_when_that_is_over(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise DatabaseBusyError("locked")

    watched.begin(tell=["paused"])
    pause(watched)
    with monkeypatch.context() as patched:
        patched.setattr(watched.records, "record", busy)
        with pytest.raises(DatabaseBusyError):
            watched.look()
    assert watched.told() == BEGUN
    unpause(watched)
    assert watched.look() == ENDED
