"""One delivery's lasting fault is not SIGNL4's: it holds nobody up, and somebody hears of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from threading import Semaphore
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.clients.http import Response
from daemon.clients.signl4 import answer_to
from daemon.decisions.alarm import causes
from daemon.decisions.health import problems
from daemon.model.alarm import Cause
from daemon.model.delivery import Answer, Delivery, Result
from daemon.storage import operate, queries
from daemon.storage.outbox import Recorded
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, LONG, Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW, ago

NEW = "new"
LATE = timedelta(minutes=5)
INTERVAL = timedelta(seconds=30)


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    """What SIGNL4's answer comes to."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer_to(Response(status, shown, body), "96sbq49u", NOW)


UNREADABLE = answer_to(Response(200, {}, b"", unread="the answer is packed as 'br', which nobody asked for"), "x", NOW)
FAULTS = {
    "500": says(500),
    "403": says(403, b"<h1>Forbidden</h1>"),
    "404 without a code": says(404),
    "408": says(408),
    "a portal": says(200, b"<html>"),
    "a redirect": says(302),
    "401": says(401),
    "404 with the code": says(404, b'{"code": 3004}'),
    "200 that cannot be read": UNREADABLE,
}


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    flows = Flows(engine, clock, log, store)
    flows.round(sweep=True)
    return flows


