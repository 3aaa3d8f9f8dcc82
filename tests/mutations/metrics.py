"""The metrics."""

from tests.mutations.mutation import row

SERVER = "tests/unit/host/test_metrics_server.py"
COUNTED = "tests/unit/host/test_metrics.py"
SHOWN = "tests/unit/runtime/test_shown.py"
READ = "tests/unit/runtime/test_readings.py"
FILE = "tests/unit/host/test_textfile.py"
KEYS = "tests/unit/config/test_metrics.py"

ROWS = (
    row(
        "An address that other machines reach needs no word",
        "daemon/config/metrics.py",
        ("not self.remote and not address(self.listen).is_local", "not address(self.listen)"),
        f"{KEYS}::test_an_address_that_others_reach_needs_a_word",
    ),
    row(
        "A client that hangs is never ended",
        "daemon/host/metrics_server.py",
        ("asyncio.timeout(PATIENCE)", "asyncio.timeout(None)"),
        f"{SERVER}::test_a_client_that_hangs_is_ended",
    ),
    row(
        "A machine is filled with connections that hang",
        "daemon/host/metrics_server.py",
        ("if self._open <= MOST:", "if self._open:"),
        f"{SERVER}::test_too_many_are_turned_away_and_leave_room_behind_them",
    ),
    row(
        "A connection that ended counts for ever",
        "daemon/host/metrics_server.py",
        ("            self._open -= 1\n", ""),
        f"{SERVER}::test_too_many_are_turned_away_and_leave_room_behind_them",
    ),
    row(
        "Each question has a reading of its own, however many there are",
        "daemon/host/metrics_server.py",
        ("self._reading is None or (", "True or ("),
        f"{SERVER}::test_a_reading_is_good_for_a_moment",
        f"{SERVER}::test_while_a_reading_hangs_the_others_are_told_and_the_process_lives",
    ),
    row(
        "What was just accepted is left open at the end",
        "daemon/host/metrics_server.py",
        ("for _ in range(TURNS):", "for _ in range(0):"),
        f"{SERVER}::test_a_connection_at_the_moment_of_the_close_is_closed",
    ),
    row(
        "A client that hangs at the end leaves a traceback in the log",
        "daemon/host/metrics_server.py",
        ("asyncio.LimitOverrunError, asyncio.CancelledError)", "asyncio.LimitOverrunError)"),
        f"{SERVER}::test_a_connection_at_the_moment_of_the_close_is_closed",
    ),
    row(
        "Who asks waits for a disk that hangs",
        "daemon/host/metrics_server.py",
        ("asyncio.timeout(READING)", "asyncio.timeout(None)"),
        f"{SERVER}::test_while_a_reading_hangs_the_others_are_told_and_the_process_lives",
    ),
    row(
        "A program with problems is ready",
        "daemon/host/metrics_server.py",
        ("        if reading.problems:\n", "        if not reading.problems:\n"),
        f"{SERVER}::test_who_is_not_ready_says_why",
        f"{SERVER}::test_the_pages",
    ),
    row(
        "The file is written in place",
        "daemon/host/textfile.py",
        ("        beside.replace(file)\n", "        file.write_bytes(beside.read_bytes())\n"),
        f"{FILE}::test_it_is_another_file_each_time",
    ),
    row(
        "node_exporter may not read the file",
        "daemon/host/textfile.py",
        ("            os.fchmod(stream.fileno(), MODE)\n", ""),
        f"{FILE}::test_it_is_readable_for_others_whatever_the_umask",
    ),
    row(
        "The socket of another process is taken away from it",
        "daemon/host/listening.py",
        ("            probe.connect(str(path))\n", "            probe.connect(str(path))\n            path.unlink()\n"),
        "tests/unit/host/test_listening.py::test_where_somebody_listens_or_a_file_is_nothing_is_removed",
    ),
    row(
        "The socket of a killed process stays in the way",
        "daemon/host/listening.py",
        (
            "        except ConnectionRefusedError:\n            path.unlink()",
            "        except ConnectionRefusedError:\n            pass",
        ),
        "tests/unit/host/test_listening.py::test_the_socket_of_a_killed_process_is_no_hindrance",
    ),
    row(
        "How late an alert is told counts what a rule held",
        "daemon/decisions/outcome.py",
        ("delay = None if delivery.held_because else ", "delay = "),
        "tests/unit/decisions/test_outcome.py::test_an_alert_that_a_rule_held_has_no_delay",
    ),
    row(
        "How late an incident is seen is measured of its end, too",
        "daemon/host/metrics.py",
        (
            "if event.kind is Kind.NEW and event.delay is not None:\n                self._counts.detection",
            "if event.delay is not None:\n                self._counts.detection",
        ),
        f"{COUNTED}::test_how_late_it_is_seen_is_measured_of_beginnings_alone",
    ),
    row(
        "What is counted is forgotten at a change of the configuration",
        "daemon/runtime/shown.py",
        ("        self._in_force = section\n", "        self._in_force, self._tally = section, Tally()\n"),
        f"{SHOWN}::test_another_address_takes_the_place_of_the_one_before",
    ),
    row(
        "A file begins at zero each time",
        "daemon/runtime/shown.py",
        (
            "                self._tally.go_on(counts_in(textfile.read(file)))",
            "                counts_in(textfile.read(file))",
        ),
        f"{SHOWN}::test_the_file_goes_on_where_the_one_before_ended",
    ),
    row(
        "An address that is not in force any more is still served",
        "daemon/runtime/shown.py",
        ("            self._end(self._server)\n            self._server = None\n", "            self._server = None\n"),
        f"{SHOWN}::test_it_is_switched_off_and_on_again",
    ),
    row(
        "A dry run takes the daemon's address",
        "daemon/runtime/exposure.py",
        ("return self._allowed and settings", "return settings"),
        f"{SHOWN}::test_who_may_not_has_none",
    ),
    row(
        "A state that cannot be written is no problem for /readyz",
        "daemon/runtime/readings.py",
        ("(state_error := shared.notes.state_error) is not None:", "(state_error := None) is not None:"),
        f"{READ}::test_a_state_that_cannot_be_written_is_a_problem",
    ),
    row(
        "The outbox of a team counts that of all",
        "daemon/storage/readings.py",
        ("select(_TEAM, func.count()).where(which).group_by(_TEAM)", "select(_TEAM, func.count()).where(which)"),
        "tests/unit/storage/test_readings.py::test_each_team_has_what_is_pending_held_and_dead",
    ),
    row(
        "The start of the process changes with each reading",
        "daemon/host/process_figures.py",
        ("started_at=_BOOTED_AT +", "started_at=time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) +"),
        "tests/unit/host/test_process_figures.py::test_the_start_stays_the_same",
    ),
    row(
        "A round that fails counts as complete",
        "daemon/runtime/poll_loop.py",
        ("events.RoundResult.FAILED", "events.RoundResult.COMPLETE"),
        "tests/e2e/test_metrics.py::test_a_round_that_fails_is_counted",
    ),
    row(
        "/readyz says nothing of a team in which nobody is on duty",
        "daemon/runtime/readings.py",
        ("warn_after=duty.warn_after", "warn_after=None"),
        "tests/unit/runtime/test_readings.py::test_that_nobody_is_on_duty_is_a_problem_as_it_is_in_status",
    ),
    row(
        "What is written back is missing while nothing waits for a team",
        "daemon/storage/readings.py",
        ("snapshot.pending_deliveries or back.pending_write_backs", "snapshot.pending_deliveries"),
        "tests/unit/storage/test_readings.py::test_what_is_written_back_is_there_though_nothing_waits_for_a_team",
    ),
    row(
        "What Better Stack refused is missing while nothing of a team is dead",
        "daemon/storage/readings.py",
        ("snapshot.dead_deliveries or back.dead_write_backs", "snapshot.dead_deliveries"),
        "tests/unit/storage/test_readings.py::test_what_is_written_back_is_there_though_nothing_waits_for_a_team",
    ),
    row(
        "A reload that names a file forgets what was counted",
        "daemon/runtime/shown.py",
        ("if file is not None and is_first:", "if file is not None:"),
        f"{SHOWN}::test_a_reload_that_names_a_file_takes_nothing_from_what_was_counted",
    ),
    row(
        "A reading makes a limiter that the teams do not share",
        "daemon/runtime/readings.py",
        (" for account in accounts if account in shared.limiters}", " for account in accounts}"),
        f"{READ}::test_a_reading_makes_no_limiter",
    ),
    row(
        "A state that can be written again fails a reading",
        "daemon/runtime/readings.py",
        ("written: {state_error[2]}", "written: {shared.notes.state_error[2]}"),
        f"{READ}::test_that_the_state_can_be_written_again_fails_no_reading",
    ),
)
