"""The database: its verbs, its migrations, and the file it is in."""

from tests.mutations.mutation import row

ROWS = (
    row(
        "Promise 1: the row of the outbox is not written",
        "daemon/storage/incidents.py",
        (
            "        _execute(connection, statements.put_delivery(connection), [_delivery(connection, *one, now) for one in told])\n",
            "",
        ),
        "tests/unit/storage/test_incidents.py::test_an_odd_text_survives_in_every_column_and_in_the_payload",
    ),
    row(
        "The row of the outbox is written in another transaction than the state",
        "daemon/storage/incidents.py",
        (
            "        _execute(connection, statements.put_incident(connection), states)\n",
            (
                "        _execute(connection, statements.put_incident(connection), states)\n"
                "        with transaction(self._engine, writes=True) as connection:\n"
            ),
        ),
        "tests/unit/storage/test_transactions.py::test_a_process_killed_between_state_and_row_leaves_neither",
        "tests/unit/test_poll.py::test_promise_1_a_transition_that_cannot_be_written_leaves_no_state_behind",
    ),
    row(
        "An acknowledgement is told though the end was seen with it",
        "daemon/storage/incidents.py",
        (
            (
                "        _execute(connection, statements.put_delivery(connection), [_delivery(connection, *one, now) for one in told])\n"
                "        _execute(connection, rows.supersede_acknowledged(), ended)\n"
            ),
            (
                "        _execute(connection, rows.supersede_acknowledged(), ended)\n"
                "        _execute(connection, statements.put_delivery(connection), [_delivery(connection, *one, now) for one in told])\n"
            ),
        ),
        "tests/unit/storage/test_incidents.py::test_an_acknowledgement_that_was_seen_together_with_the_end_is_superseded_by_it",
    ),
    row(
        "What is told is told apart by its kind alone, and not by its generation",
        "daemon/storage/incidents.py",
        ('"generation": transition.generation,', '"generation": 1,'),
        "tests/unit/test_poll_life.py::test_promise_5_a_reopened_incident_alerts_again_under_the_same_external_id",
    ),
    row(
        "The end is told of what nobody can have heard of",
        "daemon/storage/incidents.py",
        ("rows.new_never_sent(), values).scalar_one():", "rows.new_never_sent(), values).scalar_one() is None:"),
        "tests/unit/storage/test_outbox_operate.py::test_what_happens_after_the_drop_is_told_only_if_somebody_may_have_heard",
    ),
    row(
        "Promise 7: an acknowledgement is superseded though it was attempted",
        "daemon/storage/delivery_rows.py",
        (
            "[PENDING, DELIVERIES.c.kind == constant(Kind.ACKNOWLEDGED), DELIVERIES.c.attempts == 0]",
            "[PENDING, DELIVERIES.c.kind == constant(Kind.ACKNOWLEDGED)]",
        ),
        "tests/unit/storage/test_incidents.py::test_an_acknowledgement_is_superseded_by_the_end_only_when_it_was_never_attempted",
    ),
    row(
        "Promise 3: any delivery that waits is due, and not the oldest of its incident alone",
        "daemon/storage/outbox_statements.py",
        ("_IN_TURN = [_OURS, PENDING, rows.oldest_pending(),", "_IN_TURN = [_OURS, PENDING,"),
        "tests/unit/storage/test_outbox_due.py::test_an_incident_is_told_in_order_and_nothing_overtakes_what_is_unsettled",
    ),
    row(
        "The deliveries of an incident have no order",
        "daemon/storage/delivery_rows.py",
        (
            "return ~exists().where(related(_EARLIER), is_earlier)",
            "return DELIVERIES.c.id == DELIVERIES.c.id",
        ),
        "tests/unit/test_deliver.py::test_promise_3_nothing_overtakes_what_is_not_settled",
    ),
    row(
        "The youngest alert goes first",
        "daemon/storage/outbox_statements.py",
        ("DELIVERIES.c.occurred_at, DELIVERIES.c.id)", "DELIVERIES.c.occurred_at.desc(), DELIVERIES.c.id.desc())"),
        "tests/unit/test_deliver_storm.py::test_alerts_go_oldest_first",
    ),
    row(
        "A delivery is marked as delivered before it is sent",
        "daemon/storage/outbox_statements.py",
        (
            "attempted_at=_NOW)",
            "attempted_at=_NOW, state=DeliveryState.DELIVERED, delivered_at=_NOW)",
        ),
        "tests/unit/test_self_check.py::test_a_delivery_that_fails_on_its_own_is_told_once_and_closed_when_it_went_out",
        "tests/e2e/test_crashes.py::test_promise_4_only_what_was_in_flight_at_a_kill_is_repeated_under_the_same_external_id",
    ),
    row(
        "A claim does not compare how often it was attempted",
        "daemon/storage/outbox_statements.py",
        ('        DELIVERIES.c.attempts == bindparam("attempts_before"),\n', ""),
        "tests/unit/storage/test_outbox_operate.py::test_what_is_not_as_it_was_read_is_not_claimed",
    ),
    row(
        "A claim does not compare whether the payload was refused",
        "daemon/storage/outbox_statements.py",
        ('        DELIVERIES.c.refused_payload.is_not(None) == bindparam("was_refused"),\n', ""),
        "tests/unit/storage/test_outbox_operate.py::test_what_is_not_as_it_was_read_is_not_claimed",
    ),
    row(
        "What waits is given up for another destination as well",
        "daemon/storage/outbox_statements.py",
        ("where(PENDING, _OURS, *rows.GENERATION)", "where(PENDING, *rows.GENERATION)"),
        "tests/unit/storage/test_outbox.py::test_superseding_takes_nothing_of_another_destination",
    ),
    row(
        "A second outage is waited out",
        "daemon/storage/outbox_statements.py",
        (
            "or_(DELIVERIES.c.failing_from == _TAKEN_BY_OURS, DELIVERIES.c.latest_failures > 1)",
            "DELIVERIES.c.failing_from == _TAKEN_BY_OURS",
        ),
        "tests/unit/test_deliver_recovery.py::test_after_a_second_outage_too",
    ),
    row(
        "A probe of the secret goes by a clock that was ahead",
        "daemon/storage/outbox_statements.py",
        (
            "case((DELIVERIES.c.attempted_at <= _NOW, DELIVERIES.c.attempted_at)).asc()",
            "DELIVERIES.c.attempted_at.asc()",
        ),
        "tests/unit/storage/test_outbox_due.py::test_what_was_tried_by_a_clock_that_was_ahead_has_its_turn_in_a_probe",
    ),
    row(
        "An end is revived after a reopening",
        "daemon/storage/delivery_rows.py",
        ("return or_(exists().where(ends(_END)), reopened)", "return exists().where(ends(_END))"),
        "tests/unit/storage/test_outbox_operate.py::test_an_end_is_refused_once_a_new_beginning_has_followed",
    ),
    row(
        "`drop` takes nothing along",
        "daemon/storage/operate.py",
        ("with_it = connection.execute(followers).all()", "with_it = list(followers.columns)[:0]"),
        "tests/unit/storage/test_outbox_operate.py::test_a_beginning_that_was_never_attempted_takes_the_rest_of_its_generation_with_it",
    ),
    row(
        "A step of the clock forgets no proof of a deletion",
        "daemon/storage/housekeeping.py",
        (".values(gone_since=None)", ".values(gone_since=INCIDENTS.c.gone_since)"),
        "tests/unit/storage/test_incidents.py::test_forgetting_the_gone_starts_every_proof_again_and_changes_nothing_else",
    ),
    row(
        "What waits is pruned with its incident",
        "daemon/storage/housekeeping.py",
        ("            ~exists().where(DELIVERIES.c.incident_id == INCIDENTS.c.id, unsettled),\n", ""),
        "tests/unit/storage/test_housekeeping.py::test_pruned_is_what_is_over_for_long_and_settled",
    ),
    row(
        "A link is read without the log beside what it leads to",
        "daemon/storage/sqlite.py",
        ("    file = resolved(file)", "    file = file.absolute()"),
        "tests/unit/storage/test_engine_reader.py::test_through_a_link_the_same_is_read",
    ),
    row(
        "A half-made index of the log is refused",
        "daemon/storage/sqlite.py",
        ('        return _checked(file, "mode=ro", patience)', "        raise"),
        "tests/unit/storage/test_sqlite.py::test_where_nobody_else_is_there_it_is_mended",
    ),
    row(
        "A link in place of the file is not noticed",
        "daemon/storage/changes.py",
        ("if self.file.is_symlink():", "if self.file is None:"),
        "tests/unit/storage/test_file_guard.py::test_it_is_said_and_nothing_that_was_told_is_forgotten",
    ),
    row(
        "What was told since a copy was made is not carried over into it",
        "daemon/storage/file_guard.py",
        ("                merge(self._kept(), new)\n", "                self._kept()\n"),
        "tests/unit/storage/test_file_guard.py::test_what_was_told_since_a_copy_was_made_is_carried_over_into_it",
    ),
    row(
        "Hard links of others are followed",
        "daemon/storage/safe_path.py",
        ("if linked or not stat.S_ISREG(status.st_mode):", "if not stat.S_ISREG(status.st_mode):"),
        "tests/unit/storage/test_safe_path.py::test_nor_through_another_name_of_the_file",
    ),
    row(
        "A connection outlasts a failure",
        "daemon/storage/engine.py",
        ('if engine.get_execution_options().get("distrusted"):', "if connection is None:"),
        "tests/unit/storage/test_engine_unusable.py::test_the_first_write_after_a_mend_succeeds_whatever_was_read_before_it",
    ),
    row(
        "The state is open to any group",
        "daemon/storage/safe_path.py",
        ("if file.parent.stat().st_mode & shared == shared:", "if shared:"),
        "tests/unit/storage/test_engine.py::test_a_fresh_file_and_what_is_beside_it_are_their_owners_alone_unless_the_directory_is_a_groups",
    ),
    row(
        "The state is closed to its own group",
        "daemon/storage/safe_path.py",
        ("if file.parent.stat().st_mode & shared == shared:", "if not shared:"),
        "tests/unit/storage/test_engine.py::test_a_fresh_file_and_what_is_beside_it_are_their_owners_alone_unless_the_directory_is_a_groups",
    ),
    row(
        "Each migration is a transaction of its own",
        "daemon/storage/migrate.py",
        (
            '        command.upgrade(config, "head")\n',
            (
                '        command.upgrade(config, "+1")\n'
                '        connection.exec_driver_sql("COMMIT")\n'
                '        connection.exec_driver_sql("BEGIN IMMEDIATE")\n'
                '        command.upgrade(config, "head")\n'
            ),
        ),
        "tests/e2e/test_crashes.py::test_a_migration_that_is_killed_leaves_all_of_it_or_nothing_and_the_next_start_is_whole",
    ),
    row(
        "No copy is made before an upgrade",
        "daemon/storage/upgrade.py",
        ("        copy_before_upgrade(file_of(url), revision, on_progress)\n", "        pass\n"),
        "tests/unit/storage/test_upgrade.py::test_a_database_that_is_to_be_changed_is_put_by_first",
    ),
    row(
        "A long upgrade gives no sign of progress",
        "daemon/storage/upgrade.py",
        ("            on_progress()\n", "            pass\n"),
        "tests/unit/storage/test_upgrade.py::test_a_long_migration_says_that_it_gets_on",
    ),
    row(
        "What is there before the upgrade gets no destination",
        "migrations/versions/0003_destinations.py",
        ("SELECT {KEPT}, 'default' FROM deliveries", "SELECT {KEPT}, '' FROM deliveries"),
        "tests/unit/storage/test_migrate.py::test_every_row_is_carried_over_as_it_was",
    ),
    row(
        "The limit that was learned is lost by the upgrade",
        "migrations/versions/0003_destinations.py",
        ("FROM targets WHERE event_limit IS NOT NULL", "FROM targets WHERE event_limit < 0"),
        "tests/unit/storage/test_migrate.py::test_what_is_known_of_signl4_is_known_of_the_default_destination_and_its_account",
    ),
    row(
        "After the upgrade the id of a pruned delivery is given again",
        "migrations/versions/0003_destinations.py",
        ('    op.execute(f"INSERT INTO sqlite_sequence (name, seq) {old}")\n', ""),
        "tests/unit/storage/test_migrate.py::test_no_id_is_given_twice_even_after_the_latest_row_was_pruned",
    ),
    row(
        "The newest dead delivery is looked for in the whole history",
        "daemon/storage/queries.py",
        ("func.max(_DEAD.c.id + 0)", "func.max(_DEAD.c.id)"),
        "tests/unit/storage/test_plans.py",
    ),
    row(
        "A constant is a parameter, so no index of a part is used",
        "daemon/storage/columns.py",
        ("""return literal_column(f"'{value}'", String)""", "return literal(str(value), String)"),
        "tests/unit/storage/test_plans.py",
    ),
    row(
        "A new database lacks what the migrations put in",
        "daemon/storage/create.py",
        ('    connection.execute(insert(PROGRESS).values(source=""))\n', ""),
        "tests/unit/storage/test_schema.py::test_the_rows_of_a_new_database_are_the_same",
    ),
    row(
        "Jobs that write meet in SQLite, which sleeps",
        "daemon/storage/engine.py",
        ("gate.shared(writes=writes)", "gate.shared(writes=False)"),
        "tests/unit/storage/test_engine.py::test_those_that_write_wait_for_each_other_and_not_for_sqlite_which_would_sleep",
    ),
    row(
        "The figures of a round keep results from being recorded",
        "daemon/storage/incidents.py",
        ("            if not connection.execute(statements.ANY_WAITS).scalar_one():\n", "            if True:\n"),
        "tests/unit/storage/test_incidents.py::test_while_alerts_wait_the_figures_of_a_round_keep_no_result_from_being_recorded",
    ),
)
