"""What is told of monitors and heartbeats: the flow, its decisions and its records."""

from tests.mutations.mutation import row

FLOW = "tests/unit/test_poll_monitors.py"
LACKING = "tests/unit/test_poll_monitors_lacking.py"
WHOM = "tests/unit/test_poll_monitors_whom.py"
DECIDE = "tests/unit/decisions/test_monitors.py"
PROPERTIES = "tests/unit/decisions/test_monitors_properties.py"
ALERTS = "tests/unit/decisions/test_monitor_alerts.py"
STORE = "tests/unit/storage/test_monitors.py"
MERGE = "tests/unit/storage/test_merge_monitors.py"
FAULTS = "tests/faults/test_monitor_faults.py::test_a_list_of_monitors_that_is_broken_proves_nothing_and_pages_go_on"
WAYS = "tests/unit/test_monitors_two_ways.py"
RECORD = f"{DECIDE}::test_a_record_tells_what_somebody_did"

OBSERVE, TELL, POLL = "daemon/decisions/monitors.py", "daemon/decisions/monitor_alerts.py", "daemon/poll_monitors.py"
ROWS_OF, FIGURES = "daemon/storage/monitors.py", "daemon/storage/monitor_figures.py"

ROWS = (
    row(
        "A first look tells of all monitors that they were created",
        OBSERVE,
        ("    if listed_at is None or (seen", "    if (listed_at is not None and seen"),
        f"{DECIDE}::test_one_that_is_seen_for_the_first_time_was_created_only_if_a_list_could_have_shown_it",
    ),
    row(
        "An older record of a monitor counts",
        OBSERVE,
        ("seen.updated_at < before.updated_at:", "False:"),
        RECORD,
        PROPERTIES,
    ),
    row(
        "One answer that there is no such monitor deletes it",
        OBSERVE,
        ("    if now - before.gone_since < gone_after:\n        return Observed(before)\n", ""),
        f"{LACKING}::test_one_answer_deletes_nothing_and_two_do",
    ),
    row(
        "A record of a monitor refutes no earlier answer that there is none",
        OBSERVE,
        ("return Observed(replace(before, gone_since=None))", "return Observed(before)"),
        f"{DECIDE}::test_a_record_that_shows_it_refutes_the_answer",
    ),
    row(
        "The token of another team deletes all monitors at once",
        OBSERVE,
        ("SUSPICION_LASTS if suspect else gone_after", "gone_after"),
        f"{LACKING}::test_the_token_of_another_team_deletes_nothing_for_an_hour",
        f"{FAULTS}[404 of all records, as with the token of another team: none is shown]",
    ),
    row(
        "Another team's own monitors vouch for its token",
        OBSERVE,
        ("then is None or one.first_seen_at is None or one.first_seen_at < then", "True"),
        f"{LACKING}::test_the_token_of_another_team_deletes_nothing_for_an_hour",
        f"{FAULTS}[404 of all records, as with the token of another team: theirs are shown]",
    ),
    row(
        "A pause that began anew between two looks goes unnoticed",
        OBSERVE,
        ("again = was_paused and is_paused and", "again = False and"),
        RECORD,
    ),
    row(
        "An attribute that Better Stack newly has was set by somebody",
        OBSERVE,
        (
            "before.configuration.keys() & seen.configuration.keys()",
            "seen.configuration.keys()",
        ),
        RECORD,
    ),
    row(
        "What was seen before a crash has another time at the next look",
        OBSERVE,
        ("    return min(seen.updated_at, now)", "    return now"),
        f"{FLOW}::test_what_was_seen_before_a_crash_is_told_once",
    ),
    row(
        "A deletion has another time at each look",
        OBSERVE,
        ("MonitorEvent.DELETED, before.gone_since)", "MonitorEvent.DELETED, now)"),
        f"{FLOW}::test_what_was_seen_before_a_crash_is_told_once",
    ),
    row(
        "A pause is told as soon as it is seen, whatever monitors.paused_after says",
        TELL,
        ("or now - state.status_since < limit:", "or now < state.status_since:"),
        f"{ALERTS}::test_what_lasts_has_an_alert",
        f"{FLOW}::test_a_pause_that_lasts_is_told_once_and_its_end_once",
    ),
    row(
        "A kind of alert that is off is told",
        TELL,
        ("    if limit is None or state.deleted_at", "    limit = limit or timedelta(0)\n    if state.deleted_at"),
        f"{ALERTS}::test_what_lasts_has_an_alert",
    ),
    row(
        "A monitor that was deleted is still paused",
        TELL,
        ("limit is None or state.deleted_at is not None or", "limit is None or"),
        f"{ALERTS}::test_what_lasts_has_an_alert",
    ),
    row(
        "Every deletion of a monitor is told",
        TELL,
        ("not section.deleted or not open_incidents", "not section.deleted"),
        f"{ALERTS}::test_one_that_is_deleted_with_open_incidents_has_an_alert",
    ),
    row(
        "An event that nobody asked for is told",
        TELL,
        ("if one in section.tell and one in latest", "if one in latest"),
        f"{ALERTS}::test_an_event_is_told_to_who_wants_it",
        ALERTS,
    ),
    row(
        "An alert about a monitor that began anew is not told",
        TELL,
        ("seen.started_at <= known.started_at", "True"),
        f"{ALERTS}::test_one_that_began_anew_between_two_looks_is_closed_and_told",
    ),
    row(
        "The end of an alert that nobody was told of is told",
        TELL,
        ("if known.alerted else ()", "if known else ()"),
        f"{ALERTS}::test_the_end_of_one_that_nobody_was_told_of_is_not_told",
    ),
    row(
        "Alerts about monitors begin while their list fails",
        POLL,
        ("            if seen is not None and not begins:\n                continue\n", ""),
        f"{LACKING}::test_a_list_that_fails_proves_nothing_and_opens_nothing",
    ),
    row(
        "While the list of monitors fails nothing is closed",
        POLL,
        ("            self._tell(kind, self._wanted(kind, known, ()), begins=False)\n", ""),
        f"{LACKING}::test_what_is_over_is_closed_also_while_the_list_fails",
    ),
    row(
        "A lookup that fails keeps back what the list of monitors shows",
        POLL,
        ("                seen.failed = error\n                break", "                raise error"),
        f"{LACKING}::test_a_lookup_that_always_fails_keeps_no_other_from_its_turn_and_no_alert_from_anybody",
    ),
    row(
        "A lookup that always fails keeps the others from their turn",
        POLL,
        (
            "        self._looked_up[before.kind] = before.id\n        found = self._lists.lookup(before.kind, before.id)",
            "        found = self._lists.lookup(before.kind, before.id)\n        self._looked_up[before.kind] = before.id",
        ),
        f"{LACKING}::test_a_lookup_that_always_fails_keeps_no_other_from_its_turn_and_no_alert_from_anybody",
    ),
    row(
        "Monitors that a list lacks are not looked up in turn",
        POLL,
        ("        last = self._looked_up[kind]", '        last = ""'),
        f"{LACKING}::test_those_that_the_list_lacks_are_looked_up_in_turn",
    ),
    row(
        "A monitor whose record cannot be read is as good as deleted",
        POLL,
        ("Observed(replace(before, gone_since=None))", "Observed(before)"),
        f"{LACKING}::test_one_that_cannot_be_read_is_not_deleted",
    ),
    row(
        "What was seen of monitors is committed before its alert",
        POLL,
        (
            "        self._tell(kind, self._wanted(kind, states, changes), begins=True)\n        self._records.record(",
            "        later = self._wanted(kind, states, changes)\n        self._records.record(",
        ),
        f"{FLOW}::test_what_was_seen_before_a_crash_is_told_once",
        FLOW,
    ),
    row(
        "What is not looked at any more keeps its alerts",
        POLL,
        ("if kind not in self._section.kinds:\n", "if kind not in self._section.kinds:\n            return None\n"),
        f"{WHOM}::test_what_is_switched_off_is_closed_and_nothing_is_asked",
        "tests/e2e/test_monitors.py::test_a_reload_that_switches_it_off_closes_what_is_open",
    ),
    row(
        "A change that was seen late is not told",
        ROWS_OF,
        ("MONITOR_CHANGES.c.seen_at > since", "MONITOR_CHANGES.c.at > since"),
        f"{STORE}::test_of_each_sort_the_latest_counts_as_long_as_it_was_seen_since_then",
    ),
    row(
        "A look that is under way at a reload leaves its alert open",
        FIGURES,
        ("or_(exists().where(OPEN_ALERT), exists().where(USED))", "exists().where(OPEN_ALERT)"),
        f"{STORE}::test_an_alert_may_be_open_while_one_is_or_a_list_is_read",
    ),
    row(
        "A list of monitors that is switched on again tells of all that was created meanwhile",
        FIGURES,
        ("{READ_AT[kind]: None for kind in MonitorKind if kind not in kinds}", "{}"),
        f"{STORE}::test_what_is_not_looked_at_any_more_was_never_read",
    ),
    row(
        "Changes of monitors are kept for ever",
        FIGURES,
        ("    for old in (MONITOR_CHANGES.c.seen_at < before, of_gone):", "    for old in (of_gone,):"),
        f"{STORE}::test_changes_are_kept_as_long_as_incidents_and_deleted_monitors_as_well",
    ),
    row(
        "After a restore a monitor is as the earlier side knew it",
        "daemon/storage/merge.py",
        ('["kind", "id"], "true" if is_later else "false")', '["kind", "id"], "true")'),
        f"{MERGE}::test_a_monitor_is_as_the_side_of_the_later_round_knows_it",
    ),
    row(
        "After a restore each change of a monitor is there twice",
        "daemon/storage/merge.py",
        (
            "    = (change.kind, change.id, change.what, change.at, change.detail))",
            "    = (change.kind, change.id, change.what, change.at, 'no such'))",
        ),
        f"{MERGE}::test_what_one_side_alone_knows_is_kept_with_what_was_changed",
    ),
    row(
        "What people do to an alert about a monitor is written back",
        "daemon/storage/schema.py",
        (
            "and_(INCIDENTS.c.phase != constant(Phase.RESOLVED), ~INCIDENTS.c.is_alarm)",
            "INCIDENTS.c.phase != 'resolved'",
        ),
        f"{WAYS}::test_what_a_person_does_is_written_back_of_the_incident_alone",
    ),
    row(
        "An alert about a monitor leads to an incident",
        "daemon/model/incident.py",
        ("kind=source if self.is_about_a_monitor else INCIDENT", "kind=INCIDENT"),
        f"{ALERTS}::test_the_first_is_told_under_an_external_id_of_its_own",
    ),
    row(
        "A deleted monitor of which an incident is still open is forgotten",
        "daemon/storage/monitor_figures.py",
        (", ~is_asked_for)", ")"),
        "tests/unit/storage/test_monitors.py::test_a_deleted_monitor_is_kept_as_long_as_an_incident_of_it_is_open",
    ),
    row(
        "What was seen of monitors in the future is news until then",
        "daemon/storage/monitor_figures.py",
        (".where(seen_at > now)", ".where(seen_at < now)"),
        "tests/unit/storage/test_monitors.py::test_durations_begin_anew_when_the_clock_was_set",
    ),
    row(
        "What has happened to a monitor is told again when it is looked at again",
        "daemon/decisions/monitor_alerts.py",
        ('(is_open or seen.text("cause") == TOLD_CAUSE)', "is_open"),
        "tests/unit/test_poll_monitors_whom.py"
        "::test_what_lasts_is_told_again_when_it_is_looked_at_again_and_what_has_happened_is_not",
    ),
)
