"""Better Stack's outgoing webhooks, in each form in which they may come."""

from collections.abc import Mapping
from typing import Any

import pytest

from daemon.clients.outgoing_webhooks import MOST_PAGES, PER_PAGE, outgoing_webhooks
from daemon.model.outgoing_webhook import OutgoingWebhook
from daemon.sandbox.webhooks import AUTH_PASSWORD, OutgoingWebhooks, Place
from tests.support.each import each

URL = "https://connect.signl4.com/webhook/96sbq49u"


def read(pages: list[Any]) -> list[OutgoingWebhook]:
    asked: list[Mapping[str, str]] = []

    def ask(path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        assert path == "/api/v2/outgoing-webhooks"
        asked.append(params)
        document: Mapping[str, Any] = pages[len(asked) - 1]
        return document

    found = list(outgoing_webhooks(ask))
    assert [params["page"] for params in asked] == [str(number + 1) for number in range(len(asked))]
    return found


def record(webhook_id: str = "1", **attributes: Any) -> dict[str, Any]:
    return {"id": webhook_id, "attributes": {"url": URL, **attributes}}


@each("place", Place)
@each("body", ['{"Title": $NAME}', {"Title": "$NAME"}, None])
def test_a_body_is_found_wherever_it_is(place: Place, body: Any) -> None:
    there = OutgoingWebhooks()
    there.add("first", "https://chat.example.com", "started", body="another", place=place)
    there.add("To SIGNL4", URL, "started", "resolved", body=body, place=place)
    _, found = read([there.page({})])
    assert (found.id, found.name, found.host, found.team_name) == (
        *("502", "To SIGNL4", "connect.signl4.com", "Operations"),
    )
    assert (found.events, found.body) == (("started", "resolved"), body)
    password = [] if body is None else [AUTH_PASSWORD]
    assert [secret.reveal() for secret in found.secrets] == ["96sbq49u", *password]
    assert "96sbq49u" not in repr(found)


@each(
    "odd",
    [
        *(None, 7, [], {}, {"id": "1"}, {"id": "1", "attributes": []}, {"id": "1", "attributes": {"url": None}}),
        {"id": "1", "attributes": {"url": 7}},
    ],
)
def test_a_record_that_cannot_be_read_is_left_out(odd: object) -> None:
    assert [one.id for one in read([{"data": [odd, record("2"), odd]}])] == ["2"]


@each(
    ("attributes", "included"),
    [
        ({"custom_webhook_template_attributes": 7}, None),
        ({"custom_webhook_template_attributes": {"body_template": 7, "auth_password": []}}, "x"),
        ({"custom_webhook_template_attributes": {"body_template": ""}}, [None, {"id": 1}]),
        ({"name": ["x"], "team_name": None, "on_incident_started": "true"}, {}),
        ({"url": "https://[connect.signl4.com/webhook/96sbq49u"}, []),
        ({"url": "connect.signl4.com"}, []),
    ],
)
def test_anything_odd_counts_as_absent(attributes: dict[str, Any], included: object) -> None:
    [found] = read([{"data": [record(**attributes)], "included": included}])
    assert (found.name, found.team_name, found.events, found.body) == ("", "", (), None)


@each("relationships", [None, {}, {"custom_webhook_template": None}, {"custom_webhook_template": {"data": None}}])
def test_a_body_of_another_one_is_not_taken(relationships: object) -> None:
    body = {"id": "9", "type": "custom_webhook_template", "attributes": {"body_template": "{}"}}
    [found] = read([{"data": [record() | {"relationships": relationships}], "included": [body]}])
    assert found.body is None


ADDRESSES = {
    URL: ("connect.signl4.com", ["96sbq49u"]),
    f"{URL}/": ("connect.signl4.com", ["96sbq49u"]),
    f"{URL}?ExtIdParam=id&key=hunter22": ("connect.signl4.com", ["96sbq49u", "ExtIdParam=id&key=hunter22"]),
    "https://jane:hunter22@Connect.SIGNL4.com.:443/webhook/96sbq49u": ("connect.signl4.com", ["96sbq49u", "hunter22"]),
    "https://connect.signl4.com/webhook/": ("connect.signl4.com", []),
    "https://connect.signl4.com": ("connect.signl4.com", []),
}


@each("url", ADDRESSES)
def test_of_an_address_the_host_is_known_and_the_rest_may_be_secret(url: str) -> None:
    [found] = read([{"data": [record(url=url)]}])
    host, secrets = ADDRESSES[url]
    assert (found.host, [secret.reveal() for secret in found.secrets]) == (host, secrets)


FULL = [record(str(number)) for number in range(PER_PAGE)]
NEXT, LAST = {"next": "https://elsewhere.example.com?page=2"}, {"next": None}
PAGES: dict[str, tuple[list[Any], int]] = {
    "one": ([{"data": [record()], "pagination": LAST}], 1),
    "none": ([{"data": [], "pagination": LAST}], 0),
    "two": ([{"data": [record()], "pagination": NEXT}, {"data": [record("2")], "pagination": LAST}], 2),
    "without a word about the next": ([{"data": FULL}, {"data": [record("x")]}], PER_PAGE + 1),
    "full, and the last": ([{"data": FULL, "pagination": LAST}], PER_PAGE),
    "the same again": ([{"data": [record()], "pagination": NEXT}, {"data": [record()], "pagination": NEXT}], 1),
    "nothing more": ([{"data": FULL, "pagination": NEXT}, {"data": [], "pagination": NEXT}], PER_PAGE),
}


@pytest.mark.parametrize(("pages", "count"), PAGES.values(), ids=PAGES)
def test_a_list_is_read_to_its_end(pages: list[Any], count: int) -> None:
    assert len(read(pages)) == count


def test_a_list_without_an_end_ends() -> None:
    pages = [{"data": [record(str(number))], "pagination": NEXT} for number in range(MOST_PAGES)]
    assert len(read(pages)) == MOST_PAGES
