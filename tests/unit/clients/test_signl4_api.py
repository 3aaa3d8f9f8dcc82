"""SIGNL4's REST API as its client sees it: every answer, both versions, and lists that do not end."""

import json
import re
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import respx

from daemon.clients.api_pace import ApiPace
from daemon.clients.http import HttpClient
from daemon.clients.signl4_api import FEW_PAGES, MOST_PAGES, PER_PAGE, Signl4Api
from daemon.config.settings import HttpSection
from daemon.model.errors import KeyRefusedError, Signl4ApiError, StoppedError
from daemon.model.secret import Secret
from daemon.model.signl4 import AlertPhase, EventOutcome, EventStatus, Member
from tests.support.betterstack_client import Monotonic
from tests.support.each import each

HOST = "https://connect.signl4.com"
KEY = "a-key-of-signl4"
V2_LIST, V3_LIST = "/api/v2/alerts/paged", "/api/v3/signls/paged"
SINCE = datetime(2026, 11, 23, 9, 0, 0, 123456, UTC)
EVENT = "2516068755505199999_7647c33f"
JANE = {"id": "f0bd5063", "name": "Jane Doe", "dutyInfos": [{"teamId": "t1", "dutyMode": 1}]}
NO_EVENT = {"code": 1000, "message": "Error", "details": f"no such event, says {KEY}", "requestId": "1"}

Call = Callable[[Signl4Api], Any]
CALLS: dict[str, tuple[Call, tuple[str, str], Any]] = {
    "alerts": (lambda api: api.alerts(None).alerts, (V3_LIST, V2_LIST), {"results": []}),
    "alerts since": (lambda api: api.alerts(SINCE).alerts, (V3_LIST, V2_LIST), {"results": []}),
    "alerts of": (lambda api: api.alerts_of("7"), (V3_LIST, V2_LIST), {"results": []}),
    "members": (lambda api: api.members(), ("/api/v3/users", "/api/v2/users"), []),
    "outcome": (
        lambda api: api.outcome(EVENT),
        (f"/api/v3/events/{EVENT}/overview", f"/api/v2/events/{EVENT}/overview"),
        {"eventStatus": 2},
    ),
}
"""Each call, its paths in v3 and v2, and a body that is well."""
every_call = each(("ask", "paths", "well"), CALLS.values(), ids=CALLS)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=HOST, assert_all_called=False) as router:
        yield router


def client(clock: Monotonic | None = None, *, stopping: bool = False, waits: bool = True) -> Signl4Api:
    """A client whose waits move the clock."""
    clock = clock or Monotonic()

    def wait(seconds: float) -> bool:
        clock.now += seconds
        return stopping

    http = HttpClient(HOST, HttpSection(timeout=timedelta(minutes=2)), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return Signl4Api(http, Secret(KEY), ApiPace(clock.monotonic), wait if waits else None)


def alert(number: int = 1, external_id: str = "7", status: int = 1, modified: datetime | None = None) -> dict[str, Any]:
    shown = {"lastModified": modified.isoformat()} if modified else {}
    return {"id": f"alert {number}", "externalId": external_id, "status": {"statusCode": status}, **shown}


def page(*alerts: dict[str, Any], token: object = None) -> httpx.Response:
    body = {"results": list(alerts), "hasMore": token is not None, "continuationToken": token}
    return httpx.Response(200, json=body)


def row_token(row: str) -> dict[str, str | None]:
    return {"nextPartitionKey": "alerts", "nextRowKey": row, "nextTableName": None}


def sent(router: respx.MockRouter) -> list[tuple[str, Any]]:
    """The path and the body of each request."""
    requests = [call.request for call in router.calls]
    return [(one.url.path, json.loads(one.content) if one.content else None) for one in requests]


def refused(api: Signl4Api, ask: Call, kind: type[Signl4ApiError] = Signl4ApiError) -> Signl4ApiError:
    with pytest.raises(Signl4ApiError) as caught:
        ask(api)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)
    return caught.value