@pytest.fixture
def two_are_taken(flows: Flows, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Waits until two deliveries are recorded as taken: which answer comes first is nobody's promise."""
    taken, settle = Semaphore(0), flows.store.settle_and_claim

    def settled(results: Sequence[Result], *others: Any, **more: Any) -> Recorded:
        recorded = settle(results, *others, **more)
        for result in results:
            if result.delivered:
                taken.release()
        return recorded

    monkeypatch.setattr(flows.store, "settle_and_claim", settled)
    return lambda: all(taken.acquire(timeout=LONG) for _ in range(2))


def refusing(answer: Answer, *bad: str, full_only: bool = False) -> Callable[[Mapping[str, Any]], Answer]:
    """Requests about these incidents are answered so, all others are taken."""

    def answers(payload: Mapping[str, Any]) -> Answer:
        struck = payload["X-S4-ExternalID"] in bad and not (full_only and "Cause" not in payload)
        return answer if struck else ACCEPTED

    return answers


def told_of(flows: Flows, incident_id: str) -> list[str]:
    """Which form was sent of it, in order."""
    sent = [payload for payload in flows.signl4.sent if payload["X-S4-ExternalID"] == incident_id]
    return ["full" if "Cause" in payload else "minimal" for payload in sent]


def times_of(flows: Flows, incident_id: str) -> list[float]:
    pairs = zip(flows.signl4.told, flows.signl4.times, strict=True)
    return [time for (told, _), time in pairs if told == incident_id]


def waiting(flows: Flows) -> set[str]:
    return {incident_id for incident_id, state in flows.outbox("incident_id", "state") if state == "pending"}


def said(flows: Flows) -> list[str]:
    flows.store.complete_round(flows.clock())
    return list(problems(queries.snapshot(flows.engine), INTERVAL, LATE, flows.clock(), warn_after=None))


@pytest.mark.parametrize("answer", FAULTS.values(), ids=FAULTS)
def test_one_that_fails_for_ever_is_tried_rarely_and_everything_else_flows(flows: Flows, answer: Answer) -> None:
    flows.signl4.answer = refusing(answer, "7")
    flows.see("7", "8", "9")
    for number in range(12):
        flows.see(str(100 + number))
        flows.drain_for(minutes=1)
        assert waiting(flows) == {"7"}
        flows.drain_for(minutes=4)
    assert waiting(flows) == {"7"}
    forms = told_of(flows, "7")
    assert forms.count("full") <= 4
    assert set(forms[forms.index("minimal") :]) == {"minimal"}
    rare = times_of(flows, "7")[len(forms) - forms.count("minimal") :]
    assert {round(later - sooner) for sooner, later in pairwise(rare)} == {300}
    assert len(forms) <= 4 + 60 / 5


@pytest.mark.parametrize("answer", FAULTS.values(), ids=FAULTS)
def test_its_minimal_form_is_delivered_and_shown_as_what_was_sent(flows: Flows, answer: Answer) -> None:
    flows.signl4.answer = refusing(answer, "7", full_only=True)
    flows.see("7", "8", "9")
    flows.drain_for(minutes=10)
    flows.see("10", "11")
    flows.drain_for(minutes=10)
    assert waiting(flows) == set()
    rows = flows.outbox("incident_id", "payload", "refused_payload", "own_fault", "failing_since")
    [(payload, refused, own, since)] = [row[1:] for row in rows if row[0] == "7"]
    assert (payload["Title"], refused["Title"]) == ("Better Stack incident 7", "Shop front page")
    assert (own, since) == (False, None)


def test_once_it_is_taken_it_is_told_as_it_would_have_been(flows: Flows) -> None:
    flows.signl4.answer = refusing(says(500), "7")
    flows.see("7", "8", "9")
    flows.see("7", status="Resolved", resolved_at=NOW)
    flows.drain_for(minutes=30)
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain_for(minutes=6)
    assert [kind for told, kind in flows.signl4.told if told == "7"][-2:] == [NEW, "resolved"]
    assert waiting(flows) == set()


def test_its_successors_wait_and_other_incidents_do_not(flows: Flows) -> None:
    flows.signl4.answer = refusing(says(403), "7")
    looked_after = {"status": "Acknowledged", "acknowledged_at": NOW}
    flows.see("7", "8", "9", **looked_after)
    flows.drain_for(minutes=20)
    assert {kind for told, kind in flows.signl4.told if told == "7"} == {NEW}
    assert waiting(flows) == {"7"}


@pytest.mark.parametrize("status", [403, 404, 500])
def test_two_bad_ones_are_both_set_apart(flows: Flows, status: int) -> None:
    flows.signl4.answer = refusing(says(status), "7", "8")
    flows.see("7", "8", "9", "10")
    flows.drain_for(minutes=10)
    assert waiting(flows) == {"7", "8"}
    for incident_id in ("7", "8"):
        assert "minimal" in told_of(flows, incident_id)
    fresh = len(flows.signl4.sent)
    flows.see("11")
    flows.drain()
    assert ("11", NEW) in flows.signl4.told[fresh:]


def test_while_it_is_the_only_one_nobody_can_know_and_the_secret_is_probed(flows: Flows) -> None:
    flows.signl4.answer = refusing(says(403), "7")
    flows.see("7")
    flows.drain_for(minutes=9, seconds=59)
    assert flows.signl4.times == [60 * minute for minute in range(10)]
    assert told_of(flows, "7") == ["full"] * 10
    assert [sentence for sentence in said(flows) if "refuses the secret" in sentence]
    flows.see("8")
    flows.drain_for(minutes=1)
    assert waiting(flows) == {"7"}
    assert told_of(flows, "7")[10:] == ["full", "minimal"], "tried again when something was taken, then set apart"
    assert flows.store.destination_state().secret_refused_since is None


def test_a_probe_with_another_delivery_that_is_taken_clears_the_secret(flows: Flows) -> None:
    flows.configure(delivery={"concurrency": 1})
    flows.signl4.answer = refusing(says(403), "7")
    flows.see("7", started_at=ago(minutes=9))
    flows.see("8", "9")
    flows.drain_for(seconds=59)
    assert [told for told, _ in flows.signl4.told] == ["7"]
    flows.drain_for(seconds=20)
    assert [told for told, _ in flows.signl4.told][:3] == ["7", "9", "7"]
    assert waiting(flows) == {"7"}


def test_a_secret_that_is_refused_for_all_sets_nothing_apart(flows: Flows) -> None:
    flows.signl4.answer = lambda _: says(403)
    flows.see(*map(str, range(100, 112)))
    flows.drain_for(hours=2)
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain_for(minutes=2)
    assert waiting(flows) == set()
    assert all("Cause" in payload for payload in flows.signl4.sent), "somebody's details were cut off"


def test_after_an_outage_a_fault_that_passes_cuts_off_nobodys_details(flows: Flows) -> None:
    flows.signl4.answer = lambda _: says(503)
    flows.see(*map(str, range(100, 112)))
    flows.drain_for(minutes=30)
    struck: set[str] = set()

    def every_third_fails_once_more(payload: Mapping[str, Any]) -> Answer:
        incident_id = payload["X-S4-ExternalID"]
        if int(incident_id) % 3 == 0 and incident_id not in struck:
            struck.add(incident_id)
            return says(503)
        return ACCEPTED

    flows.signl4.answer = every_third_fails_once_more
    flows.drain_for(minutes=10)
    assert waiting(flows) == set()
    assert all("Cause" in payload for payload in flows.signl4.sent)


def test_it_is_a_problem_by_name_once_it_lasts_and_an_alarm(flows: Flows) -> None:
    flows.signl4.answer = refusing(says(403, b"no <script>"), "7")
    flows.see("7", "8", "9")
    flows.drain_for(minutes=4)
    assert said(flows) == []
    assert causes(queries.snapshot(flows.engine), LATE, flows.clock()) == {}
    flows.drain_for(minutes=2)
    [(number, _)] = [row for row in flows.outbox("id", "incident_id") if row[1] == "7"]
    [sentence] = said(flows)
    assert sentence == (
        f"delivery {number} (new of incident 7) fails while others are taken, since 2026-11-23 09:30 UTC "
        f"(SIGNL4 answered HTTP 403 no <script>; check signl4.secret); "
        f"try it: retry {number}, or give it up: drop {number}"
    )
    [(cause, told)] = causes(queries.snapshot(flows.engine), LATE, flows.clock()).items()
    assert cause is Cause.DELIVERY
    assert "incident 7" in told
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain_for(minutes=6)
    assert said(flows) == []
    assert causes(queries.snapshot(flows.engine), LATE, flows.clock()) == {}


def test_it_is_said_once_in_the_log(flows: Flows, log: KeptLog, two_are_taken: Callable[[], bool]) -> None:
    refuse, first = refusing(says(500), "7"), ["7"]

    def answer(payload: Mapping[str, Any]) -> Answer:
        if payload["X-S4-ExternalID"] in first:
            first.clear()
            assert two_are_taken()
        return refuse(payload)

    flows.signl4.answer = answer
    flows.see("7", "8", "9")
    flows.drain_for(hours=2)
    flows.see("10")
    flows.drain_for(hours=2)
    told = [level for level, event, _ in log.events if event == "delivery fails on its own"]
    assert told[0] == "error"
    assert set(told[1:]) == {"debug"}
    assert len(log.named("SIGNL4 takes deliveries again")) == 1


@pytest.mark.parametrize("hold", ["300", "900"])
def test_what_it_asks_for_holds_nobody_up(flows: Flows, hold: str) -> None:
    flows.signl4.answer = refusing(says(429, retry_after=hold), "7")
    flows.see("7", "8", "9")
    flows.drain_for(hours=1)
    began = len(flows.signl4.times)
    for number in range(12):
        flows.see(str(100 + number))
        flows.drain()
        assert (str(100 + number), NEW) in flows.signl4.told[began:]
        flows.drain_for(minutes=5)
    assert waiting(flows) == {"7"}


@pytest.mark.parametrize("status", [400, 406, 413, 415, 422])
def test_a_refused_payload_is_still_dead_only_after_two_refusals(
    flows: Flows, two_are_taken: Callable[[], bool], status: int
) -> None:
    """Set apart for another fault, and then refused in its minimal form: that is the first refusal."""
    answers = [says(500), says(500), says(status), says(status)]

    def answer(payload: Mapping[str, Any]) -> Answer:
        if payload["X-S4-ExternalID"] != "7" or not answers:
            return ACCEPTED
        assert len(answers) < 4 or two_are_taken()
        return answers.pop(0)

    flows.signl4.answer = answer
    flows.see("7", "8", "9")
    flows.drain_for(seconds=2)
    assert told_of(flows, "7") == ["full", "full", "minimal", "minimal"]
    assert ("7", "dead", 4) in flows.outbox("incident_id", "state", "attempts")


def test_many_of_them_go_one_at_a_time_and_only_behind_all_others(
    flows: Flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [str(number) for number in range(100, 106)]
    flows.signl4.answer = refusing(UNREADABLE, *bad)
    flows.see(*bad)
    flows.drain()
    flows.clock.pass_(minutes=6)
    began = len(flows.signl4.sent)
    flows.signl4.hold(*bad)
    claimed: list[str] = []
    claim = flows.store.settle_and_claim

    def noted(results: Sequence[Result], claims: Sequence[Delivery], *others: Any, **more: Any) -> Recorded:
        claimed.extend(delivery.incident_id for delivery in claims)
        return claim(results, claims, *others, **more)

    monkeypatch.setattr(flows.store, "settle_and_claim", noted)
    flows.see("200", "201")
    with flows.draining():
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == began + 3)
        flows.see("202")
        flows.deliver.wake()
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == began + 4)
        told = [told for told, _ in flows.signl4.told[began:]]
        # Which of several requests under way SIGNL4 gets first is not the program's to say.
        assert [one for one in told if one in bad] == [claimed[2]]
        assert {"200", "201", "202"} == set(told) - set(bad)
    assert {told for told, _ in flows.signl4.told[began:]} >= set(bad)


def test_revived_it_starts_afresh_with_all_its_details(flows: Flows) -> None:
    flows.signl4.answer = refusing(says(400), "7")
    flows.see("7", "8", "9")
    flows.drain_for(minutes=1)
    operate.revive(flows.engine, operate.dead_ids(flows.engine), force=False)
    assert {
        row[1:] for row in flows.outbox("incident_id", "own_fault", "failing_since", "failures") if row[0] == "7"
    } == {(False, None, 0)}


def test_a_clock_that_is_set_proves_nothing_about_it(flows: Flows) -> None:
    flows.signl4.answer = refusing(says(500), "7")
    flows.see("7", "8", "9")
    flows.drain_for(minutes=1)
    flows.clock.pass_(days=1)
    flows.store.forget_spans(flows.clock())
    flows.store.cut_waits(timedelta(0), flows.clock())
    assert said(flows) == []
