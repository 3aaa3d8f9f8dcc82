"""The rules: who is told, and what waits."""

from tests.mutations.mutation import row

TELLING = "tests/unit/test_telling.py"
FLAPPING = "tests/unit/test_flapping.py"
HELD = "tests/unit/test_telling_held.py"
DUE = "tests/unit/test_due_list.py"
HOLDS = "tests/unit/decisions/test_holds.py"
ROUTES = "tests/unit/config/test_routes.py"

ROWS = (
    row(
        "All routes that match decide, and not the first",
        "daemon/decisions/route.py",
        ("                if not route.continues:\n                    return\n", ""),
        f"{TELLING}::test_the_first_route_that_matches_decides",
    ),
    row(
        "What no route matches is told to nobody",
        "daemon/decisions/route.py",
        ("        if not chosen:\n            return Verdict(unrouted, reasons=reasons)\n", ""),
        f"{TELLING}::test_what_no_route_matches_goes_to_default",
    ),
    row(
        "A route counts at any time",
        "daemon/decisions/route.py",
        ("if route.match.times is None or within(route.match.times, now):", "if now:"),
        f"{TELLING}::test_what_is_ignored_is_decided_anew_at_each_look",
        f"{TELLING}::test_a_route_for_other_times_says_so",
    ),
    row(
        "A team that two routes name is told twice",
        "daemon/decisions/route.py",
        ("                told.add(team)\n", ""),
        f"{TELLING}::test_with_continue_the_next_one_counts_too_and_each_team_is_told_once",
    ),
    row(
        "The end goes where the rules of the day say",
        "daemon/model/incident.py",
        ("return replace(self, routing=before.routing, source=before.source)", "return self"),
        f"{TELLING}::test_whoever_got_the_new_gets_the_rest_whatever_the_rules_say_by_then",
        f"{TELLING}::test_a_deleted_one_ends_where_it_began",
    ),
    row(
        "The end of what opened again goes where its new beginning goes",
        "daemon/telling.py",
        ("(ended, seen, after)", "(ended, seen, replace(after, routing=verdict.routing))"),
        f"{TELLING}::test_what_opens_again_is_decided_anew_and_its_earlier_end_goes_where_it_began",
    ),
    row(
        "What is ignored is recorded",
        "daemon/telling.py",
        ("if verdict.is_ignored and before is None:", "if verdict.is_ignored and before is seen:"),
        f"{TELLING}::test_nobody_is_told_of_what_a_route_records_or_ignores",
    ),
    row(
        "What was told once is forgotten since a route ignores it now",
        "daemon/telling.py",
        ("if verdict.is_ignored and before is None:", "if verdict.is_ignored:"),
        f"{TELLING}::test_an_ignored_one_that_was_told_before_it_opened_again_is_recorded",
    ),
    row(
        "A page with what is ignored is not read again",
        "daemon/recording.py",
        ("return any(isinstance(found, Ignored) for found in decided)", "return False"),
        f"{TELLING}::test_what_is_ignored_is_decided_anew_at_each_look",
    ),
    row(
        "What is only recorded counts as told",
        "daemon/telling.py",
        ("replace(after, alerted=False, silent_because=", "replace(after, silent_because="),
        f"{TELLING}::test_nobody_is_told_of_what_a_route_records_or_ignores",
    ),
    row(
        "A route cannot ask for acknowledgements",
        "daemon/config/settings.py",
        ("self.delivery.acknowledged or any(route.acknowledged for route in self.route)", "self.delivery.acknowledged"),
        f"{TELLING}::test_a_route_says_whether_its_teams_hear_of_acknowledgements",
    ),
    row(
        "A field of a route stands beside that of the template in another case",
        "daemon/decisions/payload.py",
        ("if key.lower() not in replaced}", "if key not in replaced}"),
        f"{TELLING}::test_the_fields_of_a_route_take_the_place_of_those_of_the_template",
    ),
    row(
        "A rule holds what was attempted already",
        "daemon/decisions/admit.py",
        ("if delivery.is_untold and rule is not None:", "if rule is not None:"),
        "tests/unit/decisions/test_admit.py::test_a_rule_holds_the_new_that_was_never_attempted_and_nothing_else",
    ),
    row(
        "What was over while it was held is told at the end of the window",
        "daemon/decisions/admit.py",
        (
            'return rule if delivery.over_since is None else Supersede(f"{OVER_WHILE_HELD}{rule.why}")',
            "return rule",
        ),
        "tests/unit/decisions/test_admit.py::test_what_is_over_before_a_rule_was_asked_is_superseded_by_it",
    ),
    row(
        "What is held and over waits for the end of the window",
        "daemon/storage/incidents.py",
        ('        _execute(connection, rows.supersede_held(), [{**one, "now": now} for one in ended])\n', ""),
        f"{HELD}::test_what_was_held_and_is_over_is_recorded_with_its_reason",
    ),
    row(
        "The shortest hold counts",
        "daemon/decisions/holds.py",
        ("return max(found, key=", "return min(found, key="),
        f"{HOLDS}::test_the_longest_hold_counts",
    ),
    row(
        "A silence that this version cannot read silences everything",
        "daemon/decisions/holds.py",
        (
            "        except ValueError:\n            continue\n",
            "        except ValueError:\n            found.append((silence, EVERY))\n",
        ),
        ("import Match, read_match", "import EVERY, Match, read_match"),
        f"{HELD}::test_a_silence_of_a_form_that_this_version_cannot_read_silences_nobody",
    ),
    row(
        "A silence of incidents silences the alarms of the program",
        "daemon/decisions/holds.py",
        ("for silence, _ in silences if silence.alarm == delivery.incident_id)", "for silence, _ in silences)"),
        f"{HOLDS}::test_an_own_alarm_is_silenced_by_its_own_name_alone",
    ),
    row(
        "Maintenance windows that never end hold an alert for ever",
        "daemon/decisions/holds.py",
        (
            "windows = self._maintenance if now - delivery.created_at < LONGEST_MAINTENANCE else ()",
            "windows = self._maintenance",
        ),
        f"{HOLDS}::test_windows_that_never_end_do_not_hold_for_ever",
    ),
    row(
        "The opening before the last one flaps",
        "daemon/decisions/flap.py",
        ("return earlier + 1 >= rule.count", "return earlier + 2 >= rule.count"),
        f"{FLAPPING}::test_from_the_third_opening_on_one_alert_says_so_and_closes_when_it_is_calm",
    ),
    row(
        "Openings of any time count",
        "daemon/flapping.py",
        ("since, until = opened_at - rule.within", "since, until = opened_at - 1000 * rule.within"),
        f"{FLAPPING}::test_what_opens_seldom_does_not_flap",
    ),
    row(
        "The alert that something flaps stays open",
        "daemon/poll.py",
        ("                self._recording.end_flapping()\n", "                pass\n"),
        f"{FLAPPING}::test_from_the_third_opening_on_one_alert_says_so_and_closes_when_it_is_calm",
        f"{FLAPPING}::test_one_that_stays_open_is_told_after_all_and_closes_that_alert",
    ),
    row(
        "A clock of Better Stack that is behind closes the alert that something flaps",
        "daemon/storage/openings.py",
        ("func.max(DELIVERIES.c.created_at)", "func.max(DELIVERIES.c.occurred_at)"),
        f"{FLAPPING}::test_how_long_it_has_been_calm_is_told_by_our_own_clock",
    ),
    row(
        "That something flaps makes the program unhealthy",
        "daemon/storage/schema.py",
        ("INCIDENTS.c.source.is_(None), INCIDENTS.c.monitor.is_(None))", "INCIDENTS.c.id.is_not(None))"),
        f"{FLAPPING}::test_that_something_flaps_is_no_fault_of_the_program",
    ),
    row(
        "`min_age` counts from when it was seen",
        "daemon/decisions/holds.py",
        ("max(theirs - delivery.occurred_at, now - delivery.created_at)", "now - delivery.created_at"),
        f"{FLAPPING}::test_what_has_been_open_for_long_when_it_is_first_seen_is_not_held",
    ),
    row(
        "A clock that went back holds an alert for longer",
        "daemon/decisions/holds.py",
        ("max(theirs - delivery.occurred_at, now - delivery.created_at)", "theirs - delivery.occurred_at"),
        f"{HOLDS}::test_a_step_of_better_stacks_clock_does_not_hold_it_longer",
    ),
    row(
        "What was over before `min_age` is told if that is seen late",
        "daemon/decisions/holds.py",
        ("    if delivery.over_since is not None:\n", "    if delivery.over_since is now:\n"),
        f"{HOLDS}::test_what_is_over_is_as_old_as_it_became",
        f"{FLAPPING}::test_what_was_over_too_soon_wakes_nobody_however_late_it_is_seen",
    ),
    row(
        "What ends while a rule begins to hold it is told later on",
        "daemon/storage/outbox_statements.py",
        ("held.where(~exists().where(rows.ends(_END))) if by_rule else held", "held"),
        f"{DUE}::test_what_ends_while_it_is_held_is_not_told_when_that_hold_ends",
    ),
    row(
        "A silence that expires while it begins to hold something holds that to its end",
        "daemon/storage/outbox.py",
        (
            "if known is not None and silences.ended_after(connection, known.since) != known.silences:",
            "if known is not None and False:",
        ),
        f"{DUE}::test_a_silence_that_expires_while_it_begins_to_hold_something_holds_nothing",
    ),
    row(
        "A zone is looked up when its window comes",
        "daemon/decisions/time_windows.py",
        ("        zone_of(window.zone)\n\n\ndef within", "        pass\n\n\ndef within"),
        f"{HOLDS}::test_a_zone_is_known_from_the_start",
    ),
    row(
        "What was held under other rules stays held",
        "daemon/runtime/upkeep.py",
        ("        self._housekeeping.release_held(now)\n", ""),
        "tests/unit/runtime/test_upkeep.py::test_what_rules_held_before_is_looked_at_again_at_the_start",
    ),
    row(
        "`once` waits for the end of a silence",
        "daemon/storage/outbox_statements.py",
        ('rows.HELD.label("held")', 'rows.PENDING.in_([]).label("held")'),
        "tests/unit/test_telling_held.py::test_what_a_rule_holds_keeps_nothing_waiting",
    ),
    row(
        "A mistake in a route is told of without its number",
        "daemon/config/rule_mistakes.py",
        ('which = f"{name} {int(place[0]) + 1}"', "which = name"),
        f"{ROUTES}::test_a_mistake_in_a_route_is_named_with_its_place_and_the_mend",
    ),
    row(
        "A route that decides nothing is taken",
        "daemon/config/routes.py",
        ("at_all_times and not earlier.continues and hides(", "False and at_all_times and hides("),
        f"{ROUTES}::test_a_route_that_an_earlier_one_always_hides_is_a_mistake",
    ),
    row(
        "Openings that one page shows are not counted together",
        "daemon/flapping.py",
        ("        self._unrecorded.append((source, opened_at))\n", ""),
        f"{FLAPPING}::test_what_opens_several_times_between_two_rounds_is_counted_all_the_same",
    ),
    row(
        "An opening that could not be recorded counts all the same",
        "daemon/flapping.py",
        ("        self._unrecorded.clear()\n", "        pass\n"),
        f"{FLAPPING}::test_what_could_not_be_recorded_is_not_counted_twice",
    ),
    row(
        "Who retries what a rule holds is not told of the rule",
        "daemon/storage/operate.py",
        ("holds = row.held_because is not None and row.attempts == 0", "holds = False"),
        "tests/unit/storage/test_outbox_operate.py"
        "::test_what_a_rule_holds_is_due_now_and_the_operator_is_told_of_the_rule",
    ),
)
