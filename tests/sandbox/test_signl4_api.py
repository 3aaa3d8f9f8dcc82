"""The client of SIGNL4's REST API over real sockets, with v3 and without it, and with each of its failures."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from daemon.clients.api_pace import ApiPace
from daemon.clients.betterstack_changes import BetterStackChanges
from daemon.clients.http import HttpClient, tls_context
from daemon.clients.signl4_api import Signl4Api
from daemon.config.settings import HttpSection
from daemon.model.delivery import Delivered, Scope, TryLater
from daemon.model.errors import KeyRefusedError, Signl4ApiError
from daemon.model.incident import Kind, Phase
from daemon.model.secret import Secret
from daemon.model.signl4 import NOBODY, AlertPhase, EventStatus, SeenAlert
from daemon.sandbox import mishaps
from daemon.sandbox.faults import Cut, Drip, Fault, Hang, Part
from daemon.sandbox.people import DutyMode, event_source_id, team_id
from daemon.sandbox.server import Sandbox
from tests.sandbox.conftest import tell
from tests.support.each import each
from tests.support.values import settings

JANE = "Jane"
PLENTY = 100_000
"""Requests that the account allows in 15 s."""


@contextmanager
def http_to(url: str, timeout: float = 5) -> Iterator[HttpClient]:
    section = HttpSection(timeout=timedelta(seconds=timeout))
    with closing(HttpClient(url, section, tls_context(section))) as http:
        yield http


@contextmanager
def client_of(sandbox: Sandbox, key: str | None = None, timeout: float = 5) -> Iterator[Signl4Api]:
    """A client that asks as often as it likes: time passes for its pace by itself."""
    ticks = iter(range(0, 10**9, 15))
    with http_to(sandbox.signl4.url, timeout) as http:
        secret = Secret(sandbox.signl4.api.key if key is None else key)
        yield Signl4Api(http, secret, ApiPace(lambda: float(next(ticks))), lambda _: False)


@pytest.fixture(params=["v3", "v2"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(teams=["web"], api_limit=PLENTY) as sandbox:
        sandbox.signl4.api.v3 = request.param == "v3"
        yield sandbox


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Signl4Api]:
    with client_of(sandbox) as api:
        yield api


def ids(alerts: tuple[SeenAlert, ...]) -> list[str]:
    return [one.external_id for one in alerts]


def test_an_alert_is_seen_from_its_beginning_to_its_end(sandbox: Sandbox, api: Signl4Api) -> None:
    event_id = tell(sandbox, "7").json()["eventId"]
    [seen] = api.alerts(None).alerts
    assert (seen.external_id, seen.event_id, seen.phase) == ("7", event_id, AlertPhase.OPEN)
    assert (seen.event_source, seen.acknowledged_by, seen.closed_by) == (event_source_id("default"), (), None)
    sandbox.signl4.account.acknowledge("7")
    [seen] = api.alerts(None).alerts
    [jane] = [one.id for one in api.members() if one.name == JANE]
    assert (seen.phase, seen.acknowledged_by) == (AlertPhase.ACKNOWLEDGED, (jane,))
    assert seen.created_at is not None
    assert seen.acknowledged_at is not None
    assert seen.created_at <= seen.acknowledged_at
    sandbox.signl4.account.close("7")
    assert api.alerts(None).alerts == ()
    [seen] = api.alerts_of("7")
    assert (seen.phase, seen.is_acknowledged, seen.closed_by) == (AlertPhase.CLOSED, True, jane)


def test_what_events_did_is_of_nobody(sandbox: Sandbox, api: Signl4Api) -> None:
    for kind in ("new", "acknowledged", "resolved"):
        tell(sandbox, "7", kind)
    [seen] = api.alerts_of("7")
    assert (seen.acknowledged_by, seen.closed_by) == ((NOBODY,), NOBODY)


def test_only_v2_knows_what_changed(sandbox: Sandbox, api: Signl4Api) -> None:
    tell(sandbox, "open")
    tell(sandbox, "closed")
    before = api.alerts(None).as_of
    sandbox.signl4.account.close("closed")
    listed = api.alerts(before - timedelta(minutes=1))
    with_closed = not sandbox.signl4.api.v3
    assert (listed.with_closed, ids(listed.alerts)) == (with_closed, ["closed", "open"] if with_closed else ["open"])
    if with_closed:
        assert api.alerts(before + timedelta(hours=1)).alerts == ()


def test_a_list_of_many_pages_is_read_to_its_end(sandbox: Sandbox, api: Signl4Api) -> None:
    for number in range(230):
        sandbox.signl4.account.take({"X-S4-ExternalID": str(number), "X-S4-Status": "new"}, "default")
    listed = api.alerts(None)
    assert (len(listed.alerts), listed.is_whole) == (230, True)
    assert ids(api.alerts_of("17")) == ["17"]


def test_a_list_that_never_ends_is_left(sandbox: Sandbox, api: Signl4Api) -> None:
    for number in range(150):
        sandbox.signl4.account.take({"X-S4-ExternalID": str(number), "X-S4-Status": "new"}, "default")
    sandbox.signl4.api_faults.arm(mishaps.repeated_token())
    listed = api.alerts(None)
    assert (len(listed.alerts) >= 100, listed.is_whole) == (True, False)


def test_a_list_that_demands_a_user_gets_one(sandbox: Sandbox, api: Signl4Api) -> None:
    sandbox.signl4.api.wants_user = True
    tell(sandbox, "7")
    assert ids(api.alerts(None).alerts) == ids(api.alerts_of("7")) == ["7"]


def test_alerts_of_two_teams_come_from_different_sources(sandbox: Sandbox, api: Signl4Api) -> None:
    for team in ("default", "web"):
        sandbox.signl4.account.take({"X-S4-ExternalID": "7", "X-S4-Status": "new"}, team)
    sources = {event_source_id(team) for team in ("default", "web")}
    assert len(sources) == 2
    assert {one.event_source for one in api.alerts_of("7")} == sources
    outcomes = [api.outcome(event.event_id) for event in sandbox.signl4.events]
    assert {one.event_source for one in outcomes if one} == sources
    assert [one.team_id for one in outcomes if one] == [team_id("default"), team_id("web")]


def test_what_became_of_an_event_is_told(sandbox: Sandbox, api: Signl4Api) -> None:
    account = sandbox.signl4.account
    account.processing_delay = None
    event_id = tell(sandbox, "7").json()["eventId"]
    assert _status(api, event_id) == EventStatus.PROCESSING
    account.process()
    outcome = api.outcome(event_id)
    assert outcome is not None
    assert (outcome.status, outcome.alert_id) == (EventStatus.RAISED, sandbox.signl4.alerts[0].alert_id)
    account.instead_of_alert = lambda _: EventStatus.SUPPRESSED
    lost = tell(sandbox, "8").json()["eventId"]
    account.process()
    assert _status(api, lost) == EventStatus.SUPPRESSED
    assert api.outcome("2516068755505199999_7647c33f-f66d-495f-aeb2-b408fba66404") is None


def _status(api: Signl4Api, event_id: str) -> int | None:
    outcome = api.outcome(event_id)
    return None if outcome is None else outcome.status


def test_members_say_where_they_are_on_duty(sandbox: Sandbox, api: Signl4Api) -> None:
    sandbox.signl4.account.set_duty("Bob", DutyMode.MANAGER, "web")
    sandbox.signl4.account.set_duty(JANE, DutyMode.OFF, "web")
    here, web = team_id("default"), team_id("web")
    members = {one.name: ([*one.on_duty], [*one.off_duty]) for one in api.members()}
    assert members == {JANE: ([here], [web]), "Bob": ([web], [here])}


def test_a_read_only_key_reads_all(sandbox: Sandbox) -> None:
    event_id = tell(sandbox, "7").json()["eventId"]
    with client_of(sandbox, sandbox.signl4.api.read_only_key) as api:
        assert (len(api.alerts(None).alerts), len(api.alerts_of("7")), len(api.members())) == (1, 1, 1)
        assert _status(api, event_id) == EventStatus.RAISED


def test_a_key_that_is_refused_is_told_apart(sandbox: Sandbox) -> None:
    with (
        client_of(sandbox, "another-key") as api,
        pytest.raises(KeyRefusedError, match=r"check signl4\.api_key$") as said,
    ):
        api.members()
    assert "another-key" not in str(said.value)


def test_a_free_plan_is_never_overrun() -> None:
    with Sandbox(api_limit=10) as sandbox, http_to(sandbox.signl4.url) as http:
        api = Signl4Api(http, Secret(sandbox.signl4.api.key), ApiPace(), None)
        for _ in range(7):
            api.members()
        with pytest.raises(Signl4ApiError, match="its rate limit"):
            api.members()
        assert len(sandbox.signl4.requests) == 1 + 7, "v3 has no users"


SLOW = 1.0
"""Seconds that an exchange with a failure may take."""
FAILURES: dict[str, Fault] = {
    "a portal": mishaps.captive_portal(),
    "nothing": mishaps.empty(),
    "half a body": mishaps.truncated(),
    "a body that breaks off": mishaps.broken_off(),
    "no object": mishaps.no_object(),
    "a huge body": mishaps.too_large(),
    "a bomb": mishaps.bomb(100),
    "too many": mishaps.too_many(),
    "too many, for a while": mishaps.too_many(60),
    "an exhausted limit": mishaps.exhausted(60),
    "a failure": mishaps.status(500),
    "a gateway's failure": mishaps.status(502, mishaps.PORTAL, Content_Type="text/html"),
    "no answer": Hang(),
    "a cut connection": Cut(),
    "a head that drips": Drip(Part.HEAD, 0.2),
    "a body that drips": Drip(Part.BODY, 0.2),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_ends_in_time_and_proves_nothing(name: str) -> None:
    with Sandbox(api_limit=PLENTY) as sandbox, client_of(sandbox, timeout=SLOW) as api:
        tell(sandbox, "7")
        fault = sandbox.signl4.api_faults.arm(FAILURES[name])
        with pytest.raises(Signl4ApiError) as said:
            api.alerts(None)
        assert type(said.value) is Signl4ApiError
        fault.release()
    assert fault.struck


class TestWritingToBetterStack:
    def send(self, sandbox: Sandbox, kind: Kind, token: str | None = None, incident_id: str | None = None) -> Any:
        given = {"token": token or sandbox.betterstack.token, "base_url": sandbox.betterstack.url}
        with http_to(sandbox.betterstack.url, SLOW) as http:
            changes = BetterStackChanges(http, settings(betterstack=given).betterstack)
            return changes.send(incident_id or self.incident_id(sandbox), kind, "Jane via SIGNL4")

    def incident_id(self, sandbox: Sandbox) -> str:
        return sandbox.world.records[-1].id if sandbox.world.records else sandbox.world.open("Shop")

    @each(
        ("kind", "key", "phase"),
        [
            (Kind.ACKNOWLEDGED, "acknowledged_by", Phase.ACKNOWLEDGED),
            (Kind.RESOLVED, "resolved_by", Phase.RESOLVED),
        ],
    )
    def test_a_change_is_made_once_and_names_who_made_it(self, kind: Kind, key: str, phase: Phase) -> None:
        with Sandbox() as sandbox:
            incident_id = sandbox.world.open("Shop")
            for _ in range(2):
                assert self.send(sandbox, kind, incident_id=incident_id).outcome == Delivered(None)
            record = sandbox.world.record(incident_id)
            assert (record.phase, record.attributes[key]) == (phase, "Jane via SIGNL4")
            assert [one.status for one in sandbox.betterstack.requests] == [200, 409]

    def test_a_token_that_may_only_read_is_the_fault_of_the_token(self) -> None:
        with Sandbox() as sandbox:
            incident_id = sandbox.world.open("Shop")
            answer = self.send(sandbox, Kind.ACKNOWLEDGED, sandbox.betterstack.read_only_token, incident_id)
            assert (answer.outcome.scope, sandbox.world.record(incident_id).phase) == (Scope.SECRET, Phase.OPEN)

    @each("fault", [mishaps.status(500), mishaps.captive_portal(), Cut(), Cut(taken=True), mishaps.truncated(), Hang()])
    def test_a_failure_is_for_later(self, fault: Fault) -> None:
        with Sandbox() as sandbox:
            incident_id = sandbox.world.open("Shop")
            armed = sandbox.betterstack.faults.arm(fault, times=1, when=mishaps.writes)
            answer = self.send(sandbox, Kind.ACKNOWLEDGED, incident_id=incident_id)
            assert isinstance(answer.outcome, TryLater)
            assert answer.outcome.scope is Scope.ROW
            armed.release()
            assert self.send(sandbox, Kind.ACKNOWLEDGED, incident_id=incident_id).outcome == Delivered(None)
