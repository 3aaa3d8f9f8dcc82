"""The monitors and heartbeats of the sandbox: what happens to them, what its API shows, and what the client reads."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest

from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient, tls_context
from daemon.clients.monitors import Monitors
from daemon.config.settings import HttpSection
from daemon.host.clock import TheirClock, utc_now
from daemon.model.errors import BetterStackError
from daemon.model.incident import Absence
from daemon.model.monitor import Monitor, MonitorKind
from daemon.sandbox import lag, mishaps
from daemon.sandbox.context import Context
from daemon.sandbox.faults import Fault
from daemon.sandbox.monitor_record import AUTH_PASSWORD, HEARTBEAT_TOKEN
from daemon.sandbox.monitors import MonitorStateError, NoSuchMonitorError
from daemon.sandbox.server import Sandbox
from daemon.sandbox.world import World
from tests.sandbox.conftest import client_of
from tests.support.clock import Clock
from tests.support.each import each
from tests.support.values import settings

MONITOR, HEARTBEAT = MonitorKind
LIST, HEARTBEATS = "/api/v2/monitors", "/api/v2/heartbeats"
SHOP, BACKUP = "2345678", "77"
MISSING = {"errors": "Resource with provided ID was not found"}


@pytest.fixture
def world(clock: Clock) -> World:
    return World(Context(now=clock))


def shown(client: httpx.Client, target: str) -> dict[str, Any]:
    answer = client.get(target)
    assert answer.status_code == 200, answer.text
    attributes: dict[str, Any] = answer.json()["data"]["attributes"]
    return attributes


# -- what happens to them ---------------------------------------------------------------------------------------------


def test_a_monitor_is_added_paused_let_go_on_changed_and_deleted(world: World, clock: Clock) -> None:
    monitors = world.monitors
    monitor_id = monitors.add("Shop", check_frequency=30)

    def state() -> tuple[object, ...]:
        attributes = monitors.record(monitor_id).attributes
        return tuple(attributes[key] for key in ("status", "paused_at", "updated_at", "check_frequency"))

    began, later = "2026-11-23T09:30:00.000Z", "2026-11-23T09:30:01.000Z"
    assert state() == ("up", None, began, 30)
    clock.pass_(seconds=1)
    monitors.pause(monitor_id)
    assert state() == ("paused", later, later, 30)
    monitors.unpause(monitor_id, "pending")
    assert state() == ("pending", None, "2026-11-23T09:30:01.001Z", 30)
    monitors.set_status(monitor_id, "maintenance")
    assert state() == ("maintenance", None, "2026-11-23T09:30:01.001Z", 30)
    monitors.update(monitor_id, check_frequency=60)
    assert state() == ("maintenance", None, "2026-11-23T09:30:01.003Z", 60)
    monitors.delete(monitor_id)
    with pytest.raises(NoSuchMonitorError, match="not found"):
        monitors.record(monitor_id)
    assert monitors.add("Shop") == str(int(monitor_id) + 1)
    acts = [(one.monitor_id, one.act, one.status) for one in monitors.changes]
    assert [act[1:] for act in acts if act[0] == monitor_id] == [
        ("added", "up"),
        ("paused", "paused"),
        ("unpaused", "pending"),
        ("restated", "maintenance"),
        ("updated", "maintenance"),
        ("deleted", "maintenance"),
    ]


def test_what_its_state_does_not_allow_is_refused(world: World) -> None:
    with pytest.raises(MonitorStateError, match="The heartbeat is not paused"):
        world.monitors.unpause(BACKUP)
    world.monitors.pause(BACKUP)
    for change in (world.monitors.pause, lambda one: world.monitors.set_status(one, "up")):
        with pytest.raises(MonitorStateError, match="The heartbeat is paused"):
            change(BACKUP)


def test_each_change_wakes_whoever_waits(sandbox: Sandbox) -> None:
    sandbox.world.monitors.pause(SHOP)
    found = sandbox.wait_for(lambda: [one.act for one in sandbox.world.monitors.changes])
    assert found == ["paused"]


def test_monitors_of_another_start_have_other_ids() -> None:
    first, other = World(Context()), World(Context(), first_id=1030000101)
    assert int(other.monitors.add("Shop")) - int(first.monitors.add("Shop")) == 100


# -- incidents name them ----------------------------------------------------------------------------------------------


def test_an_incident_names_a_monitor_that_is_listed(sandbox: Sandbox, client: httpx.Client) -> None:
    mine = sandbox.world.monitors.add("API")
    beat = sandbox.world.monitors.add("Nightly", HEARTBEAT)
    opened = [
        (sandbox.world.open("Shop"), MONITOR, SHOP),
        (sandbox.world.open("Backup", url=None), HEARTBEAT, BACKUP),
        (sandbox.world.open("API", source_id=mine), MONITOR, mine),
        (sandbox.world.open("Nightly", source_id=beat), HEARTBEAT, beat),
    ]
    for incident_id, kind, monitor_id in opened:
        document = client.get(f"/api/v3/incidents/{incident_id}").json()
        assert document["data"]["relationships"] == {kind: {"data": {"id": monitor_id, "type": kind}}}
        [source] = document["included"]
        assert source["id"] == monitor_id
        assert monitor_id in [one["id"] for one in client.get(f"/api/v2/{kind}s").json()["data"]]
        [found] = client.get(f"/api/v3/incidents?{kind}_id={monitor_id}").json()["data"]
        assert found["id"] == incident_id


def test_without_a_monitor_an_incident_names_none(sandbox: Sandbox, client: httpx.Client) -> None:
    before = sandbox.world.open("Shop")
    sandbox.world.monitors.delete(SHOP)
    after = sandbox.world.open("Shop")
    documents = [client.get(f"/api/v3/incidents/{one}").json() for one in (before, after)]
    assert [one["data"]["relationships"] for one in documents] == [
        {"monitor": {"data": {"id": SHOP, "type": "monitor"}}},
        {},
    ]
    assert [one["included"] for one in documents] == [[], []]
    with pytest.raises(NoSuchMonitorError):
        sandbox.world.open("Shop", source_id=SHOP)
    assert sandbox.world.monitors.add("Shop") == sandbox.world.record(sandbox.world.open("Shop")).source[1]


# -- what the API shows -----------------------------------------------------------------------------------------------


def test_records_have_the_documented_attributes(client: httpx.Client) -> None:
    monitor, heartbeat = shown(client, f"{LIST}/{SHOP}"), shown(client, f"{HEARTBEATS}/{BACKUP}")
    both = {"url", "team_name", "status", "paused_at", "created_at", "updated_at", "maintenance_timezone"}
    assert both | {"pronounceable_name", "last_checked_at", "auth_password", "request_headers"} <= monitor.keys()
    assert both | {"name", "period", "grace"} <= heartbeat.keys()
    assert (monitor["pronounceable_name"], heartbeat["name"]) == ("Shop front page", "Nightly backup")
    assert "last_checked_at" not in heartbeat
    [listed] = client.get(LIST).json()["data"]
    assert (listed["id"], listed["type"], listed["attributes"].keys()) == (SHOP, "monitor", monitor.keys())


def test_a_monitor_is_checked_unless_it_is_paused_or_waits(clock: Clock) -> None:
    with Sandbox(context=Context(now=clock)) as sandbox, client_of(sandbox) as client:
        for word in ("pending", "maintenance", "down"):
            sandbox.world.monitors.set_status(SHOP, word)
            checked = shown(client, f"{LIST}/{SHOP}")["last_checked_at"]
            assert checked == ("2026-11-23T09:30:00.000Z" if word == "down" else None)


def test_a_page_holds_fifty_or_up_to_250(sandbox: Sandbox, client: httpx.Client) -> None:
    for number in range(259):
        sandbox.world.monitors.add(f"{number}")
    for query, count in (("", 50), ("per_page=1000", 250), ("per_page=250&page=2", 10)):
        document = client.get(f"{LIST}?{query}").json()
        assert len(document["data"]) == count
        assert bool(document["pagination"]["next"]) is (count != 10)
    assert document["pagination"]["prev"] == f"https://incidents.betterstack.com{LIST}?page=1"
    assert client.get(f"{LIST}?page=0").status_code == 422


@each("path", [f"{LIST}/42", f"{HEARTBEATS}/42", f"{LIST}/{BACKUP}", f"{HEARTBEATS}/{SHOP}"])
def test_what_is_not_there_is_said_in_the_usual_words(path: str) -> None:
    with Sandbox() as sandbox, client_of(sandbox) as client:
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (404, MISSING)


def test_they_need_the_token_and_can_be_read_only(sandbox: Sandbox, client: httpx.Client) -> None:
    assert httpx.get(f"{sandbox.betterstack.url}{LIST}", verify=False).status_code == 401
    assert client.post(LIST, json={}).status_code == 404
    assert client.delete(f"{LIST}/{SHOP}").status_code == 404


# -- what the client reads --------------------------------------------------------------------------------------------


@pytest.fixture
def reader(sandbox: Sandbox) -> Iterator[Monitors]:
    with closing(http_of()) as http:
        yield reader_of(sandbox, http)


def http_of() -> HttpClient:
    section = HttpSection(timeout=timedelta(seconds=5))
    return HttpClient("http://127.0.0.1", section, tls_context(section))


def reader_of(sandbox: Sandbox, http: HttpClient, **betterstack: Any) -> Monitors:
    whole = {"token": sandbox.betterstack.token, "base_url": sandbox.betterstack.url, **betterstack}
    section = settings(betterstack=whole).betterstack
    return Monitors(BetterStack(http, section, lambda _: False, lambda _: None, TheirClock(utc_now)))


def names(reader: Monitors, kind: MonitorKind = MONITOR) -> list[str]:
    return [one.name for one in reader.listed(kind).monitors]


def test_a_list_of_many_pages_is_read_to_its_end(sandbox: Sandbox, reader: Monitors) -> None:
    added = [sandbox.world.monitors.add(f"job {number}", HEARTBEAT) for number in range(620)]
    found = reader.listed(HEARTBEAT)
    assert [one.id for one in found.monitors] == [BACKUP, *added]
    assert found.unreadable == 0
    assert [one.query for one in sandbox.betterstack.requests] == [
        {"per_page": "250", "page": str(number)} for number in (1, 2, 3)
    ]


def test_what_happens_to_a_monitor_is_seen(sandbox: Sandbox, reader: Monitors) -> None:
    def seen() -> Monitor:
        found = reader.lookup(MONITOR, SHOP)
        assert isinstance(found, Monitor)
        assert found == reader.listed(MONITOR).monitors[0]
        return found

    monitors, first = sandbox.world.monitors, seen()
    assert (first.name, first.url, first.status) == ("Shop front page", "https://shop.example.com/", "up")
    for word in ("maintenance", "pending", "down"):
        monitors.set_status(SHOP, word)
        assert (seen().status, seen().updated_at) == (word, first.updated_at)
    monitors.pause(SHOP)
    assert seen().status == "paused"
    assert seen().paused_at == seen().updated_at
    monitors.unpause(SHOP)
    assert (seen().status, seen().paused_at, seen().configuration) == ("up", None, first.configuration)
    monitors.update(SHOP, auth_password="another")
    changed = seen().configuration
    assert [key for key in changed if changed[key] != first.configuration[key]] == ["auth_password"]
    monitors.delete(SHOP)
    assert (names(reader), reader.lookup(MONITOR, SHOP)) == ([], Absence.NO_SUCH_RECORD)
    assert reader.lookup(HEARTBEAT, SHOP) is Absence.NO_SUCH_RECORD


@pytest.mark.parametrize("kind", MonitorKind)
def test_nothing_secret_is_read(reader: Monitors, kind: MonitorKind) -> None:
    said = repr(reader.listed(kind))
    assert AUTH_PASSWORD not in said
    assert HEARTBEAT_TOKEN not in said


@pytest.mark.parametrize("are_filtered", [True, False])
def test_the_monitors_of_one_team_are_read_whether_or_not_better_stack_filters(
    sandbox: Sandbox, are_filtered: bool
) -> None:
    sandbox.world.monitors.are_filtered = are_filtered
    sandbox.world.monitors.add("DB", team_name="Databases")
    with closing(http_of()) as http:
        assert names(reader_of(sandbox, http, team_name="Databases")) == ["DB"]
        assert names(reader_of(sandbox, http)) == ["Shop front page", "DB"]
    assert [one.query.get("team_name") for one in sandbox.betterstack.requests] == ["Databases", None]


# -- faults and lags --------------------------------------------------------------------------------------------------

ENDS: dict[str, tuple[Fault, list[str] | None]] = {
    "endless": (mishaps.endless(mishaps.monitor_lists), None),
    "slid up": (mishaps.slid_up(mishaps.monitor_lists), [str(number) for number in range(259) if number != 249]),
    "slid down": (mishaps.slid_down(mishaps.monitor_lists), [str(number) for number in range(259)]),
    "without pagination": (mishaps.without("pagination"), [str(number) for number in range(259)]),
    "truncated": (mishaps.truncated(), None),
    "status": (mishaps.status(503), None),
}


@pytest.mark.parametrize(("fault", "expected"), ENDS.values(), ids=ENDS)
def test_faults_of_lists_hit_these_too(
    sandbox: Sandbox, reader: Monitors, fault: Fault, expected: list[str] | None
) -> None:
    for number in range(259):
        sandbox.world.monitors.add(str(number))
    sandbox.betterstack.faults.arm(fault, when=mishaps.monitor_lists)
    if expected is None:
        with pytest.raises(BetterStackError):
            reader.listed(MONITOR)
    else:
        assert names(reader) == ["Shop front page", *expected]


def test_records_can_be_hidden_spoiled_and_added(sandbox: Sandbox, reader: Monitors) -> None:
    of, faults = mishaps.monitor_lists, sandbox.betterstack.faults
    api = sandbox.world.monitors.add("API")
    faults.arm(mishaps.hiding(SHOP, of=of), times=1)
    faults.arm(mishaps.nulls(api, "pronounceable_name", "url", of=of), times=1)
    faults.arm(mishaps.with_record({"id": "8"}, of=of), times=1)
    faults.arm(mishaps.with_record({"id": "8"}, None, 7, of=of), times=1)
    assert [names(reader), names(reader)] == [["API"], ["Shop front page", ""]]
    assert reader.listed(MONITOR).unreadable == 1
    with pytest.raises(BetterStackError, match="its format has changed"):
        reader.listed(MONITOR)


def test_faults_of_lists_of_incidents_leave_these_alone_and_the_other_way_round(
    sandbox: Sandbox, client: httpx.Client, reader: Monitors
) -> None:
    sandbox.world.open("Shop")
    faults = sandbox.betterstack.faults
    for fault in (mishaps.endless(), mishaps.with_record({"id": "8"}), mishaps.slid_down(), mishaps.hiding(SHOP)):
        armed = faults.arm(fault)
        assert (names(reader), reader.listed(MONITOR).unreadable) == (["Shop front page"], 0)
        armed.release()
    faults.arm(mishaps.status(500), when=mishaps.lists)
    faults.arm(mishaps.status(500), when=mishaps.lookups)
    assert names(reader) == ["Shop front page"]
    assert isinstance(reader.lookup(MONITOR, SHOP), Monitor)
    faults.clear()
    faults.arm(mishaps.status(502), when=mishaps.monitor_lists)
    faults.arm(mishaps.status(503), when=mishaps.monitor_lookups)
    targets = ("/api/v3/incidents", LIST, HEARTBEATS, f"{LIST}/{SHOP}", f"{HEARTBEATS}/{BACKUP}")
    assert [client.get(target).status_code for target in targets] == [200, 502, 502, 503, 503]


def test_they_lag_apart_from_incidents(clock: Clock) -> None:
    with Sandbox(context=Context(now=clock)) as sandbox, client_of(sandbox) as client:
        monitors = sandbox.world.monitors
        clock.pass_(seconds=3)
        monitors.pause(SHOP)
        added = monitors.add("API")
        monitors.delete(BACKUP)
        clock.pass_(seconds=1)

        def seen() -> tuple[object, ...]:
            lists = [[one["id"] for one in client.get(path).json()["data"]] for path in (LIST, HEARTBEATS)]
            return shown(client, f"{LIST}/{SHOP}")["status"], *lists, client.get(f"{HEARTBEATS}/{BACKUP}").status_code

        now: tuple[object, ...] = ("paused", [SHOP, added], [], 404)
        then: tuple[object, ...] = ("up", [SHOP], [BACKUP], 200)
        late = timedelta(seconds=2)
        for age, expected in (
            (lag.no_lag, now),
            (lag.apart(open_list=late, sweep=late, lookups=late), now),
            (lag.apart(monitors=late), then),
        ):
            sandbox.betterstack.age = age
            assert seen() == expected
