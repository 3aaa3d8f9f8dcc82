"""The rules: which incidents one is about."""

from tests.mutations.mutation import row

TELLING = "tests/unit/test_telling.py"
SLIM = "tests/unit/host/test_slim_imports.py"
HIDDEN = "tests/unit/config/test_hidden.py"
IN_FORCE, ROUTE = "tests/unit/config/test_in_force.py", "tests/unit/cli/test_route.py"
REMARKS = "tests/unit/decisions/test_rule_remarks.py"
PATTERN, MATCH, MATCHING = (
    "tests/unit/config/test_pattern.py",
    "tests/unit/config/test_match.py",
    "tests/unit/decisions/test_matching.py",
)

ROWS = (
    row(
        "A shell pattern needs to match a part of the text only",
        "daemon/config/pattern.py",
        ('"" if pattern.endswith("*") else r"\\z"', '""'),
        f"{PATTERN}::test_what_a_pattern_matches",
        f"{MATCHING}::test_all_at_once_is_the_same_as_one_after_the_other",
    ),
    row(
        "A shell pattern ends at a line break",
        "daemon/config/pattern.py",
        ("(?is:", "(?i:"),
        f"{PATTERN}::test_what_a_pattern_matches",
    ),
    row(
        "A shell pattern tells upper from lower case",
        "daemon/config/pattern.py",
        ("(?is:", "(?s:"),
        f"{PATTERN}::test_a_shell_pattern_matches_what_it_does_for_the_standard_library",
    ),
    row(
        "An expression that RE2 does not understand is taken",
        "daemon/config/pattern.py",
        ("    _check(value)\n", ""),
        f"{PATTERN}::test_what_is_no_pattern_is_refused_with_the_fix",
        f"{MATCH}::test_what_is_no_match_is_refused_with_the_fix",
    ),
    row(
        "A source that does not exist is taken",
        "daemon/config/match.py",
        ("if field in _KNOWN else", 'if field == "" else'),
        f"{MATCH}::test_what_is_no_match_is_refused_with_the_fix",
    ),
    row(
        "A negated condition is written as a plain one",
        "daemon/config/match.py",
        ('return {"not": value} if condition.negated else value', "return value"),
        f"{MATCH}::test_a_match_survives_being_written_and_being_handed_over",
    ),
    row(
        "A text from outside is compared at any length",
        "daemon/decisions/facts.py",
        ("[text[:LIMIT] for text in given]", "given"),
        "tests/unit/decisions/test_facts.py::test_a_long_text_is_compared_up_to_a_limit",
    ),
    row(
        "All incidents without source and name flap together",
        "daemon/decisions/facts.py",
        ('if name else f"incident {incident.id}"', ""),
        "tests/unit/decisions/test_facts.py::test_an_incident_flaps_by_its_source_else_by_its_name",
    ),
    row(
        "The last pattern for a field decides alone",
        "daemon/decisions/matching.py",
        ("satisfied |= wanted", "satisfied = wanted"),
        f"{MATCHING}::test_all_at_once_is_the_same_as_one_after_the_other",
    ),
    row(
        "An unwanted text does no harm beside a wanted one",
        "daemon/decisions/matching.py",
        ("spoiled |= unwanted", "spoiled = unwanted"),
        f"{MATCHING}::test_all_at_once_is_the_same_as_one_after_the_other",
    ),
    row(
        "An absent field meets each condition",
        "daemon/decisions/matching.py",
        ("self._wanting |= 0 if condition.negated else bit", "self._wanting |= 0"),
        f"{MATCHING}::test_which_incident_meets_a_match",
    ),
    row(
        "In a set that gives up nothing matches",
        "daemon/decisions/matching.py",
        ("if matched is None:", "if self.searched is None:"),
        ("for position in matched if", "for position in matched or () if"),
        f"{MATCHING}::test_a_set_that_gives_up_is_not_taken_for_one_in_which_nothing_matches",
    ),
    row(
        "A set without any match looks as one that gave up",
        "daemon/decisions/matching.py",
        ('for pattern in (*map(expression, patterns), ""):', "for pattern in map(expression, patterns):"),
        f"{MATCHING}::test_no_pattern_is_searched_by_itself_where_nothing_matches",
    ),
    row(
        "What is too large for one set is found at the wrong place",
        "daemon/decisions/matching.py",
        ("yield from _parts(patterns[middle:], first + middle)", "yield from _parts(patterns[middle:], first)"),
        f"{MATCHING}::test_patterns_that_are_too_large_for_one_set_are_found_as_well",
    ),
    row(
        "An exact text is hidden by a regular expression, whatever its case",
        "daemon/config/hidden.py",
        ('[one for one in patterns if not one.startswith("/")]', "list(patterns)"),
        f"{HIDDEN}::test_whether_an_earlier_match_hides_a_later_one",
    ),
    row(
        "What is negated hides as what is not",
        "daemon/config/hidden.py",
        ("(condition, given) if given.negated else (given, condition)", "(given, condition)"),
        f"{HIDDEN}::test_whether_an_earlier_match_hides_a_later_one",
        f"{HIDDEN}::test_what_is_hidden_is_never_reached",
    ),
    row(
        "A route that matched is said not to match as well",
        "daemon/decisions/route.py",
        ("for position in asked if position not in chosen", "for position in asked"),
        f"{TELLING}::test_a_long_list_of_routes_is_explained_in_a_few_sentences",
    ),
    row(
        "Where no route matches, that is not explained",
        "daemon/decisions/route.py",
        ("range(chosen[-1] if chosen else len(self._routes))", "range(chosen[-1] if chosen else 0)"),
        f"{TELLING}::test_where_no_route_matches_all_are_explained",
    ),
    row(
        "A daemon without rules carries RE2 around",
        "daemon/decisions/matching.py",
        ("from daemon.config.match import", "import re2\nfrom daemon.config.match import"),
        f"{SLIM}::test_nothing_of_it_is_loaded",
    ),
    row(
        "A daemon carries all commands around",
        "daemon/cli/main.py",
        (
            "        module = ",
            "        [*map(import_module, map('daemon.cli.{}'.format, MODULES.values()))]\n        module = ",
        ),
        f"{SLIM}::test_of_the_commands_only_the_one_that_is_asked_for_is_loaded",
    ),
    row(
        "The settings in force are listed without the maintenance windows",
        "daemon/config/in_force.py",
        ("for one in settings.maintenance]", "for one in ()]"),
        f"{IN_FORCE}::test_rules_are_listed_with_their_origin_and_can_be_read_back",
    ),
    row(
        "A route is listed without the times in its match",
        "daemon/config/in_force.py",
        ("(_window(route.match.times) if route.match.times else {})", "{}"),
        f"{IN_FORCE}::test_rules_are_listed_with_their_origin_and_can_be_read_back",
    ),
    row(
        "Nobody can see where the rules come from",
        "daemon/config/in_force.py",
        ("(*(key for key, _ in flat(toml)), *RULES)", "(key for key, _ in flat(toml))"),
        f"{IN_FORCE}::test_the_origin_of_rules_is_the_file",
    ),
    row(
        "Hours past midnight are written as the day has them not",
        "daemon/config/time_table.py",
        ("minutes - DAY if minutes > DAY else minutes", "minutes"),
        "tests/unit/config/test_time_table.py::test_a_text_is_read",
    ),
    row(
        "`route test` takes no notice of silences",
        "daemon/cli/trial.py",
        ("return silences.in_force(connection, now)", "return []"),
        f"{ROUTE}::test_a_silence_of_the_database_would_hold_it_and_nothing_is_recorded",
    ),
    row(
        "`route test` shows the body without what the route lays over it",
        "daemon/cli/trial.py",
        ("overlay=to.overlay.get(Kind.NEW, {})", "overlay={}"),
        f"{ROUTE}::test_for_programs_it_is_an_object",
    ),
    row(
        "`check --template` shows the body without what the route lays over it",
        "daemon/cli/preview.py",
        ("templates.external_id(shown), overlay=overlay)", "templates.external_id(shown))"),
        f"{ROUTE}::test_a_body_for_an_incident_is_that_of_its_route",
    ),
    row(
        "`route test` names teams that would not be told",
        "daemon/cli/trial.py",
        ("        told = ()\n", "        pass\n"),
        f"{ROUTE}::test_the_routes_that_match_and_those_before_them_are_named",
    ),
    row(
        "A route that goes on counts as one that leaves no gap",
        "daemon/decisions/rule_remarks.py",
        (" and not route.continues", ""),
        f"{REMARKS}::test_what_is_hardly_meant_is_said_with_the_mend",
    ),
    row(
        "The team of the alarms is said to be told of nothing",
        "daemon/decisions/rule_remarks.py",
        ("of_sources | {settings.alarm.team}", "named"),
        f"{REMARKS}::test_what_is_hardly_meant_is_said_with_the_mend",
    ),
    row(
        "A hold of a rule that is over is not looked at again",
        "daemon/storage/silences.py",
        ("            rows.release_held(connection, now)\n", ""),
        "tests/e2e/test_rules.py::test_a_silence_holds_what_opens_until_it_is_expired",
    ),
    row(
        "All metadata is compared and kept, however much there is",
        "daemon/decisions/facts.py",
        ("if size <= MOST}", "if size}"),
        "tests/unit/decisions/test_facts.py::test_of_very_much_metadata_the_first_is_compared",
    ),
    row(
        "A silence that is damaged keeps everything from being sent",
        "daemon/storage/silences.py",
        ('return kept if isinstance(kept, dict) else {"damaged": True}', "return kept  # type: ignore[return-value]"),
        "tests/unit/test_telling_held.py::test_a_silence_that_is_damaged_silences_nobody",
    ),
    row(
        "A dead alert that something flaps is told to nobody",
        "daemon/storage/delivery_rows.py",
        (
            "INCIDENTS.c.id == row.c.incident_id, OF_THE_PROGRAM)",
            "INCIDENTS.c.id == row.c.incident_id, INCIDENTS.c.is_alarm)",
        ),
        "tests/unit/test_flapping.py::test_a_dead_alert_that_something_flaps_is_told_of",
    ),
    row(
        "What opened long after an incident makes that flap",
        "daemon/storage/openings.py",
        ("between(since, until)", "between(since, until + 100 * (until - since))"),
        "tests/unit/test_flapping.py::test_what_opened_later_counts_only_within_the_time",
    ),
    row(
        "What ended inside a window is told if it is first seen after that",
        "daemon/decisions/holds.py",
        ("return [(now, now), *whole]", "return [(now, now)]"),
        "tests/unit/test_telling_held.py::test_what_is_first_seen_after_it",
    ),
    row(
        "A silence that is over goes on silencing an alarm",
        "daemon/decisions/holds.py",
        ("for silence in named if silence.covers(now, now)]", "for silence in named]"),
        "tests/unit/decisions/test_holds.py::test_a_silence_that_is_over_holds_only_what_was_over_within_it",
    ),
)
