"""What SIGNL4 can do wrong, and what comes of it: a table, and a test that goes through it."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any

import pytest

from daemon.decisions.payload import minimal
from daemon.model.incident import Kind
from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Answer, Request
from daemon.sandbox.faults import Cut, Drip, Hang, Instead, Part, Rewrite
from daemon.storage import queries
from tests.faults.conftest import ACKNOWLEDGED, NEW, PER_BYTE, RESOLVED, Answers, Arm, Scene, about, each, slow, spread
from tests.faults.line import Reset

answers = Answers(lambda sandbox: sandbox.signl4)


class Expected(StrEnum):
    DELIVERED = "delivered"
    LATER = "not delivered, tried again after a growing wait, delivered in order as soon as SIGNL4 is well"
    DOUBLED = "taken, but nobody can know: sent again under the same external id, everything in order"
    RARELY = (
        "it may have been taken: sent again only after delivery.retry_max, in its minimal form and under the same "
        "external id; holds nobody up"
    )
    APART = (
        "sent once more in its minimal form, then every delivery.retry_max; everything else is delivered meanwhile; "
        "named by `status` once it lasts"
    )
    MINIMAL = "sent once more with a minimal payload, and delivered so"
    DEAD = "sent once more with a minimal payload, refused again: dead and listed; everything else is delivered"
    PROBED = (
        "nothing is dropped; no request for a minute, then one a minute, each with another delivery, "
        "until the secret is right; then everything in order"
    )
    RESTS = (
        "not delivered; SIGNL4 is left alone as a whole for as long as it asked, at most 15 minutes, "
        "or for the back-off if it did not say; then everything in order"
    )
    DELIVERED_THEN_RESTS = (
        "delivered; then SIGNL4 is left alone as a whole until the time it named, at most 15 minutes; "
        "then everything in order"
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, in one form or in several that come to the same."""

    expected: Expected
    arms: Mapping[str, Arm]
    seconds: float = 0
    """How long SIGNL4 must be left alone, or how long the fault lasts."""


# -- how the faults are made ------------------------------------------------------------------------------------------

SERVER = [*range(500, 505), 520, 522, 524, 529]
ODD = [402, 405, *range(407, 413), 414, *range(416, 422), *range(423, 429), 430, 431, 451]
PAYLOAD = [400, 406, 413, 415, 422]
HUGE = "9" * 400
MINUTE = 60


def status(code: int) -> Arm:
    """An error that quotes the secret, as SIGNL4's own do."""
    return answers(
        lambda scene: mishaps.json_answer_instead(
            {"message": "Error raising event.", "details": f"about {scene.sandbox.signl4.secret}"}, code
        )
    )


def refuses_alerts(code: int) -> Arm:
    return answers(mishaps.status(code), lambda request: request.kind == NEW)


def refuses_full_alerts(code: int) -> Arm:
    return answers(mishaps.status(code), lambda request: request.kind == NEW and "Cause" in request.payload)


def asks(wait: str | timedelta, code: int = 429) -> Arm:
    """Asks to be left alone: as it stands there, or until so long from now."""

    def fault(scene: Scene) -> Instead:
        date = wait if isinstance(wait, str) else format_datetime(scene.clock.now + wait, usegmt=True)
        return mishaps.status(code, Retry_After=date)

    return answers(fault)


def used_up(seconds: float, code: int) -> Arm:
    """Nothing remains until so long from now."""
    return answers(lambda scene: mishaps.exhausted(int(scene.clock.now.timestamp() + seconds), code))


def last_one(seconds: float) -> Arm:
    """The event is taken, and nothing remains until so long from now."""
    return answers(lambda scene: mishaps.last_one(int(scene.clock.now.timestamp() + seconds)))


def taken(code: int = 201, body: bytes | None = None, **headers: str) -> Arm:
    """The event is taken, and answered so."""

    def change(_: Request, answer: Answer) -> Answer:
        return replace(answer, status=code, body=answer.body if body is None else body).with_headers(**headers)

    return answers(Rewrite(change))


def with_the_next_answer(_: Request, answer: Answer) -> Answer:
    """What follows looks like an answer to a request that was not made yet."""
    more = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
    return replace(answer, body=answer.body + more).with_headers(Content_Length=str(len(answer.body)))


