"""What SIGNL4 can make of a message that it took, and what comes of it: a table, and a test that goes through it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ssl import PROTOCOL_TLS_CLIENT, SSLContext

import pytest
from sqlalchemy import select

from daemon.clients.api_pace import ApiPace
from daemon.clients.http import HttpClient
from daemon.clients.signl4_api import Signl4Api
from daemon.decisions import alarm, health
from daemon.drift import Reconciliation
from daemon.duty import Duty
from daemon.model.alarm import Cause
from daemon.model.destination import DEFAULT
from daemon.model.errors import Signl4ApiError
from daemon.model.secret import Secret
from daemon.model.signl4 import EventStatus
from daemon.page_proof import PageProof
from daemon.sandbox import mishaps
from daemon.sandbox.faults import Instead, Rewrite
from daemon.sandbox.people import DutyMode
from daemon.storage import queries
from daemon.storage.drift import DriftRecords
from daemon.storage.duty import DutyRoster
from daemon.storage.page_proofs import PageProofs
from daemon.storage.two_way_schema import PAGE_PROOFS
from tests.faults.conftest import NEW, RESOLVED, Answers, Arm, Scene, about, each, spread
from tests.faults.line import Reset

LATE, HOUR = timedelta(minutes=5), timedelta(hours=1)
answers = Answers(lambda sandbox: sandbox.signl4)
NO_ALERT = (
    EventStatus.FILTERED,
    EventStatus.DISCARDED,
    EventStatus.SUPPRESSED,
    EventStatus.NO_RULE,
    EventStatus.NOT_ENOUGH,
    EventStatus.DUPLICATE_SUPPRESSED,
    EventStatus.NO_TARGET,
    EventStatus.ERROR,
)


class Expected(StrEnum):
    PAGED = "settled: somebody was paged"
    UNPAGED = (
        "nobody was paged: a problem in `status` with the reason and the mend, and one alarm of the program's own, "
        "both until the incident is over; heartbeats go on"
    )
    UNKNOWN = "given up: `why` says that it is not known whether somebody was paged; no alarm, and all else goes on"
    CLOSED_AGAIN = "the end is sent again, once an hour; what is found twice in a row is a problem in `status`"
    MISSING = "a problem in `status` the second time in a row; only `reconcile --repair` sends it again"
    AGREES = "nothing: that is no drift"
    UNMANNED = "a problem in `status` that names the team, after `duty.warn_after`, until somebody is on duty"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that SIGNL4 does, in one form or in several that come to the same."""

    expected: Expected
    arms: Mapping[str, Arm]
    later: Arm = lambda _: None
    """What happens once the alerts were sent."""


# -- how it is made ---------------------------------------------------------------------------------------------------


def nothing(_: Scene) -> None:
    """All is well."""


def ends_as(status: EventStatus) -> Arm:
    """Each `new` ends so, without an alert."""

    def arm(scene: Scene) -> None:
        scene.sandbox.signl4.account.instead_of_alert = lambda _: status

    return arm


def takes(span: timedelta | None) -> Arm:
    """SIGNL4 takes so long to process an event; `None`: for ever."""

    def arm(scene: Scene) -> None:
        scene.sandbox.signl4.account.processing_delay = span

    return arm


def raised_by_others(scene: Scene) -> None:
    """Other events have raised an alert for each incident."""
    account = scene.sandbox.signl4.account
    account.instead_of_alert = lambda _: None
    for incident_id in told(scene):
        account.take({"X-S4-Status": NEW, "X-S4-ExternalID": incident_id}, DEFAULT)


def rest_answers(fault: Instead | Rewrite) -> Arm:
    """Whatever asks the REST API gets this."""

    def arm(scene: Scene) -> None:
        scene.sandbox.signl4.api_faults.arm(fault)

    return arm


def out_of_reach(scene: Scene) -> None:
    """Only the REST API is asked from here on."""
    scene.to_signl4.reset = Reset.ON_CONNECT


