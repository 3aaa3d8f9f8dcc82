"""A state that is moved to another database, and where the database may be."""

from tests.mutations.mutation import row

COPY = "tests/unit/storage/test_copy.py"
COMMAND = "tests/unit/cli/test_database_copy.py"
CONFIG = "tests/unit/config/test_database.py"
REFUSED = f"{CONFIG}::test_that_is_a_mistake_is_told_with_the_mend_and_without_the_password"
SAME = f"{COPY}::test_there_and_back_everything_is_the_same"
DIFFERENT = f"{COPY}::test_a_row_that_came_out_different_is_named_and_nothing_is_kept"
POISONED = f"{COPY}::test_a_value_that_the_other_cannot_hold_is_named"
NUMBERS = f"{COPY}::test_no_number_is_given_twice"
MEANWHILE = f"{COPY}::test_no_daemon_can_begin_and_no_command_write_meanwhile"

FLOW, ROWS_OF, VALUES = "daemon/storage/copy.py", "daemon/storage/copy_rows.py", "daemon/storage/copy_values.py"
HELD, CHANGE, COUNT = "daemon/storage/held.py", "daemon/storage/server_change.py", "daemon/storage/row_count.py"
KEYS, URL, PLACE = "daemon/config/database.py", "daemon/storage/server_url.py", "daemon/storage/place.py"

