"""How one record is read, whatever stands in its fields: which incident it is, where it stands, and when."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import respx
from hypothesis import example, given
from hypothesis import strategies as st

import daemon.clients.quiet
from daemon.clients.records import read_incident
from daemon.model.incident import Incident, Phase
from tests.support.betterstack_client import LIST, UPTIME, Monotonic, Source, page, source
from tests.support.each import each
from tests.support.values import ago, record

ODD: list[Any] = [None, ..., "", 0, 7, 1.5, True, False, [], {}, ["Resolved"], {"value": "x"}, "\u2603", "null"]
TIMES = ("started_at", "acknowledged_at", "resolved_at", "reopened_at")
FIELDS = (*TIMES, "name", "url", "cause", "http_method", "acknowledged_by", "resolved_by", "team_name", "metadata")


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> Source:
    clock = Monotonic()
    monkeypatch.setattr(daemon.clients.quiet, "time", clock)
    return source(clock)


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=UPTIME) as router:
        yield router


def shown(api: respx.MockRouter, one: Source, *records: Any) -> list[Incident]:
    """The incidents that a page with these records brings."""
    api.get(LIST).mock(page(list(records)))
    [only] = one.client.open_pages()
    return list(only.incidents)


class TestStatus:
    @each(
        ("status", "phase"),
        [
            ("Unconfirmed", Phase.UNCONFIRMED),
            ("Started", Phase.OPEN),
            ("Acknowledged", Phase.ACKNOWLEDGED),
            ("Resolved", Phase.RESOLVED),
        ],
    )
    @each("spelled", [str, str.lower, str.upper, str.swapcase, " {} ".format, "\t{}\n".format])
    @each("times", [{}, {"resolved_at": ago(minutes=1)}, {"acknowledged_at": ago(minutes=1), "started_at": None}])
    def test_decides_before_the_times_in_any_spelling(
        self, status: str, phase: Phase, spelled: Any, times: dict[str, Any]
    ) -> None:
        incident = read_incident(record(status=spelled(status), **times))
        assert (incident.phase, incident.status) == (phase, spelled(status).strip())

    @pytest.mark.parametrize("spelled", ["Validating", " validating"])
    @pytest.mark.parametrize(
        ("acknowledged", "reopened", "phase"),
        [(None, None, Phase.OPEN), (5, None, Phase.ACKNOWLEDGED), (5, 9, Phase.ACKNOWLEDGED), (9, 5, Phase.OPEN)],
    )
    def test_of_validating_counts_with_an_acknowledgement_that_is_not_from_before_a_reopening(
        self, spelled: str, acknowledged: int | None, reopened: int | None, phase: Phase
    ) -> None:
        minutes = {"acknowledged_at": acknowledged, "reopened_at": reopened}
        given: dict[str, Any] = {name: since and ago(minutes=since) for name, since in minutes.items()}
        assert read_incident(record(status=spelled, resolved_at=ago(minutes=1), **given)).phase is phase

    @each("status", ["Escalated", "Closed", "Resolved?", "unresolved", "\u2603"])
    @each(
        ("times", "phase"),
        [
            ({}, Phase.OPEN),
            ({"started_at": None}, Phase.OPEN),
            ({"resolved_at": ago(minutes=3)}, Phase.RESOLVED),
            ({"resolved_at": ago(minutes=3), "reopened_at": ago(minutes=2)}, Phase.OPEN),
            ({"resolved_at": ago(minutes=2), "reopened_at": ago(minutes=3)}, Phase.RESOLVED),
            ({"acknowledged_at": ago(minutes=3)}, Phase.ACKNOWLEDGED),
        ],
    )
    def test_that_nobody_heard_of_leaves_it_to_the_times(
        self, status: str, times: dict[str, Any], phase: Phase
    ) -> None:
        incident = read_incident(record(status=status, **times))
        assert (incident.phase, incident.status) == (phase, status)

    @each("missing", [..., None, "", 7, True, [], ["Resolved"], {"a": "Resolved"}])
    @each(
        ("started", "acknowledged", "resolved", "reopened", "phase"),
        [
            (9, None, None, None, Phase.OPEN),
            (9, 5, None, None, Phase.ACKNOWLEDGED),
            (9, None, 3, None, Phase.RESOLVED),
            (9, 5, 3, None, Phase.RESOLVED),
            (None, None, 3, None, Phase.RESOLVED),
            (None, 5, None, None, Phase.ACKNOWLEDGED),
            (9, None, 3, 1, Phase.OPEN),
            (9, 5, 3, 1, Phase.OPEN),
            (9, 0, 3, 1, Phase.ACKNOWLEDGED),
            (9, 5, 1, 3, Phase.RESOLVED),
            (9, None, 3, 3, Phase.RESOLVED),
            (9, None, None, 1, Phase.OPEN),
            (9, 5, None, 1, Phase.OPEN),
            (9, 0, None, 1, Phase.ACKNOWLEDGED),
            (None, None, None, 1, Phase.OPEN),
        ],
    )
    def test_is_told_by_the_times_where_there_is_none(
        self, missing: Any, started: int, acknowledged: int, resolved: int, reopened: int, phase: Phase
    ) -> None:
        minutes = (started, acknowledged, resolved, reopened)
        times: dict[str, Any] = {
            name: None if since is None else ago(minutes=since) for name, since in zip(TIMES, minutes, strict=True)
        }
        incident = read_incident(record(status=missing, **times))
        assert (incident.phase, incident.status) == (phase, "")

    def test_that_is_unknown_is_open_with_a_remark(self, api: respx.MockRouter, one: Source) -> None:
        [incident] = shown(api, one, record(status="Escalated" + "!" * 90))
        assert incident.phase is Phase.OPEN
        assert one.warnings == [
            f"Better Stack uses the unknown status '{('Escalated' + '!' * 90)[:40]}', taken as open"
        ]

    def test_that_is_unknown_and_over_is_said_to_be_so(self, api: respx.MockRouter, one: Source) -> None:
        [incident] = shown(api, one, record(status="Closed", resolved_at=ago(minutes=1)))
        assert incident.phase is Phase.RESOLVED
        assert one.warnings == ["Better Stack uses the unknown status 'Closed', taken as over"]

    @pytest.mark.parametrize("status", ["Started", "VALIDATING", "unconfirmed", "Acknowledged", "resolved", "", None])
    def test_that_is_known_or_missing_is_not_remarked_upon(
        self, api: respx.MockRouter, one: Source, status: str | None
    ) -> None:
        assert len(shown(api, one, record(status=status))) == 1
        assert one.warnings == []


class TestReopened:
    """Section 4 of the facts: two versions of the same event, both open."""

    def test_with_the_old_times_kept_and_no_status(self) -> None:
        incident = read_incident(
            record(status=..., resolved_at=ago(minutes=30), reopened_at=ago(minutes=9), resolved_by="John Smith")
        )
        assert (incident.phase, incident.reopened_at) == (Phase.OPEN, ago(minutes=9))

    def test_with_the_old_times_cleared(self) -> None:
        incident = read_incident(record(status="Started", started_at=ago(minutes=40)))
        assert (incident.phase, incident.resolved_at, incident.reopened_at) == (Phase.OPEN, None, None)


class TestTimes:
    @each("field", TIMES)
    @each(
        ("text", "moment"),
        [
            ("2026-11-23T09:14:07.662Z", datetime(2026, 11, 23, 9, 14, 7, 662000, UTC)),
            ("2026-11-23T09:14:07Z", datetime(2026, 11, 23, 9, 14, 7, 0, UTC)),
            ("2026-11-23T10:14:07+01:00", datetime(2026, 11, 23, 9, 14, 7, 0, UTC)),
            ("2026-11-23T09:14:07", datetime(2026, 11, 23, 9, 14, 7, 0, UTC)),
            ("2026-11-23 09:14:07", datetime(2026, 11, 23, 9, 14, 7, 0, UTC)),
            ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
            ("23 Nov 2026", None),
            ("2026-13-01T00:00:00Z", None),
            ("0001-01-01T00:00:00+14:00", None),
            ("9999-12-31T23:59:59-12:00", None),
            ("now", None),
            ("", None),
            ("1795425255", None),
        ],
    )
    def test_are_read_in_utc_or_taken_for_absent(self, field: str, text: str, moment: datetime | None) -> None:
        read = getattr(read_incident(record(**{field: text})), field)
        assert read == moment
        assert read is None or read.tzinfo is UTC

    @given(st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-9)))))
    @example(datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))))
    def test_come_back_as_the_moment_they_were(self, moment: datetime) -> None:
        read = read_incident(record(started_at=moment.isoformat())).started_at
        assert read is None or (read == moment and read.utcoffset() == timedelta(0))


class TestIdentity:
    @pytest.mark.parametrize("good", ["1026034957", "abc-DEF_7", "x" * 64, 7, 1026034957])
    def test_is_a_plain_word_or_a_number(self, good: Any) -> None:
        assert read_incident({**record(), "id": good}).id == str(good)

    @pytest.mark.parametrize(
        "bad",
        [
            *(None, ..., "", " ", "a b", "1/2", "../7", "7?x=1", "7#", "%37", "\u0667", "x" * 65, "7\n", "7.5"),
            *(7.5, 10**80, True, False, ["7"], {"id": "7"}),
        ],
    )
    def test_that_could_be_anything_else_is_refused(self, bad: Any) -> None:
        odd = record()
        odd.pop("id") if bad is ... else odd.update(id=bad)
        with pytest.raises(ValueError, match="its id is"):
            read_incident(odd)

    @pytest.mark.parametrize("bad", [None, ..., {}, [], "", "x", 7, True, [1]])
    def test_without_attributes_is_refused(self, bad: Any) -> None:
        odd = record("7")
        odd.pop("attributes") if bad is ... else odd.update(attributes=bad)
        with pytest.raises(ValueError, match="incident 7 has no attributes"):
            read_incident(odd)

    @pytest.mark.parametrize("bad", [None, [], "x", 7, True, [record()]])
    def test_of_what_is_no_object_is_refused(self, bad: Any) -> None:
        with pytest.raises(ValueError, match="it is no object"):
            read_incident(bad)

    def test_without_a_status_or_a_time_is_refused(self) -> None:
        with pytest.raises(ValueError, match="neither a status nor a time"):
            read_incident(record(status=None, started_at=None))


class TestOddFields:
    @each("field", FIELDS)
    @each("odd", ODD)
    def test_of_any_type_leave_an_incident_that_its_status_describes(self, field: str, odd: Any) -> None:
        incident = read_incident(record(**{field: odd}))
        assert (incident.id, incident.phase, incident.status) == ("1026034957", Phase.OPEN, "Started")
        assert incident.text(field) == (odd if isinstance(odd, str) else "")

    def test_are_kept_for_placeholders(self) -> None:
        attributes = record(metadata={"a": [1]}, surprise=7)["attributes"]
        assert read_incident(record(metadata={"a": [1]}, surprise=7)).attributes == attributes

    def test_one_malformed_record_leaves_the_rest_of_its_page(self, api: respx.MockRouter, one: Source) -> None:
        bad = [None, {}, {"id": "8"}, {**record(), "id": "a/b"}, [record()], record("9", status=None, started_at=None)]
        assert [incident.id for incident in shown(api, one, record("1"), *bad, record("2"))] == ["1", "2"]
        assert len(one.warnings) == len(bad)
        assert all(warning.startswith("Better Stack sent a record that was skipped: ") for warning in one.warnings)
        assert "incident 8" in one.warnings[2]

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.sampled_from([*ODD[:1], *ODD[2:], "Resolved", "started"])
                | st.datetimes().map(datetime.isoformat)
                | st.text(max_size=5)
                for name in ("status", *TIMES)
            },
        )
    )
    def test_in_any_mixture_are_an_incident_or_a_sentence(self, attributes: dict[str, Any]) -> None:
        try:
            incident = read_incident({"id": "7", "attributes": attributes})
        except ValueError as error:
            assert "attributes" in str(error) or "neither" in str(error)  # noqa: PT017 - either end is fine
            return
        assert isinstance(incident.phase, Phase)
        assert isinstance(incident.status, str)
        for name in TIMES:
            moment = getattr(incident, name)
            assert moment is None or moment.utcoffset() == timedelta(0)
        if str(attributes.get("status")).lower() == "resolved":
            assert incident.phase is Phase.RESOLVED
        if incident.phase is Phase.RESOLVED:
            assert incident.status.lower() == "resolved" or incident.resolved_at is not None
