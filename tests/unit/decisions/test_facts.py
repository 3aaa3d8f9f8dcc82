"""What rules compare of an incident, and what it flaps by."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.config.match import FIELDS
from daemon.decisions.facts import LIMIT, MOST, facts, identity
from daemon.model.incident import Incident
from tests.support.each import each
from tests.support.values import incident


def from_source(source: str = "", source_id: str = "", **attributes: Any) -> Incident:
    """An incident that was raised by that."""
    return replace(incident(**attributes), source=source, source_id=source_id)


WHOLE = from_source(
    "webhook_integration",
    "5",
    status="Started",
    escalation_policy_id=12345,
    call=True,
    sms=False,
    email=None,
    metadata={
        "Response code": [{"type": "String", "value": "503"}, {"type": "String", "value": "504"}],
        "Owner": [{"type": "User", "item_id": "12", "email": "jane@example.com", "name": "Jane Doe"}],
        "plain": "text",
        "number": [7, None, ""],
        "empty": [],
    },
)
EXPECTED: dict[str, list[str]] = {
    "kind": ["incident"],
    "name": ["Shop front page"],
    "cause": ["Status 503"],
    "url": ["https://shop.example.com/"],
    "team_name": ["Operations"],
    "status": ["started"],
    "source": ["integration"],
    "source_id": ["5"],
    "escalation_policy_id": ["12345"],
    "call": ["true"],
    "sms": ["false"],
    "email": [],
    "push": [],
    "critical_alert": [],
    "metadata.Response code": ["503", "504"],
    "metadata.Owner": ["Jane Doe"],
    "metadata.plain": ["text"],
    "metadata.number": ["7"],
    "metadata.empty": [],
}


def test_each_field_has_its_values() -> None:
    assert facts(WHOLE) == EXPECTED


def test_a_long_text_is_compared_up_to_a_limit() -> None:
    texts = facts(incident(name="a" * (LIMIT + 1), metadata={"key": "b" * (LIMIT + 1)}))
    assert (texts["name"], texts["metadata.key"]) == (["a" * LIMIT], ["b" * LIMIT])


def test_of_very_much_metadata_the_first_is_compared() -> None:
    texts = facts(incident(metadata={f"key {number}": "b" * 1000 for number in range(200)}))
    assert sum(map(len, texts)) + sum(len(text) for values in texts.values() for text in values) <= MOST
    assert {"name", "metadata.key 0", "metadata.key 80"} <= texts.keys()
    assert "metadata.key 199" not in texts


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(st.sampled_from([*FIELDS, "metadata"]) | st.text(max_size=5), JSON, max_size=6)


@given(ATTRIBUTES)
def test_no_incident_makes_it_fail(attributes: dict[str, Any]) -> None:
    odd = replace(incident(), attributes=attributes)
    found = facts(odd)
    assert found.keys() >= set(FIELDS)
    assert all(text for texts in found.values() for text in texts)
    assert json.loads(json.dumps(found)) == found
    assert identity(odd)


@each(
    ("one", "expected"),
    [
        (from_source("monitor", "123"), "monitor 123"),
        (from_source("heartbeat", "77"), "heartbeat 77"),
        (from_source("webhook_integration", "5"), "integration 5"),
        (from_source("email_integration", "5", name=None), "integration 5"),
        (from_source(), "name Shop front page"),
        (from_source(name="a" * (LIMIT + 1)), f"name {'a' * LIMIT}"),
        (from_source(name=None), "incident 1026034957"),
        (from_source(name=""), "incident 1026034957"),
    ],
)
def test_an_incident_flaps_by_its_source_else_by_its_name(one: Incident, expected: str) -> None:
    assert identity(one) == expected
