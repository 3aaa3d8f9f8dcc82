"""Times of day, rules and zones: when something applies."""

from tests.mutations.mutation import row

HERE = "tests/unit/decisions/test_time_windows.py"
CLOCKS = f"{HERE}::test_times_of_day_are_those_of_the_clock_on_the_wall"
WALK = f"{HERE}::test_a_walk_minute_by_minute_finds_the_same"
RULES = f"{HERE}::test_a_window_of_a_rule_lasts_in_real_time"
RECURRENCE = "tests/unit/config/test_recurrence.py"
MISTAKES = f"{RECURRENCE}::test_a_mistake_is_a_sentence_with_key_and_fix"
PARTS = "tests/unit/config/test_rule_parts.py::test_a_mistake_is_a_sentence_with_the_fix"
TIMES = "tests/unit/config/test_time_table.py"
ZONE = "tests/unit/config/test_zone.py"
MAINTENANCE = "tests/unit/config/test_maintenance.py"

ROWS = (
    row(
        "A window holds its end",
        "daemon/decisions/time_windows.py",
        ("any(begin <= now < end for", "any(begin <= now <= end for"),
        CLOCKS,
        WALK,
    ),
    row(
        "A window ends at the first of two equal times",
        "daemon/decisions/time_windows.py",
        ("_, end = _moments(", "end, _ = _moments("),
        CLOCKS,
        WALK,
    ),
    row(
        "A window begins at the second of two equal times",
        "daemon/decisions/time_windows.py",
        (
            "begin, _ = _moments(midnight + timedelta(minutes=span.begins), times.zone)",
            "_, begin = _moments(midnight + timedelta(minutes=span.begins), times.zone)",
        ),
        CLOCKS,
        WALK,
    ),
    row(
        "A time that is left out stands for one after the gap, not for its end",
        "daemon/decisions/time_windows.py",
        (
            "    if first <= last:\n        return first, last",
            "    if first <= last or last:\n        return first, first",
        ),
        CLOCKS,
        WALK,
    ),
    row(
        "The day before is not looked at, over whose midnight a window may last",
        "daemon/decisions/time_windows.py",
        ("datetime.combine(first.date() - _DAY, time())", "datetime.combine(first.date() + _DAY, time())"),
        CLOCKS,
    ),
    row(
        "Windows that follow each other are not joined",
        "daemon/decisions/time_windows.py",
        ("if begin > (covered_until or now):", "if begin >= (covered_until or now + _DAY):"),
        CLOCKS,
        WALK,
    ),
    row(
        "A window that lies in a longer one cuts it short",
        "daemon/decisions/time_windows.py",
        ("if end > (covered_until or now):", "if end > now:"),
        CLOCKS,
    ),
    row(
        "The end of a window may be years ahead",
        "daemon/decisions/time_windows.py",
        ("covered_until and min(covered_until, limit)", "covered_until"),
        f"{HERE}::test_the_end_is_looked_for_no_further_than_a_week",
    ),
    row(
        "A window of a rule ends by the clock on the wall",
        "daemon/decisions/time_windows.py",
        ("yield begin, begin + window.duration", "yield begin, _moments(start + window.duration, window.zone)[1]"),
        RULES,
    ),
    row(
        "The walk of a rule begins at another day of its interval",
        "daemon/config/recurrence.py",
        ("(since - start) // interval * interval", "(since - start) // step * step"),
        f"{RECURRENCE}::test_nothing_is_lost_where_the_walk_does_not_begin_at_the_start",
    ),
    row(
        "A rule is walked from its start, years ago",
        "daemon/config/recurrence.py",
        ("if step is None or since <= start:", "if step is None or since:"),
        f"{RECURRENCE}::test_a_rule_of_long_ago_costs_no_walk_of_years",
    ),
    row(
        "UNTIL and COUNT end nothing",
        "daemon/config/recurrence.py",
        ("until if self.last is None else min(until, self.last)", "until"),
        f"{RECURRENCE}::test_the_end_of_a_rule_is_a_local_time_and_included",
        f"{RECURRENCE}::test_a_rule_whose_dates_are_over_is_no_mistake",
        RULES,
    ),
    row(
        "Dates are counted to the end of all years, where dateutil fails",
        "daemon/config/recurrence.py",
        ("date.year < 3000", "date.year < 10000"),
        f"{RECURRENCE}::test_the_end_of_a_rule_is_a_local_time_and_included",
    ),
    row(
        "UNTIL in UTC is taken for a local time",
        "daemon/config/recurrence.py",
        ("moment.astimezone(zone_of(zone)).replace", "moment.replace"),
        f"{RECURRENCE}::test_the_end_of_a_rule_is_a_local_time_and_included",
    ),
    row(
        "A date in UNTIL leaves out its day",
        "daemon/config/recurrence.py",
        ("moment + timedelta(days=1, seconds=-1)", "moment"),
        f"{RECURRENCE}::test_the_end_of_a_rule_is_a_local_time_and_included",
    ),
    row(
        "A rule that never gives a date is a traceback",
        "daemon/config/recurrence.py",
        ("except (StopIteration, ValueError, OverflowError):", "except OverflowError:"),
        MISTAKES,
    ),
    row(
        "An offset in start is passed by",
        "daemon/config/recurrence.py",
        ("if isinstance(value, datetime) and value.tzinfo is not None:", "if value is NotImplemented:"),
        MISTAKES,
    ),
    row(
        "A window of a rule may be longer than a week",
        "daemon/config/recurrence.py",
        ("if not LEAST <= length <= MOST:", "if not LEAST <= length:"),
        MISTAKES,
    ),
    row(
        "dateutil is imported although no rule is used",
        "daemon/config/recurrence.py",
        (
            "from daemon.config.rule_parts import read_parts",
            "import dateutil.rrule  # noqa: F401\n\nfrom daemon.config.rule_parts import read_parts",
        ),
        f"{RECURRENCE}::test_dateutil_is_imported_for_a_rule_alone",
    ),
    row(
        "The number of a day in a weekly rule is passed by, as dateutil does",
        "daemon/config/rule_parts.py",
        ('if most and parts["FREQ"] not in _BY_DATE:', 'if most and parts["FREQ"] == "NEVER":'),
        PARTS,
    ),
    row(
        "A rule may filter each minute by the date",
        "daemon/config/rule_parts.py",
        ("if frequency not in _BY_DATE:", 'if frequency == "NEVER":'),
        PARTS,
    ),
    row(
        "A rule may begin a window each minute",
        "daemon/config/rule_parts.py",
        ("> _MOST_A_DAY:", "> 1440:"),
        PARTS,
    ),
    row(
        "An interval of 0, at which dateutil walks for ever, is taken",
        "daemon/config/rule_parts.py",
        ('"INTERVAL": _number(1, 1000)', '"INTERVAL": _number(0, 1000)'),
        PARTS,
    ),
    row(
        "A range of days ends with the week",
        "daemon/config/time_table.py",
        ("range(begin, begin + (end - begin) % 7 + 1)", "range(begin, end + 1)"),
        f"{TIMES}::test_a_text_is_read",
    ),
    row(
        "Times that end before they begin are no night",
        "daemon/config/time_table.py",
        ("ends if ends > begins else ends + DAY", "ends"),
        f"{TIMES}::test_a_text_is_read",
        f"{TIMES}::test_whatever_is_written_is_a_span_or_a_sentence",
    ),
    row(
        "Nobody is warned of windows without a gap",
        "daemon/config/time_table.py",
        ("return len(covered) == WEEK", "return len(covered) > WEEK"),
        f"{TIMES}::test_times_that_cover_the_whole_week_are_noticed",
        f"{MAINTENANCE}::test_windows_that_never_end_are_warned_of",
    ),
    row(
        "A name that is a path is a traceback",
        "daemon/config/zone.py",
        ("except (ValueError, OSError, KeyError):", "except KeyError:"),
        f"{ZONE}::test_any_other_value_is_a_sentence_with_the_fix",
    ),
    row(
        "A machine without time zones is told of an unknown name",
        "daemon/config/zone.py",
        ("return _NO_DATABASE", 'return "take another"'),
        f"{ZONE}::test_a_machine_without_time_zones_names_the_package",
    ),
    row(
        "A zone is read again from a file that may be gone",
        "daemon/config/zone.py",
        ("@cache\ndef zone_of", "def zone_of"),
        f"{ZONE}::test_a_zone_once_used_outlives_its_file",
    ),
    row(
        "Both forms of a maintenance window may be given at once",
        "daemon/config/maintenance.py",
        ('if "times" in table and by_rule:', 'if "times" in by_rule:'),
        f"{MAINTENANCE}::test_a_mistake_is_a_sentence_with_key_and_fix",
    ),
    row(
        "Two maintenance windows may have the same name",
        "daemon/config/routes.py",
        ("names.count(name) > 1", "names.count(name) > 2"),
        "tests/unit/config/test_routes.py::test_a_mistake_in_a_route_is_named_with_its_place_and_the_mend",
    ),
)
