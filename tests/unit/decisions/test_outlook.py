"""What happens next of an incident, and when."""

from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Any

from daemon.decisions.outlook import outlook
from daemon.decisions.poll_health import NO_DAEMON
from daemon.model.delivery import DeliveryState, DestinationState
from daemon.model.destination import BETTER_STACK
from daemon.model.history import Happening
from daemon.model.incident import Kind, Phase
from daemon.model.snapshot import RunMode
from daemon.model.story import Present, Record
from tests.support.each import each
from tests.support.outbox import after
from tests.support.story import entry, present, record, row
from tests.support.values import NOW, ago

NEW, ACKNOWLEDGED, RESOLVED = Kind
PENDING, DELIVERED, SUPERSEDED, DEAD = DeliveryState
SOON = after(seconds=12)
OVER: dict[str, Any] = {"phase": Phase.RESOLVED}
OPEN = "it is open, and its end is told at the next round that sees it"
SILENT = "nothing: it is over, and nobody was told of it: "


def waits(**changes: Any) -> Record:
    """With a `resolved` that is due soon, of an incident that is over."""
    told = row(1, NEW, DELIVERED, attempts=1)
    return record(told, row(2, RESOLVED, due_at=SOON, **changes), **OVER)


def team(**changes: Any) -> Present:
    """SIGNL4 as the team `default` last met it."""
    return present(teams={"default": DestinationState(**changes)})


Expected = list[tuple[str, datetime | None]]
WAITING: dict[str, tuple[Record, Present, Expected]] = {
    "due": (waits(), present(), [("resolved to team default is sent", SOON)]),
    "failed before": (
        waits(attempts=1, last_error="HTTP 503"),
        present(),
        [("resolved to team default waits for SIGNL4 (HTTP 503); it is tried again", SOON)],
    ),
    "SIGNL4 asked for a pause": (
        waits(attempts=1),
        team(hold_until=after(minutes=1), why="HTTP 429"),
        [("resolved to team default waits, as SIGNL4 asked (HTTP 429); it is sent", after(minutes=1))],
    ),
    "a pause that is over": (waits(), team(hold_until=ago(minutes=1)), [("resolved to team default is sent", SOON)]),
    "SIGNL4 refuses the secret": (
        waits(attempts=1),
        team(secret_refused_since=ago(hours=1), probe_at=after(minutes=1), why="HTTP 404; check signl4.secret"),
        [
            (
                (
                    "resolved to team default waits, since SIGNL4 refuses the secret (HTTP 404; check signl4.secret); "
                    "it is tried again"
                ),
                after(minutes=1),
            )
        ],
    ),
    "another team's secret": (
        waits(team="night"),
        present(teams={"night": DestinationState(secret_refused_since=ago(hours=1), why="HTTP 404")}),
        [
            (
                ("resolved to team night waits, since SIGNL4 refuses the secret (HTTP 404); it is tried again"),
                SOON,
            )
        ],
    ),
    "a team that is gone": (
        waits(team="day"),
        present(),
        [
            (
                (
                    "resolved to team day waits, since the configuration does not have this team; "
                    "add [signl4.teams.day], or give it up: drop 2"
                ),
                None,
            )
        ],
    ),
    "to Better Stack, which cannot be reached": (
        waits(team=BETTER_STACK, attempts=1, last_error="HTTP 503"),
        present(teams={BETTER_STACK: DestinationState()}),
        [("resolved to Better Stack waits for Better Stack (HTTP 503); it is tried again", SOON)],
    ),
    "to Better Stack, with a token that may only read": (
        waits(team=BETTER_STACK, attempts=1),
        present(teams={BETTER_STACK: DestinationState(secret_refused_since=ago(hours=1), why="mend it")}),
        [("resolved to Better Stack waits, since Better Stack refuses that (mend it); it is tried again", SOON)],
    ),
    "to Better Stack, and writing back is switched off": (
        waits(team=BETTER_STACK),
        present(),
        [("resolved to Better Stack waits, since writing back is switched off; it is given up", None)],
    ),
    "its own fault": (
        waits(attempts=9, own_fault=True, last_error="HTTP 500"),
        present(),
        [
            (
                (
                    "resolved to team default fails while others are accepted (HTTP 500); give it up with drop 2, "
                    "or it is tried again"
                ),
                SOON,
            )
        ],
    ),
    "held by a rule": (
        record(row(1, NEW, due_at=SOON, held_because="silence 3 (deploy)")),
        present(),
        [("new to team default is held: silence 3 (deploy); it is looked at again", SOON), (OPEN, None)],
    ),
    "held before": (
        record(row(1, NEW, attempts=1, due_at=SOON, held_because="silence 3 (deploy)")),
        present(),
        [("new to team default waits for SIGNL4; it is tried again", SOON), (OPEN, None)],
    ),
    "no longer held, or by hand": (
        record(row(1, NEW, due_at=NOW, held_because="silence 3 (deploy)")),
        present(),
        [
            ("new to team default was held: silence 3 (deploy); unless a rule still holds it, it is sent", NOW),
            (OPEN, None),
        ],
    ),
    "on its way": (
        record(row(1, NEW, attempts=1, attempted_at=ago(seconds=1))),
        present(),
        [("new to team default is on its way, or its answer was lost; then it is sent again", NOW), (OPEN, None)],
    ),
    "one behind the other, for two teams": (
        record(row(1, NEW), row(2, NEW, team="night"), row(3, ACKNOWLEDGED)),
        present(teams={"default": DestinationState(), "night": DestinationState()}),
        [
            ("new to team default is sent", NOW),
            ("acknowledged to team default follows", None),
            ("new to team night is sent", NOW),
            (OPEN, None),
        ],
    ),
    "dead": (
        record(row(1, NEW, DEAD, attempts=2, last_error="HTTP 400")),
        present(),
        [
            (
                "new to team default is dead (HTTP 400): mend the cause, then retry 1, or give it up with drop 1",
                None,
            ),
            (OPEN, None),
        ],
    ),
    "dead, and over": (
        record(row(1, NEW, DEAD, attempts=2), row(2, RESOLVED, DELIVERED, attempts=1), **OVER),
        present(),
        [("new to team default is dead, and too late to be told: give it up with drop 1", None)],
    ),
    "the end of what was opened again is dead": (
        record(
            row(1, RESOLVED, DEAD, attempts=2),
            row(2, NEW, DELIVERED, generation=2, attempts=1),
            generation=2,
        ),
        present(),
        [("resolved to team default is dead, and too late to be told: give it up with drop 1", None), (OPEN, None)],
    ),
    "dead for one team, and over for another": (
        record(row(1, NEW, DEAD, attempts=2), row(2, RESOLVED, DELIVERED, attempts=1, team="night"), **OVER),
        present(),
        [("new to team default is dead: mend the cause, then retry 1, or give it up with drop 1", None)],
    ),
}


