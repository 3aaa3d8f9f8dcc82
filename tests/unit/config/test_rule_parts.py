"""What an RRULE may hold."""

import pytest

from daemon.config.rule_parts import read_parts
from tests.support.each import each


@each(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=2;BYMINUTE=30;WKST=SU",
        "FREQ=MONTHLY;BYDAY=2SU,-1FR;",
        "FREQ=MONTHLY;BYMONTHDAY=-1,15;BYSETPOS=-1",
        "FREQ=YEARLY;BYWEEKNO=20;BYYEARDAY=100,-100;BYMONTH=1,12",
        "FREQ=YEARLY;BYDAY=53MO",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "FREQ=HOURLY;INTERVAL=6;COUNT=10;BYMINUTE=0,30",
        "FREQ=DAILY;BYHOUR=0,23;UNTIL=20261231",
        "FREQ=DAILY;UNTIL=20261231T235959Z",
        "FREQ=DAILY;UNTIL=20261231T235959",
    ],
)
def test_a_rule_is_taken_apart(rule: str) -> None:
    assert ";".join(f"{name}={value}" for name, value in read_parts(rule).items()) == rule.rstrip(";")


@each(
    ("rule", "part"),
    [
        ("", "is not a rule at ''; write it like FREQ=WEEKLY;BYDAY=SA"),
        ("every Monday", "is not a rule at 'every Monday'"),
        ("FREQ=", "is not a rule at 'FREQ='"),
        ("BYDAY=MO", "has no FREQ"),
        ("FREQ=SECONDLY", "take one of HOURLY, DAILY"),
        ("FREQ=MINUTELY;INTERVAL=5", "take one of HOURLY, DAILY"),
        ("FREQ=OFTEN", "take one of HOURLY, DAILY"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY", "move that to start"),
        ("FREQ=DAILY;BYSECOND=0", "windows begin at the second of start"),
        ("FREQ=DAILY;BYDAYS=MO", "the nearest is BYDAY"),
        ("FREQ=DAILY;EXDATE=20260101", "has an unknown part, 'EXDATE'"),
        ("FREQ=DAILY;X=1", "the parts are FREQ, INTERVAL"),
        ("FREQ=DAILY;INTERVAL=1;INTERVAL=2", "has INTERVAL twice"),
        ("FREQ=DAILY;INTERVAL=0", "take a number from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=-1", "take a number from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=1001", "take a number from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=1,2", "take a number from 1 to 1000"),
        (f"FREQ=DAILY;INTERVAL={'9' * 6000}", "take a number from 1 to 1000"),
        ("FREQ=DAILY;COUNT=0", "take a number from 1 to 1000"),
        ("FREQ=DAILY;COUNT=MANY", "take a number from 1 to 1000"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20261231", "has both COUNT and UNTIL"),
        ("FREQ=DAILY;UNTIL=20260231", "take a date like 20261231"),
        ("FREQ=DAILY;UNTIL=2026-12-31", "take a date like 20261231"),
        ("FREQ=DAILY;UNTIL=00010101", "take a date like 20261231"),
        ("FREQ=DAILY;UNTIL=99991231T235959Z", "take a date like 20261231"),
        ("FREQ=DAILY;UNTIL=TOMORROW", "take a date like 20261231"),
        ("FREQ=DAILY;BYHOUR=24", "take numbers from 0 to 23"),
        ("FREQ=DAILY;BYHOUR=-1", "take numbers from 0 to 23"),
        ("FREQ=DAILY;BYMINUTE=60", "take numbers from 0 to 59"),
        ("FREQ=DAILY;BYMINUTE=1,,2", "take numbers from 0 to 59"),
        ("FREQ=DAILY;BYMONTH=13", "take numbers from 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "take numbers from 1 to 31, or below zero from the end"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "take numbers from 1 to 31"),
        ("FREQ=YEARLY;BYYEARDAY=367", "take numbers from 1 to 366"),
        ("FREQ=YEARLY;BYWEEKNO=-54", "take numbers from 1 to 53"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "take numbers from 1 to 366"),
        ("FREQ=WEEKLY;BYDAY=MONDAY", "take days like MO,WE"),
        ("FREQ=WEEKLY;BYDAY=MO(+1)", "take days like MO,WE"),
        ("FREQ=MONTHLY;BYDAY=0MO", "take days like MO,WE"),
        ("FREQ=WEEKLY;WKST=1", "take a day, like MO"),
        ("FREQ=WEEKLY;BYDAY=2MO", "numbers the days of BYDAY with FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYDAY=6MO", "has a BYDAY that no month has"),
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=-20MO", "has a BYDAY that no month has"),
        ("FREQ=YEARLY;BYDAY=54MO", "has a BYDAY that no year has"),
        ("FREQ=DAILY;BYMONTHDAY=1", "has BYMONTHDAY with FREQ=DAILY"),
        ("FREQ=WEEKLY;BYYEARDAY=1", "has BYYEARDAY with FREQ=WEEKLY"),
        ("FREQ=HOURLY;BYWEEKNO=1", "has BYWEEKNO with FREQ=HOURLY"),
        ("FREQ=DAILY;BYSETPOS=1", "has BYSETPOS with FREQ=DAILY"),
        ("FREQ=HOURLY;BYMINUTE=0,20,40", "begins more than 48 windows a day"),
        (f"FREQ=DAILY;BYMINUTE={','.join(map(str, range(49)))}", "begins more than 48 windows a day"),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=0,5,10,15,20,25,30,35,40,45", "begins more than 48 windows a day"),
    ],
)
def test_a_mistake_is_a_sentence_with_the_fix(rule: str, part: str) -> None:
    with pytest.raises(ValueError, match="; ") as caught:
        read_parts(rule)
    assert part in str(caught.value)
    assert len(str(caught.value)) < 250
