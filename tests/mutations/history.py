"""The history of incidents, and the story that is told of it."""

from tests.mutations.mutation import row

KEPT = "tests/unit/storage/test_history.py"
MERGED = "tests/unit/storage/test_merge_history.py"
MIGRATED = "tests/unit/storage/test_migrate_rules.py"
TOLD = "tests/unit/decisions/test_explain.py"
NEXT = "tests/unit/decisions/test_outlook.py"

ROWS = (
    row(
        "No attempt is kept",
        "daemon/storage/outbox.py",
        ("            history_rows.add_attempts(connection, results)\n", ""),
        f"{KEPT}::test_an_attempt_is_kept_with_its_time_its_delivery_what_came_of_it_and_how_long_it_took",
        f"{KEPT}::test_the_flows_leave_a_story_that_can_be_told",
        "tests/e2e/test_why.py",
    ),
    row(
        "An attempt is kept in a commit of its own",
        "daemon/storage/outbox.py",
        (
            "            history_rows.add_attempts(connection, results)\n",
            (
                "        with transaction(self._engine, writes=True) as connection:\n"
                "            history_rows.add_attempts(connection, results)\n"
            ),
        ),
        f"{KEPT}::test_an_attempt_whose_entry_cannot_be_written_is_not_settled_either",
    ),
    row(
        "The answer for a delivery that was pruned keeps all others from being recorded",
        "daemon/storage/history_rows.py",
        (
            ', DELIVERIES.c.incident_id == bindparam("incident"))',
            ', bindparam("incident", type_=String) != "")',
        ),
        f"{KEPT}::test_the_answer_for_a_delivery_that_is_not_there_any_more_hinders_no_other",
    ),
    row(
        "How long an attempt took is not known",
        "daemon/deliver.py",
        ("disposition, now, minimal, seconds)", "disposition, now, minimal, -1.0)"),
        f"{KEPT}::test_the_flows_leave_a_story_that_can_be_told",
    ),
    row(
        "What an operator does leaves no trace",
        "daemon/storage/operate.py",
        ("    history_rows.add(connection, [history_rows.of(row, what, why, now)])\n", "    pass\n"),
        f"{KEPT}::test_what_an_operator_does_is_kept",
    ),
    row(
        "Nobody knows when the delivery of an alarm was given up",
        "daemon/storage/outbox.py",
        ("[history_rows.of(row, *why) for row in found]", "[]"),
        f"{KEPT}::test_an_alarm_that_is_over_says_when_it_was_given_up",
    ),
    row(
        "A restore forgets what happened since the copy was made",
        "daemon/storage/merge.py",
        ("        target.executemany(_ADD_ENTRY, source.execute(_ENTRIES))\n", ""),
        f"{MERGED}::test_it_has_the_entries_of_both_about_the_deliveries_that_they_were_about",
    ),
    row(
        "A restore has each entry of both files twice",
        "daemon/storage/merge.py",
        ("history.at = found.at", "history.at <> found.at"),
        f"{MERGED}::test_it_has_the_entries_of_both_about_the_deliveries_that_they_were_about",
    ),
    row(
        "After a restore an entry is about the delivery that has its number in another file",
        "daemon/storage/merge.py",
        ("AND deliveries.destination = entry.destination) AS delivery_id", "OR true ORDER BY id DESC) AS delivery_id"),
        f"{MERGED}::test_it_has_the_entries_of_both_about_the_deliveries_that_they_were_about",
    ),
    row(
        "A migration loses the team that an alarm was told to",
        "migrations/versions/0007_rules.py",
        ("json_object('team', value)", "json_object('team', 'default')"),
        f"{MIGRATED}::test_every_row_is_carried_over_as_it_was_but_for_who_is_told",
        f"{MIGRATED}::test_open_incidents_go_to_the_team_default_and_alarms_to_theirs",
    ),
    row(
        "The story is told in the order in which it was recorded",
        "daemon/decisions/explain.py",
        ("tuple(sorted(happened, key=lambda one: one.at))", "tuple(happened)"),
        f"{TOLD}::test_whatever_is_recorded_is_told_in_order_of_time_and_no_entry_is_lost",
    ),
    row(
        "A route matches before the incident is seen",
        "daemon/decisions/explain.py",
        ("max(entry.at, opened.get(entry.generation, entry.at))", "entry.at"),
        f"{TOLD}::test_each_thing_that_happened_is_a_sentence",
    ),
    row(
        "What was sent before a crash is not in the story",
        "daemon/decisions/explain.py",
        ("        yield from _unrecorded_attempts(delivery, of_it)\n", ""),
        f"{TOLD}::test_each_thing_that_happened_is_a_sentence",
        f"{MIGRATED}::test_of_what_has_no_history_its_rows_tell_the_story",
    ),
    row(
        "An acknowledgement that two teams are told of happens twice",
        "daemon/decisions/explain.py",
        (
            "    for (generation, kind), rows in told.items():\n",
            "    for (generation, kind), rows in [*told.items()] * 2:\n",
        ),
        f"{TOLD}::test_each_thing_that_happened_is_a_sentence",
    ),
    row(
        "Without a daemon it is said that something happens",
        "daemon/decisions/outlook.py",
        ("present.process is None", "False"),
        f"{NEXT}::test_without_a_daemon_nothing_happens_and_that_is_said_where_anything_could",
    ),
    row(
        "A message that a rule holds is said to be sent",
        "daemon/decisions/outlook.py",
        ("row.held_because is not None and", "False and"),
        f"{NEXT}::test_what_waits_says_for_what_and_until_when",
    ),
    row(
        "SIGNL4 is said to have taken an end that was dropped",
        "daemon/decisions/outlook.py",
        ("    if left_open:\n", "    if False:\n"),
        f"{NEXT}::test_where_nothing_waits_that_is_said_and_why",
    ),
    row(
        "The number of a delivery is taken for an incident that there is not, and nothing leads on",
        "daemon/storage/history.py",
        ("return Findings(None, present, other, why)", "return Findings(None, present, None, why)"),
        f"{KEPT}::test_the_number_of_a_delivery_leads_to_its_incident",
        "tests/unit/cli/test_why.py::test_where_there_is_no_such_incident_it_says_what_to_try",
    ),
    row(
        "The story steers the terminal",
        "daemon/cli/storyline.py",
        ('return printable(f"{state.id}', 'return str(f"{state.id}'),
        "tests/unit/cli/test_why.py::test_nothing_that_is_recorded_steers_the_terminal",
    ),
    row(
        "An outage of hours is hundreds of lines",
        "daemon/cli/storyline.py",
        ("key=lambda one: (one.what, one.text)", "key=id"),
        "tests/unit/cli/test_why.py::test_an_outage_of_hours_is_one_sentence_however_often_it_was_tried",
    ),
    row(
        "In a pipe a sentence of the story is broken",
        "daemon/cli/why.py",
        ("    if sys.stdout.isatty():\n", "    if sys.stdout is not None:\n"),
        "tests/unit/cli/test_why.py::test_the_story_is_a_line_for_each_thing_that_happened_and_ends_with_what_happens_next",
    ),
)
