"""Placeholders: the name of each, where its value comes from, and how metadata is read."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daemon.clients.records import read_incident
from daemon.decisions.payload import Templates
from daemon.model.incident import Kind
from tests.support.each import each
from tests.support.values import ago, incident, record, settings

_RECORD = record(
    http_method="post",
    response_content="upstream connect error",
    response_url="https://storage.example.com/response",
    screenshot_url="https://storage.example.com/screenshot",
    status="Resolved",
    started_at="2026-11-23T09:14:07.662Z",
    acknowledged_at="2026-11-23T09:15:00.000Z",
    resolved_at="2026-11-23T09:31:00.000Z",
    acknowledged_by="Jane Doe",
    resolved_by="John Smith",
    metadata={"Region": [{"type": "String", "value": "eu"}]},
)
WHOLE = read_incident(_RECORD | {"relationships": {"monitor": {"data": {"id": "2345678", "type": "monitor"}}}})
DASHBOARD = "https://uptime.betterstack.com/team/t123"

VALUES = {
    "INCIDENT_ID": "1026034957",
    "INCIDENT_URL": f"{DASHBOARD}/incidents/1026034957",
    "NAME": "Shop front page",
    "URL": "https://shop.example.com/",
    "CAUSE": "Status 503",
    "HTTP_METHOD": "post",
    "RESPONSE_CONTENT": "upstream connect error",
    "RESPONSE_URL": "https://storage.example.com/response",
    "SCREENSHOT_URL": "https://storage.example.com/screenshot",
    "STATUS": "Resolved",
    "STARTED_AT": "2026-11-23T09:14:07.662Z",
    "STARTED_AT_ISO8601": "2026-11-23T09:14:07.662Z",
    "ACKNOWLEDGED_AT": "2026-11-23T09:15:00.000Z",
    "ACKNOWLEDGED_AT_ISO8601": "2026-11-23T09:15:00.000Z",
    "RESOLVED_AT": "2026-11-23T09:31:00.000Z",
    "RESOLVED_AT_ISO8601": "2026-11-23T09:31:00.000Z",
    "ACKNOWLEDGED_BY": "Jane Doe",
    "RESOLVED_BY": "John Smith",
    "METADATA.Region": "eu",
    "METADATA_ARRAY": '[{"key":"Region","values":[{"type":"String","value":"eu"}]}]',
    "MONITOR_ID": "2345678",
    "COMMENT_ID": "",
    "COMMENT_CONTENT": "",
    "COMMENT_CREATED_AT": "",
    "COMMENT_CREATED_AT_ISO8601": "",
    "COMMENT_AUTHOR_NAME": "",
    "COMMENT_AUTHOR_EMAIL": "",
    "MESSAGE": "",
    "EMAILS_JSON_ARRAY": "",
    "ON_CALL_CALENDAR_ID": "",
    "ON_CALL_CALENDAR_NAME": "",
}


def filled(text: str, dashboard: str | None = DASHBOARD, **attributes: Any) -> str:
    """What becomes of a text in a template; the brackets keep it from being left out when it is empty."""
    templates = Templates(settings(betterstack={"dashboard_url": dashboard}, payload={"new": {"X": f"<{text}>"}}))
    seen = incident(**attributes) if attributes else WHOLE
    value: str = templates.payload(Kind.NEW, seen, "1026034957")["X"]
    return value[1:-1]


def alone(text: str, **attributes: Any) -> str:
    """What becomes of a text that is the whole of a value."""
    templates = Templates(settings(payload={"new": {"X": text}}))
    value: str = templates.payload(Kind.NEW, incident(**attributes), "1026034957").get("X", "")
    return value


@each("name", VALUES)
def test_a_placeholder_is_filled_from_its_attribute(name: str) -> None:
    assert filled(f"${name}") == VALUES[name]
    assert filled(f"a ${name}, b ${name}") == f"a {VALUES[name]}, b {VALUES[name]}"


def test_the_longest_name_wins_wherever_one_begins_with_another() -> None:
    text = " ".join(f"${name}" for name in VALUES)
    assert filled(text) == " ".join(VALUES.values())


@pytest.mark.parametrize("attributes", [{}, {name.lower(): None for name in VALUES} | {"metadata": None}])
def test_a_placeholder_without_a_value_is_empty(attributes: dict[str, Any]) -> None:
    templates = Templates(settings(payload={"new": {"X": [f"${name}" for name in VALUES]}}))
    body = templates.payload(Kind.NEW, replace(WHOLE, attributes=attributes, source="", source_id=""), "1026034957")
    assert body["X"] == ["1026034957"] + [""] * (len(VALUES) - 1)


def test_the_link_is_empty_without_a_dashboard() -> None:
    assert filled("$INCIDENT_URL", dashboard=None) == ""


def test_times_are_rendered_as_better_stack_wrote_them() -> None:
    assert filled("$STARTED_AT", started_at="2026-11-23 10:14:07 +0100") == "2026-11-23 10:14:07 +0100"
    assert filled("$STARTED_AT", started_at=ago(hours=1) + timedelta(milliseconds=5)) == "2026-11-23T08:30:00.005Z"


def test_a_value_that_holds_a_placeholder_stays_as_it_is() -> None:
    assert filled("$NAME", name="$CAUSE of $NAME") == "$CAUSE of $NAME"
    assert filled("$NAME$CAUSE", name="$", cause="URL") == "$URL"
    metadata = {"A": "$METADATA.B", "B": "never"}
    assert filled("$METADATA.A", metadata=metadata) == "$METADATA.B"


@pytest.mark.parametrize("text", ["$NOPE", "$name", "$ NAME", "$5", "100 $", "\\1 \\g<0>", "$METADATA", "{NAME}"])
def test_what_is_no_placeholder_stays_as_typed(text: str) -> None:
    assert filled(text) == text


def test_an_attribute_that_is_no_text_is_shown_as_json() -> None:
    assert filled("$NAME $CAUSE $URL", name=["ä", 1], cause=7, url={"a": True}) == '["ä",1] 7 {"a":true}'


def test_the_external_id_is_filled_too() -> None:
    templates = Templates(settings(signl4={"external_id": "bs-$INCIDENT_ID-$METADATA.Region"}))
    assert templates.external_id(WHOLE) == "bs-1026034957-eu"


@pytest.mark.parametrize(
    ("entries", "shown"),
    [
        ([{"type": "String", "value": "503"}], "503"),
        ([{"type": "User", "item_id": "12", "email": "jane@example.com", "name": "Jane Doe"}], "Jane Doe"),
        ([{"type": "User", "item_id": "12", "email": "jane@example.com", "name": None}], "jane@example.com"),
        ([{"value": "value", "name": "name", "email": "email"}], "value"),
        ([{"type": "Team", "item_id": "5"}], ""),
        ([{"value": "a"}, {"type": "Team"}, {"name": "b"}, {"email": "c"}], "a, b, c"),
        ([{"value": 503}, {"value": False}], "503, false"),
        (["a", "b"], "a, b"),
        ([None, "", 3], "3"),
        ([], ""),
        ("a plain string", "a plain string"),
        (None, ""),
        (503, "503"),
        ({"value": "x"}, '{"value":"x"}'),
        ([[1, 2]], "[1,2]"),
    ],
)
def test_metadata_is_read_by_value_then_name_then_email(entries: object, shown: str) -> None:
    assert filled("$METADATA.Key", metadata={"Key": entries}) == shown
    assert alone("$METADATA.Key", metadata={"Key": entries}) == shown


LOGS = {"Surrounding logs": "the logs", "Surrounding": "only around", "Region": "eu", "Region (old)": "us", "": "empty"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$METADATA.Surrounding logs", "the logs"),
        ("see $METADATA.Surrounding logs", "see the logs"),
        ("see $METADATA.Surrounding logsbook", "see the logsbook"),
        ("see $METADATA.Surrounding walls", "see only around walls"),
        ("in $METADATA.Region", "in eu"),
        ("in $METADATA.Region (old)", "in us"),
        ("in $METADATA.Region, $METADATA.Surrounding", "in eu, only around"),
        ("$METADATA.Region$METADATA.Region", "eueu"),
        ("no $METADATA.Owner here", "no  here"),
        ("no $METADATA.Owner-of_2 here", "no  here"),
        ("$METADATA.Owner", ""),
        ("$METADATA.Owner of it", ""),
        ("$METADATA.Owner (on duty)", ""),
        ("$METADATA.Owner: $NAME", ": Shop front page"),
    ],
)
def test_a_metadata_key_is_the_longest_that_the_incident_has(text: str, shown: str) -> None:
    assert alone(text, metadata=LOGS) == shown


def test_a_string_that_begins_with_metadata_takes_its_whole_rest_as_the_key() -> None:
    metadata = {"Region": "eu", "Region is $NAME.": "the rest"}
    assert alone("$METADATA.Region is $NAME.", metadata=metadata) == "the rest"
    assert alone("$METADATA.Region is $NAME!", metadata=metadata) == "eu is Shop front page!"


@pytest.mark.parametrize("key", ["a.b", "a|b", "a(", "a[x", "a*", "a\\d", "a$NAME", "a^", "a$"])
def test_a_metadata_key_is_no_pattern(key: str) -> None:
    assert alone(f"see $METADATA.{key}", metadata={key: "it"}) == "see it"
    assert alone("see $METADATA.axx.", metadata={key: "it"}) == "see ."


@pytest.mark.parametrize("metadata", [None, [], ["a"], "text", 7, True, ...])
def test_metadata_of_another_shape_has_no_keys(metadata: object) -> None:
    assert filled("$METADATA.Region", metadata=metadata) == ""