def reset(how: Reset) -> Arm:
    def arm(scene: Scene) -> None:
        scene.to_signl4.reset = how

    return arm


def another_secret(scene: Scene) -> None:
    scene.sandbox.signl4.secret = "of-somebody-else"


def elsewhere(scene: Scene, code: int) -> Instead:
    """A place at which a request would be noticed."""
    return mishaps.redirect(f"{scene.sandbox.betterstack.url}/webhook/elsewhere", code)


# -- the table --------------------------------------------------------------------------------------------------------


def of_late(code: int) -> Arm:
    """Whatever is said of one incident is answered so."""
    return lambda scene: answers(mishaps.status(code), lambda request: request.external_id == scene.late)(scene)


def packed(label: str, pack: Callable[[bytes], bytes] = bytes, code: int = 201) -> Arm:
    """The event is taken, and the answer is packed so, or says so."""

    def change(_: Request, answer: Answer) -> Answer:
        return replace(answer, status=code, body=pack(answer.body)).with_headers(Content_Encoding=label)

    return answers(Rewrite(change))


NO_OBJECT = {
    "a page for people": mishaps.PORTAL,
    "a list": b"[]",
    "a text": b'"ok"',
    "null": b"null",
    "broken JSON": b'{"eventId": "2516',
    "no UTF-8": b"\xff\xfe",
}

