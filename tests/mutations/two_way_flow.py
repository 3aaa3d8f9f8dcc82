"""What people do in SIGNL4, and what follows from it."""

from tests.mutations.mutation import row

FLOW = "tests/unit/test_write_back.py"
DECIDE = "tests/unit/decisions/test_write_back.py"
REASONS = f"{DECIDE}::test_each_answer_has_its_reason"
BELONGS = f"{DECIDE}::test_an_alert_belongs_to_a_generation"
WORLD = "tests/worlds/test_both_sides.py"
JOB = "tests/unit/runtime/test_look_job.py"

ROWS = (
    row(
        "Our own acknowledged comes back as that of a person",
        "daemon/decisions/write_back.py",
        ("    if _attempted(watched, Kind.ACKNOWLEDGED, team) or", "    if"),
        REASONS,
    ),
    row(
        "What SIGNL4 closes by itself is closed by a person",
        "daemon/decisions/write_back.py",
        (
            "Nothing.BY_SIGNL4 if alert.closed_by in {None, NOBODY} else",
            "Nothing.BY_SIGNL4 if alert.closed_by is ... else",
        ),
        REASONS,
        WORLD,
    ),
    row(
        "An acknowledgement of SIGNL4 itself is that of a person",
        "daemon/decisions/write_back.py",
        ("if user != NOBODY]", "]"),
        REASONS,
        f"{FLOW}::test_a_team_is_told_that_somebody_acknowledged_unless_its_people_did",
    ),
    row(
        "Who closes an alert has not acknowledged it",
        "daemon/decisions/write_back.py",
        ("        return _closed(watched, alert)\n    people", "        return Nothing.NOT_DONE\n    people"),
        REASONS,
        f"{FLOW}::test_closed_without_an_acknowledgement_is_both_in_order",
    ),
    row(
        "What Better Stack has already is written back",
        "daemon/decisions/write_back.py",
        ("        return Nothing.KNOWN\n", "        pass\n"),
        REASONS,
    ),
    row(
        "An alert of an earlier generation counts for this one",
        "daemon/decisions/write_back.py",
        ("        if alert.event_id in watched.earlier_events:\n            return []\n", ""),
        BELONGS,
    ),
    row(
        "An alert that is older than the generation counts for it",
        "daemon/decisions/write_back.py",
        ("created_at >= one.not_before - MARGIN", "created_at"),
        BELONGS,
        f"{FLOW}::test_the_alert_of_an_earlier_generation_says_nothing_of_this_one",
    ),
    row(
        "SIGNL4's clock is taken for ours",
        "daemon/decisions/write_back.py",
        ("alert.created_at - ahead", "alert.created_at"),
        f"{DECIDE}::test_a_clock_of_signl4_that_is_off_does_not_matter",
    ),
    row(
        "Who acknowledged first is not kept",
        "daemon/storage/alerts.py",
        ("set_={**values, **kept}", "set_=values"),
        f"{FLOW}::test_a_person_stays_the_first_although_a_message_of_ours_follows",
    ),
    row(
        "What is sent during a list is not known when it is read",
        "daemon/write_back.py",
        (
            "        watched, ahead, now = self._alerts.watched(*incident_ids),",
            "        watched, ahead, now = self._before,",
        ),
        (
            "        begun_at = self._alerts.begun_at()\n",
            "        begun_at, self._before = self._alerts.begun_at(), self._alerts.watched()\n",
        ),
        f"{FLOW}::test_the_alert_of_a_message_that_is_sent_during_a_look_is_seen",
    ),
    row(
        "Two looks do not overlap",
        "daemon/write_back.py",
        ("OVERLAP = timedelta(minutes=1)", "OVERLAP = timedelta(0)"),
        f"{FLOW}::test_a_look_begins_a_minute_before_the_end_of_the_last_one",
    ),
    row(
        "All is asked for that others did while nothing was open",
        "daemon/write_back.py",
        ("            read_until = max(read_until, begun_at + ahead)", "            pass"),
        f"{FLOW}::test_what_others_did_while_nothing_was_open_is_not_asked_for",
    ),
    row(
        "The same alerts are looked up at each look",
        "daemon/write_back.py",
        ("        self._looked_up |= dict.fromkeys(chosen, self._looks)\n", ""),
        f"{FLOW}::test_those_of_which_there_is_no_alert_take_turns",
    ),
    row(
        "An incident of which one alert is listed has no other",
        "daemon/write_back.py",
        ("if one.open_alerts - ids or one.lacks_alerts", "if not one.open_alerts & ids or one.lacks_alerts"),
        f"{FLOW}::test_of_two_teams_the_one_whose_alert_is_not_listed_is_looked_up",
    ),
    row(
        "SIGNL4 is asked although nothing of ours is open",
        "daemon/write_back.py",
        (
            "        if begun_at is None:\n            return\n",
            "        begun_at = begun_at or self._clock()\n",
        ),
        f"{FLOW}::test_nothing_is_asked_while_nothing_of_ours_is_open",
    ),
    row(
        "A record does not look whether Better Stack has it by now",
        "daemon/storage/write_backs.py",
        ("    return phase == Phase.OPEN or", "    return phase != Phase.RESOLVED or"),
        f"{FLOW}::test_what_better_stack_learns_during_a_look_is_not_written_back",
    ),
    row(
        "A record does not look whether the incident was opened again",
        "daemon/storage/write_backs.py",
        ("    if state is None or state.generation != finding.generation:", "    if state is None:"),
        f"{FLOW}::test_what_was_opened_again_during_a_look_is_not_written_back",
    ),
    row(
        "What Better Stack has by now is sent all the same",
        "daemon/storage/incidents.py",
        ("        write_backs.supersede_known(connection, [change.after for change in changes], now)\n", ""),
        f"{FLOW}::test_once_a_round_sees_it_what_waits_is_superseded",
        f"{FLOW}::test_what_was_opened_again_is_not_closed_by_what_somebody_did_before",
    ),
    row(
        "A team is told what its own people did",
        "daemon/storage/incidents.py",
        ("    if kind is Kind.ACKNOWLEDGED and connection", "    if kind is Kind.NEW and connection"),
        f"{FLOW}::test_the_team_in_whose_alert_a_person_acknowledged_is_not_told_so",
    ),
    row(
        "One acknowledged alert of two is enough to tell a team nothing",
        "daemon/storage/write_backs.py",
        ("func.count(case((~ALERTS.c.acknowledged, 1))) == 0", "func.count(case((ALERTS.c.acknowledged, 1))) > 0"),
        f"{FLOW}::test_a_team_is_told_that_somebody_acknowledged_unless_its_people_did",
    ),
    row(
        "What is written back counts as a page that waits",
        "daemon/storage/queries.py",
        ('"pending_deliveries": _count(rows.PENDING, _TO_TEAM)', '"pending_deliveries": _count(rows.PENDING)'),
        f"{FLOW}::test_the_figures_of_paging_leave_out_what_is_written_back",
    ),
    row(
        "What is switched off is written back all the same",
        "daemon/storage/write_backs.py",
        ("            _supersede(connection, row, SWITCHED_OFF, now)", "            pass"),
        f"{FLOW}::test_what_is_switched_off_is_given_up",
    ),
    row(
        "What was given up is not written back once that is switched on again",
        "daemon/storage/alerts.py",
        (" and not row.is_undone", ""),
        f"{FLOW}::test_what_was_given_up_while_it_was_switched_off_is_written_back_once_it_is_switched_on",
    ),
    row(
        "Names are in the log at every level",
        "daemon/model/events/two_way.py",
        ("    level = Level.DEBUG\n", ""),
        f"{FLOW}::test_a_name_is_in_the_log_at_the_level_debug_alone",
    ),
    row(
        "Nothing is written back while names cannot be read",
        "daemon/people.py",
        (
            "            except Signl4ApiError:\n                return self._names.get(user)",
            "            except ZeroDivisionError:\n                return None",
        ),
        f"{FLOW}::test_nothing_waits_for_a_name",
    ),
    row(
        "A look that fails stops the others",
        "daemon/runtime/look_job.py",
        (
            "if first is not None and first.key_refused:\n                break",
            "if first is not None:\n                break",
        ),
        f"{JOB}::test_a_look_that_fails_stops_no_other",
    ),
    row(
        "A refused key is tried at every look",
        "daemon/runtime/look_job.py",
        ("max(self.interval, TRY_KEY_AGAIN) if refused else self.interval", "self.interval"),
        f"{JOB}::test_while_the_key_is_refused_nothing_else_is_asked_and_it_is_tried_once_a_minute",
    ),
    row(
        "A wait for SIGNL4's limit holds up a reload",
        "daemon/runtime/look_job.py",
        ("        while remaining > 0 and not self.paused.is_set() and", "        while remaining > 0 and"),
        f"{JOB}::test_a_wait_for_the_pace_ends_with[pause]",
    ),
    row(
        "A hang of the looks is not noticed",
        "daemon/runtime/look_job.py",
        ("        if hangs and not self._hangs:", "        if False:"),
        f"{JOB}::test_a_hang_is_logged_once_and_ends_nothing",
    ),
    row(
        "A hang of the looks ends the process",
        "daemon/runtime/jobs.py",
        (
            "self.liveness = {job: Liveness() for job in (*polls, *teams)}",
            'self.liveness = {job: Liveness() for job in ("poll", *teams, LOOK)}',
        ),
        "tests/unit/runtime/test_jobs.py::test_with_an_api_key_there_are_more_jobs_and_none_of_them_ends_the_process",
    ),
    row(
        "A pause does not end what waits for SIGNL4",
        "daemon/runtime/jobs.py",
        ("            look.pause()\n", "            pass\n"),
        "tests/unit/runtime/test_jobs.py::test_a_pause_ends_what_waits_for_signl4_and_a_resume_looks_again",
    ),
    row(
        "once does not look at SIGNL4",
        "daemon/runtime/once.py",
        ("        look.run()\n", "        pass\n"),
        "tests/e2e/test_two_ways.py::test_once_looks_once_and_writes_back",
    ),
    row(
        "The pages of once wait for a look at SIGNL4",
        "daemon/runtime/once.py",
        ("    if not _send(pagers, shared):\n", "    if False:\n"),
        "tests/e2e/test_two_ways.py::test_once_sends_its_pages_before_it_looks",
    ),
    row(
        "A SIGNL4 that cannot be read keeps the heartbeat back",
        "daemon/decisions/health.py",
        ("drift=(), two_way=None, ", "drift=(), "),
        "tests/unit/decisions/test_two_way.py",
    ),
    row(
        "A dry run writes to Better Stack",
        "daemon/cli/dry_run.py",
        ("            changes=lambda _http, _settings, _name: NoChanges(self.print_change),\n", ""),
        "tests/e2e/test_two_ways.py::test_a_dry_run_prints_what_it_would_write_back",
    ),
    row(
        "A key that is gone leaves its problems behind",
        "daemon/runtime/upkeep.py",
        ("        self._components.follow_settings(now)\n", ""),
        "tests/e2e/test_two_ways.py::test_a_key_comes_and_goes_with_a_reload",
    ),
    row(
        "What no list of changes shows is never looked up",
        "daemon/write_back.py",
        (" or self._looks % NOW_AND_THEN == 0:", ":"),
        f"{FLOW}::test_now_and_then_what_no_list_of_changes_shows_is_looked_up",
    ),
    row(
        "Of what the first list does not show only a few are looked up",
        "daemon/write_back.py",
        ("self._owed = 0 in self._looked_up.values()", "self._owed = False"),
        f"{FLOW}::test_what_the_first_list_does_not_show_is_looked_up_over_the_looks_that_follow",
    ),
    row(
        "What a long list of SIGNL4 leaves out is taken for unchanged",
        "daemon/write_back.py",
        ("listed.with_closed and listed.is_whole", "listed.with_closed"),
        f"{FLOW}::test_what_a_long_list_leaves_out_is_looked_up",
    ),
)
