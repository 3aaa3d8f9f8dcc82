"""The body of a webhook as TOML: what is kept, what is left out, and what is said of it."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.template_text import templates
from daemon.decisions.imported import Pasted, as_toml, kind_of
from daemon.decisions.payload import Templates
from daemon.model.incident import Kind
from daemon.model.printable import printable
from tests.support.each import each
from tests.support.values import incident, settings

RECIPE: dict[str, Any] = {
    "Title": "$NAME",
    "Cause": "$CAUSE",
    "Data": "$METADATA_ARRAY",
    "X-S4-ExternalID": "$INCIDENT_ID",
    "X-S4-Status": "new",
    "X-S4-SourceSystem": "Better Stack",
}


def written(body: dict[str, Any], kind: Kind = Kind.NEW) -> list[str]:
    return list(as_toml([Pasted(kind, body)]))


def read(lines: list[str]) -> dict[str, Any]:
    """The templates that the configuration has then."""
    problems: list[str] = []
    held = tomllib.loads("\n".join(lines)).get("payload", {})
    found = {key: value for key, value, _ in templates(held, Path(), problems)}
    assert problems == []
    return found


def test_a_recipe_becomes_a_table_without_what_the_program_sets() -> None:
    assert written(RECIPE) == [
        '# "X-S4-ExternalID" = "$INCIDENT_ID" is left out: the program sets it itself, by signl4.external_id',
        '# "X-S4-Status" = "new" is left out: the program sets it itself, here to new',
        '# "X-S4-SourceSystem" = "Better Stack" is left out: the program sets it itself',
        "[payload.new]",
        '"Title" = "$NAME"',
        '"Cause" = "$CAUSE"',
        '"Data" = "$METADATA_ARRAY"',
        "",
    ]


COMMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "another id": (
        {"x-s4-externalid": "bs-$INCIDENT_ID"},
        '"x-s4-externalid" = "bs-$INCIDENT_ID" is left out: the program sets it itself; to go on with the alerts',
    ),
    "an id that is none": (
        {"X-S4-ExternalID": 7},
        '"X-S4-ExternalID" = 7 is left out: the program sets it itself, to an id that no two incidents share',
    ),
    "null": ({"Link": None}, '"Link" = null is left out: what is empty is never sent'),
    "an unknown placeholder": (
        {"A": "$NAMES"},
        "check: payload.new has $NAMES, which is no placeholder and will be sent as typed; the nearest is $NAME",
    ),
    "a line break in what is quoted": (
        {"A": "${a\n\x07b}"},
        "check: payload.new has ${a \ufffdb}, which is no placeholder and will be sent as typed; the nearest is ",
    ),
    "a key that is taken for the text": (
        {"Body": "$CAUSE"},
        "check: payload.new sets Body, which SIGNL4 takes for the text of the alert and does not show as a field; ",
    ),
}
"""What a body holds, and how the comment about it begins."""


@each("name", COMMENTS)
def test_what_will_be_different_is_a_comment(name: str) -> None:
    body, comment = COMMENTS[name]
    [only] = [line for line in written(body) if line.startswith("# ")]
    assert only.startswith(f"# {comment}")


def test_another_source_is_kept() -> None:
    assert read(written({"X-S4-SourceSystem": "Uptime"})) == {"new": {"X-S4-SourceSystem": "Uptime"}}


@each(
    ("body", "kind"),
    [
        ({}, Kind.NEW),
        ({"X-S4-Status": "new"}, Kind.NEW),
        ({"x-s4-status": "Resolved"}, Kind.RESOLVED),
        ({"X-S4-STATUS": "acknowledged"}, Kind.ACKNOWLEDGED),
        ({"X-S4-Status": "$STATUS"}, Kind.NEW),
        ({"X-S4-Status": None}, Kind.NEW),
    ],
)
def test_the_status_of_a_body_says_what_it_is_for(body: dict[str, Any], kind: Kind) -> None:
    assert kind_of(body) is kind


def test_several_are_one_document_in_the_order_of_an_incident() -> None:
    nulls = {"A": [None, "it's\x7f '''"]}
    pasted = [
        Pasted(Kind.RESOLVED, nulls, ("the end",)),
        Pasted(Kind.NEW, {"Title": "$NAME"}),
        Pasted(Kind.ACKNOWLEDGED, nulls),
        Pasted(Kind.NEW, {"Title": "another"}, ("a second one",)),
        Pasted(Kind.RESOLVED, nulls),
    ]
    lines = list(as_toml(pasted))
    assert read(lines) == {"new": {"Title": "$NAME"}, "acknowledged": nulls, "resolved": nulls}
    assert lines.count("[payload]") == 1
    at = lines.index("# a second one")
    assert lines[at + 1 : at + 4] == [
        "# There is one payload.new for all alerts, so this one is not used:",
        "#[payload.new]",
        '#"Title" = "another"',
    ]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["$NAME", "${CAUSE:-x}", "it's", "'''"])
VALUES = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KEYS = TEXTS | st.sampled_from(["Title", "X-S4-Status", "x-s4-externalid", "X-S4-SourceSystem", "Incident"])


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from(Kind))
def test_what_is_written_gives_the_same_body(body: dict[str, Any], kind: Kind) -> None:
    lines = written(body, kind)
    assert [line for line in lines if printable(line) != line] == []
    shop = incident("7", cause="", metadata={"A": "b"})
    bodies = [
        json.dumps(Templates(settings(payload=payload)).payload(kind, shop, "7"))
        for payload in ({str(kind): body}, read(lines))
    ]
    assert bodies[0] == bodies[1]


def test_a_name_for_the_texts_of_a_comment_cannot_end_it() -> None:
    lines = list(as_toml([Pasted(Kind.NEW, {}, ('a\n[payload.new]\nTitle = "x"',))]))
    assert read(lines) == {"new": {}}


@pytest.mark.parametrize("kind", Kind)
def test_a_body_of_nothing_is_an_empty_table(kind: Kind) -> None:
    assert written({"X-S4-Status": str(kind)}, kind)[1:] == [f"[payload.{kind}]", ""]
