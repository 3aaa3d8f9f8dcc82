"""The clients of the two ways: SIGNL4's REST API, and the calls that change an incident at Better Stack."""

from tests.mutations.mutation import row

API, API_TESTS = "daemon/clients/signl4_api.py", "tests/unit/clients/test_signl4_api.py"
EXCHANGE = "daemon/clients/api_exchange.py"
DOCUMENTS, DOCUMENT_TESTS = "daemon/clients/signl4_documents.py", "tests/unit/clients/test_signl4_documents.py"
PACE, PACE_TESTS = "daemon/clients/api_pace.py", "tests/unit/clients/test_api_pace.py"
CHANGES, CHANGE_TESTS = "daemon/clients/betterstack_changes.py", "tests/unit/clients/test_betterstack_changes.py"
REMARKS, REMARK_TESTS = "daemon/decisions/key_remarks.py", "tests/unit/decisions/test_key_remarks.py"
DIAGNOSE, DIAGNOSE_TESTS = "daemon/cli/diagnose.py", "tests/unit/cli/test_diagnose.py"
SOCKETS = "tests/sandbox/test_signl4_api.py"

ROWS = (
    row(
        "SIGNL4's API is asked for v3 alone",
        API,
        (
            "            if reply.status != 404:\n                return _V3",
            "            if reply:\n                return _V3",
        ),
        f"{API_TESTS}::TestVersions::test_v3_is_asked_first_and_v2_only_where_v3_has_no_such_route",
        f"{SOCKETS}::test_an_alert_is_seen_from_its_beginning_to_its_end",
    ),
    row(
        "What v3 of SIGNL4's API lacks is asked of it each time",
        API,
        ("            self._only_v2.add(call)", "            self._only_v2.discard(call)"),
        f"{API_TESTS}::TestVersions::test_v3_is_asked_first_and_v2_only_where_v3_has_no_such_route",
    ),
    row(
        "Once v2 of SIGNL4's API has ended, v3 is not asked again",
        API,
        ("            self._only_v2.discard(call)", "            self._only_v2.add(call)"),
        f"{API_TESTS}::TestVersions::test_v3_is_asked_again_once_v2_has_ended",
    ),
    row(
        "Another server's 404 says that SIGNL4 knows no such event",
        API,
        (
            "        if reply.status == 404 and is_error(_parsed(reply)):\n            return None",
            "        if reply.status == 404:\n            return None",
        ),
        f"{API_TESTS}::test_an_unusable_answer_proves_nothing",
    ),
    row(
        "A filter that SIGNL4 ignores is not made up for",
        API,
        (
            "tuple(one for one in walk.found.values() if one.external_id == external_id)",
            "tuple(walk.found.values())",
        ),
        f"{API_TESTS}::TestRequests::test_ask_v2_for_alerts_of_an_external_id_in_any_phase",
    ),
    row(
        "A filter by change that SIGNL4 ignores is used for ever",
        API,
        ("            self._ignores_change = True\n", ""),
        f"{API_TESTS}::TestIgnoredFilters::test_without_a_filter_by_change_v2_is_asked_for_what_is_not_closed",
    ),
    row(
        "Closed alerts are in a list of those that are not",
        API,
        ("if with_closed or one.phase is not AlertPhase.CLOSED]", "if with_closed or one]"),
        f"{API_TESTS}::TestIgnoredFilters::test_what_is_closed_is_left_out_of_a_list_of_what_is_not",
    ),
    row(
        "A list of other alerts that does not end proves that there is none of ours",
        API,
        ("        if not alerts and not walk.is_whole:", "        if not alerts and walk.is_whole is None:"),
        f"{API_TESTS}::TestIgnoredFilters::test_an_endless_list_without_ours_does_not_prove_that_there_is_none",
    ),
    row(
        "A repeated token does not end a list",
        API,
        (" and page.following not in seen", ""),
        f"{API_TESTS}::TestWalk::test_ends_with_a_repeated_token_and_is_not_whole",
    ),
    row(
        "A list of alerts has as many pages as SIGNL4 names",
        API,
        (" and len(seen) < self._most_pages - 1", ""),
        f"{API_TESTS}::TestWalk::test_ends_after_so_many_pages",
    ),
    row(
        "Further pages are asked for without the filters",
        API,
        ("{**filters(version), **page.following}", "{**page.following}"),
        f"{API_TESTS}::TestWalk::test_follows_both_shapes_of_the_token_with_the_same_filters",
    ),
    row(
        "v2 of SIGNL4's list never gets a user",
        API,
        ('            params |= {"userId": user_id} if user_id else {}\n', ""),
        f"{API_TESTS}::TestUserId::test_is_looked_up_where_v2_wants_it",
    ),
    row(
        "A look-up before a page reads all of an endless list",
        API,
        ("FEW_PAGES if wait is None else MOST_PAGES", "MOST_PAGES"),
        f"{API_TESTS}::TestIgnoredFilters::test_an_endless_list_delays_no_page_for_long",
    ),
    row(
        "A look-up gives up where another thread has just found the user",
        API,
        (
            "            if self._user_id == asked_as:\n                self.members()\n",
            "            asked_as = self._user_id\n",
        ),
        f"{API_TESTS}::TestUserId::test_that_another_thread_has_found_meanwhile_is_used",
    ),
    row(
        "The seconds of a wait make each look another failure",
        EXCHANGE,
        ("{minute:%H:%M} UTC", "{seconds:.0f} s"),
        f"{API_TESTS}::TestPace::test_without_a_wait_it_fails_at_once",
    ),
    row(
        "A time that stands for never counts as an acknowledgement",
        DOCUMENTS,
        (" and found.year in _YEARS", ""),
        f"{DOCUMENT_TESTS}::test_the_times_come_before_the_status_which_has_two_shapes",
    ),
    row(
        "The name of a person is in the log if Better Stack repeats it",
        CHANGES,
        ("(token, by), hold, self._section)", "(token, token), hold)"),
        f"{CHANGE_TESTS}::test_each_answer_has_its_outcome",
    ),
    row(
        "A 429 of SIGNL4's API is heard by nobody",
        EXCHANGE,
        ("reply.ahead(now), self._pace.heard(reply, now)", "reply.ahead(now), None"),
        f"{API_TESTS}::TestPace::test_a_429_is_obeyed_by_all_that_share_the_pace",
    ),
    row(
        "Who cannot wait does not keep the pace of SIGNL4's API",
        EXCHANGE,
        ("        while (seconds := self._pace.claim()) > 0:", "        while (seconds := self._pace.claim()) > 60:"),
        f"{API_TESTS}::TestPace::test_without_a_wait_it_fails_at_once",
    ),
    row(
        "A filter's refusal is taken for one of the key",
        EXCHANGE,
        ("            case 401 | 403 if is_from_elsewhere:", "            case 401 | 403 if not reply:"),
        f"{API_TESTS}::test_an_unusable_answer_proves_nothing",
    ),
    row(
        "Promise 8: the API key shows in an error",
        EXCHANGE,
        ("was not reached: {redacted(str(error), key)}", "was not reached: {error}"),
        f"{API_TESTS}::test_an_unusable_answer_proves_nothing",
    ),
    row(
        "Promise 8: the API key shows in what is said of an answer",
        EXCHANGE,
        ("described(reply, self._key.reveal())", "described(reply)"),
        "tests/e2e/test_two_ways.py::test_promise_8_the_api_key_shows_nowhere",
    ),
    row(
        "A stop waits for the pace of SIGNL4's API",
        EXCHANGE,
        ("            raise StoppedError", "            StoppedError"),
        f"{API_TESTS}::TestPace::test_a_stop_ends_the_wait",
    ),
    row(
        "A 207 with errors is a whole list",
        DOCUMENTS,
        ('    if _object(document).get("errors"):', '    if _object(document).get("error"):'),
        f"{DOCUMENT_TESTS}::test_what_is_no_list_or_not_all_of_it_is_no_empty_list",
    ),
    row(
        "A list in a changed format is an empty one",
        DOCUMENTS,
        (
            '    if records and not found:\n        raise ValueError("none of its alerts',
            '    if not records and found:\n        raise ValueError("none of its alerts',
        ),
        f"{DOCUMENT_TESTS}::test_what_is_no_list_or_not_all_of_it_is_no_empty_list",
    ),
    row(
        "The status of an alert counts in one shape alone",
        DOCUMENTS,
        ('_object(value).get("statusCode") if isinstance(value, dict) else value', '_object(value).get("statusCode")'),
        f"{DOCUMENT_TESTS}::test_the_times_come_before_the_status_which_has_two_shapes",
    ),
    row(
        "The time at which an alert was closed does not count",
        DOCUMENTS,
        ("    if closed_at is not None or code & _CLOSED:", "    if code & _CLOSED:"),
        f"{DOCUMENT_TESTS}::test_the_times_come_before_the_status_which_has_two_shapes",
    ),
    row(
        "A list ends where its token is an object",
        DOCUMENTS,
        ("    if isinstance(token, dict) and any(token.values()):", "    if token is ...:"),
        f"{DOCUMENT_TESTS}::test_both_shapes_of_the_token_ask_for_the_next_page",
        f"{SOCKETS}::test_a_list_of_many_pages_is_read_to_its_end[v2]",
    ),
    row(
        "SIGNL4's API is asked as often as somebody likes",
        PACE,
        ("            if len(self._claimed) >= self._most:", "            if len(self._claimed) > 1000:"),
        f"{PACE_TESTS}::test_no_window_holds_more_than_the_limit_wherever_it_starts",
        f"{SOCKETS}::test_a_free_plan_is_never_overrun",
    ),
    row(
        "The hour's limit of SIGNL4's API is taken for that of 15 s",
        PACE,
        ("0 < said.events <= PAID_PLAN", "0 < said.events"),
        f"{PACE_TESTS}::test_the_limit_is_what_a_header_says_less_two_if_it_can_be_that_of_15_s",
    ),
    row(
        "An exhausted limit of SIGNL4's API counts only with a 429",
        PACE,
        ("    if reply.status != 429 and said.remaining != 0:", "    if reply.status != 429:"),
        f"{PACE_TESTS}::test_what_an_answer_asks_for_is_kept",
    ),
    row(
        "A shorter pause of SIGNL4's API ends a longer one",
        PACE,
        (
            "max(self._quiet_until, self._monotonic() + hold.total_seconds())",
            "self._monotonic() + hold.total_seconds()",
        ),
        f"{PACE_TESTS}::test_a_shorter_hold_ends_no_longer_one",
    ),
    row(
        "Promise 8: Better Stack's token shows in why a change failed",
        CHANGES,
        ("was not reached: {redacted(str(error), token)}", "was not reached: {error}"),
        f"{CHANGE_TESTS}::test_each_answer_has_its_outcome",
    ),
    row(
        "That an incident is acknowledged already is a failure",
        CHANGES,
        ("reply.status == 409 or ", "reply.status == 410 or "),
        f"{CHANGE_TESTS}::test_each_answer_has_its_outcome",
        f"{SOCKETS}::TestWritingToBetterStack::test_a_change_is_made_once_and_names_who_made_it",
    ),
    row(
        "A portal's 200 is a change at Better Stack",
        CHANGES,
        ("    if is_page_for_people(reply) or 300", "    if 300"),
        f"{CHANGE_TESTS}::test_each_answer_has_its_outcome",
    ),
    row(
        "A token that may not write is tried again as if it were the fault of one incident",
        CHANGES,
        ('{said}; {mend}", Scope.SECRET)', '{said}; {_MEND}", Scope.ROW)'),
        f"{CHANGE_TESTS}::test_each_answer_has_its_outcome",
        f"{SOCKETS}::TestWritingToBetterStack::test_a_token_that_may_only_read_is_the_fault_of_the_token",
    ),
    row(
        "Better Stack's Retry-After for a change is not kept",
        CHANGES,
        ("(token, by), hold, self._section), hold=hold)", "(token, by), hold, self._section))"),
        f"{CHANGE_TESTS}::test_what_it_asks_for_holds_the_destination",
    ),
    row(
        "A team whose account the API key does not see is not warned of",
        REMARKS,
        (" and team.account != settings.signl4.base_url:", " and team.account == settings.signl4.base_url:"),
        f"{REMARK_TESTS}::test_a_team_of_another_account_is_warned_of",
    ),
    row(
        "An API key that may not list alerts passes the check",
        DIAGNOSE,
        ("        api.alerts_of(no_alert)\n", ""),
        f"{DIAGNOSE_TESTS}::TestKey::test_that_may_not_list_alerts_does_not_work",
    ),
    row(
        "`check --online` does not say that the token may be one that only reads",
        DIAGNOSE,
        ("if settings.signl4.api_key is not None and (back", "if settings.signl4.api_key is None and (back"),
        f"{DIAGNOSE_TESTS}::TestKey::test_that_the_token_may_write_is_not_proven_where_that_is_needed",
    ),
    row(
        "An empty API key is taken for none in silence",
        "daemon/config/load.py",
        ("    if API_KEY in empty:\n", "    if API_KEY not in empty and empty:\n"),
        "tests/unit/config/test_two_way.py::test_a_key_that_was_forgotten_is_a_warning",
    ),
    row(
        "In the sandbox a token that may only read changes incidents",
        "daemon/sandbox/betterstack.py",
        ('        if request.method not in {"GET", "HEAD"}:', '        if request.method == "HEAD":'),
        "tests/sandbox/test_betterstack_changes.py::test_a_read_only_token_reads_and_changes_nothing",
    ),
    row(
        "In the sandbox all teams' alerts come from one source",
        "daemon/sandbox/people.py",
        ('f"event source {team}"', '"event source"'),
        f"{SOCKETS}::test_alerts_of_two_teams_come_from_different_sources",
    ),
)
