"""What becomes of an event, and what people do in SIGNL4, as the REST API shows it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from daemon.model.signl4 import NOBODY, EventStatus
from daemon.sandbox.context import Context
from daemon.sandbox.history import AlertState
from daemon.sandbox.people import DutyMode, Person, team_id
from daemon.sandbox.server import Sandbox
from daemon.sandbox.signl4_account import AgainstLifeCycleError, NoSuchAlertError
from tests.sandbox.conftest import tell
from tests.sandbox.rest import Rest
from tests.support.each import each

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
JANE = Person("Jane")


def became(sandbox: Sandbox, event_id: str) -> dict[str, Any]:
    """The overview of an event."""
    document: dict[str, Any] = Rest(sandbox).get(f"/api/v2/events/{event_id}/overview").json()
    assert document["id"] == event_id
    return document


@each(
    ("told", "status", "acknowledged", "closed"),
    [
        (["new"], 2, 0, 0),
        (["new", "acknowledged"], 6, 1, 0),
        (["new", "new", "resolved"], 4, 0, 2),
        (["resolved"], 4, 0, 0),
        (["new", "resolved", "acknowledged"], 6, 0, 0),
        (["new", "something"], 5, 0, 0),
    ],
)
def test_an_overview_says_what_the_event_did(told: list[str], status: int, acknowledged: int, closed: int) -> None:
    with Sandbox() as sandbox:
        last = [tell(sandbox, "7", one).json()["eventId"] for one in told][-1]
        document = became(sandbox, last)
        whole = Rest(sandbox).get(f"/api/v2/events/{last}").json()
        alerts = [alert.alert_id for alert in sandbox.signl4.alerts]
    assert document["eventStatus"] == status
    assert (len(document["acknowledgedAlerts"]), len(document["closedAlerts"])) == (acknowledged, closed)
    assert document["alertId"] == (alerts[-1] if status == 2 else None)
    assert {*document["acknowledgedAlerts"], *document["closedAlerts"]} <= {*alerts}
    assert (document.items() <= whole.items(), whole["externalId"], len(whole["targets"])) == (True, "7", 1)


@each("status", [one for one in EventStatus if one not in {EventStatus.RAISED, EventStatus.PROCESSING}])
def test_a_new_event_can_end_without_an_alert(status: EventStatus) -> None:
    with Sandbox() as sandbox:
        sandbox.signl4.account.instead_of_alert = lambda event: status if event.external_id == "7" else None
        document = became(sandbox, tell(sandbox, "7").json()["eventId"])
        tell(sandbox, "8")
        assert (document["eventStatus"], document["alertId"]) == (int(status), None)
        assert Rest(sandbox).ids("v3") == ["8"]


def test_an_event_that_was_never_taken_is_a_404(sandbox: Sandbox) -> None:
    for path in ("events/1/overview", "events/1"):
        assert Rest(sandbox).get(f"/api/v2/{path}").status_code == 404


def test_an_event_acts_when_its_delay_is_over_by_the_clock() -> None:
    now = NOON
    with Sandbox(context=Context(now=lambda: now)) as sandbox:
        sandbox.signl4.account.processing_delay = timedelta(seconds=3)
        event_id = tell(sandbox, "7").json()["eventId"]
        now = NOON + timedelta(seconds=1)
        tell(sandbox, "7", "resolved")
        assert became(sandbox, event_id)["eventStatus"] == 1
        assert Rest(sandbox).page("v2").status_code == 204
        with pytest.raises(NoSuchAlertError):
            sandbox.signl4.account.acknowledge("7")
        now = NOON + timedelta(seconds=3)
        document = became(sandbox, event_id)
        assert (document["eventStatus"], document["creationTime"]) == (2, "2026-11-23T12:00:00.000Z")
        assert document["lastModified"] == "2026-11-23T12:00:03.000Z"
        assert [alert.state for alert in sandbox.signl4.alerts] == [AlertState.OPEN]
        now = NOON + timedelta(seconds=4)
        assert [alert.state for alert in sandbox.signl4.alerts] == [AlertState.CLOSED]


def test_without_a_clock_events_wait_until_they_are_processed(sandbox: Sandbox) -> None:
    sandbox.signl4.account.processing_delay = None
    event_id = tell(sandbox, "7").json()["eventId"]
    assert (became(sandbox, event_id)["eventStatus"], sandbox.signl4.alerts) == (1, ())
    sandbox.signl4.account.process()
    assert became(sandbox, event_id)["eventStatus"] == 2


@each(
    ("acts", "code", "acknowledged", "closed"),
    [
        (["ack"], 2, [JANE.user_id], None),
        (["ack", "close"], 4, [JANE.user_id], JANE.user_id),
        (["close"], 4, [], JANE.user_id),
        (["acknowledged"], 2, [NOBODY], None),
        (["ack", "resolved"], 4, [JANE.user_id], NOBODY),
        (["ack", "acknowledged"], 2, [JANE.user_id], None),
        (["acknowledged", "close", "resolved"], 4, [NOBODY], JANE.user_id),
    ],
)
def test_the_history_of_an_alert_tells_people_from_events(
    acts: list[str], code: int, acknowledged: list[str], closed: str | None
) -> None:
    with Sandbox() as sandbox:
        account = sandbox.signl4.account
        people = {"ack": account.acknowledge, "close": account.close}
        for act in ("new", *acts):
            do = people.get(act) or partial(tell, sandbox, status=act)
            do("7")
        [alert] = Rest(sandbox).page("v3").json()["results"]
        assert [change.by for change in account.changes] == ["Jane"] * sum(act in people for act in acts)
    assert alert["status"] == {"statusCode": code}
    assert (alert["history"]["acknowledgements"], alert["history"]["closedBy"]) == (acknowledged, closed)
    assert (alert["history"]["closedAt"] is None) == (closed is None)


def test_who_did_what_an_event_did_may_not_be_shown(sandbox: Sandbox) -> None:
    sandbox.signl4.account.system_user = None
    for status in ("new", "acknowledged", "resolved"):
        tell(sandbox, "7", status)
    [alert] = Rest(sandbox).page("v2").json()["results"]
    assert (alert["history"]["acknowledgements"], alert["history"]["closedBy"]) == ([], None)
    assert alert["history"]["acknowledgedAt"] is not None


def test_a_person_changes_all_alerts_of_the_id_that_allow_it(sandbox: Sandbox) -> None:
    account = sandbox.signl4.account
    for status in ("new", "resolved", "new", "new"):
        tell(sandbox, "7", status)
    account.acknowledge("7", "Jo")
    assert [str(alert.state) for alert in account.alerts] == ["closed", "acknowledged", "acknowledged"]
    with pytest.raises(AgainstLifeCycleError):
        account.acknowledge("7")
    with pytest.raises(NoSuchAlertError):
        account.close("8")


@each(
    ("told", "verb", "uid", "status"),
    [
        (["new"], "acknowledge", JANE.user_id, 200),
        (["new", "acknowledged"], "acknowledge", JANE.user_id, 409),
        (["new", "resolved"], "acknowledge", JANE.user_id, 409),
        (["new"], "close", JANE.user_id, 409),
        (["new", "acknowledged"], "close", JANE.user_id, 200),
        (["new", "resolved"], "close", JANE.user_id, 409),
        (["new"], "acknowledge", "nobody", 400),
        (["new"], "acknowledge", None, 400),
    ],
)
def test_the_api_changes_an_alert_if_its_life_cycle_allows_it(
    told: list[str], verb: str, uid: str | None, status: int
) -> None:
    for place in ("v2/alerts", "v3/signls"):
        with Sandbox() as sandbox:
            for one in told:
                tell(sandbox, "7", one)
            [before] = sandbox.signl4.alerts
            answer = Rest(sandbox).post(f"/api/{place}/{before.alert_id}/{verb}", {"uid": uid, "descr": "seen"})
            assert answer.status_code == status
            assert (sandbox.signl4.alerts != (before,)) == (status == 200)
            assert Rest(sandbox).post(f"/api/{place}/1/{verb}", {"uid": JANE.user_id}).status_code == 404


def test_an_alert_is_annotated(sandbox: Sandbox) -> None:
    tell(sandbox, "7")
    path = f"/api/v2/alerts/{sandbox.signl4.alerts[0].alert_id}/annotate"
    body = {"userId": JANE.user_id, "type": 1, "text": "acknowledged in Better Stack by Jo"}
    assert Rest(sandbox).post(path, body).status_code == 200
    assert Rest(sandbox).post(path, {**body, "text": ""}).status_code == 400
    assert sandbox.signl4.alerts[0].annotations == ("acknowledged in Better Stack by Jo",)


def test_users_say_who_is_on_duty_in_which_team() -> None:
    with Sandbox(context=Context(now=lambda: NOON), teams=["night"]) as sandbox:
        sandbox.signl4.account.set_duty("Jane", DutyMode.OFF)
        sandbox.signl4.account.set_duty("Jo Doe", DutyMode.MANAGER, "night")
        jane, jo = Rest(sandbox).get("/api/v2/users").json()
        teams = Rest(sandbox).get("/api/v2/teams").json()
    assert teams == [{"id": team_id(name), "name": name} for name in ("default", "night")]
    assert (jane["id"], jane["name"], jo["mail"]) == (JANE.user_id, "Jane", "jo.doe@example.com")
    assert [one["teamId"] for one in jane["dutyInfos"]] == [team["id"] for team in teams]
    assert [one["dutyMode"] for person in (jane, jo) for one in person["dutyInfos"]] == [0, 1, 0, 100]
    assert jane["dutyInfos"][0]["lastChange"] == "2026-11-23T12:00:00.000Z"


@each(
    ("asked", "users", "errors"),
    [([team_id("default")], 1, 0), ([team_id("default"), "none"], 1, 1), (["none"], 0, 1), ([], 0, 0)],
)
def test_the_users_of_teams_come_as_207_with_their_errors(asked: list[str], users: int, errors: int) -> None:
    with Sandbox() as sandbox:
        query = "&".join(f"teamId={one}" for one in asked)
        answer = Rest(sandbox).get(f"/api/v3/teams/users?{query}")
    assert answer.status_code == 207
    assert (len(answer.json()["data"]), len(answer.json()["errors"])) == (users, errors)
