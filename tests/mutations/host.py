"""The machine and the configuration: clocks, the log, the journal, and what a reload tells."""

from tests.mutations.mutation import row

SLIM = "tests/unit/host/test_slim_imports.py"

ROWS = (
    row(
        "What a command imports is looked through for garbage",
        "daemon/host/slim_imports.py",
        ("    gc.disable()\n", ""),
        f"{SLIM}::test_nothing_is_looked_through_for_garbage_within_and_all_that_comes_later_is",
        "tests/unit/cli/test_options.py::test_only_while_a_command_imports_what_it_works_with_nobody_looks_for_garbage",
    ),
    row(
        "After the imports nobody looks for garbage any more",
        "daemon/host/slim_imports.py",
        ("        gc.enable()\n", ""),
        f"{SLIM}::test_nothing_is_looked_through_for_garbage_within_and_all_that_comes_later_is",
    ),
    row(
        "Garbage is kept for ever each time that something is imported",
        "daemon/host/slim_imports.py",
        ("if not gc.get_freeze_count():", "if True:"),
        f"{SLIM}::test_what_the_first_one_leaves_is_looked_through_at_no_later_time",
    ),
    row(
        "One answer sets the clock",
        "daemon/host/clock.py",
        ("if not known or any(abs(reported - moment) <= TOLERANCE for moment in known):", "if reported is not None:"),
        "tests/unit/host/test_their_clock.py::test_another_time_than_was_known_takes_two_answers_in_a_row",
    ),
    row(
        "The log shows the texts of others as they are",
        "daemon/host/log.py",
        ('"\\n".join(map(printable, redacted(text, *secrets).split("\\n")))', "redacted(text, *secrets)"),
        "tests/unit/model/test_printable.py::test_a_line_of_the_log_is_one_line_without_harm",
    ),
    row(
        "The entries of the journal hold secrets",
        "daemon/host/log.py",
        ("partial(journal.write, _shown(_entry(whole), secrets))", "partial(journal.write, _entry(whole))"),
        "tests/unit/host/test_journal.py::test_no_field_holds_a_secret_or_begins_another",
    ),
    row(
        "The entries of the journal hold line breaks",
        "daemon/host/journal.py",
        ("{' '.join(str(value).splitlines())}", "{value}"),
        "tests/unit/host/test_journal.py::test_no_field_holds_a_secret_or_begins_another",
    ),
    row(
        "A reload tells secrets",
        "daemon/config/configuration.py",
        ("hidden = is_secret(key) or isinstance(after, dict)", "hidden = isinstance(after, dict)"),
        "tests/unit/config/test_load_differences.py::test_each_change_is_a_phrase",
    ),
    row(
        "What stands in place of a secret is taken for one",
        "daemon/config/types.py",
        ("        if pattern.fullmatch(secret):\n", "        if not secret:\n"),
        "tests/unit/config/test_types_secrets.py::test_what_is_no_secret_is_refused_with_the_mend",
        "tests/unit/config/test_settings_sample.py::test_the_examples_of_secrets_are_none",
    ),
    row(
        "Quotes that an env file keeps belong to the name of the team",
        "daemon/config/types.py",
        ("    if _QUOTED.fullmatch(value):\n", "    if not value:\n"),
        "tests/unit/config/test_types_secrets.py::test_a_team_or_an_external_id_in_quotes_would_match_nothing",
    ),
    row(
        "The listing of the settings shows secrets",
        "daemon/config/in_force.py",
        ("""return f'"{HIDDEN}"'""", """return f'"{value.reveal()}"'"""),
        "tests/unit/config/test_in_force.py::test_secrets_are_masked",
        "tests/unit/cli/test_check.py::test_show_prints_each_setting_before_the_plan",
    ),
    row(
        "The listing names a source that does not count",
        "daemon/config/in_force.py",
        ("return found | {key:", "return {key:"),
        ("for key in variables}\n", "for key in variables} | found\n"),
        "tests/unit/config/test_in_force.py::test_each_says_where_it_comes_from",
    ),
    row(
        "Curl finds authorities by itself",
        "systemd/tell-signl4",
        ("unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE", ":"),
        "tests/unit/systemd/test_tell_signl4_ways.py::test_both_arrive_at_the_same_place",
    ),
    row(
        "The secret is on curl's command line",
        "systemd/tell-signl4",
        ("curl -q --config - --silent", 'curl -q --url "$base/webhook/$(encoded "$secret")" --config - --silent'),
        "tests/unit/systemd/test_tell_signl4_secret.py::test_no_command_line_holds_the_secret",
    ),
    row(
        "The hint for an unknown key leads to another section",
        "daemon/config/hints.py",
        ('if one.startswith(f"{section}.")]', 'if one.startswith("http.")]'),
        "tests/unit/config/test_load_sentences.py::TestUnknownKeys::test_are_told_with_the_nearest_one_of_their_section_or_with_all_of_them",
    ),
    row(
        "An empty credential is called missing",
        "daemon/config/hints.py",
        ("return unset | files", "return unset"),
        "tests/unit/config/test_load_files.py::TestCredentials::test_that_are_empty_are_called_empty_where_nothing_else_gives_them",
    ),
    row(
        "A byte order mark is a mistake in the first line",
        "daemon/config/text_file.py",
        ("if content.startswith(mark):", "if content == mark:"),
        "tests/unit/config/test_load_files.py::TestToml::test_in_another_encoding_is_a_mistake_that_names_it",
    ),
    row(
        "Where there is no default, it is said to be null",
        "daemon/config/validate.py",
        ('return "leave it out if you do not need it" if default in {None, MISSING} else', "return"),
        "tests/unit/config/test_load_sentences.py::test_a_mistake_is_one_exact_sentence",
    ),
    row(
        "Output that nothing takes ends in a traceback",
        "daemon/__main__.py",
        (" and not _output_fails()", ""),
        "tests/unit/cli/test_database.py::test_output_that_cannot_be_written_is_a_sentence",
    ),
    row(
        "A test alert whose sentence cannot be printed stays open",
        "daemon/cli/check.py",
        ("            unwritten = error\n", "            raise\n"),
        "tests/unit/cli/test_diagnose.py::TestTestAlert::test_is_closed_though_nothing_of_it_can_be_shown",
    ),
    row(
        "The title of an alarm does not name the host",
        "daemon/decisions/payload.py",
        ('f"{PROGRAM} on {host}: {sentence}"', 'f"{PROGRAM}: {sentence}"'),
        "tests/unit/test_self_check.py::test_a_dead_delivery_is_told_until_it_is_revived",
    ),
    row(
        "The path of a template begins at the working directory",
        "daemon/config/load.py",
        ("folder = Path() if found is None else found.parent", "folder = Path()"),
        "tests/unit/config/test_template_text.py::TestWhereItIsGiven::test_it_gives_the_same_body",
    ),
    row(
        "Placeholders within quotes get more of them",
        "daemon/config/template_text.py",
        ('rf"{_STRING}|({_BARE})"', 'rf"({_BARE})"'),
        "tests/unit/config/test_template_text.py::test_a_bare_placeholder_is_a_text_of_itself",
    ),
    row(
        "A mistake behind a bare placeholder is told in the wrong column",
        "daemon/config/template_text.py",
        ("min(error.pos - after + before, len(text))", "min(error.pos, len(text))"),
        "tests/unit/config/test_template_text.py::test_a_mistake_is_where_it_was_written",
    ),
    row(
        "A template file of any size is read",
        "daemon/config/template_text.py",
        ("if found.st_size > MOST_BYTES:", "if found.st_size < 0:"),
        "tests/unit/config/test_template_text.py::test_a_mistake_in_a_file_is_a_sentence_with_key_file_and_mend",
    ),
    row(
        "A template file may be a list",
        "daemon/config/template_text.py",
        ("if not isinstance(body, dict):", "if body is None:"),
        "tests/unit/config/test_template_text.py::test_a_mistake_in_a_file_is_a_sentence_with_key_file_and_mend",
    ),
    row(
        "A mistake in one template hides all others",
        "daemon/config/template_text.py",
        ("problems.extend(error.problems)", "raise"),
        "tests/unit/config/test_template_text.py::test_a_mistake_hides_no_other",
    ),
    row(
        "Imported TOML shows the secrets of webhooks",
        "daemon/cli/import_webhook.py",
        ("[redacted(line, *secrets) for line in as_toml(pasted)]", "[line for line in as_toml(pasted) if redacted]"),
        "tests/unit/cli/test_import_webhook.py::TestFromBetterStack::test_no_secret_is_shown_wherever_it_stands",
    ),
    row(
        "check --online fails where the token may not read webhooks",
        "daemon/cli/outgoing.py",
        ("    except BetterStackError as error:", "    except ArithmeticError as error:"),
        "tests/unit/cli/test_diagnose_webhooks.py::test_that_they_cannot_be_read_is_one_sentence_and_no_failure",
    ),
    row(
        "`status` needs the template files",
        "daemon/config/template_text.py",
        ("if offline and isinstance(value, str)", "if not offline and value is None"),
        "tests/unit/config/test_template_text.py::test_commands_on_the_database_need_no_template_file",
    ),
)