def closed_by_a_person(scene: Scene) -> None:
    for incident_id in (scene.stays, scene.other):
        scene.sandbox.signl4.account.acknowledge(incident_id)
        scene.sandbox.signl4.account.close(incident_id)


def goes_home(scene: Scene) -> None:
    account = scene.sandbox.signl4.account
    for person in account.people.all:
        account.set_duty(person.name, DutyMode.OFF)


CASES: dict[str, Case] = {
    "an alert is raised at once": Case(Expected.PAGED, {"": nothing}),
    "processing takes 14 minutes": Case(Expected.PAGED, {"": takes(timedelta(minutes=14))}),
    "a duplicate, of which there is an alert": Case(
        Expected.PAGED, {"": ends_as(EventStatus.DUPLICATE_SUPPRESSED)}, raised_by_others
    ),
    (
        "the event is filtered, discarded, suppressed, a duplicate without an alert, one of too few or an error, or no "
        "rule or no target fits"
    ): Case(Expected.UNPAGED, {status.name: ends_as(status) for status in NO_ALERT}),
    "processing takes more than 15 minutes": Case(Expected.UNPAGED, {"": takes(None)}),
    "the REST API does not answer well for an hour: 401, 403, 429, 5xx, HTML, nothing, half of it": Case(
        Expected.UNKNOWN,
        {
            **each((401, 403, 429, 500, 503), lambda code: rest_answers(mishaps.status(code))),
            "HTML": rest_answers(mishaps.captive_portal()),
            "nothing": rest_answers(mishaps.status(200)),
            "half": rest_answers(mishaps.truncated()),
        },
    ),
    "the REST API is out of reach for an hour": Case(Expected.UNKNOWN, {"": nothing}, out_of_reach),
    "the REST API does not know the event, as with the key of another account": Case(
        Expected.UNKNOWN, {"": rest_answers(mishaps.status(404))}
    ),
    "an alert is still open although SIGNL4 took its end": Case(
        Expected.CLOSED_AGAIN,
        {"": answers(mishaps.json_answer_instead({"eventId": "lost"}, 201), lambda request: request.kind == RESOLVED)},
    ),
    "there is no alert of an open incident that SIGNL4 took": Case(Expected.MISSING, {"": ends_as(EventStatus.RAISED)}),
    "a person closed the alert of an open incident": Case(Expected.AGREES, {"": nothing}, closed_by_a_person),
    "nobody of a team is on duty": Case(Expected.UNMANNED, {"": goes_home}),
}


# -- what comes of it -------------------------------------------------------------------------------------------------


def told(scene: Scene) -> list[str]:
    """The incidents of which SIGNL4 was told before."""
    return [scene.ended, scene.stays, scene.other]


@contextmanager
def rest(scene: Scene) -> Iterator[Signl4Api]:
    """The real client, which begins afresh: its limit counts by a clock that stands still here."""
    http = HttpClient(scene.settings.signl4.base_url, scene.settings.http, SSLContext(PROTOCOL_TLS_CLIENT))
    with closing(http):
        yield Signl4Api(http, Secret(scene.sandbox.signl4.api.key), ApiPace(), None)


def proofs(scene: Scene, *, minutes: int) -> None:
    """A look a minute."""
    for _ in range(minutes):
        scene.clock.pass_(minutes=1)
        with rest(scene) as api, suppress(Signl4ApiError):
            PageProof(api, PageProofs(scene.engine, [DEFAULT]), clock=scene.clock, log=scene.log).look()


def reconciliation(scene: Scene, **span: float) -> None:
    scene.clock.pass_(**span)
    with rest(scene) as api:
        records = DriftRecords(scene.engine, [DEFAULT])
        Reconciliation(api, records, clock=scene.clock, log=scene.log, on_queued=lambda: None).look()


def verdicts(scene: Scene) -> set[str | None]:
    with scene.engine.connect() as connection:
        return set(connection.execute(select(PAGE_PROOFS.c.verdict)).scalars())


