"""What is read of a monitor or a heartbeat, and what is never kept."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.clients.monitor_records import DIGEST_SIZE, LONGEST_KEY, LONGEST_TEXT, MOST_ATTRIBUTES, read_monitor
from daemon.model.monitor import Monitor, MonitorKind
from tests.support.each import each

MADE, UPDATED, PAUSED = "2026-01-05T08:00:00.000Z", "2026-11-23T09:14:07.662Z", "2026-11-23T10:30:00+01:00"
MONITOR, HEARTBEAT = MonitorKind


def record(monitor_id: Any = "2345678", **attributes: Any) -> dict[str, Any]:
    whole = {
        "pronounceable_name": "Shop front page",
        "url": "https://shop.example.com/",
        "team_name": "Operations",
        "status": "up",
        "created_at": MADE,
        "updated_at": UPDATED,
        "paused_at": None,
        **attributes,
    }
    return {"id": monitor_id, "type": "monitor", "attributes": whole}


def read(kind: MonitorKind = MONITOR, **attributes: Any) -> Monitor:
    return read_monitor(kind, record(**attributes))


def configuration(key: str, value: object) -> dict[str, str]:
    """That of a monitor with this attribute."""
    return {**read_monitor(MONITOR, record(**{key: value})).configuration}


@each("kind", MonitorKind)
def test_a_record_is_read(kind: MonitorKind) -> None:
    found = read(kind, status=" Paused ", paused_at=PAUSED, name="Nightly backup")
    assert (found.kind, found.id, found.team_name, found.status) == (kind, "2345678", "Operations", "paused")
    assert found.created_at == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 23, 9, 14, 7, 662000, UTC)
    assert found.paused_at == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    assert found.name == {MONITOR: "Shop front page", HEARTBEAT: "Nightly backup"}[kind]


@each(
    ("kind", "attributes", "name"),
    [
        (MONITOR, {"pronounceable_name": None, "name": "Shop"}, "Shop"),
        (MONITOR, {"pronounceable_name": " "}, "https://shop.example.com/"),
        (MONITOR, {"pronounceable_name": 7, "name": [], "url": None}, ""),
        (HEARTBEAT, {"name": None}, "Shop front page"),
        (HEARTBEAT, {"name": "", "pronounceable_name": None, "url": "https://u.example.com/heartbeat/s3cret"}, ""),
    ],
)
def test_a_name_is_that_of_its_kind_or_the_other_or_the_address(
    kind: MonitorKind, attributes: dict[str, Any], name: str
) -> None:
    assert read(kind, **attributes).name == name


@each("attributes", [{"status": None}, {"status": 7}, {"team_name": {}}, {"url": [1]}, {"updated_at": "soon"}])
def test_what_is_odd_counts_as_absent(attributes: dict[str, Any]) -> None:
    [key] = attributes
    found = read(pronounceable_name="Shop", **attributes)
    assert getattr(found, key) == (None if key == "updated_at" else "")
    assert found.name == "Shop"


# -- secrets ----------------------------------------------------------------------------------------------------------

SECRETS: dict[str, Any] = {
    "auth_password": "hunter22-password",
    "request_headers": [{"id": "1", "name": "Authorization", "value": "Bearer hunter22-header"}],
    "request_body": '{"key": "hunter22-body"}',
    "playwright_script": "login('hunter22-script')",
    "environment_variables": {"PASSWORD": "hunter22-variable"},
    "proxy_host": "http://jane:hunter22-proxy@proxy.example.com",
    "something_new": {"deep": [{"er": "hunter22-deep"}]},
    "secret_at": "hunter22-time",
}


@each("kind", MonitorKind)
def test_no_secret_is_kept(kind: MonitorKind) -> None:
    found = read(kind, **SECRETS)
    assert "hunter22" not in repr(found)
    assert {*SECRETS} - {"secret_at"} <= found.configuration.keys()
    assert all(re.fullmatch(f"[0-9a-f]{{{2 * DIGEST_SIZE}}}", digest) for digest in found.configuration.values())


def test_the_address_of_a_heartbeat_is_a_secret() -> None:
    url = "https://uptime.betterstack.com/api/v1/heartbeat/hunter22"
    found = read(HEARTBEAT, url=url)
    assert (found.url, "url" in found.configuration) == ("", True)
    assert found.configuration != read(HEARTBEAT, url=f"{url}x").configuration


@each(
    ("url", "shown"),
    [
        ("https://jane:hunter22@shop.example.com/a@b?c=d@e", "https://shop.example.com/a@b?c=d@e"),
        ("HTTPS://hunter22@shop.example.com", "HTTPS://shop.example.com"),
        ("//jane:hunter22@shop.example.com:8443", "//shop.example.com:8443"),
        (" jane:hunter22@shop.example.com", "shop.example.com"),
        ("https://jane:hunt@er22@shop.example.com", "https://shop.example.com"),
        (f"https://jane:{'hunter22' * LONGEST_TEXT}@shop.example.com", "https://shop.example.com"),
        ("https://shop.example.com/@jane", "https://shop.example.com/@jane"),
        ("https://shop.example.com?to=a@b", "https://shop.example.com?to=a@b"),
        ("10.0.0.7", "10.0.0.7"),
    ],
)
def test_of_an_address_user_and_password_are_left_out(url: str, shown: str) -> None:
    found = read(url=url, pronounceable_name="")
    assert (found.url, found.name) == (shown, shown)


# -- the configuration ------------------------------------------------------------------------------------------------


@each("key", ["status", "paused", "paused_at", "created_at", "updated_at", "last_checked_at", "sort_index", "any_at"])
def test_what_changes_by_itself_is_no_part_of_the_configuration(key: str) -> None:
    assert configuration(key, "x") == configuration(key, "y")
    assert key not in configuration(key, "x")


@each(
    ("key", "before", "after"),
    [
        ("check_frequency", 30, 60),
        ("check_frequency", 30, "30"),
        ("verify_ssl", True, None),
        ("verify_ssl", False, 0),
        ("url", "https://a.example.com", "https://b.example.com"),
        ("pronounceable_name", "a", "b"),
        ("regions", ["us", "eu"], ["us"]),
        ("request_headers", [{"name": "a", "value": "b"}], [{"name": "a", "value": "c"}]),
        ("maintenance_from", "01:00:00", "02:00:00"),
        ("auth_password", "a\ud800", "b\ud800"),
    ],
)
def test_of_what_people_set_each_change_shows_under_its_name(key: str, before: object, after: object) -> None:
    one, other = configuration(key, before), configuration(key, after)
    assert {name for name in one | other if one.get(name) != other.get(name)} == {key}


def test_the_order_of_keys_is_no_change() -> None:
    assert configuration("headers", {"a": 1, "b": 2}) == configuration("headers", {"b": 2, "a": 1})
    turned = {**record(), "attributes": dict(reversed(record()["attributes"].items()))}
    assert list(read_monitor(MONITOR, turned).configuration) == list(read().configuration)


def test_nobody_sees_that_two_of_them_share_a_password() -> None:
    whole = record(auth_password="hunter22", auth_username="hunter22")
    mine = read_monitor(MONITOR, whole).configuration
    others = (read_monitor(MONITOR, {**whole, "id": "7"}), read_monitor(HEARTBEAT, whole))
    digests = [mine["auth_username"], *(one.configuration["auth_password"] for one in others)]
    assert mine["auth_password"] not in digests


# -- what cannot be read ----------------------------------------------------------------------------------------------


@each(
    ("odd", "why"),
    [
        (None, "it is no object"),
        ([record()], "it is no object"),
        (record(None), "its id is 'NoneType'"),
        (record("../7"), "its id is '../7'"),
        ({"id": "7"}, "monitor 7 has no attributes"),
        ({"id": "7", "attributes": {}}, "monitor 7 has no attributes"),
        (record(**{f"a{number}": 1 for number in range(MOST_ATTRIBUTES)}), f"more than {MOST_ATTRIBUTES} attributes"),
        (record(**{"a" * (LONGEST_KEY + 1): 1}), "an attribute whose name is longer than"),
    ],
)
def test_what_cannot_be_read_is_said(odd: object, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        read_monitor(MONITOR, odd)


def test_what_nests_too_deeply_cannot_be_read() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="monitor 2345678 has an attribute that is nested too deeply"):
        read(request_body=deep)


def test_long_texts_are_cut_and_as_many_attributes_as_are_allowed_are_read() -> None:
    long = "x" * (LONGEST_TEXT + 1)
    found = read(pronounceable_name=long, url=long, team_name=long, status=long)
    assert {len(text) for text in (found.name, found.url, found.team_name, found.status)} == {LONGEST_TEXT}
    attributes = {f"a{number}".ljust(LONGEST_KEY, "x"): 1 for number in range(MOST_ATTRIBUTES)}
    assert len(read_monitor(MONITOR, {"id": 7, "attributes": attributes}).configuration) == MOST_ATTRIBUTES


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8)
KNOWN = st.sampled_from(["name", "pronounceable_name", "url", "status", "team_name", "paused_at", "updated_at"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN | st.text(max_size=5), inner, max_size=5),
    max_leaves=8,
)
RECORDS = st.fixed_dictionaries(
    {}, optional={"id": JSON | st.just("7"), "attributes": JSON | st.dictionaries(KNOWN, JSON)}
)


@given(st.sampled_from(MonitorKind), JSON | RECORDS)
@example(MONITOR, {"id": 10**5000, "attributes": {"name": "x"}})
@example(MONITOR, {"id": "7", "attributes": {"url": "\ud800@", "updated_at": "0001-01-01T00:00:00+14:00"}})
def test_any_record_is_a_monitor_or_a_sentence(kind: MonitorKind, given_record: Any) -> None:
    try:
        found = read_monitor(kind, given_record)
    except ValueError:
        return
    assert re.fullmatch("[A-Za-z0-9_-]{1,64}", found.id)
    assert all(time is None or time.tzinfo is UTC for time in (found.paused_at, found.created_at, found.updated_at))
    assert all(len(text) <= LONGEST_TEXT for text in (found.name, found.url, found.team_name, found.status))