class TestVersions:
    @every_call
    def test_v3_is_asked_first_and_v2_only_where_v3_has_no_such_route(
        self, ask: Call, paths: tuple[str, str], well: Any
    ) -> None:
        v3, v2 = paths
        with respx.mock(base_url=HOST, assert_all_called=False) as router:
            router.route(path=v3).respond(200, json=well)
            ask(client())
            assert [path for path, _ in sent(router)] == [v3]
        with respx.mock(base_url=HOST) as router:
            router.route(path=v3).respond(404)
            router.route(path=v2).respond(200, json=well)
            api = client()
            ask(api)
            ask(api)
            assert [path for path, _ in sent(router)] == [v3, v2, v2], "what v3 lacks is remembered"

    @every_call
    def test_v3_is_asked_again_once_v2_has_ended(self, ask: Call, paths: tuple[str, str], well: Any) -> None:
        v3, v2 = paths
        with respx.mock(base_url=HOST) as router:
            first = router.route(path=v3).respond(404)
            second = router.route(path=v2).respond(200, json=well)
            api = client()
            ask(api)
            first.respond(200, json=well)
            second.respond(404)
            assert "no such route" in str(refused(api, ask))
            ask(api)
            assert [path for path, _ in sent(router)] == [v3, v2, v2, v3]

    def test_each_route_is_remembered_for_itself(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).respond(200, json={"results": []})
        router.get("/api/v3/users").respond(404)
        router.get("/api/v2/users").respond(200, json=[JANE])
        api = client()
        api.members()
        api.alerts(None)
        api.members()
        assert [path for path, _ in sent(router)][-2:] == [V3_LIST, "/api/v2/users"]


class TestRequests:
    @every_call
    def test_hold_the_key_in_its_header_alone(self, ask: Call, paths: tuple[str, str], well: Any) -> None:
        with respx.mock(base_url=HOST) as router:
            router.route(path=paths[0]).respond(200, json=well)
            ask(client())
            [call] = router.calls
        assert call.request.headers["x-s4-api-key"] == KEY
        assert KEY not in str(call.request.url)
        assert KEY.encode() not in call.request.content

    def test_ask_v2_for_what_changed_and_v3_for_what_is_not_closed(self, router: respx.MockRouter) -> None:
        v3 = router.post(V3_LIST).respond(404)
        router.post(V2_LIST).respond(204)
        listed = client().alerts(SINCE)
        assert (listed.alerts, listed.with_closed, listed.is_whole) == ((), True, True)
        assert sent(router)[0] == (V3_LIST, {"signlStatusCodes": 3})
        hidden = {"showPersonalHiddenCategories": True}
        assert sent(router)[1] == (V2_LIST, {**hidden, "modifiedSince": "2026-11-23T09:00:00.123+00:00"})
        assert router.calls.last.request.url.params["maxResults"] == str(PER_PAGE)
        assert client().alerts(None).with_closed is False
        assert sent(router)[-1] == (V2_LIST, {**hidden, "alertStatusCodes": 3})
        v3.respond(200, json={"results": [alert()]})
        listed = client().alerts(SINCE)
        assert (len(listed.alerts), listed.with_closed) == (1, False)

    def test_spell_an_event_as_one_part_of_a_path(self, router: respx.MockRouter) -> None:
        router.route().respond(200, json={"eventStatus": 2})
        client().outcome("a/b?c")
        assert router.calls.last.request.url.raw_path == b"/api/v3/events/a%2Fb%3Fc/overview"

    def test_ask_v2_for_alerts_of_an_external_id_in_any_phase(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).respond(404)
        router.post(V2_LIST).mock(return_value=page(alert(1, "7", 4), alert(2, "8"), alert(3, "7")))
        assert [one.phase for one in client().alerts_of("7")] == [AlertPhase.CLOSED, AlertPhase.OPEN]
        bodies = [body for _, body in sent(router)]
        assert bodies[0] == {"externalId": "7", "signlStatusCodes": 7}
        assert bodies[1] == {"showPersonalHiddenCategories": True, "externalId": "7", "alertStatusCodes": 0}


