"""`--dry-run`: what is printed, and that nobody else hears of it."""

from tests.mutations.mutation import row

ROWS = (
    row(
        "A dry run sends to SIGNL4",
        "daemon/cli/dry_run.py",
        ("            receiver=lambda _http, _secret, team: Team(team, self.print),\n", ""),
        "tests/e2e/test_dry_run.py::test_beside_the_daemon_it_prints_what_another_template_would_say_and_changes_nothing",
    ),
    row(
        "A dry run calls the heartbeat URLs",
        "daemon/cli/dry_run.py",
        ("            watchers=lambda _: NoWatchers(),\n", ""),
        "tests/e2e/test_dry_run.py::test_the_daemon_prints_each_as_it_happens_also_after_a_reload_and_is_unknown_to_the_service_manager",
    ),
    row(
        "A dry run works on the state itself",
        "daemon/cli/dry_run.py",
        ("            state=self._copy,\n", ""),
        "tests/e2e/test_dry_run.py::test_beside_the_daemon_it_prints_what_another_template_would_say_and_changes_nothing",
        "tests/e2e/test_dry_run.py::test_what_waits_in_the_outbox_is_printed_if_it_is_due",
    ),
    row(
        "A dry run tells the service manager that it is ready",
        "daemon/cli/dry_run.py",
        ("            environ={},\n", ""),
        "tests/e2e/test_dry_run.py::test_the_daemon_prints_each_as_it_happens_also_after_a_reload_and_is_unknown_to_the_service_manager",
    ),
    row(
        "What a dry run does not send uses up SIGNL4's limit",
        "daemon/cli/dry_run.py",
        (
            'Answer(Delivered("dry run"), rate_limit=RateLimit(NO_LIMIT, NO_LIMIT, WINDOW))',
            'Answer(Delivered("dry run"))',
        ),
        "tests/unit/cli/test_dry_run.py::test_every_message_counts_as_accepted_and_no_limit_is_used_up",
    ),
    row(
        "A dry run goes on although nobody reads it",
        "daemon/cli/printout.py",
        ("            self._stop.set()\n", "            pass\n"),
        "tests/unit/cli/test_printout.py::test_an_output_that_takes_no_more_stops_the_work_and_is_raised",
    ),
    row(
        "A dry run does not say that its output was lost",
        "daemon/cli/printout.py",
        ("            raise self._error\n", "            return\n"),
        "tests/unit/cli/test_printout.py::test_an_output_that_takes_no_more_stops_the_work_and_is_raised",
        "tests/e2e/test_dry_run.py::test_whoever_reads_no_more_ends_it",
    ),
    row(
        "A reader who pauses holds up the dry run",
        "daemon/cli/printout.py",
        ("        self._texts.put(text)\n", "        os.write(1, text.encode())\n"),
        "tests/e2e/test_dry_run.py::test_a_reader_who_pauses_holds_up_nothing_and_a_stop_ends_it_all_the_same",
    ),
    row(
        "A dry run waits for ever for a reader who pauses",
        "daemon/cli/printout.py",
        ("not (self._stop.wait(0) and time.monotonic() > until)", "not (self._stop.wait(0) and time.monotonic() < 0)"),
        "tests/e2e/test_dry_run.py::test_a_reader_who_pauses_holds_up_nothing_and_a_stop_ends_it_all_the_same",
    ),
    row(
        "A dry run counts nothing as waiting",
        "daemon/cli/dry_run.py",
        ("self._waiting = left.pending_deliveries + ", "self._waiting = "),
        "tests/e2e/test_dry_run.py::test_what_waits_in_the_outbox_is_printed_if_it_is_due",
    ),
    row(
        "A dry run does not count what waits to be written back",
        "daemon/cli/dry_run.py",
        (" + (left.two_way.pending_write_backs if left.two_way else 0)", ""),
        "tests/e2e/test_two_ways.py::test_a_dry_run_counts_what_waits_to_be_written_back",
    ),
    row(
        "A terminal executes the external id that a dry run prints",
        "daemon/cli/dry_run.py",
        ("{printable(heading)}", "{heading}"),
        "tests/unit/cli/test_dry_run.py::test_for_people_the_body_follows_and_nothing_is_executed",
    ),
    row(
        "A private copy is left behind",
        "daemon/storage/backup.py",
        (
            "    with directory as place:\n",
            "    place = directory.name\n    directory._finalizer.detach()\n    if place:\n",
        ),
        "tests/unit/storage/test_backup_private.py",
        "tests/e2e/test_dry_run.py::test_a_stop_at_the_worst_moment_leaves_no_copy",
    ),
    row(
        "A private copy is empty",
        "daemon/storage/backup.py",
        ("            elif exists:\n", '            elif exists and url == "":\n'),
        "tests/unit/storage/test_backup_private.py::test_it_holds_all_that_is_committed_and_is_private",
    ),
    row(
        "On an installed host a dry run of the daemon has no secrets",
        "systemd/betterstack-signl4",
        ("    *,--dry-run) command=dry-run before='' ;;\n", ""),
        "tests/unit/systemd/test_command.py",
    ),
)
