"""The life of the process: rounds, jobs and their threads, the watchdog, and a change of the configuration."""

from tests.mutations.mutation import row

ROWS = (
    row(
        "A step of the clock is not noticed",
        "daemon/runtime/upkeep.py",
        ("            self._follow_clock()\n", ""),
        "tests/e2e/test_clock.py::test_a_clock_that_steps_delays_nothing_and_proves_nothing",
    ),
    row(
        "A step of the clock is noticed, and forgets nothing",
        "daemon/runtime/upkeep.py",
        ("        self._housekeeping.forget_spans(now)\n", ""),
        "tests/e2e/test_clock.py::test_a_clock_that_steps_delays_nothing_and_proves_nothing",
    ),
    row(
        "After a step of the clock the scheduler waits for its old time",
        "daemon/runtime/life.py",
        ("            jobs.due_now()\n", "            pass\n"),
        "tests/e2e/test_clock.py::test_a_clock_that_steps_delays_nothing_and_proves_nothing",
    ),
    row(
        "An error of the database ends a job",
        "daemon/runtime/poll_loop.py",
        ("            self._self_check.state_failed(str(error))\n", "            raise\n"),
        "tests/e2e/test_machine.py::test_a_fault_of_the_machine_is_said_and_outlasted",
    ),
    row(
        "A hang is not noticed",
        "daemon/runtime/watchdog.py",
        ("if hung is not None:", "if hung is not None is limit:"),
        "tests/e2e/test_machine.py::test_a_job_that_hangs_ends_the_process_and_the_next_one_tells_all",
    ),
    row(
        "The watchdog is fed whatever the jobs do",
        "daemon/runtime/watchdog.py",
        ("            end_at_once(LAST_WORDS, EXIT_STUCK)\n", "            pass\n"),
        "tests/e2e/test_managed.py::test_the_watchdog_is_fed_from_progress_and_never_again_once_a_job_hangs",
    ),
    row(
        "The service is ready only after the first round",
        "daemon/runtime/life.py",
        ("    life.systemd.ready()\n", ""),
        (
            "        watchdog.look(jobs, tick)\n",
            (
                "        watchdog.look(jobs, tick)\n"
                '        if "no complete round yet" not in components.self_check.line():\n'
                "            life.systemd.ready()\n"
            ),
        ),
        "tests/e2e/test_managed.py::test_it_is_ready_once_it_can_work_whether_or_not_better_stack_answers",
    ),
    row(
        "A reload waits for the end of a storm",
        "daemon/runtime/jobs.py",
        ("            delivery.deliver.pause()\n", "            pass\n"),
        "tests/e2e/test_reload.py::test_a_reload_at_each_moment_ends_as_the_table_says[a storm]",
    ),
    row(
        "A reload does not wait for what is in flight",
        "daemon/runtime/reload.py",
        ("        if jobs.pause():\n", "        if jobs.pause() and now < 0:\n"),
        "tests/unit/runtime/test_reload.py::test_what_is_in_flight_is_waited_for",
    ),
    row(
        "A reload waits for ever for what is in flight",
        "daemon/runtime/reload.py",
        ("if now - self._paused_since > jobs.patience():", "if now < 0:"),
        "tests/unit/runtime/test_reload.py::test_it_is_not_waited_for_any_longer_than_a_request_takes",
        "tests/e2e/test_reload.py::test_a_reload_at_each_moment_ends_as_the_table_says[a result cannot be recorded]",
    ),
    row(
        "A new secret is not tried at once",
        "daemon/runtime/upkeep.py",
        ("        self._housekeeping.try_secrets_again(now)\n", ""),
        "tests/e2e/test_reload.py::test_a_reload_at_each_moment_ends_as_the_table_says[a wrong secret is corrected]",
    ),
    row(
        "What was said is forgotten by a reload",
        "daemon/runtime/build.py",
        ("        shared.notes,\n", "        type(shared.notes)(),\n"),
        "tests/e2e/test_reload.py::test_a_reload_at_each_moment_ends_as_the_table_says[an alarm is open]",
    ),
    row(
        "A reload is forgotten where the machine has no thread for it",
        "daemon/runtime/reload.py",
        ("            self._postpone(jobs, str(prepared.result))\n", ""),
        "tests/unit/runtime/test_reload.py::test_one_for_which_there_is_no_thread_is_tried_again_at_the_next_look",
    ),
    row(
        "`database.url` may change while the program runs",
        "daemon/runtime/reload.py",
        ("if new != old:", "if not new:"),
        "tests/unit/runtime/test_reload.py::test_the_database_stays_the_same",
    ),
    row(
        "A refused configuration takes effect",
        "daemon/runtime/reload.py",
        (
            '            return "; ".join(error.problems)\n',
            "            del error\n            return self._make(configuration)\n",
        ),
        "tests/unit/runtime/test_reload.py::test_the_database_stays_the_same",
        "tests/e2e/test_reload.py::test_a_reload_at_each_moment_ends_as_the_table_says[a configuration with a mistake]",
    ),
    row(
        "A reload waits for the next look of the main thread",
        "daemon/host/startup.py",
        ('                os.write(self._bell[1], b"!")\n', "                pass\n"),
        "tests/e2e/test_reload_asked.py::test_systemd_hears_of_a_reload_at_once",
    ),
    row(
        "Who asks for a reload is told that of an earlier one",
        "daemon/host/reload_outcome.py",
        ("            if float(read_at) >= since:\n", "            if float(read_at) >= 0:\n"),
        "tests/unit/host/test_reload_outcome.py::test_what_was_read_before_the_question_is_none",
    ),
    row(
        "A refused configuration is a reload that succeeded",
        "daemon/runtime/reload.py",
        ("self._end(prepared.read_at, refused=True)", "self._end(prepared.read_at, refused=False)"),
        "tests/e2e/test_reload_asked.py::test_a_refusal_is_the_answer_whatever_is_refused",
        "tests/unit/runtime/test_reload.py::test_one_that_is_no_good_changes_nothing",
    ),
    row(
        "A reload is over before the new configuration is in force",
        "daemon/runtime/reload.py",
        (
            "            self._ready, self._read_at = prepared.result, prepared.read_at\n",
            (
                "            self._ready, self._read_at = prepared.result, prepared.read_at\n"
                "            self._outcome.leave(prepared.read_at, refused=False)\n"
            ),
        ),
        "tests/unit/runtime/test_reload.py::test_what_is_in_flight_is_waited_for",
        "tests/e2e/test_reload_asked.py::test_the_answer_waits_for_what_is_in_flight",
    ),
    row(
        "A bad configuration hides the running daemon",
        "daemon/cli/options.py",
        ("        if found is None or daemon is None:\n            raise\n", "        raise\n"),
        "tests/e2e/test_reload_asked.py::test_while_the_file_is_bad_the_running_daemon_is_looked_at",
    ),
    row(
        "A bad configuration is ignored where no daemon runs",
        "daemon/cli/options.py",
        ("        if found is None or daemon is None:\n            raise\n", "        assert found and daemon\n"),
        "tests/e2e/test_reload_asked.py::test_without_a_daemon_a_bad_file_is_refused_as_before",
    ),
    row(
        "A configuration that has become bad is not noticed while a daemon runs",
        "daemon/cli/options.py",
        (" and not _changed(named, daemon.since)", ""),
        "tests/e2e/test_reload_asked.py::test_while_the_file_is_bad_the_running_daemon_is_looked_at",
    ),
    row(
        "A configuration that could not be read is called wrong",
        "daemon/config/reading.py",
        (
            "        if self._process.returncode != 0:\n            raise DaemonError(",
            "        if self._process.returncode != 0:\n            raise ConfigError(",
        ),
        "tests/unit/config/test_reading.py::test_a_process_that_comes_to_no_end_of_its_own_says_nothing_of_the_configuration",
    ),
    row(
        "The process that reads the configuration outlives who asked for it",
        "daemon/config/reading.py",
        ("            process.kill()\n", "            process.stdout = None\n"),
        "tests/unit/config/test_reading.py::test_leaving_the_block_ends_a_process_that_waits_for_its_file",
    ),
    row(
        "A secret is laid open with what holds it",
        "daemon/model/secret.py",
        ("        return HIDDEN\n", "        return self._text\n"),
        "tests/unit/model/test_secret.py::test_it_shows_only_when_it_is_asked_for",
        "tests/unit/config/test_load_sentences.py::TestSecrets::test_are_in_no_repr",
    ),
    row(
        "The service keeps pydantic",
        "daemon/config/configuration.py",
        ("import json\n", "import json\n\nimport pydantic\n"),
        "tests/unit/config/test_reading.py::test_pydantic_stays_out_of_this_process",
    ),
    row(
        "Keys below a broken header count for the section before it",
        "daemon/config/place.py",
        ('            section = None if line.lstrip().startswith("[") else section\n', ""),
        "tests/unit/config/test_place.py::test_a_mistake_hides_nothing_but_its_line",
    ),
    row(
        "The migration needs a temporary folder",
        "daemon/storage/upgrade.py",
        ('os.fdopen(os.memfd_create("complaint"), "w+b")', '__import__("tempfile").TemporaryFile()'),
        "tests/e2e/test_start_in_vain.py::test_no_temporary_folder_is_needed",
    ),
    row(
        "A database that cannot be written at the start is tried again and again",
        "daemon/runtime/shared.py",
        (
            "                with needed_now(url):\n                    record_run_mode",
            "                if True:\n                    record_run_mode",
        ),
        "tests/e2e/test_start_in_vain.py::test_what_fails_after_the_first_write_ends_it_too",
    ),
    row(
        "The jobs of the old configuration are not closed",
        "daemon/runtime/reload.py",
        ("        jobs.close()\n", ""),
        "tests/unit/runtime/test_reload.py::test_the_old_jobs_are_closed_before_the_new_ones_begin",
    ),
    row(
        "The jobs of a configuration that comes too late are not closed",
        "daemon/runtime/reload.py",
        ("        ready.close()\n        self._ready = None\n", "        self._ready = None\n"),
        "tests/unit/runtime/test_reload.py::test_what_a_later_one_takes_the_place_of_is_closed_and_never_begins",
    ),
    row(
        "A job that is paused begins all the same",
        "daemon/runtime/workers.py",
        ("self._closed or name not in self._paused)", "name)"),
        "tests/unit/runtime/test_workers.py::test_what_is_paused_begins_no_run_until_it_is_resumed",
    ),
    row(
        "A job that is paused counts as at rest though it is at work",
        "daemon/runtime/workers.py",
        ("                self._at_work.add(name)\n", "                pass\n"),
        "tests/unit/runtime/test_workers.py::test_whoever_pauses_a_job_learns_whether_it_is_at_work",
    ),
    row(
        "A stop waits for no job",
        "daemon/runtime/workers.py",
        (
            "            thread.join(max(until - time.monotonic(), 0))\n",
            "            thread.join(max(until - until, 0))\n",
        ),
        "tests/unit/runtime/test_workers.py::test_what_is_under_way_is_waited_for_but_no_longer_than_asked",
    ),
    row(
        "A wake-up while deliveries go out is lost",
        "daemon/runtime/delivery_job.py",
        ("if self._wakes != self._wakes_before:", "if self._wakes < self._wakes_before:"),
        "tests/unit/runtime/test_jobs.py::test_a_wake_up_between_the_look_at_the_outbox_and_the_next_run_is_not_lost",
    ),
    row(
        "There is one limit for the process, and not one for each account",
        "daemon/runtime/senders.py",
        ("limiter=shared.limiters[team.account],", 'limiter=shared.limiters[""],'),
        "tests/unit/runtime/test_build.py::test_each_account_has_one_limit_whatever_the_team_and_whatever_was_in_force_meanwhile",
    ),
    row(
        "The limit is forgotten by a reload",
        "daemon/runtime/senders.py",
        ("        limiter=shared.limiters[team.account],\n", ""),
        "tests/unit/runtime/test_build.py::test_each_account_has_one_limit_whatever_the_team_and_whatever_was_in_force_meanwhile",
    ),
)
