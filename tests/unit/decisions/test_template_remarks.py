"""What is said of a template whose author meant a placeholder and wrote something else."""

import pytest

from daemon.decisions.payload import Templates
from daemon.decisions.template_remarks import mistakes, remarks
from daemon.model.errors import ConfigError
from tests.support.each import each
from tests.support.values import settings

NEAREST = {
    "$NAMES": "$NAME",
    "$STATUS_PAGE": "$STATUS",
    "$STARTED": "$STARTED_AT",
    "$STARTED_AT_ISO": "$STARTED_AT_ISO8601",
    "$INCIDENT": "$INCIDENT_ID",
    "$MONITOR": "$MONITOR_ID",
    "$METADATA_ARAY": "$METADATA_ARRAY",
    "$METADATA": "$METADATA.<key>",
    "$METADATA_REGION": "$METADATA.<key>",
    "$Name": "$NAME",
    "$name": "$NAME",
    "$metadata.Region": "$METADATA.Region",
    "$incident.cause": "$CAUSE",
    "${name}": "$NAME",
    "${NAMES}": "$NAME",
    "${NAMES:-nothing}": "${NAME:-nothing}",
    "${CAUES:80:-none}": "${CAUSE:80:-none}",
    "${name:80}": "${NAME:80}",
    "${NAME:0}": "${NAME:80:-none}",
    "${NAME:=none}": "${NAME:80:-none}",
    "${NAME-none}": "$NAME",
    "${metadata.Region:-none}": "${METADATA.Region:-none}",
    "{{ name }}": "$NAME",
    "{{NAME}}": "$NAME",
    "{{ incident.resolved_by }}": "$RESOLVED_BY",
    "{{ name | upper }}": "$NAME",
    "{{ metadata.Region }}": "$METADATA.Region",
    "{NAME}": "$NAME",
    "{incident.name}": "$NAME",
    "$(NAME)": "$NAME",
    "%(name)s": "$NAME",
    "%NAME%": "$NAME",
    "<%= name %>": "$NAME",
}


@each(("typed", "nearest"), NEAREST.items())
def test_what_is_nearly_a_placeholder_is_remarked_with_the_nearest_name(typed: str, nearest: str) -> None:
    says = f"{typed}, which is no placeholder and will be sent as typed; the nearest is {nearest}"
    assert remarks([typed]) == [says]
    assert remarks(["nothing", f"so [{typed}] is", typed]) == [says]


SLIPS = {
    "$NAMES": "$NAME",
    "so $STARTED_AT_ISO it is": "$STARTED_AT_ISO8601",
    "$METADATA_ARAY": "$METADATA_ARRAY",
    "${NAMES}": "$NAME",
    "${CAUES:80:-none}": "${CAUSE:80:-none}",
    "${CAUSE:-$NAMES}": "$NAME",
    "${NAME:0}": "${NAME:80:-none}",
}


@each(("text", "nearest"), SLIPS.items())
def test_a_slip_of_the_pen_is_a_mistake(text: str, nearest: str) -> None:
    [mistake] = mistakes([text, "$NAME"])
    assert mistake.endswith(f", which is no placeholder; the nearest is {nearest}")
    for section in ({"payload": {"resolved": {"Text": [text]}}}, {"route": [{"payload": {"new": {"a": text}}}]}):
        with pytest.raises(ConfigError) as caught:
            Templates(settings(**section))
        assert caught.value.problems[0].endswith(f" has {mistake}")


@each("text", ["$USD", "$STATUS_PAGE", "$PATH", "$name", "{{ name }}", "${name}", "$MESSAGE", "$METADATA", "5 $"])
def test_a_text_that_may_be_meant_is_none(text: str) -> None:
    assert mistakes([text]) == []


@each(
    "text",
    [
        *("$NAME", "$NAMEs", "$NAME_$CAUSE", "$INCIDENT_ID_prod", "$METADATA.Surrounding logs", "$METADATA_ARRAY"),
        *("${NAME}", "${NAME:80}", "${NAME:-none}", "${NAME:80:-none}", "${METADATA.Surrounding logs:-none}"),
        *("${CAUSE:-$NAME}", "${CAUSE:-see $METADATA.Region}", "${METADATA_ARRAY}"),
        *("", "$", "$5", "5 $", "$lower", "{}", "{a}", "{1}", "100% of it, 5% more", "<b>", '{"name": 1}', "%s", "$()"),
    ],
)
def test_a_text_without_a_mistake_is_not_remarked(text: str) -> None:
    assert remarks([text, f"a {text} b"]) == []


def test_what_is_never_filled_is_said_with_what_takes_its_place() -> None:
    fixed = "which the incidents API cannot fill; it will be"
    assert remarks(["$MESSAGE", "${MESSAGE}"]) == [f"$MESSAGE, {fixed} empty", f"${{MESSAGE}}, {fixed} empty"]
    assert remarks(["${MESSAGE:-no news}"]) == [f"${{MESSAGE:-no news}}, {fixed} always 'no news'"]


def test_a_default_is_looked_at_as_well() -> None:
    [remark] = remarks(["${CAUSE:-$NAMES}"])
    assert remark == "$NAMES, which is no placeholder and will be sent as typed; the nearest is $NAME"


def test_every_template_is_looked_at() -> None:
    templates = Templates(
        settings(
            signl4={"external_id": "$INCIDENT_ID-$STATUS_PAGE"},
            payload={
                "new": {"a": "$STATUS_PAGE"},
                "acknowledged": {"a": ["$STATUS_PAGE"]},
                "resolved": {"a": {"b": "$STATUS_PAGE"}},
            },
        )
    )
    keys = ["signl4.external_id", "payload.new", "payload.acknowledged", "payload.resolved"]
    assert [warning.split(" has $STATUS_PAGE, ")[0] for warning in templates.warnings()] == keys


@pytest.mark.parametrize(
    "text",
    [
        "$" * 5_000,
        "{" * 5_000,
        "${" * 5_000,
        "%" * 5_000,
        "$A" * 5_000,
        "{{" * 2_000 + "}}",
        "${METADATA.a" + ":-" * 9_000,
    ],
)
def test_a_long_text_is_looked_at_in_no_time(text: str) -> None:
    """Each pattern is linear: this would take hours otherwise."""
    assert isinstance(remarks([text]), list)