class TestUserId:
    def test_goes_to_the_list_of_v2_alone_once_it_is_known(self, router: respx.MockRouter) -> None:
        router.get("/api/v3/users").respond(200, json=[JANE, {"id": "other"}])
        router.post(V3_LIST).respond(404)
        router.post(V2_LIST).respond(204)
        api = client()
        api.alerts(None)
        assert "userId" not in router.calls.last.request.url.params
        api.members()
        api.alerts(None)
        assert router.calls.last.request.url.params["userId"] == "f0bd5063"
        router.post(V3_LIST).respond(200, json={"results": []})
        fresh = client()
        fresh.members()
        fresh.alerts(None)
        assert "userId" not in router.calls.last.request.url.params

    def test_is_looked_up_where_v2_wants_it(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).respond(404)
        router.post(V2_LIST, params__contains={"userId": "f0bd5063"}).respond(204)
        router.post(V2_LIST).respond(400, json=NO_EVENT)
        router.get("/api/v3/users").respond(200, json=[JANE])
        assert client().alerts(None).alerts == ()
        assert len(router.calls) == 4

    def test_that_another_thread_has_found_meanwhile_is_used(self, router: respx.MockRouter) -> None:
        api = client()

        def too_late(_: httpx.Request) -> httpx.Response:
            api.members()
            return httpx.Response(400, json=NO_EVENT)

        router.post(V3_LIST).respond(404)
        router.post(V2_LIST, params__contains={"userId": "f0bd5063"}).respond(204)
        router.post(V2_LIST).mock(side_effect=too_late)
        router.get("/api/v3/users").respond(200, json=[JANE])
        assert api.alerts(None).alerts == ()

    def test_is_not_looked_up_for_ever_where_that_does_not_help(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).respond(404)
        router.post(V2_LIST).respond(400, json=NO_EVENT)
        router.get("/api/v3/users").respond(200, json=[JANE])
        api = client()
        assert "answered HTTP 400" in str(refused(api, lambda api: api.alerts(None)))
        assert len(router.calls) == 4
        refused(api, lambda api: api.alerts(None))
        assert len(router.calls) == 4 + 3


def portal(status: int = 200) -> httpx.Response:
    return httpx.Response(status, html=f"<html>Welcome {KEY}</html>")


UNUSABLE: dict[str, tuple[httpx.Response | Exception, type[Signl4ApiError], str]] = {
    "a page for people": (portal(), Signl4ApiError, "is no JSON; is signl4.base_url right?"),
    "a filter": (portal(403), Signl4ApiError, "something in front of it"),
    "a login page": (portal(401), Signl4ApiError, "something in front of it"),
    "nothing": (httpx.Response(200), Signl4ApiError, "is no JSON"),
    "half a body": (httpx.Response(200, content=b'{"results": [{"id'), Signl4ApiError, "is no JSON"),
    "another document": (httpx.Response(200, json={"hello": 1}), Signl4ApiError, "cannot be read: it "),
    "a number": (httpx.Response(200, json=7), Signl4ApiError, "cannot be read: it "),
    "too many values": (httpx.Response(200, content=b"[" + b"1," * 300_000 + b"1]"), Signl4ApiError, "no JSON"),
    "a huge body": (httpx.Response(200, content=b" " * 11_000_000), Signl4ApiError, "was not reached"),
    "a bad key": (httpx.Response(401), KeyRefusedError, "; check signl4.api_key"),
    "a key without a right": (httpx.Response(403, json=NO_EVENT), KeyRefusedError, "; check signl4.api_key"),
    "a redirect": (httpx.Response(302, headers={"Location": "https://evil.test"}), Signl4ApiError, "(HTTP 302)"),
    "a throttled request": (httpx.Response(429, json=NO_EVENT), Signl4ApiError, "answered HTTP 429 "),
    "a failure": (httpx.Response(500, json=NO_EVENT), Signl4ApiError, "answered HTTP 500 "),
    "a gateway": (portal(502), Signl4ApiError, "answered HTTP 502 "),
    "a faulty request": (httpx.Response(400, json=NO_EVENT), Signl4ApiError, "answered HTTP 400 "),
    "a conflict": (httpx.Response(409, json=NO_EVENT), Signl4ApiError, "answered HTTP 409 "),
    "no route": (httpx.Response(404), Signl4ApiError, "no such route: HTTP 404; check signl4.base_url"),
    "another server's 404": (portal(404), Signl4ApiError, "; check signl4.base_url"),
    "no connection": (httpx.ConnectError(f"refused {KEY}"), Signl4ApiError, "was not reached"),
    "no answer": (httpx.ReadTimeout("slow"), Signl4ApiError, "no complete answer within 120 s"),
    "a cut answer": (httpx.RemoteProtocolError(f"cut {KEY}"), Signl4ApiError, "was not reached"),
    "a part of the list": (
        httpx.Response(207, json={"data": [JANE], "errors": [{"message": KEY}], "eventStatus": None}),
        Signl4ApiError,
        "cannot be read: it ",
    ),
}


