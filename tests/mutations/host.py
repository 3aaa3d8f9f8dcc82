"""The machine and the configuration: clocks, the log, the journal, and what a reload tells."""

from tests.mutations.mutation import row

ROWS = (
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
        "daemon/config/load.py",
        ("hidden = key in secrets or isinstance(after, dict)", "hidden = isinstance(after, dict)"),
        "tests/unit/config/test_load_differences.py::test_each_change_is_a_phrase",
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
)
