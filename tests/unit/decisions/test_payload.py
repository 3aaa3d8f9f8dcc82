"""The JSON body: what is always in it, what is left out, what is cut, and what the operator is told beforehand."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.payload import Templates, minimal
from daemon.model.errors import ConfigError
from daemon.model.incident import Kind
from tests.support.values import incident, recorded, settings

ID = "1026034957"
SIGNED = {"X-S4-SourceSystem": "Better Stack", "X-S4-ExternalID": ID, "X-S4-Status": "new"}


def templates(kind: str = "new", /, **body: Any) -> Templates:
    return Templates(settings(payload={kind: body}))


def payload(body: dict[str, Any] | None = None, kind: Kind = Kind.NEW, **attributes: Any) -> dict[str, Any]:
    """What a template makes of an incident; without a template, what the default one does."""
    chosen = Templates(settings()) if body is None else templates(kind, **body)
    return chosen.payload(kind, incident(**attributes), ID)


def of_template(body: dict[str, Any], kind: Kind = Kind.NEW, **attributes: Any) -> dict[str, Any]:
    """What is there besides what the program always adds."""
    whole = payload({"Title": "T", **body}, kind, **attributes)
    return {key: value for key, value in whole.items() if key not in {*SIGNED, "Title"}}


def test_the_default_bodies_are_those_of_the_contract() -> None:
    chosen = Templates(settings(betterstack={"dashboard_url": "https://uptime.betterstack.com/team/t123/"}))
    assert chosen.payload(Kind.NEW, incident(), ID) == {
        "Title": "Shop front page",
        "Cause": "Status 503",
        "URL": "https://shop.example.com/",
        "Started at": "2026-11-23T09:25:00.000Z",
        "Better Stack URL": f"https://uptime.betterstack.com/team/t123/incidents/{ID}",
        **SIGNED,
    }
    for kind in (Kind.ACKNOWLEDGED, Kind.RESOLVED):
        assert chosen.payload(kind, incident(), ID) == {**SIGNED, "X-S4-Status": kind.value}


def test_there_is_no_link_without_a_dashboard() -> None:
    assert "Better Stack URL" not in payload()


@pytest.mark.parametrize("empty", ["", "$MESSAGE", "$MESSAGE$COMMENT_ID", "$METADATA.Nope", None, {}, {"A": {"B": ""}}])
def test_a_key_whose_whole_value_is_empty_is_left_out(empty: object) -> None:
    assert of_template({"X": empty, "Y": "y"}) == {"Y": "y"}
    assert of_template({"X": {"A": empty, "B": 1}}) == {"X": {"B": 1}}


@pytest.mark.parametrize("value", [0, 0.0, False, 7, " ", "-", "$", ["a"]])
def test_a_value_that_says_something_stays(value: object) -> None:
    assert of_template({"X": value}) == {"X": value}


def test_placeholders_reach_into_tables_and_arrays() -> None:
    body = {"Details": {"What": "$NAME", "How": {"Why": ["$CAUSE", {"Where": "$URL"}, 3]}}}
    assert of_template(body) == {
        "Details": {
            "What": "Shop front page",
            "How": {"Why": ["Status 503", {"Where": "https://shop.example.com/"}, 3]},
        }
    }


def test_placeholders_in_keys_stay_as_typed() -> None:
    assert of_template({"$NAME": "x"}) == {"$NAME": "x"}


@pytest.mark.parametrize("key", ["Title", "title", "Subject", "TASK", "Job", "Case", "incident", "X-S4-Subject"])
def test_a_title_is_cut_at_two_hundred_characters_with_an_ellipsis_that_counts(key: str) -> None:
    assert payload({key: "$NAME"}, name="n" * 200)[key] == "n" * 200
    assert payload({key: "$NAME"}, name="n" * 201)[key] == "n" * 199 + "…"


@pytest.mark.parametrize("kind", Kind)
def test_any_other_text_is_cut_at_two_thousand_characters(kind: Kind) -> None:
    body = {"X": "$CAUSE", "Y": {"Z": ["$CAUSE"]}}
    assert of_template(body, kind, cause="c" * 2000) == {"X": "c" * 2000, "Y": {"Z": ["c" * 2000]}}
    cut = "c" * 1999 + "…"
    assert of_template(body, kind, cause="c" * 2001) == {"X": cut, "Y": {"Z": [cut]}}


def test_what_is_cut_is_the_text_that_was_filled() -> None:
    assert len(of_template({"X": "$CAUSE$CAUSE"}, cause="c" * 1500)["X"]) == 2000


def test_a_new_without_a_title_gets_the_cause_for_one() -> None:
    whole = payload(name=None)
    assert (whole["Title"], next(iter(whole))) == ("Status 503", "Title")
    assert payload({"X": "x"}, cause="c" * 300)["Title"] == "c" * 199 + "…"


@pytest.mark.parametrize("cause", [None, "", ..., ["odd"]])
def test_a_new_without_title_and_cause_gets_the_id_for_one(cause: object) -> None:
    assert payload(name="", cause=cause)["Title"] == f"Better Stack incident {ID}"


@pytest.mark.parametrize("key", ["title", "SUBJECT", "Task", "job", "Case", "Incident", "x-s4-subject"])
def test_a_title_under_any_key_that_signl4_takes_for_one_will_do(key: str) -> None:
    assert "Title" not in payload({key: "$NAME"})


@pytest.mark.parametrize("kind", [Kind.ACKNOWLEDGED, Kind.RESOLVED])
def test_only_a_new_needs_a_title(kind: Kind) -> None:
    assert "Title" not in payload({"X": "x"}, kind)


PROTECTED = ["X-S4-ExternalID", "X-S4-Status", "x-s4-externalid", "X-S4-STATUS", "x-S4-ExternalId"]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("key", PROTECTED)
def test_a_template_changes_neither_external_id_nor_status_in_any_spelling(key: str, kind: Kind) -> None:
    whole = payload({key: "mine", "Title": "T"}, kind)
    assert whole == {"Title": "T", **SIGNED, "X-S4-Status": kind.value}


@pytest.mark.parametrize("key", PROTECTED)
def test_a_protected_key_in_a_template_is_remarked(key: str) -> None:
    (warning,) = templates("resolved", **{key: "mine"}).warnings()
    assert warning.startswith(f"payload.resolved sets {key},")


@pytest.mark.parametrize("key", ["X-S4-SourceSystem", "x-s4-sourcesystem"])
def test_a_template_may_name_another_source_once(key: str) -> None:
    whole = payload({key: "Ours"})
    assert [value for name, value in whole.items() if name.lower() == "x-s4-sourcesystem"] == ["Ours"]


def test_a_source_that_comes_out_empty_is_ours() -> None:
    assert payload({"X-S4-SourceSystem": "$MESSAGE"})["X-S4-SourceSystem"] == "Better Stack"


def test_a_remark_for_the_person_on_duty_is_a_note() -> None:
    whole = Templates(settings()).payload(Kind.RESOLVED, incident(), ID, "It was deleted.")
    assert whole == {"Note": "It was deleted.", **SIGNED, "X-S4-Status": "resolved"}
    assert "Note" not in payload()


def test_a_deleted_incident_is_told_from_what_is_recorded() -> None:
    chosen = templates("resolved", Title="$NAME", Text="$CAUSE $URL $STATUS")
    whole = chosen.payload(Kind.RESOLVED, recorded().as_incident(), ID)
    assert (whole["Title"], whole["Text"]) == ("Shop front page", "Status 503 https://shop.example.com/ Started")


def test_the_external_id_is_the_one_that_is_recorded() -> None:
    assert Templates(settings()).payload(Kind.NEW, incident(), "as it was")["X-S4-ExternalID"] == "as it was"


@pytest.mark.parametrize("kind", Kind)
def test_the_minimal_payload_is_title_external_id_status_and_source(kind: Kind) -> None:
    assert minimal(kind, ID, "bs-1") == {
        "Title": f"Better Stack incident {ID}",
        "X-S4-ExternalID": "bs-1",
        "X-S4-Status": kind.value,
        "X-S4-SourceSystem": "Better Stack",
    }


def test_a_table_of_the_operator_replaces_the_default_one() -> None:
    assert payload({"Title": "$NAME"}) == {"Title": "Shop front page", **SIGNED}


@pytest.mark.parametrize("text", ["$METADATA.", "see $METADATA. Region", "$METADATA.$NAME", "$METADATA.(x)"])
@pytest.mark.parametrize("kind", Kind)
def test_metadata_without_a_key_is_an_error_of_configuration_that_names_the_table(text: str, kind: Kind) -> None:
    for body in ({"X": text}, {"X": {"Y": ["ok", text]}}):
        with pytest.raises(ConfigError, match=rf"^payload\.{kind} .*\$METADATA\.Region$"):
            templates(kind, **body)


def test_templates_of_the_default_settings_deserve_no_remark() -> None:
    assert list(Templates(settings()).warnings()) == []
    known = "$INCIDENT_ID $STARTED_AT_ISO8601 $METADATA.Region $METADATA_ARRAY costs 5 $ and $lower"
    assert list(templates(X=known).warnings()) == []


def test_a_word_that_is_no_placeholder_is_remarked_once_for_each_table() -> None:
    body = {"A": "$NOPE and $ALSO_NOT", "B": ["$NOPE", {"C": "$METADATA"}]}
    warnings = list(templates("acknowledged", **body).warnings())
    assert [warning.split(",")[0] for warning in warnings] == [
        "payload.acknowledged has $ALSO_NOT",
        "payload.acknowledged has $METADATA",
        "payload.acknowledged has $NOPE",
    ]


@pytest.mark.parametrize("name", ["MESSAGE", "COMMENT_CREATED_AT", "COMMENT_CREATED_AT_ISO8601", "EMAILS_JSON_ARRAY"])
def test_a_placeholder_that_nothing_can_fill_is_remarked(name: str) -> None:
    (warning,) = templates(X=f"see ${name}.").warnings()
    assert warning.startswith(f"payload.new has ${name}, which the incidents API cannot fill")


TEXT = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(["$NAME", "$METADATA.a b", "t" * 2500])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NAMES = ["name", "cause", "url", "metadata", "status", "started_at", "resolved_at", "acknowledged_by"]
TEMPLATES = Templates(
    settings(
        payload={
            kind: {
                "Title": "$NAME$CAUSE",
                "All": "$METADATA_ARRAY $STARTED_AT $RESOLVED_AT_ISO8601 $ACKNOWLEDGED_BY $STATUS",
                "Table": {"Key": "$METADATA.a b", "Keys": ["$METADATA.Region $METADATA.a", "$URL"]},
                "x-s4-status": "$STATUS",
                "X-S4-EXTERNALID": "$NAME",
            }
            for kind in Kind
        }
    )
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.sampled_from(Kind), TEXT.filter(bool), TEXT)
def test_whatever_better_stack_sends_the_body_is_json_and_says_what_it_is_about(
    attributes: dict[str, Any], kind: Kind, external_id: str, note: str
) -> None:
    body = TEMPLATES.payload(kind, replace(incident(), attributes=attributes), external_id, note)
    assert json.loads(json.dumps(body, ensure_ascii=False, allow_nan=False).encode()) == body
    assert (body["X-S4-ExternalID"], body["X-S4-Status"]) == (external_id, kind.value)
    assert len([key for key in body if key.lower() in {"x-s4-externalid", "x-s4-status"}]) == 2
    assert kind is not Kind.NEW or 0 < len(body["Title"]) <= 200
    assert len(body.get("All", "")) <= 2000


@given(st.dictionaries(TEXT.filter(bool), JSON, min_size=1, max_size=4), TEXT)
def test_any_template_can_be_filled_or_is_refused_beforehand(template: dict[str, Any], name: str) -> None:
    try:
        chosen = templates("new", **template)
    except (ConfigError, ValueError):
        return
    assert all(isinstance(warning, str) for warning in chosen.warnings())
    body = chosen.payload(Kind.NEW, incident(name=name), ID)
    assert json.loads(json.dumps(body, ensure_ascii=False, allow_nan=False).encode()) == body


@pytest.mark.parametrize("kind", Kind)
def test_a_key_that_says_what_the_program_does_is_not_warned_of(kind: Kind) -> None:
    """So a recipe can stay as it was pasted; whatever else it says is not sent."""

    def warned(external_id: object, status: object) -> list[str]:
        body = {"x-s4-externalid": external_id, "X-S4-Status": status, "X-S4-SourceSystem": "Better Stack"}
        said = Templates(settings(signl4={"external_id": "bs-$INCIDENT_ID"}, payload={kind: body})).warnings()
        return [sentence.split(",")[0] for sentence in said]

    assert warned("bs-$INCIDENT_ID", str(kind)) == []
    assert warned("$INCIDENT_ID", "closed") == [
        f"payload.{kind} sets x-s4-externalid",
        f"payload.{kind} sets X-S4-Status",
    ]
    assert len(warned(["bs-$INCIDENT_ID"], {})) == 2