@each(("one", "now", "expected"), WAITING.values(), ids=WAITING)
def test_what_waits_says_for_what_and_until_when(one: Record, now: Present, expected: Expected) -> None:
    assert [(step.text, step.at) for step in outlook(one, now)] == expected


TAKEN = (row(1, NEW, DELIVERED, attempts=1), row(2, RESOLVED, DELIVERED, attempts=1))
SETTLED: dict[str, tuple[Record, str]] = {
    "open": (record(TAKEN[0]), f"nothing waits; {OPEN}"),
    "over": (record(*TAKEN, **OVER), "nothing: it is over, and SIGNL4 took all of it"),
    "over, and the acknowledgement was not needed": (
        record(*TAKEN, row(3, ACKNOWLEDGED, SUPERSEDED, reason="why"), **OVER),
        "nothing: it is over, and SIGNL4 took all of it",
    ),
    "not confirmed": (
        record(phase=Phase.UNCONFIRMED, alerted=False, silent_because="not confirmed yet"),
        "nothing waits; not confirmed yet: nobody is told until it is",
    ),
    "recorded alone": (
        record(alerted=False, silent_because="why"),
        "nothing waits; nobody is told of it unless it is opened again: why",
    ),
    "over, and recorded alone": (record(alerted=False, silent_because="why", **OVER), f"{SILENT}why"),
    "an older version did not say": (
        record(alerted=False, **OVER),
        f"{SILENT}an older version did not record why",
    ),
    "over while it was held": (
        record(row(1, NEW, SUPERSEDED, reason="over while held: silence 3"), row(2, RESOLVED, SUPERSEDED), **OVER),
        f"{SILENT}over while held: silence 3",
    ),
    "held for one team, told to another": (
        record(*TAKEN, row(3, NEW, SUPERSEDED, team="night"), row(4, RESOLVED, SUPERSEDED, team="night"), **OVER),
        "nothing: it is over, and SIGNL4 took all of it",
    ),
    "the end was dropped": (
        record(TAKEN[0], row(2, RESOLVED, SUPERSEDED, reason="dropped by hand"), **OVER),
        "nothing: the alert of team default may still be open, since its resolved was not sent (dropped by hand)",
    ),
    "the end of what may have been heard was dropped": (
        record(row(1, NEW, SUPERSEDED, attempts=1), row(2, RESOLVED, SUPERSEDED, reason="why"), **OVER),
        "nothing: the alert of team default may still be open, since its resolved was not sent (why)",
    ),
    "told in an earlier generation, and not in this one": (
        record(*TAKEN, generation=2, alerted=False, silent_because="why", **OVER),
        f"{SILENT}why",
    ),
    "dropped while it is open": (
        record(row(1, NEW, SUPERSEDED, reason="dropped by hand")),
        "nothing waits; nobody is told of it unless it is opened again: dropped by hand",
    ),
    "dropped for one team alone": (record(TAKEN[0], row(2, NEW, SUPERSEDED, team="night")), f"nothing waits; {OPEN}"),
    "an alarm that is open": (
        record(TAKEN[0], is_alarm=True),
        "it is closed as soon as its cause is over",
    ),
    "an alarm that is over": (record(*TAKEN, is_alarm=True, **OVER), "nothing: it is over, and SIGNL4 took all of it"),
}


