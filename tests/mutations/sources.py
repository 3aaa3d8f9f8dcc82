"""Rows about many accounts of Better Stack."""

from tests.mutations.mutation import row

POLL = "tests/unit/test_poll_sources.py"
JOBS = "tests/unit/runtime/test_jobs_sources.py"
HEALTH = "tests/unit/decisions/test_poll_health.py"
MERGE = "tests/unit/storage/test_merge_sources.py"
CONFIG = "tests/unit/config/test_sources.py"
QUIET = "tests/unit/clients/test_quiet.py"
GIVE_UP = "tests/unit/cli/test_give_up.py"
E2E = "tests/e2e/test_sources.py"
ROWS = (
    row(
        "Each account misses the incidents of all others",
        "daemon/storage/incident_statements.py",
        ("TRACKED = select(INCIDENTS.c.id).where(OPEN, _OURS)", "TRACKED = select(INCIDENTS.c.id).where(OPEN)"),
        f"{POLL}::test_an_incident_that_another_account_tracks_is_not_missed_by_the_rounds_of_the_others",
    ),
    row(
        "An incident that two tokens show is told by both",
        "daemon/recording.py",
        (
            "left = self._leave(incidents, known) if self._incidents.others else False",
            "left = False",
        ),
        f"{POLL}::test_what_two_accounts_show_is_told_once_and_that_is_said_once",
    ),
    row(
        "That two tokens show an incident is said each time",
        "daemon/recording.py",
        ("                self._left_to.add(state.polled_from)\n", ""),
        f"{POLL}::test_what_two_accounts_show_is_told_once_and_that_is_said_once",
    ),
    row(
        "Two accounts that see an incident in the same moment both tell of it",
        "daemon/storage/incidents.py",
        ("            if self.others:\n", "            if not self.others:\n"),
        f"{POLL}::test_what_another_account_recorded_in_the_same_moment_stays_its_own",
    ),
    row(
        "A page of what another account tracks is never read again",
        "daemon/recording.py",
        ("        return changed or left\n", "        return changed\n"),
        f"{POLL}::test_a_page_of_what_another_account_tracks_is_read_again",
    ),
    row(
        "What an account left behind is taken over by nobody",
        "daemon/telling.py",
        (".tracked_by(self._polled_from)", ""),
        f"{POLL}::test_an_incident_of_an_account_that_is_left_out_is_not_over_and_the_next_that_shows_it_takes_it_over",
    ),
    row(
        "What no list shows any more is not looked up",
        "daemon/poll.py",
        ("            self._adopt(this_round)\n", "            pass\n"),
        f"{POLL}::test_what_no_list_shows_any_more_is_looked_up_by_the_others",
    ),
    row(
        "What an account left behind is no problem",
        "daemon/decisions/health.py",
        ("    yield from poll_health.untracked(snapshot)\n", ""),
        f"{HEALTH}::test_what_nobody_tracks_is_named_with_both_mends",
    ),
    row(
        "A failed round is that of every account",
        "daemon/storage/incidents.py",
        ("update(PROGRESS).where(source_rows.OF_ONE).values(values)", "update(PROGRESS).values(values)"),
        f"{POLL}::test_a_failed_round_is_that_of_one_account",
    ),
    row(
        "Records that cannot be read are those of every account",
        "daemon/storage/unreadable_rows.py",
        (
            "    connection.execute(delete(UNREADABLE).where(UNREADABLE.c.source == polled_from))\n",
            "    connection.execute(delete(UNREADABLE))\n",
        ),
        f"{MERGE}::test_each_account_keeps_its_own_records_that_cannot_be_read",
    ),
    row(
        "The team of an account is told of nothing",
        "daemon/telling.py",
        ("None if tells == DEFAULT else Routing.to(tells)", "None"),
        f"{POLL}::test_the_team_of_the_account_is_told_where_no_route_matches",
        f"{E2E}::test_each_account_is_polled_and_its_own_team_is_told",
    ),
    row(
        "The same name in two accounts flaps together",
        "daemon/flapping.py",
        (
            '        return f"{polled_from}/{identity(seen)}" if polled_from else identity(seen)\n',
            "        return identity(seen)\n",
        ),
        f"{POLL}::test_the_same_name_in_two_accounts_flaps_by_itself",
    ),
    row(
        "That something flaps in an account that is left out is never over",
        "daemon/storage/source_rows.py",
        ("    connection.execute(flaps.values(polled_from=next(iter(intervals), UNNAMED)))\n", ""),
        f"{POLL}::test_the_same_name_in_two_accounts_flaps_by_itself",
    ),
    row(
        "An account that is left out is a problem for ever",
        "daemon/model/snapshot.py",
        ("return (self, *self.named) if self.is_configured else self.named", "return (self, *self.named)"),
        f"{HEALTH}::test_beside_others_betterstack_is_named_and_where_it_is_not_polled_it_is_no_problem",
        f"{E2E}::test_without_a_token_of_its_own_betterstack_is_not_polled",
    ),
    row(
        "Every account is late by the interval of [poll]",
        "daemon/decisions/poll_health.py",
        ("3 * (polling.interval or interval)", "3 * interval"),
        f"{HEALTH}::test_an_account_is_late_by_its_own_interval",
    ),
    row(
        "An outage of Better Stack raises an alarm for each of two hundred accounts",
        "daemon/decisions/alarm.py",
        (" or len(failing) > MOST_ALONE", ""),
        f"{HEALTH}::test_of_many_that_cannot_be_polled_there_is_one_which_lasts_until_all_can",
    ),
    row(
        "The alarm of an account is never closed",
        "daemon/self_check.py",
        ("(*Cause, *found, *of_sources)", "(*Cause, *found)"),
        f"{E2E}::test_an_account_whose_token_is_refused_has_an_alarm_of_its_own_and_the_others_go_on",
    ),
    row(
        "All rounds begin at once",
        "daemon/runtime/jobs.py",
        ("loop.first_in(number * min(loop.interval.total_seconds() / len(self._loops), TURN))", "0"),
        f"{JOBS}::test_their_first_rounds_do_not_all_begin_at_once",
    ),
    row(
        "What is wrong with one account is judged after each round of all",
        "daemon/runtime/jobs.py",
        ("return 0.0 if len(self._loops) == 1 else self._checked_at + CHECK_GAP - time.monotonic()", "return 0.0"),
        f"{JOBS}::test_what_is_wrong_with_one_is_not_judged_at_the_end_of_every_round",
    ),
    row(
        "Two accounts repair the database file at a time",
        "daemon/runtime/upkeep.py",
        ("        while not self._lock.acquire(timeout=BREATH):\n", "        while False:\n"),
        (
            "        finally:\n            self._lock.release()\n\n    def prune",
            "        finally:\n            pass\n\n    def prune",
        ),
        f"{JOBS}::test_while_one_repairs_the_file_the_others_wait_and_show_that_they_live",
    ),
    row(
        "Accounts with the same token have a pace each",
        "daemon/runtime/build_sources.py",
        ("quiet=shared.quiet[settings.betterstack.fingerprint]", "quiet=None"),
        f"{JOBS}::test_with_one_token_several_share_its_pace_and_with_another_nobody_does",
    ),
    row(
        "Requests with the same token come at once",
        "daemon/clients/quiet.py",
        ("            at = max(self.until, self.next_at, now)\n", "            at = max(self.until, now)\n"),
        f"{QUIET}::test_those_of_several_take_turns_however_many_ask_at_once",
    ),
    row(
        "A pause that another account was asked for is not kept",
        "daemon/clients/quiet.py",
        (
            "                self._check(now)\n            if self.next_at",
            "                pass\n            if self.next_at",
        ),
        f"{QUIET}::test_a_pause_that_one_was_asked_for_holds_for_all",
    ),
    row(
        "What people did in SIGNL4 is done with the token of another account",
        "daemon/betterstack_writer.py",
        ("self._changes[polled_from].send(", "next(iter(self._changes.values())).send("),
        "tests/unit/test_betterstack_accounts.py::test_each_incident_is_changed_in_its_own_account",
    ),
    row(
        "One token that may not write stops what is written with all others",
        "daemon/betterstack_writer.py",
        ("answer.outcome.scope is Scope.SECRET", "answer.outcome.scope is None"),
        "tests/unit/test_betterstack_accounts.py::test_that_one_token_may_not_write_is_the_fault_of_its_own_incidents",
    ),
    row(
        "A restore ends what an account shows whose rounds it does not know",
        "daemon/storage/merge.py",
        ('is_alarm or there.get(polled_from, "") > here.get(polled_from, "")', "True"),
        f"{MERGE}::test_what_the_copy_tells_of_is_over_only_if_its_own_account_was_polled_since",
    ),
    row(
        "After a restore an account that the copy does not know cannot be polled",
        "daemon/storage/merge.py",
        (
            '        _put(source, target, PROGRESS, ["source"], "true" if is_later else "false")\n',
            '        if is_later:\n            _put(source, target, PROGRESS, ["source"], "true")\n',
        ),
        f"{MERGE}::test_an_account_that_the_copy_does_not_know_is_polled_on",
    ),
    row(
        "Without any token there is nothing to be said",
        "daemon/config/validate.py",
        ("problems = [] if _any_token(values) else [missing(TOKEN, empty)]", "problems = list[str]()"),
        f"{CONFIG}::test_with_one_the_token_of_betterstack_may_be_left_out",
    ),
    row(
        "The same account is polled twice",
        "daemon/config/betterstack.py",
        ("(other := polled.setdefault(_sees(section), here)) != here", "(other := here) != here"),
        f"{CONFIG}::test_a_mistake_is_a_sentence_that_shows_no_token",
    ),
    row(
        "What stands in place of an account is shown",
        "daemon/config/settings.py",
        ('return key.count(".") < 2 or key.endswith(".token")', 'return key.endswith(".token")'),
        f"{CONFIG}::test_what_stands_in_place_of_an_account_may_be_its_token",
    ),
    row(
        "The token of an account is not redacted",
        "daemon/config/settings.py",
        (
            "for section in (self.betterstack, *self.source.values()) if section.is_polled",
            "for section in (self.betterstack,) if section.is_polled",
        ),
        f"{CONFIG}::test_every_token_is_one_that_no_log_shows",
    ),
    row(
        "What is still polled can be given up",
        "daemon/cli/give_up.py",
        ("    if polled_from not in found:\n", "    if not found:\n"),
        f"{GIVE_UP}::test_what_is_polled_or_has_nothing_open_is_not_given_up",
    ),
    row(
        "What is given up stays open in SIGNL4",
        "daemon/cli/give_up.py",
        ("    return Change(decision.after, tuple(messages))\n", "    return Change(decision.after)\n"),
        f"{GIVE_UP}::test_its_open_incidents_count_as_over_and_who_was_told_is_told",
    ),
    row(
        "In the sandbox the token of an account sees all incidents",
        "daemon/sandbox/betterstack.py",
        (
            "        found = [record for record in records if self._sees(request, record)]\n",
            "        found = [*records]\n",
        ),
        "tests/sandbox/test_accounts.py::test_each_token_sees_its_own_team",
    ),
)
