"""Where a placeholder begins and ends, and what stands for all metadata."""

import json
from typing import Any

import pytest

from daemon.decisions.payload import Templates
from daemon.decisions.placeholders import ALWAYS_EMPTY, ARRAY_LIMIT, NAMES, TEXT_LIMIT, fill, fill_text
from daemon.model.errors import ConfigError
from daemon.model.incident import Kind
from tests.support import placeholders_page
from tests.support.each import each
from tests.support.values import incident, settings

SHOP = incident("7", name="Shop", status="Started")

TEXTS = {
    # Filled whole: the run of capitals, digits and underscores is a known name.
    "$NAME": "Shop",
    "$NAME.": "Shop.",
    "$NAME-$INCIDENT_ID": "Shop-7",
    "$NAME$INCIDENT_ID": "Shop7",
    "($NAME)": "(Shop)",
    "$$NAME": "$Shop",
    "$NAMEs": "Shops",
    "$STARTED_AT_ISO8601s": "2026-11-23T09:25:00.000Zs",
    "$STARTED_ATs": "2026-11-23T09:25:00.000Zs",
    # An underscore at the end, or before a word in lower case, is text.
    "$NAME_": "Shop_",
    "$NAME_$INCIDENT_ID": "Shop_7",
    "$NAME__INCIDENT_ID": "Shop__INCIDENT_ID",
    "$INCIDENT_ID_prod": "7_prod",
    "$INCIDENT_ID_Prod": "7_Prod",
    "$INCIDENT_ID_2nd": "7_2nd",
    # A longer name that is not known stays as typed, whatever it begins with.
    "$NAMES": "$NAMES",
    "$NAME2": "$NAME2",
    "$STATUS_PAGE": "$STATUS_PAGE",
    "$STATUS_PAGE_URL": "$STATUS_PAGE_URL",
    "$STARTED_AT_ISO": "$STARTED_AT_ISO",
    "$INCIDENT": "$INCIDENT",
    "$INCIDENT_IDENTIFIER": "$INCIDENT_IDENTIFIER",
    "$URLS$NAME": "$URLSShop",
    "$METADATA": "$METADATA",
    "$METADATA_ARRAY_V2": "$METADATA_ARRAY_V2",
    # What others write is theirs.
    "${NAMES}": "${NAMES}",
    "${name}": "${name}",
    "${NAME": "${NAME",
    "${ NAME }": "${ NAME }",
    "${NAME:0}": "${NAME:0}",
    "${NAME:80x}": "${NAME:80x}",
    "${NAME:=x}": "${NAME:=x}",
    "${NAME $INCIDENT_ID}": "${NAME 7}",
    "{{ NAME }}": "{{ NAME }}",
    "$name": "$name",
    "$Name": "$Name",
    "$ NAME": "$ NAME",
}


@each(("text", "filled"), TEXTS.items())
def test_a_placeholder_is_filled_whole_or_not_at_all(text: str, filled: str) -> None:
    assert fill_text(text, SHOP, "") == filled
    assert fill_text(f"on {text} it is", SHOP, "") == f"on {filled} it is"


LOGS = incident(
    "7",
    name="Shop front page",
    cause="",
    acknowledged_by=None,
    metadata={"Surrounding logs": "the whole log", "Port:80": "open", "Empty": [], "Ort": "Köln"},
)
BRACES = {
    # The same as without them, and it ends where they do.
    "${NAME}": "Shop front page",
    "${INCIDENT_ID}S": "7S",
    "${INCIDENT_ID}_PROD": "7_PROD",
    "$${INCIDENT_ID}": "$7",
    "${METADATA.Surrounding logs}": "the whole log",
    "${METADATA.Surrounding logs} of it": "the whole log of it",
    "${METADATA.Surrounding}": "",
    "${METADATA.Port:80}": "",
    # A default where the value is empty.
    "${NAME:-none}": "Shop front page",
    "${CAUSE:-none}": "none",
    "${CAUSE:-}": "",
    "${CAUSE:-no: cause, at all - sorry}": "no: cause, at all - sorry",
    "${ACKNOWLEDGED_BY:-nobody}": "nobody",
    "${MESSAGE:-no message}": "no message",
    "${METADATA.Surrounding logs:-none}": "the whole log",
    "${METADATA.Surrounding walls:-none}": "none",
    "${METADATA.Empty:-none}": "none",
    "${CAUSE:-$NAME}": "Shop front page",
    "${CAUSE:-see $METADATA.Ort}": "see Köln",
    "${CAUSE:-$NAMES}": "$NAMES",
    # Cut, with an ellipsis as its last character.
    "${NAME:80}": "Shop front page",
    "${NAME:15}": "Shop front page",
    "${NAME:5}": "Shop…",
    "${NAME:1}": "…",
    "${METADATA.Surrounding logs:9}": "the whol…",
    "${CAUSE:5}": "",
    # Both: the value is cut, the default is not.
    "${NAME:5:-nothing}": "Shop…",
    "${CAUSE:5:-nothing}": "nothing",
    "${METADATA.Surrounding logs:9:-none}": "the whol…",
    "${METADATA.Surrounding walls:9:-nothing at all}": "nothing at all",
    "${NAME:5} ${CAUSE:-none} $INCIDENT_ID": "Shop… none 7",
}


