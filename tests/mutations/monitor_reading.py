"""Monitors and heartbeats: the client that reads them, and the sandbox that serves them."""

from tests.mutations.mutation import row

LISTS, LIST_TESTS = "daemon/clients/monitors.py", "tests/unit/clients/test_monitors.py"
RECORDS, RECORD_TESTS = "daemon/clients/monitor_records.py", "tests/unit/clients/test_monitor_records.py"
STATE, SERVED = "daemon/sandbox/monitors.py", "tests/sandbox/test_monitors.py"
FORMAT = "daemon/sandbox/monitor_record.py"
TYPED, TYPED_TESTS = "daemon/sandbox/monitor_commands.py", "tests/sandbox/test_monitor_commands.py"
API, MISHAPS = "daemon/sandbox/betterstack.py", "daemon/sandbox/mishaps.py"

ROWS = (
    row(
        "The team is named to the first page of monitors alone",
        LISTS,
        ("params = {**self._betterstack.team,", "params = {**(self._betterstack.team if number == 1 else {}),"),
        f"{LIST_TESTS}::TestPages::test_every_parameter_goes_with_every_page",
    ),
    row(
        "Monitors of another team are taken",
        LISTS,
        ('team is None or one.team_name in {"", team}', "True"),
        f"{LIST_TESTS}::TestTeams::test_what_is_of_another_team_is_left_out",
        f"{SERVED}::test_the_monitors_of_one_team_are_read_whether_or_not_better_stack_filters",
    ),
    row(
        "A monitor that names no team is left out",
        LISTS,
        ('one.team_name in {"", team}', "one.team_name == team"),
        f"{LIST_TESTS}::TestTeams::test_what_is_of_another_team_is_left_out",
    ),
    row(
        "A monitor of another team counts as one that cannot be read",
        LISTS,
        (
            "                found[monitor.id] = monitor",
            "                if team in {None, monitor.team_name}:\n                    found[monitor.id] = monitor",
        ),
        f"{LIST_TESTS}::TestTeams::test_what_is_of_another_team_is_left_out",
    ),
    row(
        "A monitor that comes twice is as it was read first",
        LISTS,
        ("found[monitor.id] = monitor", "found.setdefault(monitor.id, monitor)"),
        f"{LIST_TESTS}::TestPages::test_one_that_comes_twice_counts_once_as_it_was_read_last",
    ),
    row(
        "A list of monitors is over with its first page",
        LISTS,
        ("if not (len(records) >= PER_PAGE if followed is None else followed):", "if number:"),
        f"{LIST_TESTS}::TestPages::test_every_parameter_goes_with_every_page",
        f"{SERVED}::test_a_list_of_many_pages_is_read_to_its_end",
    ),
    row(
        "A list of monitors that names no next page is over with its first one",
        LISTS,
        ("len(records) >= PER_PAGE if followed is None else followed", "followed"),
        f"{LIST_TESTS}::TestPages::test_a_list_that_names_no_next_page_ends_with_the_first_that_is_not_full",
    ),
    row(
        "A page of monitors that brings nothing new ends the list",
        LISTS,
        (
            "            if without_new == PAGES_WITHOUT_NEW:\n",
            "            if without_new:\n                return\n            if without_new == PAGES_WITHOUT_NEW:\n",
        ),
        f"{LIST_TESTS}::TestPages::test_a_page_without_anything_new_is_no_end",
        f"{LIST_TESTS}::TestPages::test_a_list_that_repeats_itself_is_none",
    ),
    row(
        "A list of monitors that repeats itself is read for ever",
        LISTS,
        ("            seen |= ids\n", ""),
        f"{LIST_TESTS}::TestPages::test_a_list_that_repeats_itself_is_none",
        f"{SERVED}::test_faults_of_lists_hit_these_too[endless]",
    ),
    row(
        "A list of monitors that is too long is cut",
        LISTS,
        ('        raise BetterStackError(f"Better Stack\'s list of {kind}s is longer than {MOST_PAGES} pages")\n', ""),
        f"{LIST_TESTS}::TestPages::test_a_list_that_is_too_long_is_an_error_and_not_cut",
    ),
    row(
        "One monitor that cannot be read spoils the list",
        LISTS,
        ("if len(problems) > len(found):", "if problems:"),
        f"{LIST_TESTS}::TestUnreadable::test_some_unreadable_records_are_counted",
        f"{LIST_TESTS}::TestUnreadable::test_as_many_are_not_yet",
    ),
    row(
        "A changed format of monitors is a list without any",
        LISTS,
        ("if len(problems) > len(found):", "if False:"),
        f"{LIST_TESTS}::TestUnreadable::test_more_unreadable_records_than_others_are_a_changed_format",
        f"{SERVED}::test_records_can_be_hidden_spoiled_and_added",
    ),
    row(
        "Another monitor's record is taken for the one that was asked for",
        LISTS,
        ("return monitor if monitor.id == monitor_id else Absence.UNREADABLE", "return monitor"),
        f"{LIST_TESTS}::TestLookup::test_a_record_that_is_not_there_or_not_the_one",
    ),
    row(
        "Any 404 says that there is no such record",
        "daemon/clients/betterstack.py",
        ("is_gone = reply.status == 404 and says_no_such_record(reply)", "is_gone = reply.status == 404"),
        f"{LIST_TESTS}::TestLookup::test_another_404_proves_nothing",
        f"{LIST_TESTS}::test_an_unusable_answer_proves_nothing[404-lookup]",
        "tests/unit/clients/test_betterstack_answers.py",
    ),
    row(
        "The values of a monitor's attributes are kept",
        RECORDS,
        ('key: _digest(f"{whose} {key}", value)', "key: str(value)"),
        f"{RECORD_TESTS}::test_no_secret_is_kept",
        f"{SERVED}::test_nothing_secret_is_read",
    ),
    row(
        "The address of a heartbeat is kept",
        RECORDS,
        ('url = _address(attributes) if kind is MonitorKind.MONITOR else ""', "url = _address(attributes)"),
        f"{RECORD_TESTS}::test_the_address_of_a_heartbeat_is_a_secret",
        f"{SERVED}::test_nothing_secret_is_read[heartbeat]",
    ),
    row(
        "The password in a monitor's address is kept",
        RECORDS,
        ('_USER.sub(r"\\1", url.strip())', "url.strip()"),
        f"{RECORD_TESTS}::test_of_an_address_user_and_password_are_left_out",
    ),
    row(
        "A long password in a monitor's address is cut and kept",
        RECORDS,
        ('_cut(_USER.sub(r"\\1", url.strip()))', '_USER.sub(r"\\1", _cut(url.strip()))'),
        f"{RECORD_TESTS}::test_of_an_address_user_and_password_are_left_out",
    ),
    row(
        "Who uses one password for two monitors can be seen",
        RECORDS,
        ("json.dumps([where, value],", "json.dumps([value],"),
        f"{RECORD_TESTS}::test_nobody_sees_that_two_of_them_share_a_password",
    ),
    row(
        "Another order of keys is a change of a monitor",
        RECORDS,
        ("sort_keys=True", "sort_keys=False"),
        f"{RECORD_TESTS}::test_the_order_of_keys_is_no_change",
    ),
    row(
        "The status is part of a monitor's configuration",
        RECORDS,
        ('_BY_ITSELF = {"status", ', "_BY_ITSELF = {"),
        f"{RECORD_TESTS}::test_what_changes_by_itself_is_no_part_of_the_configuration",
        f"{SERVED}::test_what_happens_to_a_monitor_is_seen",
    ),
    row(
        "Each check of a monitor changes its configuration",
        RECORDS,
        (' and not key.endswith("_at")', ""),
        f"{RECORD_TESTS}::test_what_changes_by_itself_is_no_part_of_the_configuration",
        f"{SERVED}::test_what_happens_to_a_monitor_is_seen",
    ),
    row(
        "A monitor may have any number of attributes",
        RECORDS,
        ("if len(attributes) > MOST_ATTRIBUTES:", "if len(attributes) > 10 * MOST_ATTRIBUTES:"),
        f"{RECORD_TESTS}::test_what_cannot_be_read_is_said",
    ),
    row(
        "An attribute of a monitor may have a name of any length",
        RECORDS,
        ("len(key) > LONGEST_KEY", "len(key) > 10 * LONGEST_KEY"),
        f"{RECORD_TESTS}::test_what_cannot_be_read_is_said",
    ),
    row(
        "The name of a monitor is as long as somebody likes",
        RECORDS,
        ("return text[:LONGEST_TEXT]", "return text"),
        f"{RECORD_TESTS}::test_long_texts_are_cut_and_as_many_attributes_as_are_allowed_are_read",
    ),
    row(
        "A monitor whose attributes nest too deeply ends in a traceback",
        RECORDS,
        ("except RecursionError:", "except MemoryError:"),
        f"{RECORD_TESTS}::test_what_nests_too_deeply_cannot_be_read",
    ),
    row(
        "The status of a monitor is read as it is spelled",
        RECORDS,
        ('_text(attributes, "status").lower()', '_text(attributes, "status")'),
        f"{RECORD_TESTS}::test_a_record_is_read",
        f"{LIST_TESTS}::TestLookup::test_its_own_record_is_asked_for",
    ),
    row(
        "An incident of the sandbox names a monitor that is not there",
        STATE,
        (
            'found = next((record.id for record in self.records() if record.kind is kind), "")',
            "found = next(one[0] for one in STANDING if one[1] is kind)",
        ),
        f"{SERVED}::test_without_a_monitor_an_incident_names_none",
    ),
    row(
        "In the sandbox a pause does not move `updated_at`",
        FORMAT,
        ('self.updated(at, {"paused_at": spelled_time(at)', 'self.changed({"paused_at": spelled_time(at)'),
        f"{SERVED}::test_what_happens_to_a_monitor_is_seen",
    ),
    row(
        "In the sandbox a status moves `updated_at`",
        STATE,
        ('record.changed({"status": word})', 'record.updated(now, {"status": word})'),
        f"{SERVED}::test_a_monitor_is_added_paused_let_go_on_changed_and_deleted",
        f"{SERVED}::test_what_happens_to_a_monitor_is_seen",
    ),
    row(
        "A page of monitors is as short as one of incidents",
        STATE,
        ("place_of(query, DEFAULT_PER_PAGE, MOST_PER_PAGE)", "place_of(query)"),
        f"{SERVED}::test_a_page_holds_fifty_or_up_to_250",
    ),
    row(
        "In the sandbox a heartbeat can be read as a monitor",
        API,
        ("        if record.kind != kind:\n            raise RefusedError(404, NO_RECORD)\n", ""),
        f"{SERVED}::test_what_is_not_there_is_said_in_the_usual_words",
    ),
    row(
        "Monitors of the sandbox of each start have the same ids",
        "daemon/sandbox/world.py",
        ("FIRST_MONITOR_ID + first_id - FIRST_ID", "FIRST_MONITOR_ID"),
        f"{SERVED}::test_monitors_of_another_start_have_other_ids",
    ),
    row(
        "Lists of monitors count as lists of incidents for faults",
        MISHAPS,
        ("    return request.path == LIST\n", "    return request.path == LIST or monitor_lists(request)\n"),
        f"{SERVED}::test_faults_of_lists_of_incidents_leave_these_alone_and_the_other_way_round",
    ),
    row(
        "Monitors lag as single incidents do",
        "daemon/sandbox/lag.py",
        ("return monitors if monitor_lists(request) or monitor_lookups(request) else lookups", "return lookups"),
        f"{SERVED}::test_they_lag_apart_from_incidents",
    ),
    row(
        "What is typed about an attribute ends the sandbox",
        STATE,
        (
            "def update(self, monitor_id: str, /, **attributes: object)",
            "def update(self, monitor_id: str, **attributes: object)",
        ),
        f"{TYPED_TESTS}::test_any_attribute_may_get_any_value",
    ),
    row(
        "The end of two monitors' ids means the first of them",
        TYPED,
        ("if len(found) > 1:", "if len(found) > 9:"),
        f"{TYPED_TESTS}::test_the_end_of_an_id_must_be_clear",
    ),
    row(
        "What happens to a monitor of the sandbox is not printed",
        "daemon/sandbox/news.py",
        ("        lines += [_monitor(one) for one in monitors[self._monitors :]]\n", ""),
        f"{TYPED_TESTS}::test_each_change_is_a_line_once",
    ),
)
