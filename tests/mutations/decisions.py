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
        "daemon/decisions/suspicion.py",
        ("return since if now - since < SUSPICION_LASTS else None", "return None"),
        "tests/unit/test_deletions.py::test_the_token_is_suspected_when_all_of_three_or_more_vanish_at_once",
    ),
    row(
        "A new token is suspected only once three incidents vanish",
        "daemon/decisions/suspicion.py",
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
        "daemon/model/delivery.py",
        ("self.kind is Kind.NEW and self.attempts == 0", "self.kind is Kind.NEW"),
        "tests/unit/decisions/test_admit.py::test_what_becomes_of_a_delivery_that_is_due",
        "tests/unit/test_deliver.py::test_promise_7_what_is_over_too_long_is_superseded_only_if_it_was_never_attempted",
    ),
    row(
        "An end is superseded since its incident is over for long",
        "daemon/model/delivery.py",
        ("self.kind is Kind.NEW and self.attempts == 0", "self.attempts == 0"),
        "tests/unit/decisions/test_admit.py::test_what_becomes_of_a_delivery_that_is_due",
    ),
    row(
        "Somebody is woken for what is over, for however long",
        "daemon/decisions/admit.py",
        (
            "if delivery.is_untold and over_too_long(delivery.over_since, stale_after, theirs):",
            "if delivery.is_untold and stale_after is theirs:",
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
        ("(?P<name>{_KNOWN})(?!{_CONTINUED})", "(?P<name>{_KNOWN})"),
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
        ("for typed, nearest in (*_unknown(text), *_foreign(text)):", "for typed, nearest in _unknown(text):"),
        "tests/unit/decisions/test_template_remarks.py::test_what_is_nearly_a_placeholder_is_remarked_with_the_nearest_name",
    ),
    row(
        "`$MONITOR_ID` is that of the attribute alone",
        "daemon/clients/records.py",
        ("if found := _related_id(related.get(name)):", 'if found := "":'),
        "tests/unit/clients/test_records_source.py::test_what_raised_an_incident",
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
            "if any(key.lower() in TITLE_KEYS and isinstance(value, str) for key, value in body.items()):",
            "if any(key.lower() in TITLE_KEYS for key in body):",
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
    row(
        "A default takes the place of a value",
        "daemon/decisions/placeholders.py",
        ("if not value and default:", "if default:"),
        "tests/unit/decisions/test_placeholders.py::test_in_braces_a_placeholder_has_an_end_a_length_and_a_default",
    ),
    row(
        "A misspelt placeholder is sent as typed, and only warned of",
        "daemon/decisions/payload.py",
        ('                yield f"{key} has {mistake}"\n', "                pass\n"),
        "tests/unit/decisions/test_template_remarks.py::test_a_slip_of_the_pen_is_a_mistake",
    ),
    row(
        "Any text that looks like a placeholder is refused",
        "daemon/decisions/template_remarks.py",
        ("ALIKE = 0.8", "ALIKE = 0.3"),
        "tests/unit/decisions/test_template_remarks.py::test_a_text_that_may_be_meant_is_none",
    ),
    row(
        "A length in braces is not heeded",
        "daemon/decisions/placeholders.py",
        ("yield cut(value, int(limit[1:])) if limit else value", "yield value"),
        "tests/unit/decisions/test_placeholders.py::test_in_braces_a_placeholder_has_an_end_a_length_and_a_default",
    ),
    row(
        "An id that is cut tells incidents apart",
        "daemon/decisions/placeholders.py",
        (' and not one["limit"]}', "}"),
        "tests/unit/decisions/test_placeholders.py::test_an_external_id_needs_the_whole_name",
    ),
    row(
        "All metadata in braces is a text",
        "daemon/decisions/placeholders.py",
        ('_ARRAY in {found["name"], found["braced"]}', '_ARRAY == found["name"]'),
        "tests/unit/decisions/test_placeholders.py::test_all_metadata_alone_is_a_list_in_braces_too",
    ),
    row(
        "An ISO 8601 time has whatever zone Better Stack gave it",
        "daemon/decisions/placeholders.py",
        ("if moment is None or not text or", "if moment or not text or"),
        "tests/unit/decisions/test_placeholders.py::test_a_time_is_passed_on_or_made_iso_8601_in_utc",
    ),
    row(
        "A default is not looked at for placeholders that are none",
        "daemon/decisions/template_remarks.py",
        ("yield from _remarks(default)", "yield from ()"),
        "tests/unit/decisions/test_template_remarks.py::test_a_default_is_looked_at_as_well",
    ),
    row(
        "A field that SIGNL4 takes for the title goes unremarked",
        "daemon/decisions/template_keys.py",
        ("elif taken and taken[0].lower() not in _MEANT:", "elif taken and what == 'text':"),
        "tests/unit/decisions/test_template_keys.py::test_a_key_that_is_taken_for_something_else_is_remarked",
    ),
    row(
        "Two titles go unremarked",
        "daemon/decisions/template_keys.py",
        ("if len(taken) > 1:", "if len(taken) > 2:"),
        "tests/unit/decisions/test_template_keys.py::test_several_of_a_kind_are_remarked_once",
    ),
    row(
        "A recipe that was pasted as it is gets warnings of the keys that the program sets",
        "daemon/decisions/payload.py",
        (" and value != set_here[key.lower()]:", ":"),
        "tests/unit/decisions/test_payload.py::test_a_key_that_says_what_the_program_does_is_not_warned_of",
        "tests/e2e/test_recipe.py::test_a_recipe_in_a_file_is_sent_and_read_again_by_a_reload",
    ),
    row(
        "An imported body sets the external id",
        "daemon/decisions/imported.py",
        ("key.lower() in {EXTERNAL_ID.lower(), STATUS.lower()}", "key.lower() == STATUS.lower()"),
        "tests/unit/decisions/test_imported.py::test_a_recipe_becomes_a_table_without_what_the_program_sets",
    ),
    row(
        "Two imported bodies of a kind are no TOML",
        "daemon/decisions/imported.py",
        ("if one.kind in taken:", "if not one.body:"),
        "tests/unit/decisions/test_imported.py::test_several_are_one_document_in_the_order_of_an_incident",
    ),
    row(
        "An imported body loses what TOML cannot say",
        "daemon/decisions/imported.py",
        (
            "return [_without_nulls(inner) for inner in value] if",
            "return [_without_nulls(inner) for inner in value if inner is not None] if",
        ),
        "tests/unit/decisions/test_imported.py::test_what_is_written_gives_the_same_body",
    ),
    row(
        "A line break in a comment of imported TOML ends it",
        "daemon/decisions/imported.py",
        ("{printable(' '.join(comment.split()))}", "{comment}"),
        "tests/unit/decisions/test_imported.py::test_a_name_for_the_texts_of_a_comment_cannot_end_it",
    ),
    row(
        "A webhook that leads elsewhere is warned of",
        "daemon/decisions/outgoing.py",
        ("if one.host in hosts]", "if one.host]"),
        "tests/unit/cli/test_diagnose_webhooks.py::test_each_that_still_tells_signl4_of_incidents_is_warned_of",
    ),
    row(
        "A webhook for comments alone is warned of",
        "daemon/decisions/outgoing.py",
        ('_DOUBLED = (*KINDS, "reopened")', '_DOUBLED = (*KINDS, "reopened", "comment")'),
        "tests/unit/cli/test_diagnose_webhooks.py::test_each_that_still_tells_signl4_of_incidents_is_warned_of",
    ),
    row(
        "The name of a webhook shows its secret",
        "daemon/decisions/outgoing.py",
        ("redacted(webhook.name, *secrets)", "webhook.name"),
        "tests/unit/cli/test_diagnose_webhooks.py::test_a_secret_in_its_name_is_not_shown",
    ),
    row(
        "A rest does not halve what is guessed of the limit",
        "daemon/decisions/rate_limit.py",
        ("    if refused or rested:\n", "    if refused:\n"),
        "tests/unit/decisions/test_rate_limit_servers.py::test_without_headers_a_rest_halves_the_guess",
    ),
)