@each(("text", "filled"), BRACES.items())
def test_in_braces_a_placeholder_has_an_end_a_length_and_a_default(text: str, filled: str) -> None:
    assert fill(text, LOGS, "") == filled
    assert fill(f"on {text} it is", LOGS, "") == f"on {filled} it is"


def test_a_value_is_not_filled_again_in_braces_either() -> None:
    one = incident("7", name="${CAUSE:-x} $URL", cause="")
    assert fill("${NAME} ${CAUSE:-$NAME}", one, "") == "${CAUSE:-x} $URL ${CAUSE:-x} $URL"


ARRAY = [{"key": "A", "values": [{"type": "String", "value": "b"}]}]


@each(
    ("text", "with_it", "without"),
    [
        ("$METADATA_ARRAY", ARRAY, ""),
        ("${METADATA_ARRAY}", ARRAY, ""),
        ("${METADATA_ARRAY:-none}", ARRAY, "none"),
        ("${METADATA_ARRAY:8}", '[{"key"…', ""),
        ("${METADATA_ARRAY:8:-none}", '[{"key"…', "none"),
        ("${METADATA_ARRAY}.", '[{"key":"A","values":[{"type":"String","value":"b"}]}].', "."),
    ],
)
def test_all_metadata_alone_is_a_list_in_braces_too(text: str, with_it: object, without: object) -> None:
    assert fill(text, incident(metadata={"A": "b"}), "") == with_it
    assert fill(text, incident(metadata={}), "") == without


TIMES = {
    "2026-11-23T09:14:07.662Z": "2026-11-23T09:14:07.662Z",
    "2026-11-23T09:14:07Z": "2026-11-23T09:14:07Z",
    "2026-11-23T10:14:07.662+01:00": "2026-11-23T09:14:07.662Z",
    "2026-11-23 09:14:07": "2026-11-23T09:14:07.000Z",
    "yesterday": "yesterday",
    None: "",
}


@each(("given", "shown"), TIMES.items())
@each("name", ["started_at", "acknowledged_at", "resolved_at"])
def test_a_time_is_passed_on_or_made_iso_8601_in_utc(name: str, given: str | None, shown: str) -> None:
    times: dict[str, Any] = {name: given}
    one = incident(**times)
    assert fill(f"${name.upper()}", one, "") == (given or "")
    assert fill(f"${name.upper()}_ISO8601", one, "") == shown


@each("name", NAMES)
@each("tail", ["S", "_X", "2", "_2", "_PAGE", "X_y"])
def test_no_name_is_filled_as_the_beginning_of_another(name: str, tail: str) -> None:
    longer = f"{name}{tail}"
    if longer not in NAMES:
        assert fill_text(f"${longer} ", SHOP, "") == f"${longer} "


@pytest.mark.parametrize(
    "text", ["$INCIDENT_IDS", "x-$INCIDENT_ID_PROD", "$INCIDENT_ID2", "${INCIDENT_ID:9}", "${NAME:-$INCIDENT_ID}"]
)
def test_an_external_id_needs_the_whole_name(text: str) -> None:
    """As a part of another name it would stay as typed, and all incidents would share one alert."""
    with pytest.raises(
        ConfigError, match=r"^signl4\.external_id \(.*\) holds \$INCIDENT_ID as a part of a longer name"
    ):
        Templates(settings(signl4={"external_id": text}))