@pytest.mark.parametrize("name", UNUSABLE)
@every_call
def test_an_unusable_answer_proves_nothing(name: str, ask: Call, paths: tuple[str, str], well: Any) -> None:
    answer, kind, said = UNUSABLE[name]
    with respx.mock(base_url=HOST) as router:
        if isinstance(answer, Exception):
            router.route().mock(side_effect=answer)
        else:
            router.route().mock(return_value=answer)
        assert said in str(refused(client(), ask, kind))
    assert paths
    assert well is not None


@pytest.mark.parametrize("status", [200, 207])
def test_a_list_with_an_empty_list_of_errors_is_whole(router: respx.MockRouter, status: int) -> None:
    router.get("/api/v3/users").respond(status, json={"data": [JANE], "errors": []})
    assert client().members() == (Member("f0bd5063", "Jane Doe", frozenset({"t1"})),)


def test_204_is_an_empty_list(router: respx.MockRouter) -> None:
    router.route().respond(204)
    assert (client().members(), client().alerts(None).alerts, client().alerts_of("7")) == ((), (), ())


def test_an_event_that_v2_does_not_know_is_none(router: respx.MockRouter) -> None:
    router.get(path__startswith="/api/v3/").respond(404)
    router.get(path__startswith="/api/v2/").respond(404, json=NO_EVENT)
    assert client().outcome(EVENT) is None


def test_an_event_that_v3_does_not_know_is_asked_of_v2_too(router: respx.MockRouter) -> None:
    router.get(path__startswith="/api/v3/").respond(404, json=NO_EVENT)
    router.get(path__startswith="/api/v2/").respond(200, json={"eventStatus": 3})
    assert client().outcome(EVENT) == EventOutcome(EventStatus.FILTERED)


class TestWalk:
    @each("version", ["v2", "v3"])
    def test_follows_both_shapes_of_the_token_with_the_same_filters(self, version: str) -> None:
        with respx.mock(base_url=HOST) as router:
            if version == "v2":
                router.post(V3_LIST).respond(404)
            answers = router.post(V2_LIST if version == "v2" else V3_LIST)
            answers.side_effect = [page(alert(1), token="b"), page(alert(2), token=row_token("c")), page(alert(3))]
            listed = client().alerts(None)
            bodies = [body for _, body in sent(router)][-3:]
        assert ([one.id for one in listed.alerts], listed.is_whole) == (["alert 1", "alert 2", "alert 3"], True)
        assert bodies[1] == {**bodies[0], "continuationToken": "b"}
        rows = {"nextPartitionKey": "alerts", "nextRowKey": "c"}
        assert bodies[2] == {**bodies[0], "continuationToken": row_token("c"), **rows}

    @each("tokens", [["b", "b"], ["b", "c", "b"], [row_token("b"), row_token("b")]])
    def test_ends_with_a_repeated_token_and_is_not_whole(self, tokens: list[Any]) -> None:
        with respx.mock(base_url=HOST) as router:
            router.post(V3_LIST).side_effect = [page(alert(n), token=token) for n, token in enumerate(tokens)]
            listed = client().alerts(None)
        assert (len(listed.alerts), listed.is_whole) == (len(tokens), False)

    def test_ends_after_so_many_pages(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).side_effect = [page(alert(n), token=str(n)) for n in range(2 * MOST_PAGES)]
        listed = client().alerts(None)
        assert (len(router.calls), len(listed.alerts), listed.is_whole) == (MOST_PAGES, MOST_PAGES, False)

    def test_the_last_of_two_views_of_an_alert_counts(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).side_effect = [page(alert(1), token="b"), page(alert(1, status=2))]
        [one] = client().alerts(None).alerts
        assert one.phase is AlertPhase.ACKNOWLEDGED

    def test_fails_as_a_whole_if_a_page_fails(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).side_effect = [page(alert(), token="b"), httpx.Response(404)]
        assert "no such route" in str(refused(client(), lambda api: api.alerts(None)))
        assert [path for path, _ in sent(router)] == [V3_LIST, V3_LIST], "the token is one of v3"


