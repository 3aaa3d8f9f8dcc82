#!/bin/sh
# python-dateutil 4.0.0 (and 2.9.0): `UNTIL` is compared with the dates that a rule gives, and with nothing else. So a
# rule that gives none is walked to the year 9999, however near its `UNTIL`. The rule here is valid (RFC 5545): each
# seventh day from a Tuesday, if it is a Monday, for four weeks. Whoever bounds a rule of others by `UNTIL` has bounded
# the result, not the work: some seconds for a rule like this one that is looked at each day or each hour.
#
# Seen: each seventh day that is a Tuesday -> 4 dates, fewer than 100 calls; a Monday -> no date, a million calls.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet python-dateutil==4.0.0
"$place/venv/bin/python" - <<'PYTHON'
import sys
from datetime import datetime

from dateutil.rrule import rrulestr


def walk(day):
    """The dates, and how many calls of Python functions it takes to know that there are no more."""
    rule = rrulestr(f"FREQ=DAILY;INTERVAL=7;BYDAY={day};UNTIL=20260202T000000", dtstart=datetime(2026, 1, 6, 2))
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    dates = list(rule)
    sys.setprofile(None)
    return len(dates), calls


tuesdays, few = walk("TU")
mondays, many = walk("MO")
print(f"Tuesdays: {tuesdays} dates, {few} calls; Mondays: {mondays} dates, {many} calls")
assert (tuesdays, mondays) == (4, 0)
assert few < 100 and many > 400_000, (few, many)
PYTHON
