"""The lease of a database of PostgreSQL, and what every transaction on a server guards."""

from tests.mutations.mutation import row

LEASE = "tests/unit/storage/test_lease.py"
POOLER = "tests/unit/storage/test_lease_pooler.py"
DOOR = "tests/unit/storage/test_postgresql.py"
FAULTS = "tests/unit/storage/test_postgresql_faults.py"
COMMIT = "tests/unit/storage/test_commit.py"
ERRORS = "tests/unit/storage/test_server_errors.py"
STILL = "tests/unit/storage/test_lease_standing_still.py"
LAST_ONE = "test_a_writer_under_way_holds_a_take_over_off_and_is_the_last_one"

POSTGRESQL, CONNECTION = "daemon/storage/postgresql.py", "daemon/storage/server_connection.py"
CONTENDER, TERM, FENCE = "daemon/storage/lease.py", "daemon/storage/term.py", "daemon/storage/fence.py"
ASKED, SENTENCES = "daemon/storage/commit.py", "daemon/storage/server_errors.py"

ROWS = (
    row(
        "Writers fence on the row that is renewed",
        POSTGRESQL,
        ('", fence WHERE {self', '", lease AS fence WHERE {self'),
        f"{LEASE}::test_a_renewal_waits_for_no_writer",
    ),
    row(
        "Renewals wait for the writers' turn",
        TERM,
        ("patience=LEASE, turn=False", "patience=LEASE, turn=True"),
        f"{LEASE}::test_a_renewal_waits_for_no_writer",
    ),
    row(
        "Writers are not fenced",
        POSTGRESQL,
        (' if self.fence else ""', ' if False else ""'),
        f"{LEASE}::test_what_another_process_had_taken_over_is_neither_written_to_nor_renewed",
        f"{LEASE}::{LAST_ONE}",
    ),
    row(
        "A weaker lock on the fence",
        POSTGRESQL,
        ("FOR SHARE OF fence", "FOR KEY SHARE OF fence"),
        f"{LEASE}::{LAST_ONE}",
        f"{POOLER}::{LAST_ONE}",
    ),
    row(
        "The fence is locked before the turn has come, so that a storm of writers never leaves it free",
        POSTGRESQL,
        ("{DURABLE}; {turn}{mark}", "{DURABLE}; SELECT FROM fence FOR SHARE; {turn}{mark}"),
        f"{LEASE}::test_writers_in_a_storm_delay_neither_renewals_nor_a_take_over",
    ),
    row(
        "Writers do not wait for their turn",
        POSTGRESQL,
        ("if self.turn else", "if False else"),
        f"{DOOR}::test_writers_follow_each_other",
    ),
    row(
        "The fence is known by its epoch alone",
        FENCE,
        ("holder = '{self.holder}' AND epoch", "epoch"),
        f"{LEASE}::test_the_same_epoch_of_another_process_is_another_term",
    ),
    row(
        "A process has one holder in all its terms",
        CONTENDER,
        ("        self._next = secrets.token_hex(16)\n        self._lease.tell", "        self._lease.tell"),
        f"{LEASE}::test_the_same_process_has_another_holder_in_each_term",
    ),
    row(
        "A take-over does not lock the lease first",
        CONTENDER,
        ('"FOR UPDATE"', '""'),
        f"{LEASE}::test_of_many_contenders_one_wins_and_each_epoch_is_given_once",
    ),
    row(
        "The lease of a take-over runs from the beginning of its transaction",
        CONTENDER,
        ('"expires_at = clock_timestamp() +', '"expires_at = now() +'),
        f"{LEASE}::test_a_lease_that_had_to_be_waited_for_begins_when_that_is_over",
    ),
    row(
        "A lease that has not expired is taken over",
        CONTENDER,
        ("WHERE expires_at < clock_timestamp() OR (holder", "WHERE true OR (holder"),
        f"{LEASE}::test_the_first_one_takes_it_over_and_another_one_does_not",
        f"{LEASE}::test_who_saw_it_expire_and_then_sees_it_renewed_leaves_it",
    ),
    row(
        "Trusted time runs from the answer to a take-over",
        CONTENDER,
        ("self._duration, began)", "self._duration, boottime())"),
        f"{LEASE}::test_trusted_time_runs_from_before_the_server_was_asked",
    ),
    row(
        "Trusted time runs from the answer to a renewal",
        TERM,
        ("self._trusted_until = began + self._duration", "self._trusted_until = boottime() + self._duration"),
        f"{LEASE}::test_trusted_time_runs_from_before_the_server_was_asked",
    ),
    row(
        "There is no margin between trusted time and the lease",
        TERM,
        ("MARGIN = 0.02", "MARGIN = -0.001"),
        f"{LEASE}::test_it_is_relied_on_for_less_time_than_the_server_keeps_it",
    ),
    row(
        "A clock of the server that jumps ahead is believed",
        CONTENDER,
        ("(says_expired and not self._changed)", "says_expired"),
        f"{LEASE}::test_a_server_whose_clock_jumps_ahead_takes_no_lease_from_a_living_leader",
    ),
    row(
        "A clock of the server that falls back is believed",
        CONTENDER,
        ("return unchanged or (", "return (unchanged and says_expired) or ("),
        f"{LEASE}::test_a_server_whose_clock_falls_back_holds_no_take_over_off",
    ),
    row(
        "Who has lost its own term waits until it expires",
        CONTENDER,
        ("            return self._last.lost is not None\n", "            pass\n"),
        f"{LEASE}::test_who_has_lost_its_own_term_need_not_wait_for_it_to_expire",
    ),
    row(
        "A take-over whose COMMIT broke is waited for",
        CONTENDER,
        ("if seen.holder == self._next:", "if False:"),
        f"{LEASE}::test_a_take_over_whose_commit_breaks_is_tried_again_at_once",
    ),
    row(
        "Another schema can take over",
        CONTENDER,
        ("if revision != REVISIONS[-1]:", "if False:"),
        f"{LEASE}::test_another_schema_cannot_take_it_over",
    ),
    row(
        "A term that is given back lasts on",
        TERM,
        ("SET holder = '', expires_at = clock_timestamp() WHERE", "SET epoch = epoch WHERE"),
        f"{LEASE}::test_what_was_given_back_is_taken_over_at_once",
    ),
    row(
        "A renewal does not notice that another process has taken over",
        TERM,
        ("        if timeline is None:\n", "        if False:\n"),
        f"{LEASE}::test_a_renewal_notices_a_take_over",
    ),
    row(
        "The guards are set for the session, not for the transaction",
        CONNECTION,
        ("SET LOCAL {name}", "SET {name}"),
        f"{DOOR}::test_the_guards_pass_a_pooler_and_end_with_the_transaction",
    ),
    row(
        "What a client leaves behind in a transaction stays",
        POSTGRESQL,
        ("Patience(1, 2, 3, 8)", "Patience(1, 2, 600, 8)"),
        f"{DOOR}::test_what_a_client_leaves_behind_is_ended_by_the_server",
        f"{DOOR}::test_all_that_holds_a_take_over_off_ends_within_the_shortest_lease",
    ),
    row(
        "What a client leaves behind after several statements that are sent together stays",
        CONNECTION,
        (
            '        super().executemany(*args, **kwargs)\n        self.connection.execute("")\n',
            "        super().executemany(*args, **kwargs)\n",
        ),
        f"{DOOR}::test_what_a_client_leaves_behind_is_ended_by_the_server",
    ),
    row(
        "A leader that stands still in the midst of a statement holds every take-over off",
        CONTENDER,
        ('            connection.execute(_SEND_AWAY, {"longest": JOBS.whole})\n', ""),
        f"{STILL}::test_who_takes_over_sends_it_away",
    ),
    row(
        "Who takes over sends away whoever writes",
        CONTENDER,
        ('{"longest": JOBS.whole}', '{"longest": 0}'),
        f"{LEASE}::{LAST_ONE}",
    ),
    row(
        "Who takes over sends away whoever reads for long",
        CONTENDER,
        (" AND mode = 'RowShareLock'", ""),
        f"{STILL}::test_who_reads_is_left_alone_however_long",
    ),
    row(
        "Who asks what became of a COMMIT, and then stands still, keeps the turn of the writers",
        ASKED,
        ("{guards(left, left, left)}", "{guards(left, left, 600)}"),
        f"{COMMIT}::test_who_asks_and_then_stands_still_keeps_nobody_from_writing",
    ),
    row(
        "Nothing ends a call that the server does not answer",
        CONNECTION,
        ("if now > self.until:", "if now > self.until + 30:"),
        f"{FAULTS}::test_a_server_that_is_frozen_holds_nobody_up",
    ),
    row(
        "Nothing ends a connection that takes too long",
        CONNECTION,
        ("timeout=max(0.0, end - boottime())", "timeout=None"),
        f"{FAULTS}::test_to_connect_ends_in_time_whatever_the_driver_does",
    ),
    row(
        "A connection that nobody waits for any more stays open",
        CONNECTION,
        ("            unused.close()\n", "            pass\n"),
        f"{FAULTS}::test_to_connect_ends_in_time_whatever_the_driver_does",
    ),
    row(
        "A COMMIT without an answer counts as none",
        POSTGRESQL,
        ("or not self._was_committed(mark):", "or True:"),
        f"{FAULTS}::test_a_commit_whose_answer_is_lost_counts",
        f"{POOLER}::test_another_session_says_what_became_of_a_commit",
    ),
    row(
        "A COMMIT without an answer counts",
        POSTGRESQL,
        (" or not self._was_committed(mark):", ":"),
        f"{FAULTS}::test_a_commit_that_the_server_never_heard_has_changed_nothing",
        f"{COMMIT}::test_what_a_server_that_ends_before_the_commit_had_begun_is_not_recorded",
    ),
    row(
        "After a COMMIT without an answer a leader relies on its lease",
        POSTGRESQL,
        ('            self.on_warning("the answer to the last commit was lost")\n', ""),
        f"{FAULTS}::test_after_a_lost_answer_a_leader_relies_on_nothing_until_it_has_renewed",
    ),
    row(
        "A leader goes on although it does not know what it has written",
        POSTGRESQL,
        ("            self.fence.end(str(error))\n", ""),
        f"{FAULTS}::test_a_leader_that_cannot_learn_what_became_of_a_commit_gives_up",
    ),
    row(
        "What became of a COMMIT is asked before that is decided",
        ASKED,
        ('left)}; {TURN}"', 'left)}"'),
        f"{COMMIT}::test_one_that_is_not_over_is_waited_for",
    ),
    row(
        "The number of a transaction is believed after a crash",
        ASKED,
        ('case "committed" if without_checkpoint:', 'case "committed" if True or without_checkpoint:'),
        f"{COMMIT}::test_a_server_that_was_killed_gives_a_number_twice_and_says_committed_of_the_other_one",
        f"{COMMIT}::test_after_a_checkpoint_the_number_may_be_that_of_another_one",
    ),
    row(
        "The number of a transaction is believed on another timeline",
        ASKED,
        ("    if not ours:\n", "    if False:\n"),
        f"{COMMIT}::test_on_another_timeline_the_number_says_nothing",
    ),
    row(
        "A warning at COMMIT is not heard",
        POSTGRESQL,
        ("        if driver.warnings:\n", "        if False:\n"),
        f"{FAULTS}::test_a_commit_that_only_one_server_has_counts_and_is_not_relied_on",
        f"{FAULTS}::test_a_take_over_that_only_one_server_has_is_not_relied_on",
    ),
    row(
        "A renewal that one server alone has is relied on",
        TERM,
        ("if not self._lease.tell(self._fence) and self._fence", "if self._fence"),
        f"{FAULTS}::test_a_commit_that_only_one_server_has_counts_and_is_not_relied_on",
    ),
    row(
        "A COMMIT that waits for another server is not cancelled",
        CONNECTION,
        ("if now > self._cancel_at:", "if False:"),
        f"{FAULTS}::test_a_commit_that_only_one_server_has_counts_and_is_not_relied_on",
    ),
    row(
        "A connection of which a COMMIT was cancelled is used again",
        POSTGRESQL,
        ("if driver.was_cancelled:", "if False:"),
        f"{FAULTS}::test_a_commit_that_only_one_server_has_counts_and_is_not_relied_on",
    ),
    row(
        "Another timeline is the same server",
        FENCE,
        ("timeline is not None and timeline != self.timeline", "False"),
        f"{FAULTS}::test_who_sees_another_timeline_gives_the_lease_up",
    ),
    row(
        "A server that only reads does not end the term",
        POSTGRESQL,
        ("            self.fence.end(sentence)\n", ""),
        f"{DOOR}::test_a_server_that_only_reads_ends_the_term_and_is_left",
    ),
    row(
        "A server that only reads is not left",
        POSTGRESQL,
        ("if broken or error.sqlstate == READ_ONLY:", "if broken:"),
        f"{DOOR}::test_a_server_that_only_reads_ends_the_term_and_is_left",
    ),
    row(
        "A server that follows another one is worked on",
        CONNECTION,
        ("conninfo_to_dict(address) else PRIMARY", "conninfo_to_dict(address) else {}"),
        f"{FAULTS}::test_a_server_that_follows_another_one_is_no_place_to_write",
    ),
    row(
        "Statements are prepared on the server",
        CONNECTION,
        ("prepare_threshold=None", "prepare_threshold=1"),
        f"{DOOR}::test_a_statement_is_not_prepared_on_a_session_that_somebody_else_has_next",
    ),
    row(
        "A COMMIT does not wait for the disk where the default of the server is another",
        POSTGRESQL,
        ("{DURABLE}; {turn}{mark}", "{turn}{mark}"),
        f"{DOOR}::test_what_is_committed_is_on_the_disk_whatever_the_default_is",
    ),
    row(
        "A COMMIT after a failed statement looks like one",
        POSTGRESQL,
        ("if mark is not None and driver.info", "if mark is None and driver.info"),
        f"{DOOR}::test_a_commit_after_a_failed_statement_is_no_commit",
    ),
    row(
        "A connection that broke while it rested fails the transaction",
        POSTGRESQL,
        ("if not (broken and rested) or", "if True or"),
        f"{DOOR}::test_connections_that_the_server_has_ended_meanwhile_are_made_anew",
        f"{POOLER}::test_a_pooler_that_was_started_anew_costs_nothing",
    ),
    row(
        "An error is lost if the transaction cannot be rolled back, either",
        POSTGRESQL,
        ("        with suppress(DBAPIError):\n            connection.close()\n", "        connection.close()\n"),
        f"{DOOR}::test_an_error_in_the_block_is_told_although_the_server_hangs",
    ),
    row(
        "Readers see what is written while they read",
        POSTGRESQL,
        ("REPEATABLE READ READ ONLY", "READ COMMITTED READ ONLY"),
        f"{DOOR}::test_a_reader_sees_one_state_and_waits_for_nobody",
    ),
    row(
        "What the driver says of a URL that it cannot read is shown",
        SENTENCES,
        ("    return UNREADABLE\n", "    return str(error)\n"),
        f"{ERRORS}::test_a_url_that_cannot_be_read_is_not_shown",
    ),
    row(
        "A password with an @ is taken for a part of the host",
        CONNECTION,
        ("    if is_ambiguous(url):\n", "    if False:\n"),
        f"{ERRORS}::test_a_url_that_cannot_be_read_is_not_shown",
    ),
    row(
        "A password with an @ is shown",
        "daemon/storage/place.py",
        ("(?P<password>.*)@", "(?P<password>[^@/?]*)@"),
        f"{ERRORS}::test_a_url_that_cannot_be_read_is_not_shown",
    ),
)
