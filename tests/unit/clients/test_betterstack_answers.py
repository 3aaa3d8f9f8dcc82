"""What each answer of Better Stack amounts to: errors and the key to check, its renamed host, and single records."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import respx

from daemon.clients.betterstack import BetterStack
from daemon.model.errors import BetterStackError
from daemon.model.incident import Absence, Incident
from tests.support.betterstack_client import INCIDENTS, LIST, TOKEN, UPTIME, Monotonic, Source, asked, page, source
from tests.support.each import each
from tests.support.values import record

DOCS = "https://betterstack.com/docs/uptime/api/getting-started-with-uptime-api/"
BAD_TOKEN = {"errors": f"Invalid Team API token. How to find your Team API token: {DOCS}#get-an-uptime-api-token"}
NO_ROUTE = {"errors": "Endpoint GET /api/v9/incidents does not exist.", "see_docs": DOCS}
NO_RECORD = {"errors": "Resource with provided ID was not found"}
HTML = "<html>\n<body>Bad\tgateway</body></html>"
Ask = Callable[[BetterStack], object]
ASKS: dict[str, Ask] = {"list": lambda client: list(client.open_pages()), "lookup": lambda client: client.lookup("7")}
in_turn = each("ask", ASKS.values(), ids=ASKS)
both = pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    """Any host may be asked; a test says which one was."""
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def one(time: Monotonic) -> Source:
    return source(time)


def anew(api: respx.MockRouter, time: Monotonic) -> Source:
    """A client that has heard nothing, of services that were asked nothing."""
    api.reset()
    api.clear()
    return source(time)


def answer(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, text=body) if isinstance(body, str) else httpx.Response(status, json=body)


class TestErrors:
    @in_turn
    @each(
        ("status", "body", "sentence"),
        [
            (401, BAD_TOKEN, f"refused the token: HTTP 401 {BAD_TOKEN['errors']}; check betterstack.token"),
            (401, "", "refused the token: HTTP 401; check betterstack.token"),
            (403, "", "refused the token: HTTP 403; check betterstack.token"),
            (
                404,
                NO_ROUTE,
                "route: HTTP 404 Endpoint GET /api/v9/incidents does not exist.; check betterstack.base_url",
            ),
            (404, HTML, "no such route: HTTP 404 <html> <body>Bad gateway</body></html>; check betterstack.base_url"),
            (404, "", "no such route: HTTP 404; check betterstack.base_url"),
            (422, {"errors": {"base": ["URL is invalid."]}}, 'answered HTTP 422 {"base": ["URL is invalid."]}'),
            (400, {"errors": "The data range is invalid."}, "answered HTTP 400 The data range is invalid."),
            (409, {"errors": ["a", "b"]}, 'answered HTTP 409 ["a", "b"]'),
            (418, {"error": "teapot"}, "answered HTTP 418 teapot"),
            (418, {"message": "teapot"}, "answered HTTP 418 teapot"),
            (429, "", "answered HTTP 429"),
            (429, HTML, "answered HTTP 429 <html> <body>Bad gateway</body></html>"),
            (500, "", "answered HTTP 500"),
            (502, HTML, "answered HTTP 502 <html> <body>Bad gateway</body></html>"),
            (503, "x" * 300, "answered HTTP 503 " + "x" * 200),
            (599, {}, "answered HTTP 599 {}"),
            (201, {"message": "Created"}, "answered HTTP 201 Created"),
            (204, "", "answered HTTP 204"),
            (302, "", "redirects elsewhere (HTTP 302); check betterstack.base_url"),
            (304, "", "redirects elsewhere (HTTP 304); check betterstack.base_url"),
            (200, HTML, "answer is no JSON; is betterstack.base_url right?"),
            (200, "", "answer is no JSON; is betterstack.base_url right?"),
            (200, '{"data": [', "answer is no JSON; is betterstack.base_url right?"),
            (200, "[" * 100_000, "answer is no JSON; is betterstack.base_url right?"),
            (200, [], "no usable `data`; is betterstack.base_url right?"),
            (200, "null", "no usable `data`; is betterstack.base_url right?"),
            (200, {}, "no usable `data`; is betterstack.base_url right?"),
            (200, {"data": None}, "no usable `data`; is betterstack.base_url right?"),
            (200, {"data": "x"}, "no usable `data`; is betterstack.base_url right?"),
        ],
    )
    def test_are_one_sentence_that_names_the_key_to_check(
        self, api: respx.MockRouter, time: Monotonic, ask: Ask, status: int, body: object, sentence: str
    ) -> None:
        one = anew(api, time)
        api.route().mock(answer(status, body))
        with pytest.raises(BetterStackError) as caught:
            ask(one.client)
        assert str(caught.value).startswith("Better Stack")
        assert str(caught.value).endswith(sentence)
        assert len(str(caught.value).splitlines()) == 1

    @in_turn
    @each("status", [*range(201, 209), *range(300, 310), *range(400, 404), *range(405, 429), 499, 599])
    def test_no_other_status_is_an_answer(self, api: respx.MockRouter, time: Monotonic, ask: Ask, status: int) -> None:
        one = anew(api, time)
        api.route().mock(httpx.Response(status, json={"data": [record("7")]}))
        with pytest.raises(BetterStackError, match=f"HTTP {status}"):
            ask(one.client)

    @pytest.mark.parametrize(("ask", "data"), [("list", {"id": "7"}), ("lookup", [record("7")])])
    def test_a_list_is_no_record_and_a_record_no_list(
        self, api: respx.MockRouter, one: Source, ask: str, data: object
    ) -> None:
        api.route().respond(json={"data": data})
        with pytest.raises(BetterStackError, match="no usable `data`"):
            ASKS[ask](one.client)

    @both
    @pytest.mark.parametrize(
        "error",
        [httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError, OSError, ValueError],
    )
    def test_silence_is_one_too(self, api: respx.MockRouter, one: Source, ask: Ask, error: type[Exception]) -> None:
        api.route().mock(side_effect=error(f"no way to {TOKEN}"))
        with pytest.raises(BetterStackError, match=r"^Better Stack was not reached: ") as caught:
            ask(one.client)
        assert TOKEN not in str(caught.value)

    @both
    @pytest.mark.parametrize("status", [200, 401, 404, 422, 429, 500])
    def test_never_hold_the_token(self, api: respx.MockRouter, one: Source, ask: Ask, status: int) -> None:
        text = f"Bearer {TOKEN} is not known"
        api.route().mock(httpx.Response(status, headers={"Retry-After": "9"}, json={"errors": {"base": [text]}}))
        with pytest.raises(BetterStackError) as caught:
            ask(one.client)
        assert TOKEN not in str(caught.value)


class TestRenamedHost:
    @pytest.mark.parametrize(("here", "there"), [(UPTIME, INCIDENTS), (INCIDENTS, UPTIME)])
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("query", ["", "?page=7&per_page=1"])
    def test_is_followed_both_ways_and_kept(
        self, api: respx.MockRouter, time: Monotonic, here: str, there: str, status: int, query: str
    ) -> None:
        api.get(f"{here}{LIST}").respond(status, headers={"Location": f"{there}{LIST}{query}"})
        api.get(f"{there}{LIST}").side_effect = [page([record("1")], "yes"), page([record("2")])]
        api.get(f"{there}{LIST}/7").respond(json={"data": record("7")})
        one = source(time, here, team_name="Operations")
        assert len(list(one.client.open_pages())) == 2
        one.client.lookup("7")
        sent = "?resolved=false&team_name=Operations&per_page=50&page="
        assert asked(api) == [
            *(f"{here}{LIST}{sent}1", f"{there}{LIST}{sent}1", f"{there}{LIST}{sent}2", f"{there}{LIST}/7")
        ]
        assert {call.request.headers["authorization"] for call in api.calls} == {f"Bearer {TOKEN}"}
        assert one.warnings == [f"Better Stack redirects to its other host; set betterstack.base_url to {there}"]

    def test_is_followed_for_a_lookup(self, api: respx.MockRouter, one: Source) -> None:
        api.get(f"{UPTIME}{LIST}/7").respond(301, headers={"Location": f"{INCIDENTS}{LIST}/7"})
        api.get(f"{INCIDENTS}{LIST}/7").respond(json={"data": record("7")})
        assert isinstance(one.client.lookup("7"), Incident)

    def test_the_redirected_request_keeps_the_pace(self, api: respx.MockRouter, one: Source) -> None:
        api.get(f"{UPTIME}{LIST}").respond(301, headers={"Location": f"{INCIDENTS}{LIST}"})
        api.get(f"{INCIDENTS}{LIST}").mock(page([]))
        list(one.client.open_pages())
        assert one.waits == [0, pytest.approx(0.2)]

    def test_two_hosts_that_point_at_each_other_are_an_error(self, api: respx.MockRouter, one: Source) -> None:
        api.get(f"{UPTIME}{LIST}").respond(301, headers={"Location": f"{INCIDENTS}{LIST}"})
        api.get(f"{INCIDENTS}{LIST}").respond(301, headers={"Location": f"{UPTIME}{LIST}"})
        with pytest.raises(BetterStackError, match="redirects elsewhere"):
            list(one.client.open_pages())
        assert api.calls.call_count == 2

    @each(
        "location",
        [
            f"https://betteruptime.com{LIST}",
            f"https://evil.test{LIST}",
            f"https://incidents.betterstack.com.evil.test{LIST}",
            f"https://evil-incidents.betterstack.com{LIST}",
            f"https://evil.test/incidents.betterstack.com{LIST}",
            f"http://incidents.betterstack.com{LIST}",
            f"https://incidents.betterstack.com:8443{LIST}",
            f"https://incidents.betterstack.com:443{LIST}",
            f"https://jane@incidents.betterstack.com{LIST}",
            f"https://jane:secret@incidents.betterstack.com{LIST}",
            f"https://incidents.betterstack.com@evil.test{LIST}",
            f"{INCIDENTS}/login",
            f"{INCIDENTS}/",
            INCIDENTS,
            f"{INCIDENTS}{LIST}/",
            f"{INCIDENTS}/{LIST}",
            f"{INCIDENTS}/x/..{LIST}",
            f"{INCIDENTS}{LIST}/1",
            f"{UPTIME}{LIST}",
            f"{UPTIME}{LIST}?page=2",
            LIST,
            f"//incidents.betterstack.com{LIST}",
            f"ftp://incidents.betterstack.com{LIST}",
            "https://[",
            f"https://incidents.betterstack.com:x{LIST}",
            f"https://incidents.betterstack.com\u2100{LIST}",
            "",
        ],
    )
    @each("status", [300, 302])
    def test_no_other_redirect_is_followed(
        self, api: respx.MockRouter, time: Monotonic, location: str, status: int
    ) -> None:
        one = anew(api, time)
        api.route().mock(httpx.Response(status, headers={b"Location": location.encode()}))
        with pytest.raises(BetterStackError):
            list(one.client.open_pages())
        assert asked(api) == [f"{UPTIME}{LIST}?resolved=false&per_page=50&page=1"]
        assert one.warnings == []

    @pytest.mark.parametrize(
        "base_url", ["http://127.0.0.1:8080", "https://proxy.test", f"{UPTIME}:8443", "http://localhost"]
    )
    def test_no_redirect_is_followed_from_another_address(
        self, api: respx.MockRouter, time: Monotonic, base_url: str
    ) -> None:
        api.route(host="incidents.betterstack.com").mock(page([]))
        api.route().respond(301, headers={"Location": f"{INCIDENTS}{LIST}"})
        with pytest.raises(BetterStackError, match="redirects elsewhere"):
            list(source(time, base_url).client.open_pages())
        assert api.calls.call_count == 1


class TestLookup:
    def test_of_a_record_is_its_incident(self, api: respx.MockRouter, one: Source) -> None:
        api.get(f"{UPTIME}{LIST}/7").respond(json={"data": record("7"), "included": [{"id": "1"}]})
        incident = one.client.lookup("7")
        assert isinstance(incident, Incident)
        assert incident.id == "7"

    def test_has_no_parameters(self, api: respx.MockRouter, time: Monotonic) -> None:
        api.get(f"{UPTIME}{LIST}/7").respond(json={"data": record("7")})
        source(time, team_name="Operations").client.lookup("7")
        assert asked(api) == [f"{UPTIME}{LIST}/7"]

    @pytest.mark.parametrize(
        "body",
        [
            NO_RECORD,
            {"errors": "Resource Not Found"},
            {"errors": "RESOURCE WITH PROVIDED ID WAS NOT FOUND", "status": 404},
        ],
    )
    def test_says_that_there_is_no_such_record(self, api: respx.MockRouter, one: Source, body: object) -> None:
        api.route().mock(answer(404, body))
        assert one.client.lookup("7") is Absence.NO_SUCH_RECORD

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (404, NO_ROUTE),
            (404, {**NO_RECORD, "see_docs": DOCS}),
            (404, {"errors": "No."}),
            (404, {"errors": None}),
            (404, {}),
            (404, []),
            (404, "null"),
            (404, ""),
            (404, "Resource with provided ID was not found"),
            (404, "<h1>404 Not Found</h1>"),
            (200, NO_RECORD),
            (410, NO_RECORD),
            (400, NO_RECORD),
            (403, NO_RECORD),
            (500, NO_RECORD),
            (302, NO_RECORD),
        ],
    )
    def test_takes_nothing_else_for_a_deletion(
        self, api: respx.MockRouter, one: Source, status: int, body: object
    ) -> None:
        api.route().mock(answer(status, body))
        with pytest.raises(BetterStackError):
            one.client.lookup("7")

    @pytest.mark.parametrize(
        "data",
        [
            record("8"),
            record("77"),
            {**record("7"), "id": None},
            {**record("7"), "attributes": None},
            {**record("7"), "attributes": {}},
            {"id": "7"},
            {},
        ],
    )
    def test_of_a_record_that_is_malformed_or_anothers_proves_nothing(
        self, api: respx.MockRouter, one: Source, data: dict[str, Any]
    ) -> None:
        api.route().respond(json={"data": data})
        assert one.client.lookup("7") is Absence.UNREADABLE
