"""Copies of the database, the way back from one, and the log that a reader holds."""

from tests.mutations.mutation import row

HERE = "tests/unit/storage/test_restore.py"
LOG = "tests/unit/storage/test_log_hold.py"

ROWS = (
    row(
        "A damaged copy is put in the place of the database",
        "daemon/storage/restore.py",
        ('    if health != "ok":\n        raise', '    if health == "nothing":\n        raise'),
        f"{HERE}::test_a_copy_that_cannot_serve_is_refused_and_nothing_is_changed[with_an_index_that_lacks_a_row]",
    ),
    row(
        "A copy is put in its place while a daemon runs",
        "daemon/storage/restore.py",
        ("with locked(url) as lock:", "with lock_of(url) as lock:"),
        (
            "\n\ndef _source(",
            (
                "\n\ndef lock_of(url: str):\n"
                "    file, _ = found_at(url)\n"
                "    return closing(Lock(file, os.open(file, os.O_RDWR)))\n"
                "\n\ndef _source("
            ),
        ),
        f"{HERE}::test_while_a_daemon_runs_it_is_refused",
    ),
    row(
        "What was told since the copy was made is told again",
        "daemon/storage/restore.py",
        ("                merge(old, new)\n", ""),
        f"{HERE}::test_what_was_told_since_the_copy_is_not_told_again_and_the_file_from_before_is_kept",
    ),
    row(
        "A restore drops what another process has not let into the file yet",
        "daemon/storage/restore.py",
        ("    if busy:\n", "    if busy is None:\n"),
        f"{HERE}::test_while_another_process_reads_it_is_refused",
    ),
    row(
        "What only the log of a file of an older schema holds is moved away with it before the last step",
        "daemon/storage/restore.py",
        ("            _empty_log(old, file)\n", ""),
        f"{HERE}::test_a_crash_before_the_last_step_loses_no_commit_of_an_older_schema",
    ),
    row(
        "A restore that fails at its last step keeps the log of the file in place",
        "daemon/storage/restore.py",
        (
            'undo.callback(beside.rename(kept.with_name(f"{kept.name}{suffix}")).rename, beside)',
            'beside.rename(kept.with_name(f"{kept.name}{suffix}"))',
        ),
        f"{HERE}::test_a_failure_of_the_last_step_leaves_everything_as_it_was",
    ),
    row(
        "After a restore it is as if no round had been complete since the copy",
        "daemon/storage/merge.py",
        ('table, key, "true")', 'table, key, "false")'),
        f"{HERE}::test_what_is_known_of_the_present_is_that_of_the_file_in_place",
    ),
    row(
        "A copy wakes somebody for what was pruned long ago",
        "daemon/storage/merge.py",
        ("            _give_up_what_is_over(source, target)\n", ""),
        f"{HERE}::test_what_the_file_in_place_has_pruned_wakes_nobody",
    ),
    row(
        "A database of another program with the same stamp is taken for one of ours",
        "daemon/storage/revision.py",
        ("stamped = tables >= OURS", 'stamped = "alembic_version" in tables'),
        "tests/unit/storage/test_engine_unusable.py::"
        "test_a_file_that_cannot_serve_is_refused_with_a_sentence_and_left_untouched",
    ),
    row(
        "The log of the file from before is left for the restored one",
        "daemon/storage/restore.py",
        ("    for suffix in BESIDE:\n", "    for suffix in BESIDE[2:]:\n"),
        f"{HERE}::test_nothing_of_a_damaged_file_and_its_log_gets_into_the_restored_one",
    ),
    row(
        "The log of a file that is gone is left for the restored one",
        "daemon/storage/restore.py",
        (
            "kept = _keep(lock, undo, is_there=is_there)",
            "kept = _keep(lock, undo, is_there=True) if is_there else lock.file",
        ),
        f"{HERE}::test_a_log_whose_file_was_removed_does_not_get_into_the_restored_one",
    ),
    row(
        "What root restores belongs to root",
        "daemon/storage/restore.py",
        ("if os.geteuid() == 0:", "if os.geteuid() < 0:"),
        f"{HERE}::test_of_the_service_it_belongs_to_the_owner_of_the_one_before_and_is_open_to_his_group",
    ),
    row(
        "A copy in a stream is a file named `-`",
        "daemon/cli/database.py",
        ('if str(file) == "-":', 'if str(file) == "--":'),
        "tests/unit/cli/test_database.py::test_a_copy_in_a_stream_is_refused_and_makes_no_file_of_that_name",
    ),
    row(
        "The error of a copy names a file that nobody asked for",
        "daemon/storage/sqlite.py",
        ("if isinstance(error, OSError) and error.strerror:", "if error is None:"),
        "tests/unit/storage/test_backup.py::test_a_backup_never_lands_on_anything_else_and_says_why",
    ),
    row(
        "The daily copy has a name of its own each time",
        "systemd/back-up",
        ("date +%A", "date +%s"),
        "tests/unit/systemd/test_back_up.py::test_a_copy_replaces_that_of_a_week_ago_and_no_other",
    ),
    row(
        "The log keeps its largest size for ever",
        "daemon/storage/engine.py",
        ('            cursor.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")\n', ""),
        f"{LOG}::test_the_log_is_cut_by_the_next_commits_once_the_reader_is_gone",
    ),
    row(
        "The process that reads is not found",
        "daemon/storage/log_hold.py",
        ("READERS = range(123, 128)", "READERS = range(120, 123)"),
        f"{LOG}::test_the_process_that_reads_is_named_while_it_does",
    ),
    row(
        "Nobody knows when the log was last emptied",
        "daemon/runtime/upkeep.py",
        ("            self._shared.note_checkpoint(self._shared.clock())\n", ""),
        "tests/unit/runtime/test_upkeep.py::test_a_reader_that_stays_is_logged_once_and_one_that_passes_is_not",
    ),
    row(
        "A listing that reads for a moment is logged as a reader that stays",
        "daemon/runtime/upkeep.py",
        ("HELD = 2\n", "HELD = 1\n"),
        "tests/unit/runtime/test_upkeep.py::test_a_reader_that_stays_is_logged_once_and_one_that_passes_is_not",
    ),
)
