"""Which monitor raised an incident, wherever its record says so."""

from typing import Any

import pytest

from daemon.clients.records import read_incident
from tests.support.values import record


def of(relationships: Any = ..., **attributes: Any) -> str:
    """The monitor's id in such a record."""
    whole = record(**attributes)
    if relationships is ...:
        del whole["relationships"]
    else:
        whole["relationships"] = relationships
    return read_incident(whole).monitor_id


@pytest.mark.parametrize("monitor_id", ["2345678", 2345678])
def test_it_is_the_one_in_relationships(monitor_id: object) -> None:
    assert of({"monitor": {"data": {"id": monitor_id, "type": "monitor"}}}, monitor_id="7") == "2345678"


@pytest.mark.parametrize("monitor_id", ["2345678", 2345678])
@pytest.mark.parametrize("relationships", [..., {}, {"monitor": {"data": None}}])
def test_it_may_be_an_attribute(relationships: Any, monitor_id: object) -> None:
    assert of(relationships, monitor_id=monitor_id) == "2345678"


@pytest.mark.parametrize(
    "relationships",
    [
        *(..., None, [], "monitor", 7, {}, {"monitor": None}, {"monitor": []}, {"monitor": {"data": None}}),
        *({"monitor": {"data": "7"}}, {"monitor": {"data": {}}}, {"monitor": {"data": {"id": None}}}),
        *(
            {"monitor": {"data": {"id": True}}},
            {"monitor": {"data": {"id": ["7"]}}},
            {"monitor": {"data": {"id": 1.5}}},
        ),
        {"heartbeat": {"data": {"id": "77", "type": "heartbeat"}}},
    ],
)
def test_without_one_it_is_empty(relationships: Any) -> None:
    assert of(relationships) == ""
    assert of(relationships, monitor_id=None) == ""
    assert of(relationships, monitor_id={"a": 1}) == ""
