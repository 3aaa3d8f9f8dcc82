"""`[[maintenance]]` as it is written."""

import pickle
import tomllib
from datetime import datetime, timedelta
from typing import Any

import pytest

from daemon.config.maintenance import MaintenanceSection, read_maintenance
from daemon.config.recurrence import Recurrence
from daemon.config.time_table import read_times
from tests.support.each import each

FILE = """
[[maintenance]]
name = "nightly backup"
times = ["02:00-03:30"]
zone = "Europe/Berlin"
comment = "the databases are slow then"

[[maintenance]]
name = "patch day"
rrule = "FREQ=MONTHLY;BYDAY=2TU"
start = 2026-01-01T22:00:00
duration = "4h"
zone = "America/New_York"
"""
WEEKLY = {"name": "a", "times": ["Sat"], "zone": "UTC"}
BY_RULE = {"name": "a", "rrule": "FREQ=DAILY", "start": datetime(2026, 1, 1), "duration": "1h", "zone": "UTC"}  # noqa: DTZ001


def tables(text: str) -> Any:
    return tomllib.loads(text)["maintenance"]


def test_both_forms_are_read() -> None:
    sections = tuple(map(read_maintenance, tables(FILE)))
    start = datetime(2026, 1, 1, 22)  # noqa: DTZ001
    assert sections == (
        MaintenanceSection(
            name="nightly backup",
            window=read_times(["02:00-03:30"], "Europe/Berlin"),
            comment="the databases are slow then",
        ),
        MaintenanceSection(
            name="patch day",
            window=Recurrence("FREQ=MONTHLY;BYDAY=2TU", start, timedelta(hours=4), "America/New_York"),
        ),
    )
    assert pickle.loads(pickle.dumps(sections)) == sections
    assert [warning for section in sections for warning in section.warnings()] == []


@each(
    ("table", "part"),
    [
        ("Sat", "it must be a table"),
        ({}, "name is missing; write what it is called"),
        ({**WEEKLY, "name": " "}, "name is no text"),
        ({**WEEKLY, "name": 7}, "name is no text"),
        ({**WEEKLY, "comment": 7}, "comment is no text; write why it is there, or leave it out"),
        ({"name": "a"}, "times is missing; give times and zone"),
        ({"name": "a", "zone": "UTC"}, "times is missing"),
        ({"name": "a", "start": BY_RULE["start"], "zone": "UTC"}, "rrule is missing; give"),
        ({**WEEKLY, **BY_RULE}, "times and rrule are two ways to give the same"),
        ({**WEEKLY, "duration": "1h"}, "times and duration are two ways to give the same"),
        ({"name": "a", "times": ["Sat"]}, "zone is missing"),
        ({**WEEKLY, "times": ["Sumday"]}, "times ('Sumday') has no day of the week"),
        ({**BY_RULE, "rrule": "FREQ=SECONDLY"}, "rrule ('FREQ=SECONDLY') has a FREQ"),
        ({**WEEKLY, "time": "Sat"}, "time is not a known key; the nearest is times"),
        ({**WEEKLY, "x": 1}, "x is not a known key; the keys of [[maintenance]] are name, match"),
    ],
)
def test_a_mistake_is_a_sentence_with_key_and_fix(table: object, part: str) -> None:
    with pytest.raises(ValueError, match="; ") as caught:
        read_maintenance(table)
    assert str(caught.value).startswith(part)


@each("table", [{**WEEKLY, "times": "00:00-24:00"}, {**BY_RULE, "duration": "24h"}])
def test_windows_that_never_end_are_warned_of(table: dict[str, object]) -> None:
    (warning,) = read_maintenance(table).warnings()
    assert warning.startswith("maintenance 'a' never ends: ")
