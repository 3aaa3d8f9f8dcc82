"""Lists of monitors and heartbeats: which pages are asked for, when a list counts; and single records."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import httpx
import pytest
import respx

from daemon.clients.monitors import MOST_PAGES, PATHS, PER_PAGE, Monitors
from daemon.clients.pages import PAGES_WITHOUT_NEW
from daemon.model.errors import BetterStackError, NoSuchRouteError, TokenRefusedError
from daemon.model.incident import Absence
from daemon.model.monitor import Monitor, MonitorKind
from tests.support.betterstack_client import ELSEWHERE, TOKEN, UPTIME, Monotonic, asked, page, source
from tests.support.each import each

MONITOR, HEARTBEAT = MonitorKind
LIST, ONE = "/api/v2/monitors", "/api/v2/monitors/7"
NO_RECORD = {"errors": "Resource with provided ID was not found"}
NO_ROUTE = {"errors": "Endpoint GET /api/v9/monitors does not exist.", "see_docs": "https://betterstack.com/docs"}
BAD: Any = {"id": "8"}
"""A record that cannot be read."""


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    """The only host that may be asked."""
    with respx.mock(base_url=UPTIME) as router:
        yield router


@pytest.fixture
def monitors(time: Monotonic) -> Monitors:
    return Monitors(source(time).client)


def record(monitor_id: str = "7", **attributes: Any) -> dict[str, Any]:
    return {"id": monitor_id, "type": "monitor", "attributes": {"pronounceable_name": "Shop", **attributes}}


def records(first: int, last: int) -> list[dict[str, Any]]:
    return [record(str(number)) for number in range(first, last + 1)]


def ids(monitors: Monitors, kind: MonitorKind = MONITOR) -> list[str]:
    return [one.id for one in monitors.listed(kind).monitors]


class TestPages:
    @pytest.mark.parametrize("team", [None, "Ops & Søn"])
    @pytest.mark.parametrize("kind", MonitorKind)
    def test_every_parameter_goes_with_every_page(
        self, api: respx.MockRouter, time: Monotonic, kind: MonitorKind, team: str | None
    ) -> None:
        api.get(f"/api/v2/{kind}s").side_effect = [page([record(str(n))], ELSEWHERE) for n in (1, 2)] + [page([])]
        found = Monitors(source(time, team_name=team).client).listed(kind).monitors
        assert [(one.kind, one.id) for one in found] == [(kind, "1"), (kind, "2")]
        filters = ({"team_name": team} if team else {}) | {"per_page": "250"}
        assert [dict(call.request.url.params) for call in api.calls] == [
            filters | {"page": number} for number in ("1", "2", "3")
        ]
        assert {call.request.headers["Authorization"] for call in api.calls} == {f"Bearer {TOKEN}"}

    def test_a_list_that_names_no_next_page_ends_with_the_first_that_is_not_full(
        self, api: respx.MockRouter, monitors: Monitors
    ) -> None:
        full, rest = records(1, PER_PAGE), records(PER_PAGE + 1, PER_PAGE + 2)
        api.get(LIST).side_effect = [httpx.Response(200, json={"data": some}) for some in (full, rest)]
        assert len(ids(monitors)) == PER_PAGE + 2

    def test_a_full_page_that_says_it_is_the_last_is_the_last(self, api: respx.MockRouter, monitors: Monitors) -> None:
        api.get(LIST).side_effect = [page(records(1, PER_PAGE))]
        assert len(ids(monitors)) == PER_PAGE

    def test_an_empty_list_is_a_list(self, api: respx.MockRouter, monitors: Monitors) -> None:
        api.get(LIST).side_effect = [page([])]
        assert monitors.listed(MONITOR).monitors == ()

    def test_one_that_comes_twice_counts_once_as_it_was_read_last(
        self, api: respx.MockRouter, monitors: Monitors
    ) -> None:
        first = [record("1"), record("2", status="up")]
        api.get(LIST).side_effect = [page(first, "yes"), page([record("2", status="paused"), record("3")])]
        found = monitors.listed(MONITOR).monitors
        assert [(one.id, one.status) for one in found] == [("1", ""), ("2", "paused"), ("3", "")]

    def test_a_page_without_anything_new_is_no_end(self, api: respx.MockRouter, monitors: Monitors) -> None:
        pages = [page(records(1, 2), "yes"), page(records(1, 2), "yes"), page([], "yes"), page([record("3")])]
        api.get(LIST).side_effect = pages
        assert ids(monitors) == ["1", "2", "3"]

    @pytest.mark.parametrize("again", [[], [BAD], [{"id": []}, None, 7], records(1, 2)], ids=str)
    def test_a_list_that_repeats_itself_is_none(
        self, api: respx.MockRouter, monitors: Monitors, again: list[Any]
    ) -> None:
        api.get(LIST).side_effect = [page([*records(1, 2), BAD], "yes"), *(page(again, "yes") for _ in range(9))]
        with pytest.raises(BetterStackError, match="list of monitors does not end: its pages repeat themselves"):
            monitors.listed(MONITOR)
        assert len(asked(api)) <= 2 + PAGES_WITHOUT_NEW

    def test_a_list_that_is_too_long_is_an_error_and_not_cut(self, api: respx.MockRouter, monitors: Monitors) -> None:
        api.get(LIST).side_effect = [page([record(str(number))], "yes") for number in range(MOST_PAGES + 1)]
        with pytest.raises(BetterStackError, match=f"list of monitors is longer than {MOST_PAGES} pages"):
            monitors.listed(MONITOR)
        assert len(asked(api)) == MOST_PAGES

    def test_the_longest_list_is_read(self, api: respx.MockRouter, monitors: Monitors) -> None:
        pages = [page([record(str(number))], "yes") for number in range(MOST_PAGES - 1)]
        api.get(LIST).side_effect = [*pages, page([record("x")])]
        assert len(ids(monitors)) == MOST_PAGES


ANSWERS: dict[str, tuple[httpx.Response, type[BetterStackError]]] = {
    "401": (httpx.Response(401, json={"errors": "Invalid Team API token."}), TokenRefusedError),
    "403": (httpx.Response(403, json={"errors": "no"}), TokenRefusedError),
    "404": (httpx.Response(404, json=NO_ROUTE), NoSuchRouteError),
    "429": (httpx.Response(429, headers={"Retry-After": "20"}), BetterStackError),
    "503": (httpx.Response(503), BetterStackError),
    "a page for people": (httpx.Response(200, html="<html></html>"), BetterStackError),
    "empty": (httpx.Response(200), BetterStackError),
    "a list": (httpx.Response(200, json=[]), BetterStackError),
    "no data": (httpx.Response(200, json={"pagination": {}}), BetterStackError),
    "data of another kind": (httpx.Response(200, json={"data": 7}), BetterStackError),
    "a redirect": (httpx.Response(302, headers={"Location": "https://evil.test"}), BetterStackError),
}


@pytest.mark.parametrize("ask", ["list", "second page", "lookup"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_unusable_answer_proves_nothing(api: respx.MockRouter, monitors: Monitors, name: str, ask: str) -> None:
    answer, kind = ANSWERS[name]
    if ask == "lookup":
        api.get(ONE).side_effect = [answer]
        with pytest.raises(kind):
            monitors.lookup(MONITOR, "7")
    else:
        api.get(LIST).side_effect = [answer] if ask == "list" else [page(records(1, 3), "yes"), answer]
        with pytest.raises(kind):
            monitors.listed(MONITOR)


class TestUnreadable:
    def test_some_unreadable_records_are_counted(self, api: respx.MockRouter, monitors: Monitors) -> None:
        api.get(LIST).side_effect = [page([BAD, record("1"), None], "yes"), page([record("2"), record("3")])]
        found = monitors.listed(MONITOR)
        assert ([one.id for one in found.monitors], found.unreadable) == (["1", "2", "3"], 2)

    @pytest.mark.parametrize("good", [0, 1, 2])
    def test_more_unreadable_records_than_others_are_a_changed_format(
        self, api: respx.MockRouter, monitors: Monitors, good: int
    ) -> None:
        api.get("/api/v2/heartbeats").side_effect = [page([*records(1, good), *[BAD] * (good + 1)])]
        said = rf"list of heartbeats holds {good + 1} records .*heartbeat 8 has no attributes.* its format has changed"
        with pytest.raises(BetterStackError, match=said):
            monitors.listed(HEARTBEAT)

    def test_as_many_are_not_yet(self, api: respx.MockRouter, monitors: Monitors) -> None:
        api.get(LIST).side_effect = [page([record("1"), BAD])]
        assert monitors.listed(MONITOR).unreadable == 1


class TestFirstPage:
    def test_one_request_is_enough(self, api: respx.MockRouter, monitors: Monitors) -> None:
        route = api.get(LIST).mock(return_value=page(records(1, PER_PAGE), following=f"{UPTIME}{LIST}?page=2"))
        assert len(monitors.first_page(MONITOR).monitors) == PER_PAGE
        assert [call.request.url.params["page"] for call in route.calls] == ["1"]

    def test_a_page_that_proves_nothing_is_an_error(self, api: respx.MockRouter, monitors: Monitors) -> None:
        api.get(LIST).mock(return_value=page([BAD]))
        with pytest.raises(BetterStackError, match="its format has changed"):
            monitors.first_page(MONITOR)


class TestTeams:
    def test_what_is_of_another_team_is_left_out(self, api: respx.MockRouter, time: Monotonic) -> None:
        teams: dict[str, Any] = {"1": "Operations", "2": "Shop", "3": None, "4": "operations", "5": "", "6": 7}
        given = [record(number, team_name=team) for number, team in teams.items()]
        api.get(LIST).side_effect = cycle([page([*given, *[BAD] * 5])])
        assert ids(Monitors(source(time, team_name="Operations").client)) == ["1", "3", "5", "6"]
        assert ids(Monitors(source(time).client)) == [*teams]


class TestLookup:
    @each("kind", MonitorKind)
    def test_its_own_record_is_asked_for(self, api: respx.MockRouter, monitors: Monitors, kind: MonitorKind) -> None:
        api.get(f"{PATHS[kind]}/7").side_effect = [httpx.Response(200, json={"data": record(status="Down")})]
        found = monitors.lookup(kind, "7")
        assert isinstance(found, Monitor)
        assert (found.kind, found.id, found.status) == (kind, "7", "down")

    @each(
        ("answer", "absence"),
        [
            (httpx.Response(404, json=NO_RECORD), Absence.NO_SUCH_RECORD),
            (httpx.Response(200, json={"data": {}}), Absence.UNREADABLE),
            (httpx.Response(200, json={"data": {"id": "7"}}), Absence.UNREADABLE),
            (httpx.Response(200, json={"data": record("8")}), Absence.UNREADABLE),
        ],
    )
    def test_a_record_that_is_not_there_or_not_the_one(
        self, api: respx.MockRouter, monitors: Monitors, answer: httpx.Response, absence: Absence
    ) -> None:
        api.get(ONE).side_effect = [answer]
        assert monitors.lookup(MONITOR, "7") is absence

    @pytest.mark.parametrize("body", ["", "<html>not found</html>", '{"errors": ["not found"]}', '{"errors": "gone"}'])
    def test_another_404_proves_nothing(self, api: respx.MockRouter, monitors: Monitors, body: str) -> None:
        api.get(ONE).side_effect = [httpx.Response(404, text=body)]
        with pytest.raises(BetterStackError):
            monitors.lookup(MONITOR, "7")
