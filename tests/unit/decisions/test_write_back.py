"""What is written back to Better Stack, and why nothing is."""

from datetime import timedelta
from typing import Any

import pytest

from daemon.decisions.write_back import Nothing, Person, Verdict, decide
from daemon.model.incident import Kind, Phase
from daemon.model.signl4 import NOBODY, SeenAlert
from daemon.model.two_way import Watched
from tests.support.alerts import CLOSED, JANE, JOHN, acknowledged, alert, closed, sent, watched
from tests.support.values import NOW, ago

BOTH = (Kind.ACKNOWLEDGED, Kind.RESOLVED)
ACK_SENT, RESOLVED_SENT = sent(Kind.ACKNOWLEDGED), sent(Kind.RESOLVED)
AT_ONCE = timedelta(0)


def answers(one: Watched, found: SeenAlert, *wanted: Kind, ahead: timedelta = AT_ONCE) -> Any:
    """What becomes of `acknowledged` and of `resolved`."""
    verdict = decide(one, found, wanted or BOTH, ahead)
    return tuple(verdict.write_back.values()) if isinstance(verdict, Verdict) else verdict


NOT_DONE = Nothing.NOT_DONE
CASES: dict[str, tuple[Watched, SeenAlert, tuple[Person | Nothing, Person | Nothing]]] = {
    "nobody did anything": (watched(), alert(), (NOT_DONE, NOT_DONE)),
    "acknowledged": (watched(), acknowledged(), (Person(JANE), NOT_DONE)),
    "acknowledged by two": (watched(), acknowledged("1", NOBODY, JOHN, JANE), (Person(JOHN), NOT_DONE)),
    "acknowledged, not said by whom": (watched(), acknowledged(acknowledged_by=()), (Person(None), NOT_DONE)),
    "acknowledged by SIGNL4": (watched(), acknowledged("1", NOBODY), (Nothing.BY_SIGNL4, NOT_DONE)),
    "closed": (watched(), closed(), (Person(JANE), Person(JANE))),
    "closed, not said by whom": (watched(), closed(by=None), (Nothing.BY_SIGNL4, Nothing.BY_SIGNL4)),
    "closed by SIGNL4": (watched(), closed(by=NOBODY), (Nothing.BY_SIGNL4, Nothing.BY_SIGNL4)),
    "acknowledged and closed between two looks": (
        watched(),
        acknowledged("1", JOHN, phase=CLOSED, closed_by=JANE),
        (Person(JOHN), Person(JANE)),
    ),
    "acknowledged by a person, closed by SIGNL4": (
        watched(),
        acknowledged("1", JOHN, phase=CLOSED, closed_by=NOBODY),
        (Person(JOHN), Nothing.BY_SIGNL4),
    ),
    "our acknowledged was sent": (watched(sent(), ACK_SENT), acknowledged(), (Nothing.BY_US, NOT_DONE)),
    "our acknowledged waits": (
        watched(sent(), sent(Kind.ACKNOWLEDGED, attempted=False)),
        acknowledged(),
        (Person(JANE), NOT_DONE),
    ),
    "our acknowledged went to another team": (
        watched(sent(event_id="e"), sent(team="b"), sent(Kind.ACKNOWLEDGED, "b")),
        acknowledged(event_id="e"),
        (Person(JANE), NOT_DONE),
    ),
    "our acknowledged went to a team, and it is not known whose alert it is": (
        watched(sent(), sent(team="b"), sent(Kind.ACKNOWLEDGED, "b")),
        acknowledged(),
        (Nothing.BY_US, NOT_DONE),
    ),
    "our resolved was sent": (watched(sent(), RESOLVED_SENT), closed(), (Nothing.BY_US, Nothing.BY_US)),
    "Better Stack is acknowledged": (watched(phase=Phase.ACKNOWLEDGED), closed(), (Nothing.KNOWN, Person(JANE))),
    "Better Stack is resolved": (watched(phase=Phase.RESOLVED), closed(), (Nothing.KNOWN, Nothing.KNOWN)),
    "acknowledged was written back": (
        watched(written=frozenset({Kind.ACKNOWLEDGED})),
        closed(),
        (Nothing.WRITTEN, Person(JANE)),
    ),
    "both were written back": (watched(written=frozenset(BOTH)), closed(), (Nothing.WRITTEN, Nothing.WRITTEN)),
}


@pytest.mark.parametrize("case", CASES)
def test_each_answer_has_its_reason(case: str) -> None:
    one, found, expected = CASES[case]
    assert answers(one, found) == expected


def test_what_is_not_wanted_is_not_written_back() -> None:
    assert answers(watched(), closed(), Kind.ACKNOWLEDGED) == (Person(JANE), Nothing.UNWANTED)
    assert answers(watched(), closed(), Kind.RESOLVED) == (Nothing.UNWANTED, Person(JANE))


LATER = watched(sent(event_id="second"), generation=2, earlier_events=frozenset({"first"}))
BELONGS: dict[str, tuple[Watched, SeenAlert, bool]] = {
    "by its event": (LATER, acknowledged("?", event_id="second", created_at=None), True),
    "by the event of an earlier generation": (LATER, acknowledged(event_id="first"), False),
    "by its external id": (LATER, acknowledged(event_id="unknown"), True),
    "by another external id": (LATER, acknowledged("2"), False),
    "by its external id, two seconds early": (LATER, acknowledged(created_at=ago(seconds=2)), True),
    "by its external id, but older": (LATER, acknowledged(created_at=ago(seconds=2.1)), False),
    "by its external id, of an unknown age": (LATER, acknowledged(created_at=None), False),
    "of another source": (watched(sent(event_source="s")), acknowledged(event_source="t"), False),
    "of the source of the team": (watched(sent(event_source="s")), acknowledged(event_source="s"), True),
    "of a source, that of the team is not known": (watched(), acknowledged(event_source="s"), True),
    "of a source that is not said": (watched(sent(event_source="s")), acknowledged(), True),
    "of a `new` that was never sent": (watched(sent(attempted=False)), acknowledged(), False),
}


@pytest.mark.parametrize("case", BELONGS)
def test_an_alert_belongs_to_a_generation(case: str) -> None:
    one, found, belongs = BELONGS[case]
    assert (decide(one, found, BOTH, AT_ONCE) is not Nothing.OTHER) is belongs


def test_a_clock_of_signl4_that_is_off_does_not_matter() -> None:
    ahead = timedelta(hours=-1)
    assert answers(watched(), acknowledged(created_at=NOW + ahead), ahead=ahead) == (Person(JANE), NOT_DONE)
    assert decide(watched(), acknowledged(created_at=NOW + 2 * ahead), BOTH, ahead) is Nothing.OTHER


TEAMS = {
    "by its event": (acknowledged(event_id="of b"), "b"),
    "by its source": (acknowledged(event_source="source of a"), "a"),
    "of a source that is not known": (acknowledged(event_source="source of b"), "b"),
    "not known": (acknowledged(), None),
}


@pytest.mark.parametrize("case", TEAMS)
def test_the_team_is_known_or_is_not(case: str) -> None:
    found, team = TEAMS[case]
    one = watched(sent(team="a", event_source="source of a"), sent(team="b", event_id="of b"))
    verdict = decide(one, found, BOTH, AT_ONCE)
    assert isinstance(verdict, Verdict)
    assert verdict.team == team