def problems(scene: Scene) -> list[str]:
    snapshot = queries.snapshot(scene.engine)
    found = health.problems(snapshot, 1000 * HOUR, 1000 * HOUR, scene.clock(), warn_after=HOUR)
    assert (
        list(
            health.problems(
                health.but_for_odd_records(snapshot), 1000 * HOUR, 1000 * HOUR, scene.clock(), warn_after=HOUR
            )
        )
        == []
    )
    return list(found)


def alarms(scene: Scene) -> set[Cause]:
    return {one for one in alarm.causes(queries.snapshot(scene.engine), LATE, scene.clock()) if isinstance(one, Cause)}


def paged(scene: Scene) -> None:
    proofs(scene, minutes=16)
    assert (verdicts(scene), problems(scene), alarms(scene)) == ({"paged"}, [], set())


def unpaged(scene: Scene) -> None:
    proofs(scene, minutes=17)
    assert verdicts(scene) == {"not paged"}
    assert len(problems(scene)) == len(told(scene))
    assert alarms(scene) == {Cause.UNPAGED}
    for incident_id in (scene.stays, scene.other):
        scene.world.resolve(incident_id)
    scene.round()
    assert (problems(scene), alarms(scene)) == ([], set())


def unknown(scene: Scene) -> None:
    proofs(scene, minutes=61)
    assert (verdicts(scene), problems(scene), alarms(scene)) == ({"unknown"}, [], set())


def closed_again(scene: Scene) -> None:
    scene.round()
    scene.drain()
    assert scene.told_so_far[scene.ended] == [NEW]
    for expected in (0, 1):
        reconciliation(scene, hours=1)
        scene.drain()
        assert len(problems(scene)) == expected
    assert len([one for one in scene.sent if one.request.kind == RESOLVED]) == 3
    scene.release()
    reconciliation(scene, hours=1)
    scene.drain()
    reconciliation(scene, hours=1)
    assert (scene.told_so_far[scene.ended], problems(scene)) == ([NEW, RESOLVED], [])


def missing(scene: Scene) -> None:
    before = scene.told_so_far
    for expected in (0, 3, 3):
        reconciliation(scene, hours=1)
        scene.drain()
        assert len(problems(scene)) == expected
    assert (scene.told_so_far, alarms(scene)) == (before, set())


def agrees(scene: Scene) -> None:
    before = scene.told_so_far
    for _ in range(3):
        reconciliation(scene, hours=1)
        scene.drain()
    assert (scene.told_so_far, problems(scene)) == (before, [])


def unmanned(scene: Scene) -> None:
    proofs(scene, minutes=1)
    for minutes, expected in ((0, 0), (59, 0), (6, 1), (6, 0)):
        scene.clock.pass_(minutes=minutes)
        if minutes and not expected and problems(scene):
            scene.sandbox.signl4.account.set_duty(scene.sandbox.signl4.account.people.all[0].name, DutyMode.PRIMARY)
        with rest(scene) as api:
            Duty(api, DutyRoster(scene.engine), [DEFAULT], clock=scene.clock, log=scene.log).look()
        assert len(problems(scene)) == expected


CHECKS: dict[Expected, Callable[[Scene], None]] = {
    Expected.PAGED: paged,
    Expected.UNPAGED: unpaged,
    Expected.UNKNOWN: unknown,
    Expected.CLOSED_AGAIN: closed_again,
    Expected.MISSING: missing,
    Expected.AGREES: agrees,
    Expected.UNMANNED: unmanned,
}


@pytest.mark.parametrize(("case", "arms"), spread(CASES))
def test_what_signl4_makes_of_it_is_known(unbegun: Scene, case: Case, arms: Mapping[str, Arm]) -> None:
    for form, arm in arms.items():
        with about(form):
            arm(unbegun)
            unbegun.begin()
            case.later(unbegun)
            CHECKS[case.expected](unbegun)
            unbegun.check_that_nothing_leaked()
