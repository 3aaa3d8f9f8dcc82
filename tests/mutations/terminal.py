"""What people see at a terminal: the live view, progress, completion, the man page, the page of events."""

from tests.mutations.mutation import row

ROWS = (
    row(
        "After kill -9 the terminal stays without echo and on the other screen",
        "daemon/host/terminal_guard.py",
        ("            os.write(descriptor, restore)\n", ""),
        "tests/e2e/test_watch.py::test_after_kill_9_too",
    ),
    row(
        "A live view that is ended leaves the terminal as it used it",
        "daemon/host/terminal.py",
        (
            "        self._write(_LEAVE)\n        with suppress(termios.error):\n            termios.tcsetattr(KEYBOARD, termios.TCSANOW, self._before)\n",
            "",
        ),
        "tests/e2e/test_watch.py::test_whatever_ends_it_the_terminal_is_right_and_the_parent_learns_it",
        "tests/e2e/test_watch.py::test_it_shows_what_is_open_and_where_its_alerts_are",
    ),
    row(
        "Ctrl-Z leaves the shell on the screen of the view",
        "daemon/host/terminal.py",
        (
            "            self._suspended = False\n            self._give_back()\n",
            "            self._suspended = False\n",
        ),
        "tests/e2e/test_watch.py::test_a_shell_suspends_it_and_takes_it_back",
    ),
    row(
        "Whoever started the view does not learn that a signal ended it",
        "daemon/cli/watch.py",
        ("    if screen.ended_by is not None:\n", "    if screen.ended_by is None:\n"),
        "tests/e2e/test_watch.py::test_whatever_ends_it_the_terminal_is_right_and_the_parent_learns_it",
    ),
    row(
        "The view takes every window for one of 80 by 24",
        "daemon/host/terminal.py",
        ("            if columns and lines:\n                return columns, lines\n", ""),
        "tests/e2e/test_watch.py::test_it_takes_the_size_of_its_window",
    ),
    row(
        "The view begins where there is no terminal",
        "daemon/cli/watch.py",
        ("    if not terminal.is_there():\n", "    if terminal.is_there() is None:\n"),
        "tests/e2e/test_watch.py::test_without_a_terminal_it_says_so",
    ),
    row(
        "All that is dead is retried without a yes",
        "daemon/cli/live/view.py",
        ('Retry(()) if key in {"y", "Y"} else None', "Retry(())"),
        "tests/unit/cli/live/test_view.py::test_all_that_is_dead_is_retried_only_after_a_yes",
    ),
    row(
        "The cursor stays on its line when another row comes, so a key acts on that one",
        "daemon/cli/live/view.py",
        ("here.index(ids[n]) if ids[n] in here else min(", "min("),
        "tests/unit/cli/live/test_view.py::test_the_cursor_stays_on_its_row_when_others_come_and_go",
    ),
    row(
        "A silence by name takes the special characters of the name for a pattern",
        "daemon/cli/live/verbs.py",
        ('exactly(subject.value) if subject.field == "name" else subject.value', "subject.value"),
        "tests/e2e/test_watch.py::test_an_incident_is_silenced_by_its_very_name",
    ),
    row(
        "What cannot be read empties the view",
        "daemon/cli/live/figures.py",
        ("    last = before or Figures(", "    last = Figures("),
        "tests/e2e/test_watch.py::test_a_database_that_cannot_be_read_is_a_sentence_and_the_rest_stays",
    ),
    row(
        "The live view reads the whole outbox for what is dead",
        "daemon/storage/standing.py",
        ("    number = DELIVERIES.c.id + 0\n", "    number = DELIVERIES.c.id\n"),
        "tests/unit/storage/test_standing.py::test_no_statement_reads_what_is_over",
    ),
    row(
        "A message that waits hides behind one that arrived later",
        "daemon/decisions/whereabouts.py",
        ("next((one for one in sent if one.state not in SETTLED), (taken or sent)[-1])", "(taken or sent)[-1]"),
        "tests/unit/decisions/test_whereabouts.py::test_of_an_incident_the_first_message_that_is_not_settled_counts_else_the_last",
    ),
    row(
        "An alert that somebody acknowledged in SIGNL4 seems given up",
        "daemon/decisions/whereabouts.py",
        ("if one.state is DeliveryState.DELIVERED]", "if one.state in SETTLED]"),
        "tests/unit/decisions/test_whereabouts.py::test_of_an_incident_the_first_message_that_is_not_settled_counts_else_the_last",
    ),
    row(
        "Half a key is several keys",
        "daemon/cli/live/keys.py",
        ('        self._rest = begun[0] if begun else ""\n', '        self._rest = ""\n'),
        "tests/unit/cli/live/test_keys.py::test_a_key_that_comes_in_pieces_is_one_key",
    ),
    row(
        "A backup in steps begins again after each commit, and holds what came meanwhile",
        "daemon/storage/backup.py",
        ('            source.execute("BEGIN")\n', ""),
        ('            source.execute("SELECT 1 FROM sqlite_master").fetchone()\n', ""),
        "tests/unit/cli/test_progress.py::test_a_backup_in_steps_is_that_of_one_moment_and_is_not_begun_again_by_a_commit",
    ),
    row(
        "What is quick shows a bar all the same",
        "daemon/cli/progress.py",
        ("    timer = Timer(LATER, show)\n", "    timer = Timer(0, show)\n    show()\n"),
        "tests/unit/cli/test_progress.py::test_what_is_quick_shows_nothing",
    ),
    row(
        "A damaged database is a traceback at each Tab",
        "daemon/cli/proposals.py",
        ("    except DaemonError:\n        return []\n", "    except KeyError:\n        return []\n"),
        "tests/unit/cli/test_completion.py::test_where_nothing_can_be_read_nothing_is_proposed_and_nothing_said",
    ),
    row(
        "The man page is not removed with the program",
        "systemd/places.sh",
        ('    rm -f "$root$man_page" "$root$for_bash" "$root$for_zsh" "$root$for_fish"\n', ""),
        "tests/unit/systemd/test_install.py::test_every_unit_is_installed_and_removed_again",
    ),
    row(
        "Neither status nor the live view says anything of a team in which nobody is on duty",
        "daemon/cli/verdict.py",
        ("warn_after=place.warn_after", "warn_after=None"),
        "tests/unit/cli/test_verdict.py::test_that_nobody_is_on_duty_is_a_problem_after_the_time_that_the_operator_set",
    ),
)
