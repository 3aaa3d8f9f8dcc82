"""The flows: what a round sees and records, what is sent, and the program's watch over itself."""

from tests.mutations.mutation import row

ROWS = (
    row(
        "Promise 5: a round is never counted as complete",
        "daemon/poll.py",
        ("self._incidents.complete_round(self._clock(), self._their_clock() - self._clock(), shown)", "del shown"),
        "tests/unit/test_poll.py::test_promise_1_the_transition_and_the_state_are_committed_when_the_round_counts_as_done",
    ),
    row(
        "No record is looked up",
        "daemon/poll.py",
        ("        self._look_up(this_round)\n", ""),
        "tests/unit/test_poll.py::test_what_vanished_from_the_lists_is_looked_up_and_nothing_else",
        "tests/unit/test_poll.py::test_a_database_that_cannot_count_the_round_done_loses_nothing_of_it",
    ),
    row(
        "What is absent from the lists counts as gone",
        "daemon/poll.py",
        ("        self._look_up(this_round)\n", "        this_round.gone += sorted(this_round.missing)\n"),
        "tests/unit/test_poll.py::test_being_absent_from_a_list_ends_nothing",
    ),
    row(
        "What is absent from the lists and has a record that cannot be read counts as gone",
        "daemon/poll.py",
        ("this_round.gone += found.gone", "this_round.gone += sorted(this_round.missing | set(found.gone))"),
        "tests/unit/test_poll.py::test_a_lookup_that_cannot_be_read_ends_nothing",
    ),
    row(
        "A doubt is believed at once",
        "daemon/recording.py",
        (
            "return Read.OWN_LATER if before is not None and before.id in this_round.doubted else Read.OWN",
            "return Read.OWN if before is None or not this_round else Read.OWN_LATER",
        ),
        "tests/unit/test_recording.py::test_one_look_in_the_second_round_is_not_enough",
        "tests/worlds/test_replicas.py",
    ),
    row(
        "A doubt is believed after one look in the second round",
        "daemon/recording.py",
        ("before.id in this_round.doubted else", "before.id in this_round.doubted_before else"),
        "tests/unit/test_recording.py::test_one_look_in_the_second_round_is_not_enough",
    ),
    row(
        "The sweep counts from the last round although that was read in part",
        "daemon/poll.py",
        ("                raise this_round.errors[0]\n", "                pass\n"),
        "tests/unit/test_self_check.py::test_an_outage_of_better_stack_is_told_once_and_closed_by_the_first_complete_round",
        "tests/unit/test_poll.py::test_a_failed_round_does_not_move_the_start_of_the_next_sweep",
    ),
    row(
        "A round counts as complete before its pages are read",
        "daemon/poll.py",
        (
            "        self._shown.clear()\n",
            "        self._shown.clear()\n        self._incidents.complete_round(self._clock())\n",
        ),
        "tests/unit/test_poll_life.py::test_a_first_start_lasts_until_a_round_is_complete",
        "tests/e2e/test_crashes.py::test_promise_7_killed_in_its_first_round_the_next_start_is_still_the_first_and_wakes_nobody_for_what_was_over",
    ),
    row(
        "Pages are kept until the list is at its end, and recorded behind newer ones",
        "daemon/poll.py",
        ("for page in self._source.open_pages():", "for page in reversed([*self._source.open_pages()]):"),
        "tests/unit/test_poll.py::test_each_page_is_committed_before_the_next_is_asked_for",
    ),
    row(
        "A round fails no more for the error of one list",
        "daemon/round_progress.py",
        ("            self.errors.append(error)\n", ""),
        "tests/unit/test_poll.py::test_a_request_that_fails_does_not_keep_the_others_from_being_made_and_fails_the_round",
    ),
    row(
        "Records are set aside while lists fail",
        "daemon/lookups.py",
        (
            "if lists_failed or any(map(_refuses_token, failed.values())):",
            "if any(map(_refuses_token, failed.values())):",
        ),
        "tests/unit/test_lookups.py::TestWhoseFault::test_while_lists_fail_nobody_can_say",
    ),
    row(
        "A record that cannot be read is asked for in each round",
        "daemon/lookups.py",
        ("if not unreadable.is_due(one, self._patience, now)}", "if one.due_at is now}"),
        "tests/unit/test_lookups.py::TestPatience::test_it_is_asked_for_no_more_often_than_that_also_across_restarts",
    ),
    row(
        "A refused token is the fault of the record",
        "daemon/lookups.py",
        (
            "return isinstance(error, TokenRefusedError) and not isinstance(error, ForbiddenError)",
            "return error is None",
        ),
        "tests/unit/test_lookups.py::TestWhoseFault::test_a_refused_token_is_no_fault_of_the_record",
    ),
    row(
        "A round fails for records that nobody asked for again",
        "daemon/lookups.py",
        ("            ask(sorted(resting))\n", "            pass\n"),
        "tests/unit/test_lookups.py::TestWhoseFault::test_a_third_one_fails_no_round_where_the_others_are_well_again",
    ),
    row(
        "Any known record proves a new token, one too that it showed itself",
        "daemon/deletions.py",
        ("if of_old.isdisjoint(this_round.recognised) else", "if not (of_old and this_round.recognised) else"),
        "tests/unit/test_deletions_new_token.py::test_another_teams_token_resolves_nothing_for_an_hour",
    ),
    row(
        "While the token is suspect deletions are believed",
        "daemon/deletions.py",
        ("proof = timedelta.max if since is not None else self._gone_after", "proof = self._gone_after"),
        "tests/unit/test_deletions.py::test_the_token_is_suspected_when_all_of_three_or_more_vanish_at_once",
    ),
    row(
        "Promise 6: what is not claimed is sent all the same",
        "daemon/deliver.py",
        ("if not self._outbox.claim(delivery, now):", "if self._outbox.claim(delivery, now) is None:"),
        "tests/unit/storage/test_outbox_operate.py::test_a_beginning_that_is_dropped",
    ),
    row(
        "Nothing is claimed before it is sent",
        "daemon/deliver.py",
        ("if not self._outbox.claim(delivery, now):", "if delivery is None:"),
        "tests/unit/test_deliver.py::test_what_is_due_is_sent_and_noted_with_its_event_id",
        "tests/e2e/test_crashes.py::test_promise_7_a_new_that_signl4_took_from_a_process_that_died_is_followed_by_its_resolved",
    ),
    row(
        "For how long an incident is over is counted by this machine's clock",
        "daemon/deliver.py",
        ("settings.stale_after, now, self._their_clock())", "settings.stale_after, now, now)"),
        "tests/unit/host/test_their_clock.py::test_an_alert_that_waited_is_superseded_by_how_long_it_was_over_there",
    ),
    row(
        "What is held is sent all the same",
        "daemon/deliver.py",
        ("                self._outbox.hold(delivery, until)\n", "                return until is not None\n"),
        "tests/unit/test_deliver.py::test_promise_3_new_then_acknowledged_then_resolved_each_after_the_one_before",
    ),
    row(
        "What is paused is sent all the same",
        "daemon/deliver.py",
        ("if not self._paused:", "if not self._paused or not self._in_flight:"),
        "tests/unit/test_deliver.py::test_paused_it_sends_nothing_until_it_is_resumed",
    ),
    row(
        "What was sent by the process before does not count against the limit",
        "daemon/limiter.py",
        ("limit, SendHistory(attempts())", "limit, SendHistory()"),
        "tests/unit/test_limiter.py::test_what_an_earlier_process_learned_and_sent_counts_and_is_read_once",
        "tests/unit/test_deliver_storm.py::test_a_restart_remembers_what_was_sent_and_what_is_allowed",
    ),
    row(
        "What SIGNL4 says of the limit is not learned",
        "daemon/limiter.py",
        ("            self.limit = answer.rate_limit.events\n", "            pass\n"),
        "tests/unit/test_limiter.py::test_what_signl4_says_is_the_limit_until_it_says_another",
    ),
    row(
        "What is sent is not counted against the limit",
        "daemon/limiter.py",
        ("self._history = rate_limit.counted(self._known, self.limit, now)", "self._history = self._known"),
        "tests/unit/test_limiter.py::test_what_goes_out_is_one_less_that_may_follow",
    ),
    row(
        "What is dead of an alarm that is over stays dead",
        "daemon/self_check.py",
        ("                self._outbox.supersede_obsolete()\n", "                pass\n"),
        "tests/unit/decisions/test_health_mends.py::test_a_dead_alarm_does_not_outlive_its_cause",
    ),
)
