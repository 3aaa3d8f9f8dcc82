"""Whether somebody was paged and is on duty, and whether SIGNL4's alerts agree with our incidents."""

from tests.mutations.mutation import row

PROOF, FLOW = "tests/unit/decisions/test_page_proof.py", "tests/unit/test_page_proof.py"
DRIFT, COMPARED = "tests/unit/decisions/test_drift.py", "tests/unit/test_drift.py"
WORLD = "tests/unit/test_drift_world.py"
DUTY, LOOKED = "tests/unit/decisions/test_duty.py", "tests/unit/test_duty.py"
REACH = "tests/unit/decisions/test_reach.py"
MERGED = "tests/unit/storage/test_merge_two_way.py"
MIGRATED = "tests/unit/storage/test_migrate_two_way.py"

ROWS = (
    row(
        "What SIGNL4 filters counts as paged",
        "daemon/decisions/page_proof.py",
        ("if outcome.status == EventStatus.RAISED or", "if outcome.status in (2, 3) or"),
        f"{PROOF}::test_each_status_has_its_verdict_and_its_mend",
    ),
    row(
        "A duplicate counts as not paged although there is an alert",
        "daemon/decisions/page_proof.py",
        (" - {EventStatus.DUPLICATE_SUPPRESSED}", ""),
        f"{PROOF}::test_where_the_status_does_not_tell_the_alerts_do",
        f"{FLOW}::test_a_duplicate_is_settled_by_the_alerts_there_are",
    ),
    row(
        "An alert of another team proves that this one was paged",
        "daemon/decisions/page_proof.py",
        ("(None not in sources and sources[0] != sources[1])", "False"),
        f"{PROOF}::test_an_alert_of_an_earlier_time_another_incident_or_another_team_proves_nothing",
    ),
    row(
        "The clocks of both sides are taken for one",
        "daemon/decisions/page_proof.py",
        ("alert.created_at - ahead >=", "alert.created_at >="),
        f"{PROOF}::test_a_closed_alert_counts_if_it_was_raised_since_by_the_clocks_of_both",
    ),
    row(
        "What SIGNL4 processes for ever is asked about for ever",
        "daemon/decisions/page_proof.py",
        ("    if reason is None and is_late:", "    if reason is None and False:"),
        f"{PROOF}::test_what_is_not_settled_after_a_quarter_of_an_hour_has_paged_nobody",
        f"{FLOW}::test_what_is_processed_is_asked_about_again_with_growing_waits_for_a_quarter_of_an_hour",
    ),
    row(
        "SIGNL4 is asked about an event at every look",
        "daemon/page_proof.py",
        ("decision.ask_again_at(proof.asked + 1, self._clock())", "self._clock()"),
        f"{FLOW}::test_what_is_processed_is_asked_about_again_with_growing_waits_for_a_quarter_of_an_hour",
    ),
    row(
        "A storm is asked about in one look",
        "daemon/page_proof.py",
        ("not in given_up][:AT_A_LOOK]", "not in given_up]"),
        f"{FLOW}::test_a_look_asks_about_a_few_and_the_next_goes_on",
    ),
    row(
        "One event that cannot be answered holds up all others",
        "daemon/page_proof.py",
        ("            self._put_off(proof)\n            raise\n", "            raise\n"),
        f"{FLOW}::test_one_that_cannot_be_answered_holds_up_no_other",
    ),
    row(
        "An outage of the REST API wakes somebody",
        "daemon/decisions/page_proof.py",
        ('Finding(PageVerdict.UNKNOWN, f"it is not known', 'Finding(PageVerdict.NOT_PAGED, f"it is not known'),
        f"{PROOF}::test_after_an_hour_without_an_answer_it_is_given_up",
        f"{FLOW}::test_after_an_hour_out_of_reach_it_is_not_known_and_nobody_is_woken_for_that",
    ),
    row(
        "What became of an event of yesterday is asked",
        "daemon/page_proof.py",
        ("take_up(now - decision.GIVEN_UP_AFTER,", "take_up(now - 99 * decision.GIVEN_UP_AFTER,"),
        f"{FLOW}::test_what_was_taken_more_than_an_hour_ago_is_not",
    ),
    row(
        "Teams that the key does not see are asked about",
        "daemon/storage/page_proofs.py",
        ("    _TAKEN, _LATELY, _OURS, ~exists()", "    _TAKEN, _LATELY, ~exists()"),
        f"{FLOW}::test_only_what_signl4_took_as_an_event_is_asked_about",
    ),
    row(
        "A verdict about a message counts for its repetition",
        "daemon/storage/page_proofs.py",
        (".rowcount == 1", ".rowcount >= 0"),
        f"{FLOW}::test_a_message_that_is_sent_again_meanwhile_gets_a_proof_of_its_own",
    ),
    row(
        "That nobody was paged is a problem for ever",
        "daemon/storage/two_way_figures.py",
        ("            INCIDENTS.c.phase != constant(Phase.RESOLVED),\n", ""),
        f"{FLOW}::test_what_paged_nobody_is_known_with_its_reason_until_the_incident_is_over",
        "tests/unit/test_self_check_unpaged.py::test_it_is_told_once_and_closed_when_the_incident_is_over",
    ),
    row(
        "An alarm that pages nobody raises another one",
        "daemon/decisions/reach.py",
        ("[one for one in snapshot.unpaged if not one.is_alarm]", "[*snapshot.unpaged]"),
        f"{REACH}::test_an_alarm_that_pages_nobody_raises_none_nor_do_duty_and_drift",
    ),
    row(
        "What paged nobody stops the heartbeat",
        "daemon/decisions/health.py",
        ("unreadable=(), unpaged=(),", "unreadable=(),"),
        f"{REACH}::test_each_problem_is_a_sentence_with_its_mend_and_stops_no_heartbeat",
        "tests/unit/test_self_check_unpaged.py::test_heartbeats_go_on",
    ),
    row(
        "A restore gives a proof to another message",
        "daemon/storage/merge.py",
        ("AND deliveries.generation = proof.generation AND", "AND"),
        ("deliveries.incident_id = proof.incident_id AND deliveries.kind = 'new'", "deliveries.kind = 'new'"),
        f"{MERGED}::test_a_settled_proof_counts_for_more_than_one_that_is_not",
        f"{MERGED}::test_a_proof_that_only_the_file_in_place_has_is_about_the_same_message",
    ),
    row(
        "After a restore SIGNL4 says what it said long ago",
        "daemon/storage/merge.py",
        ('"excluded.looked_at >= alerts.looked_at"', '"true"'),
        f"{MERGED}::test_of_an_alert_the_later_look_counts",
    ),
    row(
        "A migration counts earlier attempts as certainly not taken",
        "migrations/versions/0008_two_way.py",
        ('nullable=False, server_default="0"))\n    for', 'nullable=False, server_default="1"))\n    for'),
        f"{MIGRATED}::test_an_attempt_from_before_may_have_been_taken",
    ),
    row(
        "A team that nobody names has nobody on duty",
        "daemon/decisions/duty.py",
        ("for name, team_id in team_ids.items() if team_id in named}", "for name, team_id in team_ids.items()}"),
        f"{DUTY}::test_a_team_that_nobody_names_proves_nothing",
    ),
    row(
        "A list of users that names no team puts somebody on duty",
        "daemon/storage/duty.py",
        ("before & manned.keys() - unmanned", "before - unmanned"),
        "tests/unit/test_duty.py::test_a_list_that_names_no_team_changes_nothing",
    ),
    row(
        "SIGNL4 is asked for all users at each look",
        "daemon/duty.py",
        ("if looked_at is not None and", "if looked_at is None and"),
        f"{LOOKED}::test_it_looks_every_five_minutes_also_after_a_restart",
    ),
    row(
        "That nobody is on duty is believed long after anybody looked",
        "daemon/decisions/reach.py",
        ("is_known and one.looked_at", "one.looked_at"),
        f"{REACH}::test_nobody_on_duty_is_no_problem_unasked_too_early_or_when_nobody_looked_lately",
    ),
    row(
        "An alert counts as left open while its end is on the way",
        "daemon/decisions/drift.py",
        ("one.is_over and _is_settled(one.resolved_at, now)", "one.is_over and one.resolved_at is not None"),
        f"{DRIFT}::test_what_is_open_untold_or_just_told_is_not",
        f"{COMPARED}::test_the_end_of_what_is_over_is_sent_again_once_each_time",
    ),
    row(
        "An end is sent again although the incident is open again",
        "daemon/decisions/drift.py",
        ("if one.is_over and _is_settled", "if _is_settled"),
        f"{COMPARED}::test_the_end_is_not_sent_again_where_the_incident_is_open_again",
    ),
    row(
        "An incident that is opened again while SIGNL4 answers is closed there",
        "daemon/storage/drift.py",
        (
            ".where(INCIDENTS.c.id == drift.incident_id, INCIDENTS.c.phase == constant(Phase.RESOLVED))",
            ".where(INCIDENTS.c.id == drift.incident_id)",
        ),
        f"{COMPARED}::test_what_changes_while_signl4_answers_is_left_as_it_is",
    ),
    row(
        "The alert of one team is taken for that of another, though its event is known",
        "daemon/decisions/drift.py",
        ("of_it = [known] if known is not None else of_id", "of_it = of_id"),
        f"{DRIFT}::test_an_alert_whose_event_is_known_says_nothing_of_another_team",
        f"{COMPARED}::test_an_alert_without_an_external_id_is_known_by_its_event",
    ),
    row(
        "After a clock was wrong SIGNL4 is not asked for hours",
        "daemon/storage/page_proofs.py",
        ('PAGE_PROOFS.c.due_at > bindparam("latest", type_=Moment)', "False"),
        f"{FLOW}::test_a_clock_that_was_wrong_keeps_no_question_waiting",
    ),
    row(
        "The end of an earlier time counts as that of a later one",
        "daemon/storage/drift.py",
        (", _END.c.generation >= DELIVERIES.c.generation)", ")"),
        f"{COMPARED}::test_the_end_of_an_earlier_time_is_not_sent_again_for_the_alert_of_a_later_one",
    ),
    row(
        "An end is sent again while another beginning waits",
        "daemon/storage/drift.py",
        ("and_(is_over, ~exists().where(_waits(drift)))", "is_over"),
        f"{COMPARED}::test_while_anything_waits_no_end_is_sent_again",
    ),
    row(
        "Absence in a list proves that there is no alert",
        "daemon/drift.py",
        ("if not decision.is_known(told, self._api.alerts_of(told.external_id)):", "if told is not None:"),
        f"{COMPARED}::test_what_a_person_closed_is_no_drift_and_costs_no_request",
    ),
    row(
        "What is missing once is a problem",
        "daemon/model/drift.py",
        ("return self.times > 1", "return self.times > 0"),
        f"{COMPARED}::test_what_signl4_knows_nothing_of_is_reported_the_second_time_and_not_sent_again",
    ),
    row(
        "What is missing is sent again unasked",
        "daemon/storage/drift.py",
        ("    elif repair:\n", "    elif repair is not None:\n"),
        f"{COMPARED}::test_what_signl4_knows_nothing_of_is_reported_the_second_time_and_not_sent_again",
        f"{COMPARED}::test_the_command_is_certain_at_once_and_repairs_only_if_asked_to",
        WORLD,
    ),
    row(
        "What is open after its end is left open",
        "daemon/drift.py",
        ("[*over, *map(decision.missing_drift, missing)]", "[*map(decision.missing_drift, missing)]"),
        f"{COMPARED}::test_the_end_of_what_is_over_is_sent_again_once_each_time",
        WORLD,
    ),
    row(
        "What a person closed is asked for every hour",
        "daemon/decisions/drift.py",
        (" and not one.was_closed", ""),
        f"{DRIFT}::test_what_is_over_untold_just_told_or_was_closed_by_a_person_is_not",
        f"{COMPARED}::test_what_a_person_closed_is_no_drift_and_costs_no_request",
    ),
    row(
        "A hundred missing alerts are asked for in one look",
        "daemon/drift.py",
        ("before, now)[:most])", "before, now))"),
        f"{COMPARED}::test_a_look_asks_for_some_and_the_command_for_all",
    ),
    row(
        "SIGNL4 and the database are reconciled at every look",
        "daemon/drift.py",
        ("if not _is_recent(last, decision.INTERVAL, now) and", "if"),
        f"{COMPARED}::test_it_is_done_once_an_hour_also_after_a_restart_and_a_wrong_clock",
    ),
    row(
        "What is sent again is said to have been refused before",
        "daemon/decisions/explain.py",
        ('    if entry.why.partition(";")[0] == "accepted":\n', "    if False:\n"),
        "tests/unit/decisions/test_explain.py::test_each_thing_that_happened_is_a_sentence",
        f"{COMPARED}::test_the_command_is_certain_at_once_and_repairs_only_if_asked_to",
    ),
    row(
        "A reconciliation that always fails is begun at each look",
        "daemon/drift.py",
        (" and not _is_recent(self._begun_at, decision.TRY_AGAIN, now)", ""),
        f"{COMPARED}::test_one_that_always_fails_is_not_begun_again_at_each_look",
    ),
    row(
        "An incident that is missing makes no difference to a script",
        "daemon/cli/reconcile.py",
        ("        sys.exit(1)\n", "        sys.exit(0)\n"),
        "tests/unit/cli/test_reconcile.py::test_for_programs_it_is_a_list",
    ),
)
