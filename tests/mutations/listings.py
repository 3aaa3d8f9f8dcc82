"""The listings: which rows, in which order and form, and why nobody was told."""

from tests.mutations.mutation import row

ROWS = (
    row(
        "What is not to alert has no reason",
        "daemon/decisions/reconcile.py",
        ("return Decision(replace(after, silent_because=why))", "return Decision(after)"),
        "tests/unit/decisions/test_reconcile_untold.py::test_what_does_not_alert_says_why",
        "tests/unit/decisions/test_reconcile_untold.py::test_whatever_is_read_each_generation_alerts_or_has_a_reason",
    ),
    row(
        "An incident that is confirmed and alerts keeps the reason why it did not",
        "daemon/decisions/reconcile.py",
        ("replace(after, alerted=True, silent_because=None)", "replace(after, alerted=True)"),
        "tests/unit/decisions/test_reconcile_untold.py::test_what_does_not_alert_says_why",
    ),
    row(
        "What ended unconfirmed is said to wait for its confirmation",
        "daemon/decisions/reconcile.py",
        ("Untold.ENDED_UNCONFIRMED if phase is Phase.RESOLVED else Untold.UNCONFIRMED", "Untold.UNCONFIRMED"),
        "tests/unit/decisions/test_reconcile_untold.py::test_what_does_not_alert_says_why",
        "tests/unit/decisions/test_reconcile_untold.py::test_a_deletion_changes_the_reason_of_what_was_not_confirmed_alone",
    ),
    row(
        "The reason of a baseline is lost when it is seen again",
        "daemon/decisions/reconcile.py",
        ("        return before.silent_because\n", "        return None\n"),
        "tests/unit/decisions/test_reconcile_untold.py::test_what_does_not_alert_says_why",
    ),
    row(
        "A reason is made up for what an older version recorded",
        "daemon/decisions/untold.py",
        ("silent_because or UNKNOWN", 'silent_because or "not confirmed yet"'),
        "tests/unit/decisions/test_untold.py::test_what_an_older_version_recorded_is_said_to_be_unknown",
        "tests/unit/cli/test_listings_choice.py::test_an_incident_that_was_never_told_has_its_reason_for_people_and_programs",
    ),
    row(
        "An alert that was given up counts as told",
        "daemon/decisions/untold.py",
        ('return f"{alert.reason}{tries}"', "return None"),
        "tests/unit/decisions/test_untold.py::test_of_what_was_to_be_told_the_alert_says_why_it_was_not",
    ),
    row(
        "The upgrade makes up a reason",
        "migrations/versions/0004_silence.py",
        ("sa.String(), nullable=True", 'sa.String(), nullable=True, server_default="not confirmed yet"'),
        "tests/unit/storage/test_migrate_untold.py::test_what_was_not_recorded_is_unknown",
        "tests/unit/storage/test_schema.py::test_every_column_constraint_and_index_is_the_same",
    ),
    row(
        "An incident is listed with the alert of an earlier generation",
        "daemon/storage/listings.py",
        ("            _TOLD.c.generation == INCIDENTS.c.generation,\n", "            _TOLD.c.generation == 1,\n"),
        "tests/unit/storage/test_listings.py::test_an_incident_is_listed_with_the_alert_of_its_own_generation",
    ),
    row(
        "A transaction is open as long as somebody looks at a listing",
        "daemon/storage/listings.py",
        (
            "            yield from (self._value(found[key]) for key in batch if key in found)\n",
            "                yield from (self._value(found[key]) for key in batch if key in found)\n",
        ),
        "tests/unit/storage/test_listings.py::test_between_two_batches_nothing_keeps_the_write_ahead_log_from_being_emptied",
    ),
    row(
        "A listing is held in memory as a whole",
        "daemon/cli/as_json.py",
        ("islice(remaining, BATCH)", "islice(remaining, None)"),
        "tests/unit/cli/test_as_json.py::test_however_many_rows_there_are_memory_holds_a_few_of_them",
        "tests/unit/cli/test_as_json.py::test_a_part_holds_no_more_than_a_batch",
    ),
    row(
        "What the limit leaves out is not counted",
        "daemon/storage/listings.py",
        ("connection.execute(every).scalar_one() - len(keys)", "0"),
        "tests/unit/storage/test_listings.py::test_the_limit_keeps_the_newest_and_what_it_leaves_out_is_counted",
        "tests/unit/cli/test_listings_choice.py::test_of_many_the_newest_fifty_are_shown_and_that_there_are_more_is_said",
    ),
    row(
        "A delivery that waited for long and was tried lately is none of the latest",
        "daemon/storage/listings.py",
        (
            "or_(DELIVERIES.c.created_at >= since, DELIVERIES.c.attempted_at >= since)",
            "or_(DELIVERIES.c.created_at >= since)",
        ),
        "tests/unit/storage/test_listings.py::test_since_compares_with_the_creation_and_the_latest_attempt",
    ),
    row(
        "A listing reads the whole file first",
        "daemon/storage/engine.py",
        ("engine = reader(url, checked=False)", "engine = reader(url)"),
        "tests/unit/cli/test_listings_damage.py::test_damage_that_is_not_met_does_not_keep_the_newest_from_being_listed",
    ),
    row(
        "Damage that a listing meets is called busy",
        "daemon/storage/engine.py",
        ('    event.listen(engine, "handle_error", partial(_name_damage, url))\n', ""),
        "tests/unit/cli/test_listings_damage.py::test_damage_that_is_met_is_named_with_the_mend",
    ),
    row(
        "People find the newest at the top, where it has scrolled away",
        "daemon/cli/listings.py",
        (
            "in lines(table, map(value, listing.newest_last()), times)",
            "in lines(table, map(value, listing.newest_first()), times)",
        ),
        (
            "show_table(table, map(value, listing.newest_last()), times)",
            "show_table(table, map(value, listing.newest_first()), times)",
        ),
        "tests/unit/cli/test_listings_choice.py::test_people_see_the_newest_last_and_programs_first",
        "tests/unit/cli/test_tables.py::test_what_stands_last_on_a_real_terminal_is_the_newest_and_that_others_are_left_out",
    ),
    row(
        "A pipe gets the table of a terminal",
        "daemon/cli/listings.py",
        ("    elif sys.stdout.isatty():\n", "    elif sys.stdout is not None:\n"),
        "tests/unit/cli/test_tables.py::test_a_narrow_window_around_a_pipe_wraps_nothing",
    ),
    row(
        "A name is a pattern only in the letters it was written in",
        "daemon/cli/listings.py",
        ("    folded = pattern.casefold()\n", "    folded = pattern\n"),
        "tests/unit/cli/test_listings_choice.py::test_a_name_is_a_word_anywhere_or_a_pattern_of_the_shell",
    ),
    row(
        "All times are in UTC, whatever the zone of the machine",
        "daemon/cli/times.py",
        ("moment.astimezone(UTC if self.utc else None)", "moment.astimezone(UTC)"),
        "tests/unit/cli/test_tables.py::test_times_are_of_the_local_zone_or_utc_and_beside_them_is_the_age",
    ),
    row(
        "What was recorded a moment ago is shown as to come",
        "daemon/cli/times.py",
        ("moment - self.now >= timedelta(seconds=1)", "moment > self.now"),
        "tests/unit/cli/test_tables.py::test_what_was_recorded_while_a_listing_is_made_is_not_to_come",
    ),
    row(
        "At a terminal a long team leaves no room for the reason",
        "daemon/cli/tables.py",
        ('_kind(row, "\\n")', "_kind(row)"),
        "tests/unit/cli/test_tables.py::test_at_a_terminal_whom_it_goes_to_leaves_room_for_the_reason",
    ),
    row(
        "Texts from outside steer the terminal",
        "daemon/cli/tables.py",
        ("printable(value) if isinstance(value, str) else value", "value"),
        "tests/unit/cli/test_tables.py::test_at_a_terminal_no_text_from_outside_steers_it",
        "tests/unit/cli/test_listings.py::test_no_text_from_outside_steers_the_terminal",
    ),
    row(
        "An id that is no text ends in a traceback",
        "daemon/cli/options.py",
        ('value.encode("utf-8", "replace").decode("utf-8")', "value"),
        "tests/unit/cli/test_listings_choice.py::test_an_odd_incident_id_is_a_sentence_too",
    ),
)
