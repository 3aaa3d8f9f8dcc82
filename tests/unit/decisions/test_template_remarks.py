"""What is said of a template whose author meant a placeholder and wrote something else."""

import pytest

from daemon.decisions.payload import Templates
from daemon.decisions.template_remarks import remarks
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
            signl4={"external_id": "$INCIDENT_ID-$NAMES"},
            payload={"new": {"a": "$NAMES"}, "acknowledged": {"a": ["$NAMES"]}, "resolved": {"a": {"b": "$NAMES"}}},
        )
    )
    keys = ["signl4.external_id", "payload.new", "payload.acknowledged", "payload.resolved"]
    assert [warning.split(" has $NAMES, ")[0] for warning in templates.warnings()] == keys


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
