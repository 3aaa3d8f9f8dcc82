"""A `new` always has a title that SIGNL4 takes for one: a text of which something shows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.payload import Templates
from daemon.model.incident import Kind
from tests.support.values import incident, settings

KEYS = ["subject", "title", "task", "job", "case", "incident", "x-s4-subject"]


def body_of(template: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    templates = Templates(settings(payload={"new": template}))
    metadata = {"Region": [{"type": "String", "value": "eu"}]}
    return templates.payload(Kind.NEW, incident("7", metadata=metadata, **attributes), "7")


def titles(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key.lower() in KEYS}


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a text": ({"Title": "$NAME"}, {"Title": "Shop front page"}),
    "a text under another key": ({"Subject": "$NAME"}, {"Subject": "Shop front page"}),
    "a number": ({"Title": 503}, {"Title": "Status 503"}),
    "a number in another spelling": ({"TITLE": 503}, {"Title": "Status 503"}),
    "true": ({"title": True}, {"Title": "Status 503"}),
    "a list": ({"Title": ["$NAME"]}, {"Title": "Status 503"}),
    "a table": ({"Title": {"a": "$NAME"}}, {"Title": "Status 503"}),
    "a table under another key stays a field": (
        {"Incident": {"id": "$INCIDENT_ID"}},
        {"Title": "Status 503", "Incident": {"id": "7"}},
    ),
    "a number under another key stays a field": ({"Case": 4}, {"Title": "Status 503", "Case": 4}),
    "blanks": ({"Title": "  "}, {"Title": "Status 503"}),
    "what does not show": ({"Title": "\u200b\u00a0\t"}, {"Title": "Status 503"}),
    "blanks under another key, which SIGNL4 would show": ({"Subject": " "}, {"Title": "Status 503"}),
    "blanks beside a text": ({"Subject": " ", "Title": "$NAME"}, {"Title": "Shop front page"}),
    "a number beside a text": ({"Job": 4, "Title": "$NAME"}, {"Job": 4, "Title": "Shop front page"}),
    "all metadata, which is a list": ({"Title": "$METADATA_ARRAY"}, {"Title": "Status 503"}),
    "a placeholder without a value": ({"Title": "$RESOLVED_BY"}, {"Title": "Status 503"}),
    "none": ({"Cause": "$CAUSE"}, {"Title": "Status 503"}),
}


@pytest.mark.parametrize(("template", "expected"), CASES.values(), ids=CASES)
def test_a_title_is_a_text_of_which_something_shows_or_one_is_added(
    template: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert titles(body_of(template)) == expected


@pytest.mark.parametrize(
    ("template", "warned"),
    [
        ({"Title": 503}, "Title"),
        ({"subject": ["$NAME"]}, "subject"),
        ({"Case": 4, "Title": True}, "Case"),
        ({"Case": 4, "Title": "$NAME"}, None),
        ({"Title": "$NAME"}, None),
        ({"Cause": 4}, None),
    ],
)
def test_a_title_that_is_no_text_is_warned_of(template: dict[str, Any], warned: str | None) -> None:
    said = (
        [f"payload.new sets {warned} to no text, so SIGNL4 takes it for no title; put it in quotes"] if warned else []
    )
    assert list(Templates(settings(payload={"new": template})).warnings()) == said
    assert list(Templates(settings(payload={"resolved": template})).warnings()) == []


@pytest.mark.parametrize("key", ["Titel", "TITEL", "Tittle", "Titl", "Subjekt"])
def test_a_key_that_is_nearly_a_title_is_warned_of(key: str) -> None:
    (warning,) = Templates(settings(payload={"new": {key: "$NAME"}})).warnings()
    assert warning == f"payload.new sets {key}, which SIGNL4 takes for no title; the nearest is Title"
    assert list(Templates(settings(payload={"new": {key: "$NAME", "Title": "$NAME"}})).warnings()) == []


UNSEEN = {
    "a space of no width": "\u200b",
    "marks of direction": "\u200e\u202e\u2066",
    "a filler of Hangul": "\u3164",
    "the empty Braille pattern": "\u2800",
    "a variation selector": "\ufe0f",
    "an accent without its letter": "\u0301",
    "a joiner of marks": "\u034f",
    "soft hyphens and a byte order mark": "\u00ad\ufeff",
    "a null note head": "\U0001d159",
    "control characters": "\x00\x1b\x85",
    "blanks longer than a title": " " * 300 + "Shop",
}
"""Texts of which nothing can be seen in a title, though some of them are letters or printable to Python."""


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", UNSEEN.values(), ids=UNSEEN)
def test_no_title_is_sent_of_which_nothing_can_be_seen(kind: Kind, name: str) -> None:
    templates = Templates(settings(payload={kind: {"Title": "$NAME", "Subject": " ", "Case": "$NAME"}}))
    body = templates.payload(kind, incident("7", name=name, cause=name), "7")
    assert titles(body) == ({"Title": "Better Stack incident 7"} if kind is Kind.NEW else {})


@pytest.mark.parametrize("name", ["ア", "é", "e\u0301", "…", "?", "0", "🔥", "❤\ufe0f", "\u200bx"])
def test_any_mark_that_can_be_seen_is_a_title(name: str) -> None:
    assert body_of({"Title": "$NAME"}, name=name)["Title"] == name


@pytest.mark.parametrize("cause", ["", "   ", "\u200b", None, 5, ["a"]])
def test_without_a_cause_that_shows_it_is_the_incidents_number(cause: object) -> None:
    assert body_of({"Title": 1}, cause=cause)["Title"] == "Better Stack incident 7"


@pytest.mark.parametrize("name", ["", " \n", "\u200b"])
def test_a_name_that_does_not_show_gives_way_to_the_cause(name: str) -> None:
    assert titles(body_of({"Title": "$NAME"}, name=name)) == {"Title": "Status 503"}


VALUES = st.one_of(
    st.text(max_size=5),
    st.integers(),
    st.booleans(),
    st.lists(st.text(max_size=3), max_size=2),
    st.sampled_from([" ", "\u200b", "$NAME", "$CAUSE"]),
)


@given(st.dictionaries(st.sampled_from([*KEYS, "Title", "SUBJECT", "Other"]), VALUES), st.text(max_size=5))
def test_whatever_the_template_says_there_is_a_title(template: dict[str, Any], name: str) -> None:
    body = body_of(template, name=name, cause=name)
    texts = [value for value in titles(body).values() if isinstance(value, str)]
    assert texts
    assert all(any(mark.isprintable() and not mark.isspace() for mark in text) for text in texts)
