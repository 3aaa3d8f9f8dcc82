"""Lists of incidents: which pages are asked for, when they end, how fast they follow, and who gets the token."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
import respx
import time_machine

from daemon.clients.betterstack import BetterStack
from daemon.clients.http import Response
from daemon.host.clock import TheirClock, utc_now
from daemon.model.errors import BetterStackError, StoppedError
from daemon.model.page import Page
from tests.support.betterstack_client import ELSEWHERE, LIST, TOKEN, UPTIME, Monotonic, Source, asked, page, source
from tests.support.values import NOW, body, record, settings

DAY = date(2026, 11, 22)


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    """The only host that may be asked."""
    with respx.mock(base_url=UPTIME) as router:
        yield router


def ids(pages: Iterator[Page]) -> list[list[str]]:
    return [[incident.id for incident in page.incidents] for page in pages]


class TestPages:
    @pytest.mark.parametrize("team", [None, "Operations", "Ops & Søn"])
    @pytest.mark.parametrize("which", ["open", "since"])
    def test_every_parameter_goes_with_every_page(
        self, api: respx.MockRouter, time: Monotonic, team: str | None, which: str
    ) -> None:
        api.get(LIST).side_effect = [page([record(str(n))], ELSEWHERE) for n in (1, 2)] + [page([record("3")])]
        client = source(time, team_name=team).client
        pages = client.open_pages() if which == "open" else client.pages_since(DAY)
        assert ids(pages) == [["1"], ["2"], ["3"]]
        chosen = {"resolved": "false"} if which == "open" else {"from": "2026-11-22"}
        filters = chosen | ({"team_name": team} if team else {}) | {"per_page": "50"}
        assert [dict(call.request.url.params) for call in api.calls] == [
            filters | {"page": number} for number in ("1", "2", "3")
        ]

    def test_a_page_is_handed_on_before_the_next_one_is_asked_for(self, api: respx.MockRouter, time: Monotonic) -> None:
        api.get(LIST).side_effect = [page([record("1")], "yes"), page([record("2")])]
        pages = source(time).client.open_pages()
        assert api.calls.call_count == 0
        assert [incident.id for incident in next(pages).incidents] == ["1"]
        assert api.calls.call_count == 1

    @pytest.mark.parametrize(
        "pagination",
        [None, {}, {"next": None}, {"next": ""}, {"next": False}, {"prev": "x"}, [], ["next"], "next", 7, ...],
    )
    def test_ends_where_no_next_page_is_named(self, api: respx.MockRouter, time: Monotonic, pagination: object) -> None:
        whole = {"data": [record("1")]} | ({} if pagination is ... else {"pagination": pagination})
        api.get(LIST).respond(json=whole)
        assert ids(source(time).client.open_pages()) == [["1"]]

    @pytest.mark.parametrize(
        "following", [ELSEWHERE, "?page=1", "/api/v3/incidents", "x", True, 2, {"url": "x"}, ["x"]]
    )
    def test_a_next_page_is_a_yes_and_no_address(
        self, api: respx.MockRouter, time: Monotonic, following: object
    ) -> None:
        api.get(LIST).side_effect = [page([record("1")], following), page([record("2")])]
        assert ids(source(time).client.open_pages()) == [["1"], ["2"]]
        assert [call.request.url.params["page"] for call in api.calls] == ["1", "2"]

    def test_an_empty_list_is_one_empty_page(self, api: respx.MockRouter, time: Monotonic) -> None:
        api.get(LIST).mock(page([]))
        assert ids(source(time).client.open_pages()) == [[]]

    @pytest.mark.parametrize(
        ("shown", "requests", "fails"),
        [
            (["1", "1", "1", "1", "2"], 4, True),
            (["1", "", "", ""], 4, True),
            (["", "", "", "1"], 3, True),
            (["1", "1", "1", "2"], 4, False),
            (["1", "1", "", "2", "2", "1", "3"], 7, False),
            (["1", "1", "1", "2", "2", "1", "2", "4"], 7, True),
            (["1", "1", "1", "!"], 4, False),
            (["1", "2", "1", "2", "1"], 5, True),
        ],
    )
    def test_three_pages_running_without_news_fail_the_list(
        self, api: respx.MockRouter, time: Monotonic, shown: list[str], requests: int, fails: bool
    ) -> None:
        """`!`: the last page, which may be as barren as it likes."""
        answers = [page([record(name)] if name.isdigit() else [], None if name == "!" else "yes") for name in shown]
        if not fails and shown[-1] != "!":
            answers[-1] = page([record(shown[-1])])
        api.get(LIST).side_effect = answers
        if fails:
            with pytest.raises(BetterStackError, match="does not end: 3 pages running bring nothing new"):
                ids(source(time).client.open_pages())
        else:
            ids(source(time).client.open_pages())
        assert api.calls.call_count == requests

    @pytest.mark.parametrize("pages", [1000, 1001])
    def test_a_list_is_no_longer_than_a_thousand_pages(self, time: Monotonic, pages: int) -> None:
        class Endless:
            asked = 0

            def exchange(self, *_: object, **__: object) -> Response:
                self.asked += 1
                following = "yes" if self.asked < pages else None
                shown = {"data": [record(str(self.asked))], "pagination": {"next": following}}
                return Response(200, {}, body(shown))

        http = Endless()
        client = BetterStack(http, settings().betterstack, lambda _: False, lambda _: None, TheirClock(utc_now))  # type: ignore[arg-type]
        if pages > 1000:
            with pytest.raises(BetterStackError, match="longer than 1000 pages"):
                ids(client.open_pages())
        else:
            assert len(ids(client.open_pages())) == pages
        assert http.asked == 1000

    def test_an_error_on_a_later_page_fails_the_list(self, api: respx.MockRouter, time: Monotonic) -> None:
        api.get(LIST).side_effect = [page([record("1")], "yes"), httpx.Response(500)]
        pages = source(time).client.open_pages()
        assert len(next(pages).incidents) == 1
        with pytest.raises(BetterStackError, match="HTTP 500"):
            next(pages)


class TestToken:
    def test_goes_with_every_request_to_the_base_url(self, api: respx.MockRouter, time: Monotonic) -> None:
        api.get(LIST).side_effect = [page([record("1")], ELSEWHERE), page([])]
        api.get(f"{LIST}/1").respond(json={"data": record("1")})
        client = source(time).client
        ids(client.open_pages())
        client.lookup("1")
        assert {call.request.headers["authorization"] for call in api.calls} == {f"Bearer {TOKEN}"}
        assert {call.request.headers["accept"] for call in api.calls} == {"application/json"}
        assert {call.request.url.host for call in api.calls} == {"uptime.betterstack.com"}
        assert not [url for url in asked(api) if TOKEN in url]

    def test_a_base_url_may_have_a_path(self, time: Monotonic) -> None:
        with respx.mock(base_url="https://proxy.test/better") as api:
            api.get(LIST).mock(page([record("1")]))
            assert ids(source(time, "https://proxy.test/better/").client.open_pages()) == [["1"]]


class TestPace:
    @pytest.mark.parametrize("was_asked", [False, True])
    @pytest.mark.parametrize("takes", [0.0, 0.03, 0.15, 0.5])
    def test_requests_are_a_fifth_of_a_second_apart_but_for_pages_of_a_list_until_better_stack_asks_for_less(
        self, api: respx.MockRouter, time: Monotonic, takes: float, *, was_asked: bool
    ) -> None:
        moments: list[float] = []

        def answer(request: httpx.Request) -> httpx.Response:
            moments.append(time.now)
            time.now += takes
            if request.url.path != LIST:
                return httpx.Response(200, json={"data": record("7")})
            number = int(request.url.params["page"])
            return page([record(str(number))], "yes" if number < 4 else None)

        one = source(time)
        if was_asked:
            api.route().mock(httpx.Response(429))
            with pytest.raises(BetterStackError, match="429"):
                one.client.lookup("7")
        api.route().side_effect = answer
        ids(one.client.open_pages())
        for _ in range(3):
            one.client.lookup("7")
        ids(one.client.pages_since(DAY))
        assert len(moments) == 11
        page_gap, gap = max(takes, 0.2 if was_asked else 0.1), max(takes, 0.2)
        expected = [page_gap] * 3 + [gap] * 4 + [page_gap] * 3
        assert [later - earlier for earlier, later in pairwise(moments)] == pytest.approx(expected)

    def test_the_first_request_and_one_after_a_while_go_at_once(self, api: respx.MockRouter, time: Monotonic) -> None:
        api.get(LIST).mock(page([]))
        one = source(time)
        ids(one.client.open_pages())
        time.now += 30
        ids(one.client.open_pages())
        assert one.waits == [0, 0]

    def test_nothing_is_asked_once_the_program_stops(self, api: respx.MockRouter, time: Monotonic) -> None:
        one = source(time)
        one.stopping.append(True)
        with pytest.raises(StoppedError):
            ids(one.client.open_pages())
        with pytest.raises(StoppedError):
            one.client.lookup("1")
        assert api.calls.call_count == 0


class TestRetryAfter:
    def refuse(self, api: respx.MockRouter, one: Source, status: int, text: str | None) -> BetterStackError:
        headers = {} if text is None else {"Retry-After": text}
        api.get(LIST).mock(httpx.Response(status, headers=headers, json={"errors": "Slow down."}))
        with pytest.raises(BetterStackError, match=f"HTTP {status} Slow down") as caught:
            ids(one.client.open_pages())
        api.get(LIST).mock(page([record("1")]))
        return caught.value

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("20", 20),
            ("300", 300),
            ("301", 300),
            ("86400", 300),
            ("Mon, 23 Nov 2026 09:30:45 GMT", 45),
            ("Mon, 23 Nov 2026 19:30:45 GMT", 300),
        ],
    )
    def test_is_obeyed_before_the_next_request_but_for_five_minutes_at_most(
        self, api: respx.MockRouter, time: Monotonic, status: int, text: str, seconds: int
    ) -> None:
        one = source(time)
        with time_machine.travel(NOW, tick=False):
            assert self.refuse(api, one, status, text).retry_after == timedelta(seconds=seconds)
        for ask in (lambda: ids(one.client.open_pages()), lambda: one.client.lookup("1")):
            time.now += seconds / 3
            with pytest.raises(BetterStackError, match="asked to be left alone for another") as caught:
                ask()
        assert caught.value.retry_after == pytest.approx(timedelta(seconds=seconds / 3), abs=timedelta(milliseconds=1))
        assert api.calls.call_count == 1
        time.now += seconds / 3
        assert ids(one.client.open_pages()) == [["1"]]

    def test_what_is_left_of_it_is_waited_for_when_it_is_short(self, api: respx.MockRouter, time: Monotonic) -> None:
        one = source(time)
        self.refuse(api, one, 429, "1")
        assert ids(one.client.open_pages()) == [["1"]]
        assert one.waits == [0, pytest.approx(1)]

    @pytest.mark.parametrize(
        ("status", "text"),
        [(429, None), (503, None), (429, "soon"), (429, "-5"), (500, "20"), (502, "20"), (401, "20")],
    )
    def test_nothing_holds_the_next_request_back_without_one(
        self, api: respx.MockRouter, time: Monotonic, status: int, text: str | None
    ) -> None:
        one = source(time)
        assert self.refuse(api, one, status, text).retry_after is None
        assert ids(one.client.open_pages()) == [["1"]]

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"RateLimit": '"default";r=0;t=20'}, 20),
            ({"RateLimit-Remaining": "0", "RateLimit-Reset": "20"}, 20),
            ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 20)}, 20),
            ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86400"}, 300),
            ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86401"}, None),
            ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) - 20)}, None),
            ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "20"}, None),
            ({"Retry-After": "30", "RateLimit": '"default";r=0;t=20'}, 30),
        ],
    )
    def test_without_one_an_exhausted_limit_says_how_long(
        self, api: respx.MockRouter, time: Monotonic, status: int, headers: dict[str, str], seconds: int | None
    ) -> None:
        api.get(LIST).mock(httpx.Response(status, headers=headers, json={"errors": "Slow down."}))
        with time_machine.travel(NOW, tick=False), pytest.raises(BetterStackError) as caught:
            ids(source(time).client.open_pages())
        assert caught.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))

    @pytest.mark.parametrize("text", ["0", "Mon, 23 Nov 2026 09:00:00 GMT"])
    def test_one_that_is_over_is_none(self, api: respx.MockRouter, time: Monotonic, text: str) -> None:
        one = source(time)
        with time_machine.travel(NOW, tick=False):
            assert self.refuse(api, one, 429, text).retry_after == timedelta(0)
        assert ids(one.client.open_pages()) == [["1"]]


def test_a_day_is_that_of_the_caller(api: respx.MockRouter, time: Monotonic) -> None:
    """The client adds no time zone of its own."""
    api.get(LIST).mock(page([]))
    ids(source(time).client.pages_since(datetime(2026, 1, 2, tzinfo=UTC).date()))
    assert "from=2026-01-02" in asked(api)[0]


@pytest.mark.parametrize(
    ("day", "ours", "date", "asked_from"),
    [
        (date(2026, 11, 20), NOW, "Mon, 23 Nov 2026 09:30:00 GMT", "2026-11-20"),
        (date(2026, 11, 20), NOW, "Thu, 01 Jan 1970 00:00:00 GMT", "2026-11-20"),
        (date(1969, 12, 31), NOW, None, "2026-11-22"),
        (date(2025, 12, 31), NOW, None, "2026-11-22"),
        (date(2026, 1, 1), NOW, None, "2026-01-01"),
        (date(1969, 12, 31), datetime(1970, 1, 1, tzinfo=UTC), "Mon, 23 Nov 2026 09:30:00 GMT", "2026-11-22"),
        (date(1969, 12, 31), datetime(1970, 1, 1, tzinfo=UTC), "Thu, 01 Jan 1970 00:00:00 GMT", "2026-01-01"),
        (date(2030, 1, 1), NOW, None, "2026-11-22"),
    ],
)
def test_a_sweep_asks_from_no_absurd_day(
    api: respx.MockRouter, time: Monotonic, day: date, ours: datetime, date: str | None, asked_from: str
) -> None:
    """Wherever such a day comes from: this machine's clock, Better Stack's, or what was recorded under a wrong one."""
    api.get(LIST).respond(
        headers={} if date is None else {"Date": date}, json={"data": [], "pagination": {"next": None}}
    )
    one = source(time)
    with time_machine.travel(ours, tick=False):
        ids(one.client.open_pages())
        ids(one.client.pages_since(day))
    assert f"from={asked_from}" in asked(api)[1]