ROWS = (
    row(
        "A copy is kept without being compared",
        FLOW,
        ("    compare_rows(source, target, report)\n", ""),
        DIFFERENT,
        f"{COPY}::test_a_row_that_did_not_arrive_is_noticed",
    ),
    row("Rows that differ count as the same", ROWS_OF, ("if row != copied:", "if copied is None:"), DIFFERENT),
    row(
        "Rows that did not arrive are not missed",
        ROWS_OF,
        ("if (there := one.count(target)) != counts[one.name]:", "if (there := one.count(target)) < 0:"),
        ("if row != copied:", "if copied is not None and row != copied:"),
        f"{COPY}::test_a_row_that_did_not_arrive_is_noticed",
    ),
    row(
        "A copy is written over a state",
        FLOW,
        ("    if found := _state_at(target):\n        raise _holds(target, found)\n", ""),
        ("        elif found := _state(theirs):\n            raise _holds(target, found)\n", ""),
        f"{COPY}::test_one_that_has_polled_is_none",
        f"{COPY}::test_nothing_is_copied_to_where_something_is",
    ),
    row(
        "Nothing is copied, and that is called a success",
        FLOW,
        ("if not _state_at(source):", "if _state_at(source) is None:"),
        f"{COPY}::test_there_is_nothing_to_copy_from_where_nothing_is",
    ),
    row(
        "A state of another schema is copied",
        FLOW,
        ("if revision not in {None, REVISIONS[-1]}:", "if False:"),
        f"{COPY}::test_another_schema_is_brought_up_to_date_first",
    ),
    row(
        "A state is copied under a daemon that works on the file",
        HELD,
        ("    with locked(url):\n", "    with nullcontext():\n"),
        ("import contextmanager", "import contextmanager, nullcontext"),
        f"{COPY}::test_a_daemon_that_works_on_the_file_is_in_the_way",
    ),
    row(
        "A state is copied under a host that leads",
        CHANGE,
        ("            if (leader := _leader(connection)) is not None:", "            if (leader := None) is not None:"),
        f"{COPY}::test_a_daemon_that_works_on_the_server_is_in_the_way",
        MEANWHILE,
    ),
    row(
        "A host can begin to lead while its state is copied",
        CHANGE,
        ("    connection.execute(select(LEASE.c.epoch).with_for_update())\n", ""),
        MEANWHILE,
    ),
    row(
        "A copy is committed as it goes",
        ROWS_OF,
        ("            one.write(target, part)\n", "            one.write(target, part)\n            target.commit()\n"),
        f"{COPY}::test_whenever_it_ends_the_target_has_no_state",
    ),
    row(
        "Numbers of new deliveries begin after the highest that is there",
        ROWS_OF,
        ("count_on(target, one.name, name, highest(source, one.name, name))", "pass"),
        ("if remembers(target, one.name) and ours != theirs:", "if False:"),
        NUMBERS,
    ),
    row(
        "A file forgets which numbers it gave",
        COUNT,
        ("        if highest:\n            connection.execute(_REMEMBER, values)\n", ""),
        NUMBERS,
        SAME,
    ),
    row(
        "A server forgets which numbers it gave",
        COUNT,
        ("    return int(last) if is_used else 0\n", "    return 0\n"),
        NUMBERS,
    ),
    row(
        "The order in which incidents were recorded is lost",
        ROWS_OF,
        ("numbers = [_ROW_NUMBER] if of is INCIDENTS else []", "numbers: list[Column[int]] = []"),
        f"{COPY}::test_the_order_in_which_incidents_were_recorded_is_kept",
    ),
    row(
        "Any number counts as a truth",
        VALUES,
        ("    if type(value) is int and value in {0, 1}:", "    if type(value) is int:"),
        POISONED,
    ),
    row(
        "A time that is half written is taken for a whole one",
        VALUES,
        ('moment is None or moment.isoformat(" ", "microseconds") != value', "moment is None"),
        POISONED,
    ),
    row(
        "A value that a server cannot hold is not named",
        VALUES,
        ('isinstance(value, str) and "\\0" in value', "False"),
        POISONED,
    ),
    row(
        "A backup of a server has no rows",
        FLOW,
        ("            copied(here, there, report)\n", "            pass\n"),
        f"{COMMAND}::test_a_backup_is_a_file_with_all_of_it_also_while_a_daemon_works",
        f"{COMMAND}::test_a_dry_run_works_on_a_copy_of_its_own",
    ),
    row(
        "A restore takes a server for a file",
        "daemon/storage/restore.py",
        ("    if is_postgresql(url):\n", "    if False:\n"),
        f"{COMMAND}::test_a_file_is_not_put_in_the_place_of_a_server",
    ),
    row(
        "What to do next is told with the password",
        "daemon/cli/database_copy.py",
        ('url = "{shown(theirs)}"', 'url = "{theirs}"'),
        f"{COMMAND}::test_no_password_is_printed",
    ),
    row(
        "A server plans for a state that was copied to it as for an empty one",
        FLOW,
        ("        if is_postgresql(target):\n            _analyze(theirs)\n", ""),
        f"{COPY}::test_a_server_knows_at_once_how_much_there_is",
    ),
    row(
        "A copy that is on one server alone is told as one that is safe",
        CHANGE,
        ("CHANGES, on_warning=on_warning)", "CHANGES)"),
        f"{COMMAND}::test_a_copy_that_is_on_one_server_alone_is_told_as_that",
    ),
    row(
        "The group of commands has one name",
        "daemon/cli/main.py",
        ('SECOND_NAMES = {"database": "db"}', "SECOND_NAMES: dict[str, str] = {}"),
        f"{COMMAND}::test_a_state_moves_to_a_server_and_back",
    ),
    row(
        "A lease may be shorter than a request",
        KEYS,
        ("    least = timeout + BESIDES_TIMEOUT\n", "    least = timeout\n"),
        f"{CONFIG}::TestALease::test_that_is_too_short_for_a_request_is_a_mistake_with_the_mend",
    ),
    row(
        "A lease is checked where there is no server",
        KEYS,
        ("    if database.is_on_server and lease", "    if lease"),
        f"{CONFIG}::TestALease::test_is_nothing_to_who_has_no_server",
    ),
    row(
        "A server without its driver is a fault of the program",
        KEYS,
        ("except ImportError:", "except ZeroDivisionError:"),
        f"{CONFIG}::TestAServer::test_without_its_driver_is_a_mistake_with_the_mend",
    ),
    row(
        "A password that cuts its host short is taken",
        URL,
        ("    if is_ambiguous(url):\n        raise ValueError(ENCODED)\n", ""),
        (' any("@" in str(parts.get(key, "")) for key in ("host", "dbname")) or', ""),
        (" not all(map(str.isdigit, ports))", " False"),
        REFUSED.replace("::test", "::TestAServer::test"),
    ),
    row(
        "A URL without a database is taken",
        URL,
        ('    if not parts.get("dbname") and "service" not in parts:', "    if False:"),
        REFUSED.replace("::test", "::TestAServer::test"),
    ),
    row(
        "The log shows the password of a server",
        PLACE,
        ("    return tuple(dict.fromkeys(text for one in found", "    return tuple(dict.fromkeys(text for one in ()"),
        f"{CONFIG}::TestThePassword::test_is_redacted",
    ),
    row(
        "A password as it is meant shows, where it is written in another way",
        PLACE,
        ("(one, unquote(one))", "(one,)"),
        f"{CONFIG}::TestThePassword::test_is_redacted_as_it_is_written_and_as_it_is",
    ),
    row(
        "The settings in force show the password of a server",
        "daemon/config/in_force.py",
        ("            yield key, shown(value)\n", "            yield key, value\n"),
        f"{CONFIG}::TestThePassword::test_shows_nowhere",
    ),
    row(
        "A changed database shows its password",
        "daemon/config/configuration.py",
        ("told(shown(value) if key == DATABASE_URL else value)", "told(value)"),
        f"{CONFIG}::TestThePassword::test_shows_nowhere",
    ),
    row(
        "A file with the password of a server may be read by everybody",
        "daemon/config/load.py",
        ("any(value and holds_secret(key, value) for", "any(value and is_secret(key) for"),
        f"{CONFIG}::TestThePassword::test_in_a_file_that_everybody_can_read_is_warned_of",
    ),
    row(
        "An upgrade shows the password of a server in the list of processes",
        "daemon/storage/upgrade.py",
        ("child.command(*MIGRATION) if is_postgresql(url) else child", "child"),
        "tests/unit/storage/test_upgrade.py::test_no_password_is_on_the_command_line_of_a_migration",
    ),
    row(
        "The size of a server's database is that of a directory",
        "daemon/storage/readings.py",
        ('    if engine.dialect.name == "postgresql":\n', '    if engine.dialect.name == "none":\n'),
        "tests/unit/storage/test_readings.py::test_a_server_tells_the_size_of_the_database",
    ),
    row(
        "An upgrade takes the driver of a server away",
        "systemd/install.sh",
        ('[ ! -d "$package" ] || extras=postgresql', ":"),
        "tests/unit/systemd/test_install.py::test_the_driver_of_a_server_is_installed_if_it_is_asked_for_and_stays",
    ),
)