CASES: dict[str, Case] = {
    "2xx with a JSON object": Case(
        Expected.DELIVERED,
        {
            "202": taken(202),
            "without an event id": taken(201, b"{}"),
            "with an event id that is none": taken(201, b'{"eventId": 7}'),
        },
    ),
    "2xx with an empty body": Case(Expected.DELIVERED, {"204": taken(204, b""), "blanks": taken(201, b" \r\n")}),
    "201, 202, 204 or 205 with something else": Case(
        Expected.DELIVERED,
        {f"{code}, {form}": taken(code, content) for code in (201, 202, 205) for form, content in NO_OBJECT.items()},
    ),
    "201 with a body that is packed in odd ways": Case(
        Expected.DELIVERED,
        {
            "utf-8": packed("utf-8"),
            "deflate": packed("deflate", zlib.compress),
            "an empty label": packed(""),
            "labelled twice": packed("gzip, gzip", gzip.compress),
            "several members": packed("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
            "gzip that is none": packed("gzip"),
            "gzip that ends early": packed("gzip", lambda body: gzip.compress(body)[:12]),
            "brotli": packed("br"),
        },
    ),
    "201, and then a body that breaks off": Case(
        Expected.DELIVERED,
        {"closed": answers(mishaps.broken_off()), "a byte at a time": slow(answers(Drip(Part.BODY, PER_BYTE)))},
    ),
    "200 with a body that cannot be read": Case(
        Expected.RARELY,
        {
            "gzip that is none": packed("gzip", lambda _: b"rubbish", 200),
            "50 MB": answers(mishaps.too_large(50 * mishaps.MEGABYTE)),
            "300 MB once unpacked": answers(mishaps.bomb(300)),
            "1 GB once unpacked twice over": answers(mishaps.bomb(1000, layers=2)),
        },
    ),
    "200 with something else": Case(
        Expected.LATER, {form: answers(mishaps.status(200, content)) for form, content in NO_OBJECT.items()}
    ),
    "200 with something else, though the event was taken": Case(Expected.DOUBLED, {"": taken(200, mishaps.PORTAL)}),
    "a redirect": Case(
        Expected.LATER,
        each(
            [300, 301, 302, 303, 304, 305, 307, 308],
            lambda code: answers(lambda scene: elsewhere(scene, code)),
        ),
    ),
    "a status 400, 406, 413, 415 or 422": Case(Expected.DEAD, each(PAYLOAD, refuses_alerts)),
    "a status 400, 406, 413, 415 or 422, once": Case(Expected.MINIMAL, each([400, 422], refuses_full_alerts)),
    "a wrong secret for an hour, told of by a 404": Case(Expected.PROBED, {"": another_secret}, seconds=60 * MINUTE),
    "a status 401, 403, or 404 without its code": Case(
        Expected.PROBED, each([401, 403, 404], status), seconds=5 * MINUTE
    ),
    "a status 401, 403, 404 or 5xx for one incident alone": Case(Expected.APART, each([401, 403, 404, 500], of_late)),
    "a status 402, 405, 407 to 412, 414, 416 to 421, 423 to 428, 430, 431 or 451": Case(
        Expected.LATER, each(ODD, status)
    ),
    "a status 5xx": Case(Expected.LATER, each(SERVER, status)),
    "a status 5xx, though the event was taken": Case(Expected.DOUBLED, {"": taken(502, mishaps.PORTAL)}),
    "429 or 503, with Retry-After in seconds": Case(
        Expected.RESTS, {"429": asks("30"), "503": asks("30", 503)}, seconds=30
    ),
    "429, with Retry-After as a date": Case(Expected.RESTS, {"": asks(timedelta(seconds=30))}, seconds=30),
    "429, with an absurdly large Retry-After": Case(
        Expected.RESTS,
        {
            "four hundred digits": asks(HUGE),
            "a date in a thousand years": asks("Fri, 31 Dec 3026 23:59:59 GMT"),
        },
        seconds=15 * MINUTE,
    ),
    "429, with a Retry-After that makes no sense or with none": Case(
        Expected.RESTS, {"none": status(429), "negative": asks("-5")}, seconds=2
    ),
    "429, with a Retry-After of zero or in the past": Case(
        Expected.LATER, {"zero": asks("0"), "a date": asks(timedelta(hours=-1))}
    ),
    "an error with X-RateLimit-Remaining: 0": Case(
        Expected.RESTS,
        each([400, 404, 429, 503], lambda code: used_up(30, code)),
        seconds=30,
    ),
    "an error with X-RateLimit-Remaining: 0 for half a day": Case(
        Expected.RESTS, {"": used_up(12 * 60 * MINUTE, 429)}, seconds=15 * MINUTE
    ),
    "an error with X-RateLimit-Remaining: 0 and a reset that makes no sense": Case(
        Expected.RESTS,
        {"past": used_up(-30, 429), "in milliseconds": used_up(1.8e12, 429)},
        seconds=2,
    ),
    "a success with X-RateLimit-Remaining: 0": Case(Expected.DELIVERED_THEN_RESTS, {"": last_one(30)}, seconds=30),
    "a success with X-RateLimit-Remaining: 0 for half a day": Case(
        Expected.DELIVERED_THEN_RESTS, {"": last_one(12 * 60 * MINUTE)}, seconds=15 * MINUTE
    ),
    "a success with X-RateLimit-Remaining: 0 and a reset that makes no sense": Case(
        Expected.DELIVERED, {"past": last_one(-30), "in milliseconds": last_one(1.8e12)}
    ),
    "a connection on which nothing comes": Case(Expected.LATER, {"": slow(answers(Hang()))}),
    "a connection on which nothing comes, though the event was taken": Case(
        Expected.DOUBLED, {"": slow(answers(Hang(taken=True)))}
    ),
    "headers that come a byte at a time": Case(Expected.DELIVERED, {"": slow(answers(Drip(Part.HEAD, PER_BYTE)))}),
    "a connection that ends before the event is taken": Case(
        Expected.LATER, {"closed": answers(Cut()), "reset": reset(Reset.ON_REQUEST)}
    ),
    "a connection that ends once the event is taken": Case(
        Expected.DOUBLED,
        {
            "closed instead of an answer": answers(Cut(taken=True)),
            "reset instead of an answer": reset(Reset.ON_ANSWER),
        },
    ),
    "a connection that ends behind the status": Case(Expected.DELIVERED, {"": reset(Reset.IN_ANSWER)}),
}


# -- what the sentences mean ------------------------------------------------------------------------------------------


def due_ids(scene: Scene) -> set[str]:
    """The incidents whose next delivery waits."""
    rows = scene.outbox("incident_id", "state")
    return {incident_id for incident_id, state in rows if state == "pending"}


def drain_until(scene: Scene, seconds: float) -> None:
    scene.drain_for(seconds=max(seconds - scene.seconds, 0))


def delivered(scene: Scene, _: Case) -> None:
    scene.drain_for(seconds=5)
    assert scene.told_so_far == scene.right
    assert len(scene.sent) == 4


def later(scene: Scene, _: Case) -> None:
    """All that is due is tried once; it is tried again after a while and not before."""
    before, told = scene.outbox("id", "attempts"), scene.told_so_far
    scene.drain()
    scene.drain()
    now = scene.clock.now
    tried = [row for row in scene.outbox("id", "attempts", "state", "due_at") if row[:2] not in before]
    assert len(tried) == 3
    for _, attempts, state, due_at in tried:
        wait = (due_at - now).total_seconds()
        assert state == "pending"
        assert min(2.0 ** (attempts - 1), 150) <= wait <= 300
    assert scene.told_so_far == told
    scene.clock.pass_(minutes=6)


def rarely(scene: Scene, _: Case) -> None:
    """All that is due is tried once, and once more after `retry_max`; a fresh one does not wait."""
    scene.drain_for(seconds=299)
    assert len(scene.sent) == 3
    fresh = scene.world.open("Fresh")
    scene.right[fresh] = [NEW]
    scene.round()
    scene.drain()
    assert {one.request.external_id for one in scene.sent[3:]} == {fresh}
    scene.drain_for(seconds=2)
    assert len(scene.sent) == 7
    assert fresh not in {one.request.external_id for one in scene.sent[4:]}
    assert all("Cause" not in one.request.payload for one in scene.sent[4:])
    scene.release()
    scene.drain_for(minutes=12)
    once_each = {of: [kind for kind, _ in groupby(kinds)] for of, kinds in scene.told_so_far.items()}
    assert once_each == scene.right
    scene.right = scene.told_so_far


def apart(scene: Scene, _: Case) -> None:
    for number in range(3):
        fresh = scene.world.open(f"Fresh {number}")
        scene.right[fresh] = [NEW]
        scene.round()
        scene.drain_for(minutes=3)
    assert scene.told_so_far == {of: kinds for of, kinds in scene.right.items() if of != scene.late}
    assert {(of, state) for of, state in scene.outbox("incident_id", "state") if state != "delivered"} == {
        (scene.late, "pending")
    }
    least = minimal(Kind.NEW, scene.late, scene.late)
    forms = [payload == least for payload in payloads_of(scene, scene.late)]
    assert forms == sorted(forms)
    assert 1 <= forms.count(True) <= 3
    [own] = queries.snapshot(scene.engine).own_faults
    assert own.incident_id == scene.late


def doubled(scene: Scene, case: Case) -> None:
    later_told = scene.told_so_far
    scene.drain()
    assert {state for (state,) in scene.outbox("state")} == {"delivered", "pending"}
    assert scene.told_so_far != later_told
    scene.release()
    scene.drain_for(minutes=1)
    assert scene.told_so_far == {
        scene.ended: [NEW, RESOLVED, RESOLVED],
        scene.stays: [NEW],
        scene.other: [NEW],
        scene.begun: [NEW, NEW, ACKNOWLEDGED],
        scene.late: [NEW, NEW],
    }
    scene.right = scene.told_so_far


def payloads_of(scene: Scene, incident_id: str) -> list[Mapping[str, Any]]:
    sent = [one.request for one in scene.sent]
    return [one.payload for one in sent if one.external_id == incident_id and one.kind == NEW]


def sent_minimally(scene: Scene) -> None:
    for incident_id in (scene.begun, scene.late):
        full, second = payloads_of(scene, incident_id)
        assert full["Cause"] == "Status 503"
        assert second == minimal(Kind.NEW, incident_id, incident_id)


def minimally_delivered(scene: Scene, _: Case) -> None:
    scene.drain_for(seconds=5)
    sent_minimally(scene)
    assert scene.told_so_far == scene.right


def dead(scene: Scene, _: Case) -> None:
    scene.drain_for(seconds=5)
    sent_minimally(scene)
    states = {row for row in scene.outbox("incident_id", "kind", "state") if row[2] != "delivered"}
    assert states == {(scene.begun, NEW, "dead"), (scene.late, NEW, "dead")}
    assert scene.deliver.deaths == 2
    scene.right |= {scene.begun: [ACKNOWLEDGED], scene.late: []}
    scene.release()
    scene.world.resolve(scene.begun)
    scene.round()
    scene.right[scene.begun].append(RESOLVED)


def probed(scene: Scene, case: Case) -> None:
    told, heads = scene.told_so_far, due_ids(scene)
    scene.drain()
    first = len(scene.sent)
    assert 1 <= first <= scene.settings.delivery.concurrency
    drain_until(scene, scene.seconds + 59)
    assert len(scene.sent) == first
    drain_until(scene, scene.seconds + case.seconds)
    times = [scene.sent[0].at, *(one.at for one in scene.sent[first:])]
    assert {round((then - before).total_seconds()) for before, then in pairwise(times)} == {60}
    assert len(times) > case.seconds / MINUTE
    probes = [one.request.external_id for one in scene.sent[first:]]
    assert set(probes[: len(heads)]) == heads
    assert scene.told_so_far == told
    assert scene.store.destination_state().secret_refused_since is not None
    scene.release()
    scene.drain_for(seconds=90)
    assert scene.told_so_far == scene.right
    assert scene.store.destination_state().secret_refused_since is None


def rests(scene: Scene, case: Case) -> None:
    """Deliveries that were not tried yet rest too."""
    began, told = scene.seconds, scene.told_so_far
    scene.drain()
    if case.expected is Expected.RESTS:
        assert scene.told_so_far == told
    else:
        assert scene.told_so_far == {**scene.right, scene.begun: [NEW]}
    asked = len(scene.sent)
    # Those that were on their way when the first answer came.
    assert 1 <= asked <= 3
    scene.release()
    latest = scene.world.open("Latest")
    scene.right[latest] = [NEW]
    scene.round()
    drain_until(scene, began + case.seconds - 1.1)
    assert len(scene.sent) == asked
    drain_until(scene, began + case.seconds + 2.1)
    assert len(scene.sent) > asked
    assert latest in scene.told_so_far


CHECKS: dict[Expected, Callable[[Scene, Case], None]] = {
    Expected.DELIVERED: delivered,
    Expected.LATER: later,
    Expected.RARELY: rarely,
    Expected.APART: apart,
    Expected.DOUBLED: doubled,
    Expected.MINIMAL: minimally_delivered,
    Expected.DEAD: dead,
    Expected.PROBED: probed,
    Expected.RESTS: rests,
    Expected.DELIVERED_THEN_RESTS: rests,
}


@pytest.fixture
def waiting(scene: Scene) -> Scene:
    """Three deliveries are due, and behind one of them another one waits."""
    scene.world.acknowledge(scene.begun)
    scene.late = scene.world.open("Login")
    scene.right |= {scene.begun: [NEW, ACKNOWLEDGED], scene.late: [NEW]}
    scene.round()
    return scene


@pytest.mark.parametrize(("case", "arms"), spread(CASES, in_one=lambda case: case.expected is Expected.LATER))
def test_each_fault_ends_as_the_table_says(waiting: Scene, case: Case, arms: Mapping[str, Arm]) -> None:
    for form, arm in arms.items():
        with about(form):
            arm(waiting)
            CHECKS[case.expected](waiting, case)
            waiting.check_that_nothing_leaked()
            waiting.release()
    waiting.drain_for(minutes=20)
    assert waiting.told_so_far == {of: kinds for of, kinds in waiting.right.items() if kinds}
    assert {state for (state,) in waiting.outbox("state")} <= {"delivered", "dead"}
    assert waiting.deliver.deaths == (2 if case.expected is Expected.DEAD else 0)
    assert all(one.method == "GET" for one in waiting.sandbox.betterstack.requests)
    waiting.check_that_nothing_leaked()


def test_an_answer_that_was_there_before_the_request_delivers_nothing(waiting: Scene) -> None:
    """Else whoever says more than was asked could make the next event disappear."""
    one_at_a_time = waiting.sandbox.signl4.faults.arm(Rewrite(with_the_next_answer))
    waiting.drain_for(seconds=2)
    one_at_a_time.release()
    waiting.drain_for(minutes=10)
    once_each = {of: [kind for kind, _ in groupby(kinds)] for of, kinds in waiting.told_so_far.items()}
    assert once_each == waiting.right
