"""Silences: which are in force, what ends them, and what people are told of them."""

from tests.mutations.mutation import row

STORED = "tests/unit/storage/test_silences.py"
COMMANDS = "tests/unit/cli/test_silence.py"
MATCHES = "tests/unit/cli/test_silence_match.py"
TIMES = "tests/unit/cli/test_silence_times.py"
ROWS = (
    row(
        "A silence is in force at its end",
        "daemon/storage/silences.py",
        ("SILENCES.c.ends_at > _NOW", "SILENCES.c.ends_at >= _NOW"),
        f"{STORED}::test_the_daemon_and_the_list_agree_on_what_is_in_force",
    ),
    row(
        "A silence is in force before it begins",
        "daemon/storage/silences.py",
        ("_NOT_EXPIRED, SILENCES.c.starts_at <= _NOW", "_NOT_EXPIRED"),
        f"{STORED}::test_the_daemon_and_the_list_agree_on_what_is_in_force",
    ),
    row(
        "A silence that was made to expire stays in force",
        "daemon/storage/silences.py",
        (
            "SILENCES.c.expired_at.is_(None)",
            "SILENCES.c.ends_at.is_not(None)",
        ),
        f"{STORED}::test_one_to_come_never_begins",
    ),
    row(
        "All silences there ever were are read at each round",
        "daemon/storage/silences.py",
        (".order_by(SILENCES.c.ends_at, SILENCES.c.id)", ".order_by(SILENCES.c.id)"),
        "tests/unit/storage/test_plans.py",
    ),
    row(
        "What a silence held waits on after that was made to expire",
        "daemon/storage/silences.py",
        ("            rows.release_held(connection, now)\n", ""),
        f"{STORED}::test_what_it_held_is_due_at_once",
    ),
    row(
        "A silence that is over expires once more",
        "daemon/storage/silences.py",
        ("in {Stage.TO_COME, Stage.IN_FORCE}:", "in set(Stage):"),
        f"{STORED}::test_what_is_over_stays_as_it_was",
    ),
    row(
        "A failed attempt is repeated at once when a rule ends",
        "daemon/storage/delivery_rows.py",
        (
            "row.c.state == constant(DeliveryState.PENDING), row.c.attempts == 0)",
            "row.c.state == constant(DeliveryState.PENDING))",
        ),
        f"{STORED}::test_what_it_held_is_due_at_once",
        f"{STORED}::test_what_was_held_and_then_tried_is_old_as_any_other",
    ),
    row(
        "Silences are kept for ever",
        "daemon/storage/housekeeping.py",
        ("            silences.prune(connection, before)\n", ""),
        f"{STORED}::test_pruned_is_what_was_over_before_then",
    ),
    row(
        "What a rule holds makes the program unhealthy",
        "daemon/storage/queries.py",
        ("or_(_IN_THE_WAY.c.own_fault, is_held)", "_IN_THE_WAY.c.own_fault"),
        f"{STORED}::test_what_is_held_is_not_late_nor_is_what_waits_behind_it",
        f"{COMMANDS}::test_status_says_what_is_held_and_is_healthy_all_the_same",
    ),
    row(
        "What was held is never overdue",
        "daemon/storage/queries.py",
        ("and_(_IS_HELD, _IN_THE_WAY.c.id != DELIVERIES.c.id)", "_IS_HELD"),
        f"{STORED}::test_what_was_held_and_is_due_is_overdue_some_day",
    ),
    row(
        "What is held counts as a queue at SIGNL4",
        "daemon/cli/verdict.py",
        ("snapshot.pending_deliveries - snapshot.held_deliveries", "snapshot.pending_deliveries"),
        f"{COMMANDS}::test_status_says_what_is_held_and_is_healthy_all_the_same",
    ),
    row(
        "What a rule holds is listed without the rule",
        "daemon/cli/tables.py",
        ("""    return f"held: {row['held_because']}" if is_held else None\n""", "    return None\n"),
        f"{COMMANDS}::test_what_is_held_says_so_wherever_it_is_listed",
    ),
    row(
        "What was tried is still said to be held",
        "daemon/decisions/untold.py",
        ("is_held = alert.held_because and not alert.attempts", "is_held = alert.held_because"),
        "tests/unit/decisions/test_untold.py::test_of_what_was_to_be_told_the_alert_says_why_it_was_not",
    ),
    row(
        "A restore brings back a silence that was made to expire",
        "daemon/storage/merge.py",
        ("coalesce(expired_at, :expired_at)", "expired_at"),
        "tests/unit/storage/test_restore.py::test_the_silences_of_both_are_there_and_none_that_was_ended_is_in_force_again",
    ),
    row(
        "A restore gives a silence another number although its own is free",
        "daemon/storage/merge.py",
        ("reversed(_rows(source, SILENCES, columns).fetchall())", "_rows(source, SILENCES, columns).fetchall()"),
        "tests/unit/storage/test_restore.py::test_the_silences_of_both_are_there_and_none_that_was_ended_is_in_force_again",
    ),
    row(
        "A silence without a condition is made, and silences all",
        "daemon/cli/silence_match.py",
        ("    if not conditions:\n", "    if conditions is None:\n"),
        f"{MATCHES}::test_what_is_no_match_is_refused_with_the_mend",
        f"{COMMANDS}::test_wrong_usage_is_2_and_writes_nothing",
    ),
    row(
        "Of two patterns of one field the last alone counts",
        "daemon/cli/silence_match.py",
        ("        value = values[0] if len(values) == 1 else values\n", "        value = values[-1]\n"),
        f"{MATCHES}::test_it_becomes_the_match_of_a_route",
    ),
    row(
        "A match that no route could have is kept",
        "daemon/cli/silence_match.py",
        ("    read_match(table)\n", ""),
        f"{MATCHES}::test_what_is_no_match_is_refused_with_the_mend",
    ),
    row(
        "An alarm is silenced by a pattern",
        "daemon/cli/silence_match.py",
        ("if len(patterns) == 1 and (name in known or SourceCause.of(name) is not None):", "if len(patterns) == 1:"),
        f"{MATCHES}::test_what_is_no_match_is_refused_with_the_mend",
    ),
    row(
        "An alarm that needs no database is said to be silenced",
        "daemon/cli/silence_match.py",
        (" for cause in Cause if cause is not Cause.STATE]", " for cause in Cause]"),
        f"{MATCHES}::test_what_is_no_match_is_refused_with_the_mend",
    ),
    row(
        "A time of day that is over is that of today",
        "daemon/cli/silence_times.py",
        ("today if today > there else today + timedelta(days=1)", "today"),
        f"{TIMES}::test_a_time_is_local_and_a_time_of_day_the_next_one",
    ),
    row(
        "The end of a silence to come is the next such time from now",
        "daemon/cli/silence_times.py",
        ('_moment("--until", until, starts_at)', '_moment("--until", until, now)'),
        f"{TIMES}::test_a_time_of_day_at_its_end_is_the_next_one_after_its_start",
    ),
    row(
        "A time that the clocks leave out is another one",
        "daemon/cli/silence_times.py",
        ("if there.replace(tzinfo=written.tzinfo) != written:", "if there is None:"),
        f"{TIMES}::test_a_time_that_the_clocks_leave_out_is_refused",
    ),
    row(
        "A silence lasts for years",
        "daemon/cli/silence_times.py",
        ("    if lasts > LONGEST:\n", "    if lasts > 100 * LONGEST:\n"),
        f"{TIMES}::test_what_is_no_span_is_refused_with_the_mend",
    ),
    row(
        "A silence of every incident is made without a warning",
        "daemon/cli/silence.py",
        ('if all("*" in condition.patterns', 'if not all("*" in condition.patterns'),
        f"{COMMANDS}::test_how_much_it_matches_is_said",
    ),
    row(
        "How many incidents match is made up where their fields are not recorded",
        "daemon/cli/silence.py",
        ("    if unknown := sorted(silence.match.keys() - RECORDED):\n", "    if unknown := []:\n"),
        f"{COMMANDS}::test_how_much_it_matches_is_said",
    ),
    row(
        "One silence of several that could not be ended goes unnoticed",
        "daemon/cli/silence.py",
        ("    if not all(ended):\n", "    if not any(ended):\n"),
        f"{COMMANDS}::test_each_one_that_is_ended_is_a_line",
    ),
)