@pytest.mark.parametrize(
    "text", ["$INCIDENT_ID_prod", "$INCIDENT_ID-PROD", "$INCIDENT_IDS-$INCIDENT_ID", "${INCIDENT_ID}S"]
)
def test_an_external_id_may_go_on_behind_it(text: str) -> None:
    templates = Templates(settings(signl4={"external_id": text}))
    assert templates.external_id(SHOP) != templates.external_id(incident("8"))


USER = {"type": "User", "item_id": "12", "email": "jane@example.com", "name": "Jane Doe"}
ARRAYS: dict[str, tuple[Any, Any]] = {
    "typed values, each with all it has": (
        {"Response code": [{"type": "String", "value": "503"}], "Owner": [USER]},
        [{"key": "Response code", "values": [{"type": "String", "value": "503"}]}, {"key": "Owner", "values": [USER]}],
    ),
    "a plain string": ({"Ort": "Köln"}, [{"key": "Ort", "values": [{"type": "String", "value": "Köln"}]}]),
    "plain strings": ({"A": ["b"]}, [{"key": "A", "values": [{"type": "String", "value": "b"}]}]),
    "no value": ({"A": None, "B": []}, [{"key": "A", "values": []}, {"key": "B", "values": []}]),
    "a value of another type": ({"A": 7}, [{"key": "A", "values": [{"type": "String", "value": "7"}]}]),
    "something nested in a value": (
        {"A": [{"type": "String", "value": {"b": [1]}, "n": 1, "t": True, "x": None}]},
        [{"key": "A", "values": [{"type": "String", "value": '{"b":[1]}', "n": 1, "t": True, "x": None}]}],
    ),
    "none": ({}, None),
    "null": (None, None),
    "metadata of another shape": (["a"], None),
}


@pytest.mark.parametrize(("metadata", "array"), ARRAYS.values(), ids=ARRAYS)
def test_all_metadata_alone_is_a_list_and_within_a_text_compact_json(metadata: Any, array: Any) -> None:
    templates = Templates(settings(payload={"new": {"All": "$METADATA_ARRAY", "Deep": [{"All": "$METADATA_ARRAY"}]}}))
    body = templates.payload(Kind.NEW, incident(metadata=metadata), "7")
    assert body.get("All") == array
    assert body["Deep"] == [{} if array is None else {"All": array}]
    written = "" if array is None else json.dumps(array, ensure_ascii=False, separators=(",", ":"))
    assert fill("is: $METADATA_ARRAY", incident(metadata=metadata), "") == f"is: {written}"


def test_a_list_of_all_metadata_is_cut_text_by_text_and_holds_what_fits() -> None:
    metadata = {f"Key {number}": [{"type": "String", "value": "v" * 3_000}] for number in range(50_000)}
    array = fill("$METADATA_ARRAY", incident(metadata=metadata), "")
    assert isinstance(array, list)
    assert [item["key"] for item in array] == ["Key 0", "Key 1", "Key 2"]
    assert {len(item["values"][0]["value"]) for item in array} == {TEXT_LIMIT}
    assert len(json.dumps(array, separators=(",", ":"))) <= ARRAY_LIMIT + 2 + len(array)


def test_the_keys_of_metadata_are_found_as_they_are_written() -> None:
    one = incident(metadata={"Region": "eu", "Surrounding logs": "the logs"})
    assert fill("$METADATA.Surrounding logs", one, "") == "the logs"
    assert fill("$METADATA.Surrounding walls", one, "") == ""
    assert fill("$METADATA.Region of the shop", one, "") == "eu of the shop"


def test_the_page_lists_every_placeholder_with_an_example() -> None:
    page = placeholders_page.written()
    assert page == placeholders_page.PAGE.read_text("utf-8"), "write it with: python -m tests.support.placeholders_page"
    assert placeholders_page.MEANINGS.keys() == {*NAMES, "METADATA.<key>"}
    rows = {line.split("`")[1]: line.split("|")[3].strip() for line in page.splitlines() if line.startswith("| `$")}
    assert rows.keys() == {*(f"${name}" for name in placeholders_page.MEANINGS), *placeholders_page.BRACES}
    assert {name.removeprefix("$") for name, example in rows.items() if example == "empty"} == ALWAYS_EMPTY
