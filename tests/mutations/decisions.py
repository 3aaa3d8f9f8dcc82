"""The decisions: what an incident's life means, what is told in which words, what comes after an attempt."""

from tests.mutations.mutation import row

ROWS = (
    row(
        "An incident is believed gone at the second answer, however soon",
        "daemon/decisions/reconcile.py",
        ("if now - before.gone_since < gone_after:", "if gone_after == timedelta.max:"),
        "tests/unit/decisions/test_reconcile_gone.py::test_a_second_answer_too_soon_changes_nothing",
    ),
    row(
        "An incident is believed gone at the first answer",
        "daemon/decisions/reconcile.py",
        (
            "if before.gone_since is None or before.gone_since > now:",
            "if before.gone_since and before.gone_since > now:",
        ),
        ("if now - before.gone_since < gone_after:", "if now - (before.gone_since or now - gone_after) < gone_after:"),
        "tests/unit/decisions/test_reconcile_gone.py::test_the_first_answer_is_noted_and_proves_nothing",
        "tests/unit/test_deletions.py::test_two_lookups_far_enough_apart_prove_a_deletion",
    ),
    row(
        "The token is never suspected",
        "daemon/decisions/reconcile.py",
        ("return since if now - since < SUSPICION_LASTS else None", "return None"),
        "tests/unit/test_deletions.py::test_the_token_is_suspected_when_all_of_three_or_more_vanish_at_once",
    ),
    row(
        "A new token is suspected only once three incidents vanish",
        "daemon/decisions/reconcile.py",
        ("begins = not tracked.isdisjoint(gone) if token is Token.NEW else all_gone", "begins = all_gone"),
        "tests/unit/test_deletions_new_token.py::test_another_teams_token_resolves_nothing_for_an_hour",
    ),
    row(
        "The end of an incident is told that nobody was told of, as after a baseline",
        "daemon/decisions/reconcile.py",
        ("Phase.RESOLVED if before.alerted:", "Phase.RESOLVED:"),
        ("if not before.alerted or before.phase is Phase.RESOLVED:", "if before.phase is Phase.RESOLVED:"),
        "tests/unit/decisions/test_reconcile.py::test_what_is_told_is_what_the_contract_settles",
    ),
    row(
        "What no time puts in order is believed at once",
        "daemon/decisions/reconcile.py",
        ("if read is not Read.OWN_LATER:", "if read is Read.LISTED:"),
        "tests/unit/decisions/test_reconcile.py::test_what_no_time_puts_in_order_counts_once_its_own_record_said_so_in_two_rounds",
    ),
    row(
        "An end from before the reopening counts",
        "daemon/decisions/evidence.py",
        ("return Order.DOUBTFUL if knows_of_reopening else Order.OLD_NEWS", "return Order.SAME_GENERATION"),
        "tests/unit/decisions/test_reconcile.py::test_what_is_told_is_what_the_contract_settles",
        "tests/worlds/test_replicas.py",
    ),
    row(
        "An end from before the acknowledgement counts",
        "daemon/decisions/evidence.py",
        (
            "if ended_at is not None and before.acknowledged_at is not None and ended_at < before.acknowledged_at:",
            "if before is None:",
        ),
        "tests/unit/decisions/test_reconcile.py::test_what_no_time_puts_in_order_counts_once_its_own_record_said_so_in_two_rounds",
    ),
    row(
        "The gap behind the previous message is ignored",
        "daemon/decisions/admit.py",
        (
            "delivery.previous_at <= now < delivery.previous_at + gap:",
            "delivery.previous_at <= now < delivery.previous_at:",
        ),
        "tests/unit/decisions/test_admit.py::test_what_becomes_of_a_delivery_that_is_due",
    ),
    row(
        "A message that was taken at a time to come holds the next one",
        "daemon/decisions/admit.py",
        ("delivery.previous_at <= now < delivery.previous_at + gap:", "now < delivery.previous_at + gap:"),
        "tests/unit/decisions/test_admit.py::test_what_becomes_of_a_delivery_that_is_due",
    ),
    row(
        "Promise 7: a beginning is superseded though it was attempted",
        "daemon/decisions/admit.py",
        ("delivery.kind is Kind.NEW and delivery.attempts == 0", "delivery.kind is Kind.NEW"),
        "tests/unit/decisions/test_admit.py::test_what_becomes_of_a_delivery_that_is_due",
        "tests/unit/test_deliver.py::test_promise_7_what_is_over_too_long_is_superseded_only_if_it_was_never_attempted",
    ),
    row(
        "An end is superseded since its incident is over for long",
        "daemon/decisions/admit.py",
        ("delivery.kind is Kind.NEW and delivery.attempts == 0", "delivery.attempts == 0"),
        "tests/unit/decisions/test_admit.py::test_what_becomes_of_a_delivery_that_is_due",
    ),
    row(
        "Somebody is woken for what is over, for however long",
        "daemon/decisions/admit.py",
        (
            "if untold and over_too_long(delivery.over_since, stale_after, theirs):",
            "if untold and stale_after is theirs:",
        ),
        "tests/unit/decisions/test_admit.py::test_what_becomes_of_a_delivery_that_is_due",
    ),
    row(
        "The shortest name of a placeholder is taken",
        "daemon/decisions/placeholders.py",
        ("sorted(NAMES, key=len, reverse=True)", "sorted(NAMES, key=len)"),
        "tests/unit/decisions/test_placeholders.py::test_a_placeholder_is_filled_whole_or_not_at_all",
    ),
    row(
        "A known name is filled as the beginning of a longer one",
        "daemon/decisions/placeholders.py",
        ("({_KNOWN})(?!{_CONTINUED})", "({_KNOWN})"),
        "tests/unit/decisions/test_placeholders.py::test_no_name_is_filled_as_the_beginning_of_another",
        "tests/unit/decisions/test_placeholders.py::test_an_external_id_needs_the_whole_name",
    ),
    row(
        "A name ends not before a word in lower case",
        "daemon/decisions/placeholders.py",
        ('_CONTINUED = r"_?[A-Z0-9]++(?![a-z])"', '_CONTINUED = r"[A-Z0-9_]"'),
        "tests/unit/decisions/test_placeholders.py::test_an_external_id_may_go_on_behind_it",
    ),
    row(
        "All incidents share one external id",
        "daemon/decisions/payload.py",
        ('if "INCIDENT_ID" not in names(self._external_id):', 'if "INCIDENT_ID" not in self._external_id:'),
        "tests/unit/decisions/test_placeholders.py::test_an_external_id_needs_the_whole_name",
    ),
    row(
        "A key of metadata that is missing leaves its second word",
        "daemon/decisions/placeholders.py",
        ("if key in metadata or (", "if key in metadata and ("),
        "tests/unit/decisions/test_placeholders.py::test_the_keys_of_metadata_are_found_as_they_are_written",
    ),
    row(
        "A large list of metadata is sent whole",
        "daemon/decisions/placeholders.py",
        ("if length > ARRAY_LIMIT:", "if length < 0:"),
        "tests/unit/decisions/test_placeholders.py::test_a_list_of_all_metadata_is_cut_text_by_text_and_holds_what_fits",
    ),
    row(
        "A placeholder in another form is not remarked",
        "daemon/decisions/template_remarks.py",
        ("for typed, name in (*unknown, *_foreign(text)):", "for typed, name in unknown:"),
        "tests/unit/decisions/test_template_remarks.py::test_what_is_nearly_a_placeholder_is_remarked_with_the_nearest_name",
    ),
    row(
        "`$MONITOR_ID` is that of the attribute alone",
        "daemon/clients/records.py",
        ('monitor_id = _monitor_id(record.get("relationships")) or ', "monitor_id = "),
        "tests/unit/clients/test_records_monitor.py::test_it_is_the_one_in_relationships",
        "tests/unit/decisions/test_payload_placeholders.py::test_a_placeholder_is_filled_from_its_attribute",
    ),
    row(
        "A title of which nothing can be seen is sent",
        "daemon/model/printable.py",
        ('category(character)[0] in "LNPS" and character not in _BLANK', "character.isprintable()"),
        "tests/unit/decisions/test_payload_titles.py::test_no_title_is_sent_of_which_nothing_can_be_seen",
    ),
    row(
        "A value that is no text counts as a title",
        "daemon/decisions/payload.py",
        (
            "if any(key.lower() in _TITLE_KEYS and isinstance(value, str) for key, value in body.items()):",
            "if any(key.lower() in _TITLE_KEYS for key in body):",
        ),
        "tests/unit/decisions/test_payload_titles.py::test_a_title_is_a_text_of_which_something_shows_or_one_is_added",
    ),
    row(
        "Promise 2: a delivery is dead after one refusal",
        "daemon/decisions/retry.py",
        ("case Rejected() if refused:", "case Rejected():"),
        "tests/unit/decisions/test_retry.py::test_what_becomes_of_a_delivery",
    ),
    row(
        "A delivery is dead after five attempts",
        "daemon/decisions/retry.py",
        (
            "    answer = in_company(answer, meanwhile)\n",
            (
                "    if delivery.attempts >= 5 and not isinstance(answer.outcome, Delivered):\n"
                "        return Disposition(DeliveryState.DEAD, now), destination\n"
                "    answer = in_company(answer, meanwhile)\n"
            ),
        ),
        "tests/unit/test_deliver_recovery.py::test_after_an_outage_everything_goes_as_soon_as_a_fresh_alert_went_through",
    ),
    row(
        "The limit is ignored",
        "daemon/decisions/rate_limit.py",
        ("room = max(_room(history, limit, in_flight, now), 0)", "room = 10**6"),
        "tests/unit/decisions/test_rate_limit_servers.py::test_no_server_refuses_and_nothing_comes_much_later_than_it_could",
    ),
    row(
        "What remains of the limit is not learned",
        "daemon/decisions/rate_limit.py",
        ("left=max(said.remaining - in_flight - between, 0),", "left=history.left,"),
        "tests/unit/decisions/test_rate_limit_servers.py::test_no_server_refuses_and_nothing_comes_much_later_than_it_could",
    ),
    row(
        "What others of the account spent counts until `Reset` alone",
        "daemon/decisions/rate_limit.py",
        (
            "- in_flight - history.others, history.left)",
            "- in_flight - (history.others if history.resets_at and now < history.resets_at else 0), history.left)",
        ),
        "tests/unit/decisions/test_rate_limit_servers.py::test_others_of_the_account_cost_no_more_than_could_not_be_foreseen",
    ),
    row(
        "An event that was refused counts as one of ours",
        "daemon/decisions/rate_limit.py",
        ("counts = said is None or not refused", "counts = True"),
        "tests/unit/decisions/test_rate_limit_servers.py::test_others_of_the_account_cost_no_more_than_could_not_be_foreseen",
    ),
    row(
        "Windows never slide",
        "daemon/decisions/rate_limit.py",
        ("slides = _slides(history, spent, ours, sent_at or now)", "slides = False"),
        "tests/unit/decisions/test_rate_limit_servers.py::test_others_of_the_account_cost_no_more_than_could_not_be_foreseen",
    ),
    row(
        "An alarm is told again each time",
        "daemon/decisions/alarm.py",
        ("if sentence is None or is_open:", "if sentence is None:"),
        "tests/unit/decisions/test_alarm.py::test_each_time_a_cause_comes_back_is_a_generation_of_its_own",
    ),
    row(
        "An alarm is never closed",
        "daemon/decisions/alarm.py",
        (
            "if known is not None and is_open and sentence is None:",
            "if known is not None and is_open and sentence == '':",
        ),
        "tests/unit/decisions/test_alarm.py::test_each_time_a_cause_comes_back_is_a_generation_of_its_own",
    ),
    row(
        "A sentence of `status` names no command that mends it",
        "daemon/decisions/health.py",
        (", and bring back with: retry --dead", ""),
        "tests/unit/decisions/test_health_mends.py::test_a_dead_alarm_is_dead_as_long_as_its_cause_lasts",
    ),
)
