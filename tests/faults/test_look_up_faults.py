"""An answer of SIGNL4's that is lost, where there is an API key: a table, and a test that goes through it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.faults import Cut, Drip, Hang, Part
from daemon.sandbox.signl4_rest import API_KEY
from tests.faults.conftest import NEW, PER_BYTE, RESOLVED, Answers, Arm, Scene, each, slow, spread
from tests.faults.line import Reset
from tests.faults.test_signl4_faults import reset, status, taken

webhook = Answers(lambda sandbox: sandbox.signl4)


class Expected(StrEnum):
    FOUND = "looked up, found, and not sent again; everything in order"
    SENT = "looked up, not found, and sent again; everything in order"
    DOUBLED = "nobody can be asked: sent again under the same external id, everything in order"


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, in one form or in several that come to the same."""

    expected: Expected
    arms: Mapping[str, Arm]


def of_api(fault: object) -> Arm:
    """The answer to an event is lost, and whoever asks for it meets this fault."""

    def arm(scene: Scene) -> None:
        lose = taken(502, mishaps.PORTAL)
        lose(scene)
        scene.sandbox.signl4.api_faults.arm(fault)  # type: ignore[arg-type]  # any of them

    return arm


def another_key(scene: Scene) -> None:
    taken(502, mishaps.PORTAL)(scene)
    scene.sandbox.signl4.api.key = scene.sandbox.signl4.api.read_only_key = "of-somebody-else"


def without_v3(scene: Scene) -> None:
    taken(502, mishaps.PORTAL)(scene)
    scene.sandbox.signl4.api.v3 = False


CASES: dict[str, Case] = {
    "an answer that is lost, though the event was taken": Case(
        Expected.FOUND,
        {
            "502": taken(502, mishaps.PORTAL),
            "a page for people": taken(200, mishaps.PORTAL),
            "nothing": slow(webhook(Hang(taken=True))),
            "closed instead of an answer": webhook(Cut(taken=True)),
            "reset instead of an answer": reset(Reset.ON_ANSWER),
        },
    ),
    "the same, where SIGNL4's REST API has no v3": Case(Expected.FOUND, {"": without_v3}),
    "an answer that is lost, though the event was not taken": Case(
        Expected.SENT,
        {
            "500": status(500),
            "a page for people": webhook(mishaps.status(200, mishaps.PORTAL)),
            "nothing": slow(webhook(Hang())),
            "closed instead of an answer": webhook(Cut()),
            "reset": reset(Reset.ON_REQUEST),
        },
    ),
    "the event is taken, its answer is lost, and SIGNL4's REST API answers 401, 403, 429 or 5xx": Case(
        Expected.DOUBLED, each([401, 403, 429, 500, 502, 503], lambda code: of_api(mishaps.status(code)))
    ),
    "the event is taken, its answer is lost, and SIGNL4 refuses the key": Case(Expected.DOUBLED, {"": another_key}),
    "the event is taken, its answer is lost, and what SIGNL4's REST API says cannot be read": Case(
        Expected.DOUBLED,
        {
            "a page for people": of_api(mishaps.status(200, mishaps.PORTAL)),
            "nothing": of_api(mishaps.status(200)),
            "half of it": of_api(mishaps.status(200, b'{"results": [')),
            "closed": of_api(Cut()),
            "a byte at a time": slow(of_api(Drip(Part.BODY, PER_BYTE))),
            "never": slow(of_api(Hang())),
        },
    ),
}


def times_told(scene: Scene) -> dict[str, int]:
    """How often SIGNL4 took the `new` of each incident."""
    return {of: kinds.count(NEW) for of, kinds in scene.told_so_far.items()}


def found(scene: Scene) -> None:
    assert set(times_told(scene).values()) == {1}
    assert {row[:2] for row in scene.outbox("state", "not_taken")} == {("delivered", 0)}


def sent(scene: Scene) -> None:
    assert set(times_told(scene).values()) == {1}
    rows = scene.outbox("incident_id", "kind", "attempts")
    assert {row for row in rows if row[2] > 1 and row[1] == NEW} == {(scene.begun, NEW, 2), (scene.late, NEW, 2)}


def doubled(scene: Scene) -> None:
    assert times_told(scene) == {scene.ended: 1, scene.stays: 1, scene.other: 1, scene.begun: 2, scene.late: 2}


CHECKS: dict[Expected, Callable[[Scene], None]] = {
    Expected.FOUND: found,
    Expected.SENT: sent,
    Expected.DOUBLED: doubled,
}


@pytest.mark.parametrize(("case", "arms"), spread(CASES))
def test_each_lost_answer_ends_as_the_table_says(unbegun: Scene, case: Case, arms: Mapping[str, Arm]) -> None:
    [arm] = arms.values()
    scene = unbegun
    scene.api_key = API_KEY
    scene.configure()
    scene.begin()
    scene.late = scene.world.open("Login")
    scene.round()
    arm(scene)
    scene.drain()
    scene.release_webhook()
    scene.drain_for(minutes=1)
    CHECKS[case.expected](scene)
    assert [one for one in scene.sent if one.request.path.startswith("/api/")], "it was looked up"
    assert scene.told_so_far[scene.ended][-1] == RESOLVED
    assert {state for (state,) in scene.outbox("state")} == {"delivered"}
    scene.check_that_nothing_leaked()
