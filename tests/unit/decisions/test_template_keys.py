"""Keys of a body that SIGNL4 takes for the title or the text of an alert."""

from typing import Any

import pytest

from daemon.decisions.payload import Templates
from daemon.decisions.template_keys import TEXT_KEYS, TITLE_KEYS, key_remarks
from tests.support.each import each
from tests.support.values import settings

ALONE = {
    "Incident": ("title", "Title", '"Incident ID"'),
    "Case": ("title", "Title", '"Case ID"'),
    "JOB": ("title", "Title", '"JOB ID"'),
    "task": ("title", "Title", '"task ID"'),
    "Subject": ("title", "Title", '"Subject ID"'),
    "Description": ("text", "Text", '"Incident description"'),
    "Body": ("text", "Text", '"Incident body"'),
    "Content": ("text", "Text", '"Incident content"'),
    "Message": ("text", "Text", '"Incident message"'),
    "messageText": ("text", "Text", '"Incident messagetext"'),
}


@each("key", ALONE)
def test_a_key_that_is_taken_for_something_else_is_remarked(key: str) -> None:
    what, name, own = ALONE[key]
    [remark] = key_remarks({"Title" if what == "text" else "Cause": "$NAME", key: "$INCIDENT_ID"})
    assert remark == (
        f"sets {key}, which SIGNL4 takes for the {what} of the alert and does not show as a field; "
        f"if you mean that, name it {name}, else give it a name of your own, like {own}"
    )


def test_a_name_of_ones_own_is_taken_for_a_field() -> None:
    taken = TITLE_KEYS | TEXT_KEYS
    assert not taken & {own.strip('"').lower() for _, _, own in ALONE.values()}


SEVERAL: list[tuple[dict[str, Any], str, str, str]] = [
    ({"Title": "a", "Incident": "b"}, "Title and Incident", "title", "Title"),
    ({"Incident": "a", "Case": "b", "title": "c"}, "Incident, Case and title", "title", "title"),
    ({"Incident": "a", "Case": "b"}, "Incident and Case", "title", "Incident"),
    ({"Title": "a", "Description": "b", "Body": "c"}, "Description and Body", "text", "Description"),
]


@each(("body", "keys", "what", "kept"), SEVERAL)
def test_several_of_a_kind_are_remarked_once(body: dict[str, Any], keys: str, what: str, kept: str) -> None:
    [remark] = key_remarks(body)
    assert remark == (
        f"sets {keys}, of which SIGNL4 takes one for the {what} of the alert, in an order of its own; "
        f"keep {kept} and give the others names of your own"
    )


@each(
    "body",
    [
        {},
        {"Title": "$NAME"},
        {"title": "$NAME", "text": "$CAUSE"},
        {"X-S4-Subject": "$NAME"},
        {"Title": "$NAME", "Incident ID": "$INCIDENT_ID", "Incident description": "$CAUSE"},
        {"Title": "$NAME", "Case": 4, "Body": ["$CAUSE"]},
    ],
)
def test_what_is_meant_or_no_text_is_not_remarked(body: dict[str, Any]) -> None:
    assert list(key_remarks(body)) == []


@pytest.mark.parametrize("kind", ["new", "acknowledged", "resolved"])
def test_check_warns_of_a_new_alone(kind: str) -> None:
    """The others act on an alert that is there, under the title that it has."""
    said = list(Templates(settings(payload={kind: {"Title": "$NAME", "Message": "$CAUSE"}})).warnings())
    assert [sentence.split(",")[0] for sentence in said] == (["payload.new sets Message"] if kind == "new" else [])