class TestIgnoredFilters:
    def test_what_is_closed_is_left_out_of_a_list_of_what_is_not(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).mock(return_value=page(alert(1, status=4), alert(2, status=2), alert(3, status=8)))
        assert [one.id for one in client().alerts(SINCE).alerts] == ["alert 2", "alert 3"]

    def test_without_a_filter_by_change_v2_is_asked_for_what_is_not_closed(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).respond(404)
        old = page(alert(1, status=4, modified=SINCE - timedelta(days=1)), alert(2, modified=SINCE))
        router.post(V2_LIST).mock(return_value=old)
        api = client()
        listed = api.alerts(SINCE)
        assert ([one.id for one in listed.alerts], listed.with_closed) == (["alert 2"], False)
        api.alerts(SINCE)
        filters = [
            body.keys() & {"modifiedSince", "alertStatusCodes"} for path, body in sent(router) if path == V2_LIST
        ]
        assert filters == [{"modifiedSince"}, {"alertStatusCodes"}, {"alertStatusCodes"}]

    def test_a_time_that_is_shown_truncated_is_no_ignored_filter(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).respond(404)
        router.post(V2_LIST).mock(return_value=page(alert(1, status=4, modified=SINCE.replace(microsecond=0))))
        listed = client().alerts(SINCE)
        assert ([one.phase for one in listed.alerts], listed.with_closed) == ([AlertPhase.CLOSED], True)

    def test_an_endless_list_without_ours_does_not_prove_that_there_is_none(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).side_effect = [page(alert(n, "8"), token=str(n)) for n in range(2 * MOST_PAGES)]
        assert "other alerts" in str(refused(client(), lambda api: api.alerts_of("7")))
        router.post(V3_LIST).side_effect = [page(alert(n), token=str(n)) for n in range(2 * MOST_PAGES)]
        assert len(client().alerts_of("7")) == MOST_PAGES

    def test_an_endless_list_delays_no_page_for_long(self, router: respx.MockRouter) -> None:
        router.post(V3_LIST).side_effect = [page(alert(n, "8"), token=str(n)) for n in range(MOST_PAGES)]
        refused(client(waits=False), lambda api: api.alerts_of("7"))
        assert len(router.calls) == FEW_PAGES


class TestPace:
    def test_a_request_waits_for_its_turn(self, router: respx.MockRouter) -> None:
        router.route().respond(200, json=[])
        clock = Monotonic()
        api = client(clock)
        for _ in range(9):
            api.members()
        assert clock.now == pytest.approx(1015)

    def test_without_a_wait_it_fails_at_once(self, router: respx.MockRouter) -> None:
        router.route().respond(200, json=[])
        api = client(waits=False)
        for _ in range(8):
            api.members()
        error = refused(api, lambda api: api.members())
        assert (error.retry_after, len(router.calls)) == (timedelta(seconds=15), 8)
        assert re.search(r"not be asked before \d\d:\d\d UTC", str(error)), "seconds would be news at each look"

    @each(("headers", "seconds"), [({}, 15), ({"Retry-After": "40"}, 40)])
    def test_a_429_is_obeyed_by_all_that_share_the_pace(self, headers: dict[str, str], seconds: float) -> None:
        with respx.mock(base_url=HOST) as router:
            router.route().respond(429, headers=headers)
            clock = Monotonic()
            api = client(clock)
            assert refused(api, lambda api: api.members()).retry_after == timedelta(seconds=seconds)
            router.route().respond(200, json=[])
            if seconds > 16:
                error = refused(api, lambda api: api.members())
                assert (error.retry_after, len(router.calls)) == (timedelta(seconds=seconds), 1)
                clock.now += seconds
            api.members()
            assert clock.now == pytest.approx(1000 + seconds)

    def test_a_stop_ends_the_wait(self, router: respx.MockRouter) -> None:
        with pytest.raises(StoppedError):
            client(stopping=True).members()
        assert not router.calls


class TestClock:
    def test_the_latest_date_tells_how_far_it_is_ahead(self, router: respx.MockRouter) -> None:
        api = client()
        assert api.ahead is None
        route = router.post(V3_LIST)
        at = datetime.now(UTC) + timedelta(hours=1)
        route.respond(200, json={"results": []}, headers={"Date": format_datetime(at, usegmt=True)})
        listed = api.alerts(None)
        assert api.ahead == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=5))
        assert listed.as_of == pytest.approx(at, abs=timedelta(seconds=5))
        route.respond(200, json={"results": []})
        api.alerts(None)
        assert api.ahead == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=5)), "no date takes it back"
