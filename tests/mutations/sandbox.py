"""The sandbox, and the demo on top of it."""

from tests.mutations.mutation import row

ALONE = "tests/sandbox/test_standalone.py"
COMMANDS = "tests/sandbox/test_commands.py"
NEWS = "tests/sandbox/test_news.py"
CLIENTS = "tests/sandbox/test_clients.py"
CHANGES = "tests/sandbox/test_betterstack_changes.py"
REAL = "tests/sandbox/test_real_clients.py"
LIFE = "tests/sandbox/test_life.py"
RULES = "tests/sandbox/test_rules.py"
REST = "tests/sandbox/test_signl4_rest.py"
REST_CHANGES = "tests/sandbox/test_signl4_rest_changes.py"

ROWS = (
    row(
        "A signal right before a wait of the sandbox is not noticed",
        "daemon/sandbox/standalone.py",
        ("LOOK_UP if due is None else min(due, LOOK_UP)", "due"),
        f"{ALONE}::test_a_signal_that_wakes_no_wait_ends_it_all_the_same",
    ),
    row(
        "What a client did to an incident ends the sandbox",
        "daemon/sandbox/life.py",
        ("lambda record: record.phase is Phase.OPEN", "lambda _: True"),
        f"{LIFE}::test_whatever_others_do_to_the_incidents_the_next_change_is_one_that_they_allow",
        f"{ALONE}::test_what_a_client_does_to_its_incidents_does_not_end_it",
    ),
    row(
        "The incidents that somebody opened are changed by the sandbox",
        "daemon/sandbox/life.py",
        ("record.id in self._mine and allows(record)", "allows(record)"),
        f"{LIFE}::test_an_incident_that_somebody_opened_is_left_to_him",
    ),
    row(
        "A slash at the end of the webhook's path is refused",
        "daemon/sandbox/signl4.py",
        ('.removesuffix("/").partition("/")', '.partition("/")'),
        f"{CLIENTS}::test_the_path_of_the_webhook_may_end_with_a_slash",
        f"{REAL}::test_apprise_sends_new_acknowledged_and_resolved",
    ),
    row(
        "A body that nests too deeply breaks the webhook",
        "daemon/sandbox/signl4.py",
        ("except (ValueError, RecursionError) as error", "except ValueError as error"),
        f"{CLIENTS}::test_a_body_is_read_however_it_is_sent_and_refused_if_it_cannot_be",
    ),
    row(
        "A body in chunks is not read",
        "daemon/sandbox/body.py",
        ('if "transfer-encoding" in headers', "if False"),
        f"{CLIENTS}::test_a_body_is_read_however_it_is_sent_and_refused_if_it_cannot_be",
    ),
    row(
        "A mistake of the sandbox leaves its client without an answer",
        "daemon/sandbox/loopback.py",
        ("answer = self._survived(armed, request)", "answer = self._under(armed, request)"),
        f"{CLIENTS}::test_a_mistake_of_the_sandbox_is_a_500_for_its_client_and_is_raised_at_its_end",
    ),
    row(
        "Every page that Better Stack answered stays in memory",
        "daemon/sandbox/loopback.py",
        ('long run."""\n        return False\n', 'long run."""\n        return True\n'),
        "tests/sandbox/test_betterstack.py::test_requests_are_logged_with_their_answers",
    ),
    row(
        "A name that UTF-8 cannot write breaks every later list",
        "daemon/sandbox/exchange.py",
        ('.encode("utf-8", "replace")', ".encode()"),
        f"{CLIENTS}::test_a_name_that_is_no_text_in_utf_8_spoils_no_list",
    ),
    row(
        "An incident cannot be deleted through the API",
        "daemon/sandbox/betterstack.py",
        ('            ("DELETE", f"{_INCIDENTS}/([^/]+)", self._delete),\n', ""),
        f"{CHANGES}::test_an_incident_is_opened_acknowledged_resolved_reopened_and_deleted",
        f"{REAL}::test_betterstack_uptime_opens_and_deletes",
    ),
    row(
        "What was resolved can be escalated",
        "daemon/sandbox/betterstack.py",
        ("if record.phase is Phase.RESOLVED:", "if record.phase is Phase.UNCONFIRMED:"),
        f"{CHANGES}::test_a_change_that_the_incident_does_not_allow_is_a_conflict",
    ),
    row(
        "The lines for the environment file say export",
        "daemon/sandbox/__main__.py",
        ('_say(f"{name}={value}")', '_say(f"export {name}={value}")'),
        f"{ALONE}::test_its_first_lines_are_an_environment_file_that_points_the_daemon_at_it",
    ),
    row(
        "Every start of the sandbox has the same ids",
        "daemon/sandbox/__main__.py",
        ("FIRST_ID + int(time.time()) % STARTS * IDS_OF_A_START", "FIRST_ID"),
        f"{ALONE}::test_ids_of_another_start_are_others",
    ),
    row(
        "The sandbox cannot be ended where SIGINT was ignored",
        "daemon/sandbox/interrupt.py",
        ("(signal.SIGINT, signal.SIGTERM)", "(signal.SIGTERM,)"),
        f"{ALONE}::test_sigint_ends_it_also_where_it_was_started_to_ignore_it",
    ),
    row(
        "A terminal that stands still holds up the services",
        "daemon/sandbox/standalone.py",
        (
            "            for line in self._wait_for_lines():\n                say(line)\n",
            "            with self._changed:\n                for line in self._wait_for_lines():\n                    say(line)\n",
        ),
        f"{ALONE}::test_an_output_that_nobody_reads_holds_up_no_client",
    ),
    row(
        "The end of a pipe ends the sandbox",
        "daemon/sandbox/standalone.py",
        ("    if os.isatty(stream):\n", "    if stream is not None:\n"),
        f"{ALONE}::test_commands_from_a_pipe_are_carried_out_in_order_and_its_end_ends_nothing",
    ),
    row(
        "A command means an incident that does not allow it",
        "daemon/sandbox/commands.py",
        ("fit = [record for record in records if record.phase in phases]", "fit = list(records)"),
        f"{COMMANDS}::test_without_an_id_the_newest_is_meant_that_allows_it",
    ),
    row(
        "A new fault leaves the one before in force",
        "daemon/sandbox/troubles.py",
        ("        fault, what = _fault(word)\n        self.mend()\n", "        fault, what = _fault(word)\n"),
        f"{COMMANDS}::test_a_fault_lasts_until_it_is_mended_and_a_new_one_takes_its_place",
    ),
    row(
        "A secret that may be a real one is shown",
        "daemon/sandbox/news.py",
        ('if given not in teams and len(given) >= SHORTEST_SECRET else ""', 'if not given else ""'),
        f"{NEWS}::test_a_secret_that_is_not_the_sandboxs_own_is_not_shown",
    ),
    row(
        "A request that gets no answer is not shown",
        "daemon/sandbox/loopback.py",
        (
            "        self._settle(place, answer)\n        if armed is not None",
            "        if answer is not None:\n            self._settle(place, answer)\n        if armed is not None",
        ),
        f"{NEWS}::test_a_refusal_and_a_missing_answer_are_shown_too",
        f"{NEWS}::test_what_hangs_is_shown_while_it_hangs",
    ),
    row(
        "A long name moves what happened out of the line",
        "daemon/sandbox/report.py",
        ("table.add_column(side, no_wrap=True)", "table.add_column(side)"),
        "tests/sandbox/test_display.py::test_all_lines_fit_eighty_columns_in_a_pipe",
    ),
    row(
        "The demo is wider than a terminal",
        "daemon/sandbox/explanation.py",
        ("WIDTH = 80", "WIDTH = 120"),
        "tests/sandbox/test_explanation.py::test_the_next_steps_fit_eighty_columns",
        "tests/sandbox/test_display.py::test_what_is_said_is_wrapped_and_what_is_quoted_is_not",
    ),
    row(
        "The demo does not say what to do next",
        "daemon/sandbox/demo.py",
        ("[*self._story, *next_steps(sys.argv[0])]", "self._story"),
        "tests/sandbox/test_demo.py::test_the_scenario_is_told_without_a_flaw",
    ),
    row(
        "The demo takes no notice of which team is told",
        "daemon/sandbox/verdict.py",
        ("setdefault((event.external_id, event.team), [])", "setdefault((event.external_id, DEFAULT), [])"),
        f"{RULES}::test_only_the_team_that_wants_an_incident_is_told",
    ),
    row(
        "In the demo an alert inside a silence is right",
        "daemon/sandbox/expectation.py",
        ("return at >= (self.silent_until or self.since)", "return at >= self.since"),
        f"{RULES}::test_a_silence_holds_what_opens_inside_and_nothing_else",
    ),
    row(
        "In the demo what a silence held needs not be told at its end",
        "daemon/sandbox/expectation.py",
        ("(silence and generation.over and generation.over + SOON < silence.until)", "silence"),
        f"{RULES}::test_a_silence_holds_what_opens_inside_and_nothing_else",
    ),
    row(
        "The demo tells no story",
        "daemon/sandbox/demo.py",
        ("[*self._story, *next_steps(sys.argv[0])]", "next_steps(sys.argv[0])"),
        "tests/sandbox/test_demo.py::test_the_scenario_is_told_without_a_flaw",
    ),
    row(
        "A page of webhooks is as short as one of incidents",
        "daemon/sandbox/webhooks.py",
        ("place_of(query, DEFAULT_PER_PAGE, MOST_PER_PAGE)", "place_of(query)"),
        "tests/sandbox/test_webhooks.py::test_a_page_holds_fifty_or_up_to_250",
    ),
    row(
        "The sandbox does not say which team was told",
        "daemon/sandbox/news.py",
        ("""    to = "" if team == DEFAULT else f"  to team {team}"\n""", """    to = ""\n"""),
        "tests/sandbox/test_standalone.py::test_a_further_team_has_a_secret_of_its_own_and_what_it_is_told_names_it",
    ),
    row(
        "An alert that changes during a walk hides others behind it",
        "daemon/sandbox/signl4_filters.py",
        (
            "    rest = list(reversed(alerts))\n",
            "    rest = [alert for alert in reversed(alerts) if is_wanted(alert)]\n",
        ),
        f"{REST}::test_an_alert_that_changes_or_comes_during_a_walk_moves_no_page",
    ),
    row(
        "v3 filters by the time of change as v2 does",
        "daemon/sandbox/signl4_filters.py",
        (
            """"v3": {**_BOTH, "signlStatusCodes": _status_codes}""",
            """"v3": {**_BOTH, "signlStatusCodes": _status_codes, "modifiedSince": _modified_since}""",
        ),
        f"{REST}::test_filters_are_obeyed_and_those_that_the_version_does_not_know_ignored",
    ),
    row(
        "No match is a page in v2 too",
        "daemon/sandbox/signl4_rest.py",
        ("""if not page.alerts and version == "v2":""", "if page is None:"),
        f"{REST}::test_no_match_is_204_in_v2_and_an_empty_page_in_v3",
    ),
    row(
        "A key that may only read writes",
        "daemon/sandbox/signl4_rest.py",
        ("if key != self.key and not _reads(request):", "if key is None:"),
        f"{REST}::test_a_wrong_key_is_a_401_and_a_key_for_reading_cannot_write",
    ),
    row(
        "An old tenant has v3",
        "daemon/sandbox/signl4_rest.py",
        ("""if path.startswith("v3/") and not self.v3:""", """if path == "v3/" and not self.v3:"""),
        f"{REST}::test_an_old_tenant_has_no_v3",
    ),
    row(
        "Calls of the REST API have no limit",
        "daemon/sandbox/signl4_rest.py",
        ("if not allowance.granted:", "if allowance is None:"),
        f"{REST}::test_calls_have_a_limit_of_their_own",
    ),
    row(
        "A fault of the webhook hits the REST API as well",
        "daemon/sandbox/signl4.py",
        ("return self.api_faults if is_api(request) else self.faults", "return self.faults"),
        f"{REST}::test_a_fault_hits_one_side_alone",
        f"{COMMANDS}::test_the_rest_side_of_signl4_fails_by_itself_and_is_listed_while_it_does",
    ),
    row(
        "SIGNL4 acts on an event before its delay is over",
        "daemon/sandbox/signl4_account.py",
        ("(due := self._waiting[0].at + self.processing_delay) <= now", "(due := self._waiting[0].at)"),
        f"{REST_CHANGES}::test_an_event_acts_when_its_delay_is_over_by_the_clock",
    ),
    row(
        "What an event did seems to be done by a person",
        "daemon/sandbox/signl4_account.py",
        (
            "self._move(alert, state, at, self.system_user)",
            "self._move(alert, state, at, self.people.named(FIRST).user_id)",
        ),
        f"{REST_CHANGES}::test_the_history_of_an_alert_tells_people_from_events",
    ),
    row(
        "The API closes an alert that nobody acknowledged",
        "daemon/sandbox/signl4_rest.py",
        (
            """        if verb == "close" and self._account.alert(alert_id).state is AlertState.OPEN:
            raise AgainstLifeCycleError(_LIFE_CYCLE)
""",
            "",
        ),
        f"{REST_CHANGES}::test_the_api_changes_an_alert_if_its_life_cycle_allows_it",
    ),
    row(
        "A team that there is not is no error",
        "daemon/sandbox/signl4_rest.py",
        ("for one in asked if one not in known]", "for one in asked if one is None]"),
        f"{REST_CHANGES}::test_the_users_of_teams_come_as_207_with_their_errors",
    ),
    row(
        "Every read of SIGNL4 is printed",
        "daemon/sandbox/news.py",
        ("if exchanges[place].settled and not is_api(exchanges[place].request):", "if exchanges[place].settled:"),
        f"{NEWS}::test_what_a_person_does_in_signl4_is_a_line_and_what_a_client_reads_is_none",
    ),
    row(
        "A person is given an alert that is closed already",
        "daemon/sandbox/commands.py",
        ("if one.state in ALLOWED[state]] or found)[-1]", "if one.state] or found)[-1]"),
        f"{COMMANDS}::test_a_person_acknowledges_and_closes_alerts_in_signl4",
    ),
)