@each(("one", "sentence"), SETTLED.values(), ids=SETTLED)
def test_where_nothing_waits_that_is_said_and_why(one: Record, sentence: str) -> None:
    assert [(step.text, step.at) for step in outlook(one, present())] == [(sentence, None)]


@each(("mode", "phase", "pending"), product((None, *RunMode), Phase, (False, True)))
def test_without_a_daemon_nothing_happens_and_that_is_said_where_anything_could(
    mode: RunMode | None, phase: Phase, pending: bool
) -> None:
    rows = [row(1, NEW, PENDING if pending else DELIVERED, attempts=1)]
    first, *_ = outlook(record(*rows, phase=phase), present(process=None, run_mode=mode))
    said = "nothing happens until `once` is started again" if mode is RunMode.ONCE else f"{NO_DAEMON}: nothing happens"
    assert first.text.startswith(said) is (pending or phase is not Phase.RESOLVED)


DOUBTS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "in doubt": ({"doubted_at": NOW}, {}, "its record now says otherwise; later rounds decide"),
    "gone": ({"gone_since": NOW}, {}, "its record is missing; later rounds decide if it was deleted"),
    "rounds fail": (
        {},
        {"round_error": "HTTP 502"},
        "Better Stack cannot be read now (HTTP 502); its end is seen once it can be",
    ),
}


@each(("changes", "now", "sentence"), DOUBTS.values(), ids=DOUBTS)
def test_why_the_end_may_be_seen_late_is_said_while_it_is_open(
    changes: dict[str, Any], now: dict[str, Any], sentence: str
) -> None:
    still_open = record(row(1, NEW, DELIVERED, attempts=1), **changes)
    assert sentence in [step.text for step in outlook(still_open, present(**now))]
    for other in (replace(still_open.state, phase=Phase.RESOLVED), replace(still_open.state, is_alarm=True)):
        assert sentence not in [step.text for step in outlook(replace(still_open, state=other), present(**now))]


def test_the_answer_to_the_latest_attempt_is_no_lost_one() -> None:
    failed = row(1, NEW, attempts=2, attempted_at=ago(minutes=1))
    history = [entry(Happening.ATTEMPT, "HTTP 503", ago(seconds=50), 1, 10.0)]
    [step, _] = outlook(record(failed, history=history), present())
    assert step.text == "new to team default waits for SIGNL4; it is tried again"


SENT = entry(Happening.ATTEMPT, "accepted by SIGNL4", number=1)
UNPAGED = entry(Happening.PAGE, "not paged: SIGNL4 filtered it; look at the keyword filter", number=1)
NOBODY = "new to team default has paged nobody: SIGNL4 filtered it; look at the keyword filter"
REPAIR = f"{NOBODY}; once that is mended, send it again with: reconcile --repair"
PAGES: dict[str, tuple[Record, list[str]]] = {
    "nobody was paged": (record(TAKEN[0], history=[SENT, UNPAGED]), [REPAIR, f"nothing waits; {OPEN}"]),
    "nobody was paged, and another team waits": (
        record(TAKEN[0], row(2, NEW, team="night"), history=[SENT, UNPAGED]),
        [
            (
                "new to team night waits, since the configuration does not have this team; add [signl4.teams.night], "
                "or give it up: drop 2"
            ),
            REPAIR,
            OPEN,
        ],
    ),
    "nobody was paged by an alarm": (
        record(TAKEN[0], history=[SENT, UNPAGED], is_alarm=True),
        [NOBODY, "it is closed as soon as its cause is over"],
    ),
    "sent again since": (record(TAKEN[0], history=[SENT, UNPAGED, SENT]), [f"nothing waits; {OPEN}"]),
    "somebody was paged": (
        record(TAKEN[0], history=[SENT, entry(Happening.PAGE, "paged: SIGNL4 raised an alert", number=1)]),
        [f"nothing waits; {OPEN}"],
    ),
    "of an earlier generation": (
        record(row(1, NEW, DELIVERED), row(2, NEW, DELIVERED, generation=2), history=[SENT, UNPAGED], generation=2),
        [f"nothing waits; {OPEN}"],
    ),
    "is sent again": (
        record(row(1, NEW, attempts=1), history=[SENT, UNPAGED]),
        ["new to team default waits for SIGNL4; it is tried again", OPEN],
    ),
    "over": (
        record(*TAKEN, history=[SENT, UNPAGED], **OVER),
        ["nothing: it is over, and SIGNL4 took all of it"],
    ),
}


@each(("one", "sentences"), PAGES.values(), ids=PAGES)
def test_what_paged_nobody_is_said_as_long_as_it_is_open(one: Record, sentences: list[str]) -> None:
    assert [step.text for step in outlook(one, present())] == sentences
