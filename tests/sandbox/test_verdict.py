"""The verdict finds what is lost, doubled, out of order or unfounded, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.sandbox.history import Event
from daemon.sandbox.verdict import Flaw, Verdict, judge
from tests.sandbox.tale import KINDS, Tale
from tests.support.each import each

RIGHT = [
    "start open show NEW",
    "start open show NEW ack show ACK resolve show RES",
    "start open show NEW resolve show RES",
    # first seen later than open
    "start open ack show NEW ACK",
    "start open resolve show NEW RES",
    "open start show NEW",
    "open resolve start show",
    # an acknowledgement that nobody was shown, or that could not be told in time
    "start open ack resolve show NEW RES",
    "start open show NEW ack show quick resolve RES",
    "start open show NEW down ack show resolve up RES",
    "start down open show ack show resolve up NEW RES",
    "start open show NEW ack validating show ACK",
    "start open show NEW validating ack show ACK",
    # unconfirmed
    "start unconfirmed show",
    "start unconfirmed show resolve show",
    "start unconfirmed show delete",
    "start unconfirmed show confirm show NEW",
    "start unconfirmed confirm show NEW ack show ACK",
    # unconfirmed and over, with nobody to see what lay between: either is right
    "start unconfirmed show confirm resolve show",
    "start unconfirmed show confirm resolve show NEW RES",
    "start unconfirmed resolve show",
    "start unconfirmed resolve show NEW RES",
    # deleted
    "start open show NEW delete RES",
    "start open show NEW resolve show RES delete",
    "start open show NEW resolve delete RES",
    "start open delete",
    # reopened
    "start open show NEW resolve show RES reopen show NEW",
    "start open show NEW resolve show RES afresh show NEW resolve show RES",
    "start open show NEW resolve reopen show RES NEW",
    "start open show NEW ack show ACK resolve show RES reopen show NEW ack show ACK",
    "open resolve start show reopen show NEW",
    "start open resolve reopen show NEW",
    # reopened without a trace while nobody looked: the same generation still
    "start open show NEW resolve afresh show",
    "start open show NEW resolve afresh resolve show RES",
    "start open show NEW ack show ACK resolve afresh show resolve RES",
    "start open show NEW ack resolve afresh show",
    "start open show NEW resolve show RES reopen resolve afresh show NEW",
    # reopened and over again while nobody looked: either is right
    "start open show NEW resolve show RES reopen resolve show",
    "start open show NEW resolve show RES reopen resolve show NEW RES",
]


@each("tale", RIGHT)
def test_what_is_right_is_found_right(tale: str) -> None:
    verdict = Tale().tell(tale).verdict()
    assert [finding.why for case in verdict.cases for finding in case.findings] == []
    assert verdict.good


LOST, DOUBLED, ORDER, UNFOUNDED = Flaw.LOST, Flaw.DOUBLED, Flaw.OUT_OF_ORDER, Flaw.UNFOUNDED
WRONG = [
    ("start open show", [LOST]),
    ("start open", [LOST]),
    ("open start", [LOST]),
    ("start open resolve show", [LOST, LOST]),
    ("start open resolve", [LOST, LOST]),
    ("start open resolve show RES", [LOST]),
    ("start open show NEW resolve show", [LOST]),
    ("start open show NEW delete", [LOST]),
    ("start open show NEW ack show", [LOST]),
    ("start open show NEW ack", [LOST]),
    ("start open show NEW ack validating show", [LOST]),
    ("start open show NEW ack show resolve RES", [LOST]),
    ("start down up open show NEW ack show resolve RES", [LOST]),
    ("start unconfirmed show confirm show", [LOST]),
    ("start open show NEW resolve show RES reopen show", [LOST]),
    ("start open show NEW resolve show RES afresh show", [LOST]),
    ("start open show NEW resolve reopen show NEW", [LOST]),
    ("start open show NEW NEW", [DOUBLED]),
    ("start open show NEW NEW NEW", [DOUBLED, DOUBLED]),
    ("start open show NEW resolve RES RES", [DOUBLED]),
    ("start open show NEW resolve RES NEW", [DOUBLED]),
    ("start open show NEW ack ACK ACK", [DOUBLED]),
    ("start open show NEW resolve afresh show NEW", [DOUBLED]),
    ("start open resolve show RES NEW", [ORDER]),
    ("start open show NEW ack show resolve RES ACK", [ORDER]),
    ("start open ack show ACK NEW", [ORDER]),
    ("start open show NEW resolve reopen show NEW RES", [ORDER]),
    ("start open show NEW RES resolve", [ORDER]),
    ("start open NEW RES resolve show", [ORDER]),
    ("start open show NEW RES", [UNFOUNDED]),
    ("start open show NEW ACK", [UNFOUNDED]),
    ("start unconfirmed show NEW", [UNFOUNDED]),
    ("start unconfirmed show resolve show NEW RES", [UNFOUNDED, UNFOUNDED]),
    ("open resolve start show NEW RES", [UNFOUNDED, UNFOUNDED]),
    ("start open show NEW NEW ack show resolve RES", [LOST, DOUBLED]),
]


@each(("tale", "flaws"), WRONG)
def test_what_is_wrong_is_found_and_named(tale: str, flaws: list[Flaw]) -> None:
    verdict = Tale().tell(tale).verdict()
    assert [finding.flaw for case in verdict.cases for finding in case.findings] == flaws
    assert not verdict.good


@pytest.mark.parametrize(
    ("tale", "superseded"),
    [
        ("start open show NEW ack show ACK resolve RES", 0),
        ("start open ack resolve show NEW RES", 1),
        ("start open ack resolve show NEW ACK RES", 0),
        ("start open show NEW down ack show resolve up RES", 1),
    ],
)
def test_an_acknowledgement_that_came_to_nothing_is_counted(tale: str, superseded: int) -> None:
    assert sum(case.superseded for case in Tale().tell(tale).verdict().cases) == superseded


def test_each_event_is_timed_from_what_it_tells() -> None:
    [case] = Tale().tell("start open show NEW ack show ACK resolve RES RES").verdict().cases
    assert [(told.kind, told.took) for told in case.told] == [
        ("new", timedelta(seconds=20)),
        ("acknowledged", timedelta(seconds=20)),
        ("resolved", timedelta(seconds=10)),
        ("resolved", None),
    ]


def test_the_unconfirmed_time_counts_for_nobody() -> None:
    [case] = Tale().tell("start unconfirmed show show confirm show NEW").verdict().cases
    assert case.told[0].took == timedelta(seconds=20)


def test_incidents_are_judged_one_by_one() -> None:
    tale = Tale().tell("start open show NEW resolve RES").tell("open show").tell("open show NEW NEW")
    assert [[finding.flaw for finding in case.findings] for case in tale.verdict().cases] == [[], [LOST], [DOUBLED]]


def test_the_sentence_counts_everything() -> None:
    tale = (
        Tale().tell("start open show NEW ack resolve RES").tell("open show NEW NEW").tell("open resolve show RES NEW")
    )
    assert tale.verdict().sentence == (
        "verdict: 3 incidents, 4 transitions told, 1 superseded; 0 lost, 1 doubled, 1 out of order"
    )
    assert Tale().tell("start open show NEW RES").verdict().sentence == (
        "verdict: 1 incident, 1 transition told; 0 lost, 0 doubled, 0 out of order, 1 unfounded"
    )


def test_an_event_of_no_incident_is_unfounded_unless_it_is_the_daemons_own() -> None:
    tale = Tale().tell("start open show NEW")
    [event] = tale.events
    for external_id in ("betterstack-signl4-alarm-1", "betterstack-signl4-test-1"):
        tale.events.append(replace(event, payload={"X-S4-ExternalID": external_id}))
    assert tale.verdict().good
    tale.events.append(replace(event, payload={"X-S4-ExternalID": "42", "Title": "Ghost"}))
    [_, stray] = tale.verdict().cases
    assert (stray.incident_id, stray.name, [finding.flaw for finding in stray.findings]) == ("42", "Ghost", [UNFOUNDED])


def test_findings_say_what_they_are_seen_by() -> None:
    tale = Tale().tell("start open show NEW NEW").tell("open show").tell("open resolve show RES NEW")
    assert [finding.why for case in tale.verdict().cases for finding in case.findings] == [
        "new was told 2 times; right is 1 time",
        "new was told 0 times; right is 1 time",
        "told was resolved, new; right is new, resolved",
    ]


# From here on: every way to spoil a right telling is found.

NEXT = {
    "": ["open", "unconfirmed"],
    "open": ["ack", "resolve", "delete"],
    "unconfirmed": ["confirm", "ack", "resolve", "delete"],
    "confirm": ["ack", "resolve", "delete"],
    "ack": ["resolve", "delete"],
    "resolve": ["reopen", "afresh"],
    "reopen": ["ack", "resolve", "delete"],
    "afresh": ["ack", "resolve", "delete"],
    "delete": [],
}
TELLS = {"open": "NEW", "confirm": "NEW", "reopen": "NEW", "afresh": "NEW", "ack": "ACK", "resolve": "RES"}


@st.composite
def well_told(draw: st.DrawFn) -> Tale:
    """A few incidents, each change shown and told at once."""
    tale = Tale().tell("start")
    for _ in range(draw(st.integers(1, 3))):
        word, called = "", False
        for _ in range(draw(st.integers(1, 9))):
            if not NEXT[word]:
                break
            word = draw(st.sampled_from(NEXT[word]))
            tale.tell(f"{word} show {_telling(word, called=called)}")
            called = word not in {"unconfirmed", "resolve", "delete"}
    return tale


def _telling(word: str, *, called: bool) -> str:
    if word in {"resolve", "delete"}:
        return "RES" if called else ""
    if word == "ack" and not called:
        return "NEW ACK"
    return TELLS.get(word, "")


def spoiled(tale: Tale, events: Sequence[Event]) -> Verdict:
    return judge(tale.world.history, tale.world.showings, events, tale.started, tale.held)


@given(well_told())
def test_a_right_telling_has_no_flaw(tale: Tale) -> None:
    verdict = tale.verdict()
    assert verdict.good, verdict.sentence
    assert len([told for case in verdict.cases for told in case.told if told.took is not None]) == len(tale.events)


@given(well_told(), st.data())
def test_dropping_any_event_is_found(tale: Tale, data: st.DataObject) -> None:
    if not tale.events:
        return
    place = data.draw(st.integers(0, len(tale.events) - 1))
    verdict = spoiled(tale, [*tale.events[:place], *tale.events[place + 1 :]])
    assert [verdict.count(flaw) for flaw in (LOST, DOUBLED, ORDER, UNFOUNDED)] == [1, 0, 0, 0]


@given(well_told(), st.data())
def test_repeating_any_event_is_found(tale: Tale, data: st.DataObject) -> None:
    if not tale.events:
        return
    place = data.draw(st.integers(0, len(tale.events) - 1))
    again = data.draw(st.integers(place, len(tale.events)))
    events = [*tale.events[:again], tale.events[place], *tale.events[again:]]
    verdict = spoiled(tale, events)
    assert [verdict.count(flaw) for flaw in (LOST, DOUBLED, UNFOUNDED)] == [0, 1, 0]


@given(well_told(), st.data())
def test_swapping_any_two_events_of_an_incident_is_found(tale: Tale, data: st.DataObject) -> None:
    events, places = tale.events, range(len(tale.events))
    pairs = [
        (one, other)
        for one in places
        for other in places[one:]
        if events[one].external_id == events[other].external_id and events[one].kind != events[other].kind
    ]
    if not pairs:
        return
    one, other = data.draw(st.sampled_from(pairs))
    swapped = list(events)
    swapped[one] = replace(events[one], payload=events[other].payload)
    swapped[other] = replace(events[other], payload=events[one].payload)
    verdict = spoiled(tale, swapped)
    assert verdict.count(ORDER) >= 1
    assert verdict.count(LOST) == 0


@given(well_told(), st.sampled_from(sorted(KINDS.values())), st.data())
def test_inventing_an_event_is_found(tale: Tale, kind: str, data: st.DataObject) -> None:
    incident = data.draw(st.sampled_from(sorted({one.incident_id for one in tale.world.history})))
    payload = {"X-S4-ExternalID": incident, "X-S4-Status": kind}
    verdict = spoiled(tale, [*tale.events, Event(tale.now, "event", payload)])
    assert verdict.count(DOUBLED) + verdict.count(UNFOUNDED) == 1
