"""The documents of SIGNL4's REST API: what is read of them, and that nothing but an id has to be there."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.clients.signl4_documents import is_error, read_members, read_outcome, read_page
from daemon.model.signl4 import NOBODY, AlertPhase, EventOutcome, EventStatus, Member, SeenAlert
from tests.support.each import each

ALERT = "2516068755499989999_2ab1b5e0-f1b7-4c3e-9adf-6c157eeb4685"
EVENT = "2516068755505199999_7647c33f-f66d-495f-aeb2-b408fba66404"
JANE, TEAM, SOURCE = "f0bd5063-9588-41cf-b3d9-94e5647dedc5", "0e8979f7-0c6a-472d-8918", "5d3f2a10-93f4-4c57-8f0f"
HISTORY = {
    "created": "2026-11-23T09:14:10.001Z",
    "createdBy": None,
    "acknowledgedAt": "2026-11-23T09:16:02.113Z",
    "acknowledgements": [JANE],
    "closedAt": None,
    "closedBy": None,
}
RECORD = {
    "id": ALERT,
    "eventId": EVENT,
    "externalId": "1026034957",
    "status": {"statusCode": 2},
    "teamId": TEAM,
    "eventSourceId": SOURCE,
    "lastModified": "2026-11-23T09:16:02.113Z",
    "history": HISTORY,
}
ACKNOWLEDGED_AT = datetime(2026, 11, 23, 9, 16, 2, 113000, UTC)
ODD: list[Any] = [
    None,
    "",
    "x",
    7,
    -1,
    1.5,
    True,
    [],
    [1],
    {},
    {"a": 1},
    [[]],
    "2026-13-45",
    "9999-12-31T23:59:59-23:59",
]
json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)


def alert(**changes: Any) -> SeenAlert:
    """What is read of a record; `...` leaves a field out."""
    whole = {key: value for key, value in {**RECORD, **changes}.items() if value is not ...}
    [found] = read_page({"results": [whole]}).alerts
    return found


def history(**changes: Any) -> dict[str, Any]:
    return {**HISTORY, "acknowledgedAt": None, "acknowledgements": [], **changes}


def test_a_whole_alert_is_read() -> None:
    page = read_page({"results": [RECORD], "hasMore": False, "continuationToken": None})
    [found] = page.alerts
    assert found == SeenAlert(
        id=ALERT,
        external_id="1026034957",
        phase=AlertPhase.ACKNOWLEDGED,
        event_id=EVENT,
        event_source=SOURCE,
        created_at=datetime(2026, 11, 23, 9, 14, 10, 1000, UTC),
        acknowledged_at=ACKNOWLEDGED_AT,
        acknowledged_by=(JANE,),
    )
    assert (page.modified, page.following) == ({ALERT: ACKNOWLEDGED_AT}, None)


def test_of_an_alert_nothing_but_its_id_has_to_be_there() -> None:
    page = read_page({"results": [{"id": ALERT}]})
    assert (page.alerts, page.modified) == ((SeenAlert(ALERT, "", AlertPhase.OPEN),), {})


@each("field", RECORD.keys() - {"id"})
@each("value", ODD)
def test_any_field_of_an_alert_may_be_of_any_type(field: str, value: Any) -> None:
    assert [one.id for one in read_page({"results": [{**RECORD, field: value}]}).alerts] == [ALERT]


@each("value", [None, "", 1.5, True, [], {}])
def test_an_alert_without_an_id_is_left_out(value: Any) -> None:
    assert [one.id for one in read_page({"results": [{**RECORD, "id": value}, {"id": 7}]}).alerts] == ["7"]


@each("field", HISTORY)
@each("value", ODD)
def test_any_field_of_its_history_may_be_of_any_type(field: str, value: Any) -> None:
    found = alert(history={**HISTORY, field: value})
    assert found.id == ALERT
    assert all(one.tzinfo is UTC for one in (found.created_at, found.acknowledged_at, found.closed_at) if one)


PHASES: list[tuple[Any, dict[str, Any], AlertPhase]] = [
    *((code, {}, AlertPhase.OPEN) for code in (0, 1, 8, 16, 32, 64, 1000, None, "2", True, {}, {"statusCode": "2"})),
    *((code, {}, AlertPhase.ACKNOWLEDGED) for code in (2, 10, {"statusCode": 2}, {"statusCode": 3})),
    *((code, {}, AlertPhase.CLOSED) for code in (4, 6, 12, {"statusCode": 4})),
    (1, {"acknowledgedAt": "2026-11-23T09:16:02Z"}, AlertPhase.ACKNOWLEDGED),
    (1, {"closedAt": "2026-11-23T09:16:02Z"}, AlertPhase.CLOSED),
    (2, {"closedAt": "2026-11-23T09:16:02+01:00"}, AlertPhase.CLOSED),
    (None, {"acknowledgedAt": "2026-11-23T09:16:02"}, AlertPhase.ACKNOWLEDGED),
    (1, {"acknowledgements": [JANE]}, AlertPhase.OPEN),
    *(
        (1, {"acknowledgedAt": never, "closedAt": never}, AlertPhase.OPEN)
        for never in ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999Z", "1970-01-01")
    ),
]


@each(("status", "changes", "phase"), PHASES)
def test_the_times_come_before_the_status_which_has_two_shapes(
    status: Any, changes: dict[str, Any], phase: AlertPhase
) -> None:
    assert alert(status=status, history=history(**changes)).phase is phase


def test_one_of_several_acknowledgements_that_are_needed_counts_as_one() -> None:
    found = alert(status=1, history=history(acknowledgements=[JANE]))
    assert (found.phase, found.is_acknowledged) == (AlertPhase.OPEN, True)


@each("person", [JANE, {"userId": JANE}, {"id": JANE, "name": "Jane"}])
def test_a_person_is_named_bare_or_in_an_object(person: Any) -> None:
    found = alert(history=history(acknowledgements=[person, None, ""], closedBy=person))
    assert (found.acknowledged_by, found.closed_by) == ((JANE,), JANE)


def test_what_the_system_did_is_of_nobody() -> None:
    assert alert(history=history(closedBy=NOBODY)).closed_by == NOBODY
    assert alert(history=history(closedBy=None)).closed_by is None


@each(
    ("document", "following"),
    [
        ({"hasMore": True, "continuationToken": "next"}, {"continuationToken": "next"}),
        ({"continuationToken": "next"}, {"continuationToken": "next"}),
        ({"hasMore": False, "continuationToken": "next"}, None),
        ({"hasMore": True, "continuationToken": ""}, None),
        ({"hasMore": True, "continuationToken": None}, None),
        ({"hasMore": True, "continuationToken": 7}, None),
        ({"hasMore": True}, None),
        (
            {"hasMore": True, "continuationToken": {"nextPartitionKey": "p", "nextRowKey": "r", "nextTableName": None}},
            {
                "continuationToken": {"nextPartitionKey": "p", "nextRowKey": "r", "nextTableName": None},
                "nextPartitionKey": "p",
                "nextRowKey": "r",
            },
        ),
        ({"hasMore": True, "continuationToken": {"nextPartitionKey": None, "nextRowKey": None}}, None),
        ({"hasMore": True, "continuationToken": {"other": "x"}}, {"continuationToken": {"other": "x"}}),
    ],
)
def test_both_shapes_of_the_token_ask_for_the_next_page(document: Any, following: Any) -> None:
    assert read_page({"results": [RECORD], **document}).following == following


@each("document", [{"results": [RECORD]}, {"data": [RECORD]}, {"data": [RECORD], "errors": []}])
def test_a_list_has_one_of_two_names_and_one_of_users_may_be_bare(document: Any) -> None:
    assert [one.id for one in read_page(document).alerts] == [ALERT]
    assert [one.id for one in read_members(document)] == [one.id for one in read_members([RECORD])] == [ALERT]
    with pytest.raises(ValueError, match="it holds no list"):
        read_page([])


@each("read", [read_page, read_members])
@each(
    "document",
    [
        *(None, 7, "x", True, {}, {"results": None}, {"results": {}}),
        *({"data": [RECORD], "errors": [{"message": "x"}]}, {"results": [RECORD], "errors": "x"}),
        *([None], [{}], {"results": [7, "x", {"name": "Jane"}]}),
    ],
)
def test_what_is_no_list_or_not_all_of_it_is_no_empty_list(read: Any, document: Any) -> None:
    with pytest.raises(ValueError, match=r"^(it|none) "):
        read(document)


@each("read", [read_page, read_members, read_outcome])
def test_anything_else_is_read_or_refused(read: Any) -> None:
    @given(json_values)
    def holds(document: Any) -> None:
        for one in (document, {"results": [document]}, {"results": [{**RECORD, "history": document}]}):
            try:
                read(json.loads(json.dumps(one)))
            except ValueError:
                continue

    holds()


@each("status", [*EventStatus, 77, 2**70])
def test_an_outcome_has_the_status_whether_it_is_known_or_not(status: int) -> None:
    document = {"eventStatus": int(status), "alertId": ALERT, "eventSourceId": SOURCE, "teamId": TEAM}
    expected = EventOutcome(int(status), ALERT, SOURCE, TEAM)
    assert read_outcome(document) == read_outcome({**document, "eventStatus": {"statusCode": int(status)}}) == expected


def test_an_outcome_without_a_status_that_names_an_alert_is_that_of_an_alert() -> None:
    assert read_outcome({"alertId": ALERT}) == EventOutcome(EventStatus.RAISED, ALERT)


@each("document", [None, [], {}, {"alertId": ""}, {"eventStatus": None}, {"eventStatus": "2"}, {"eventStatus": True}])
def test_what_says_nothing_of_the_event_is_no_outcome(document: Any) -> None:
    with pytest.raises(ValueError, match="nothing of what became"):
        read_outcome(document)


@each("value", ODD)
def test_all_else_of_an_outcome_may_be_of_any_type(value: Any) -> None:
    found = read_outcome({"eventStatus": 3, "alertId": value, "eventSourceId": value, "teamId": value})
    assert found.status == EventStatus.FILTERED


def test_users_have_a_name_and_the_teams_in_which_they_are_on_duty() -> None:
    duties = [
        *({"teamId": "a", "dutyMode": 0}, {"teamId": "b", "dutyMode": 1}, {"teamId": "c", "dutyMode": 100}),
        *({"teamId": "d", "dutyMode": 7}, {"teamId": "e"}, {"dutyMode": 1}, None, {"teamId": "f", "dutyMode": "1"}),
    ]
    assert read_members([{"id": JANE, "name": " Jane Doe ", "dutyInfos": duties}]) == (
        Member(JANE, "Jane Doe", on_duty=frozenset("bcd"), off_duty=frozenset("a")),
    )


@each("field", ["name", "dutyInfos", "isEnabled"])
@each("value", ODD)
def test_of_a_user_nothing_but_the_id_has_to_be_there(field: str, value: Any) -> None:
    assert [one.id for one in read_members([{"id": JANE, field: value}, {"name": "nobody"}, value])] == [JANE]


def test_who_is_disabled_comes_last() -> None:
    users = [{"id": "1", "isEnabled": False}, {"id": "2"}, {"id": "3", "isEnabled": True}]
    assert [one.id for one in read_members(users)] == ["2", "3", "1"]
    assert read_members([]) == ()


@each(
    ("document", "expected"),
    [({"code": 1000, "requestId": "1"}, True), ({"code": 1000}, False), ([], False), (None, False)],
)
def test_an_error_of_signl4_is_told_by_its_keys(document: Any, expected: bool) -> None:
    assert is_error(document) is expected
