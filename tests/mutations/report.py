"""The report: figures, gaps, the page, and our books against SIGNL4's."""

from tests.mutations.mutation import row

FIGURES = "tests/unit/decisions/test_report_figures.py"
TIMELINE = "tests/unit/decisions/test_report_timeline.py"
GAPS = "tests/unit/decisions/test_report_gaps.py"
AUDIT = "tests/unit/decisions/test_report_audit.py"
READ = "tests/unit/storage/test_report.py"
FILE = "tests/unit/cli/test_report_file.py"
AUDIT_FILE = "tests/unit/cli/test_audit_file.py"
MARKUP = "tests/unit/page/test_markup.py"
PAGE = "tests/browser/test_report_page.py"

ROWS = (
    row(
        "A text is not escaped in the page",
        "daemon/page/markup.py",
        ("return escape(legible(text), quote=True)", "return legible(text)"),
        f"{MARKUP}::test_a_text_is_the_same_text_as_a_child_and_as_a_value",
        f"{PAGE}::test_hostile_names_are_texts_that_fit",
    ),
    row(
        "A quotation mark ends an attribute",
        "daemon/page/markup.py",
        ("escape(legible(text), quote=True)", "escape(legible(text), quote=False)"),
        f"{MARKUP}::test_a_text_is_the_same_text_as_a_child_and_as_a_value",
    ),
    row(
        "Marks pile up over the lines above",
        "daemon/page/markup.py",
        ("MOST_MARKS = 3", "MOST_MARKS = 10_000"),
        f"{MARKUP}::test_marks_do_not_pile_up_over_other_lines",
    ),
    row(
        "The page may run scripts",
        "daemon/page/document.py",
        ("\"default-src 'none'; style-src", "\"default-src 'unsafe-inline' *; style-src"),
        "tests/unit/page/test_document.py::test_the_policy_allows_this_style_sheet_and_nothing_else",
        f"{PAGE}::test_the_page_asks_for_nothing_and_its_policy_lets_nothing_run",
    ),
    row(
        "A soft text is too pale",
        "daemon/page/palette.py",
        ('"soft": "#566072"', '"soft": "#8b95a5"'),
        "tests/unit/page/test_palette.py::test_texts_have_a_contrast_of_at_least_four_and_a_half",
        f"{PAGE}::test_nothing_overlaps_runs_out_of_the_window_or_is_too_pale",
    ),
    row(
        "The page is light in the dark",
        "daemon/page/style.py",
        ("@media screen and (prefers-color-scheme:dark)", "@media screen and (prefers-color-scheme:sepia)"),
        f"{PAGE}::test_nothing_overlaps_runs_out_of_the_window_or_is_too_pale",
    ),
    row(
        "Paper is dark",
        "daemon/page/style.py",
        ("@media screen and (prefers-color-scheme:dark)", "@media (prefers-color-scheme:dark)"),
        f"{PAGE}::test_it_prints_on_paper_of_light_colour",
    ),
    row(
        "A table is wider than a phone",
        "daemon/page/style.py",
        (".cards,.cards tbody,.cards tr,.cards td{display:block;width:auto}", ".cards{width:60rem}"),
        f"{PAGE}::test_nothing_overlaps_runs_out_of_the_window_or_is_too_pale",
    ),
    row(
        "Lines of text overlap",
        "daemon/page/style.py",
        (".lanes .times{", ".lanes .times{margin-left:-4rem;"),
        f"{PAGE}::test_nothing_overlaps_runs_out_of_the_window_or_is_too_pale",
    ),
    row(
        "A drawing has no text",
        "daemon/page/charts.py",
        ("        aria_label=says,\n", ""),
        "tests/unit/page/test_document.py::test_each_picture_has_a_text_and_each_heading_of_a_column_its_scope",
        f"{PAGE}::test_each_drawing_says_what_it_shows",
    ),
    row(
        "What a rule held counts as a slow alert",
        "daemon/decisions/report_figures.py",
        ("told_at = None if episode.was_held else episode.told_at", "told_at = episode.told_at"),
        f"{FIGURES}::test_what_a_rule_held_says_nothing_of_how_fast_alerts_are",
    ),
    row(
        "What began before the period counts in it",
        "daemon/decisions/report_figures.py",
        ("        if episode.began_at < self._since:\n            return\n", ""),
        f"{FIGURES}::test_what_began_before_the_period_is_open_time_alone",
    ),
    row(
        "Hours are those of UTC",
        "daemon/decisions/report_figures.py",
        ("there = self._local(episode.began_at)", "there = episode.began_at"),
        f"{FIGURES}::test_hours_and_days_are_those_on_the_clock_of_the_reader",
    ),
    row(
        "Weekdays are taken for hours",
        "daemon/decisions/report_figures.py",
        ("lambda hour: hour // 24", "lambda hour: hour % 7"),
        f"{FIGURES}::test_how_long_it_took_is_known_for_each_hour_and_weekday_on_the_clock_of_the_reader",
    ),
    row(
        "An hour holds what began exactly an hour apart",
        "daemon/decisions/report_figures.py",
        ("while moment - within[0] >= HOUR:", "while moment - within[0] > HOUR:"),
        f"{FIGURES}::test_the_most_within_an_hour_are_counted_wherever_that_hour_begins",
    ),
    row(
        "The shortest opening is not drawn",
        "daemon/decisions/report_timeline.py",
        ("self._waiting[taken + 1] -= 1", "self._waiting[taken] -= 1"),
        f"{TIMELINE}::test_the_shortest_opening_is_seen",
    ),
    row(
        "What was acknowledged before the period waits at its beginning",
        "daemon/decisions/report_timeline.py",
        ("SLOTS // span), BEFORE)", "SLOTS // span), 0)"),
        f"{TIMELINE}::test_what_is_open_ends_with_the_period_and_what_is_older_begins_with_it",
    ),
    row(
        "Who closes an alert in SIGNL4 has ended the incident",
        "daemon/storage/report.py",
        (
            "case((and_(_TO_TEAM, row.kind == constant(Kind.RESOLVED)), row.occurred_at))",
            "case((row.kind == constant(Kind.RESOLVED), row.occurred_at))",
        ),
        f"{READ}::test_who_closes_an_alert_in_signl4_has_acknowledged_it_and_not_ended_the_incident",
    ),
    row(
        "An alarm that was raised behind a period proves nothing of its end",
        "daemon/cli/report_reading.py",
        ("stored.alarms(engine, since, until + poll_after)", "stored.alarms(engine, since, until)"),
        "tests/unit/cli/test_report.py::test_a_period_that_ends_before_the_alarm_knows_of_the_gap_that_led_to_it",
    ),
    row(
        "What was seen late proves a gap although rounds went on",
        "daemon/decisions/report_gaps.py",
        ("return [gap for gap in seen_late if is_quiet(gap)]", "return list(seen_late)"),
        f"{GAPS}::test_what_was_seen_late_proves_nothing_if_rounds_went_on_meanwhile",
    ),
    row(
        "What the first start found proves a gap",
        "daemon/decisions/report_gaps.py",
        (" or episode.began_at < first:", ":"),
        f"{GAPS}::test_an_incident_that_was_seen_late_proves_a_gap_but_not_what_the_first_start_found",
    ),
    row(
        "Any alarm proves that no round was complete",
        "daemon/decisions/report_gaps.py",
        ("        if is_unpolled(one.incident_id)\n", ""),
        f"{GAPS}::test_an_open_alarm_proves_it_until_now_and_other_alarms_prove_nothing",
    ),
    row(
        "A short gap ends a long one",
        "daemon/decisions/report_gaps.py",
        ("max(before.ends_at, one.ends_at)", "one.ends_at"),
        f"{GAPS}::test_a_short_gap_within_a_long_one_does_not_end_it",
    ),
    row(
        "A report reads everything in one transaction's time",
        "daemon/storage/report.py",
        ("BATCH = 500", "BATCH = 10**9"),
        f"{READ}::test_however_many_there_are_no_transaction_reads_more_than_a_batch",
    ),
    row(
        "Only the latest opening of an incident counts",
        "daemon/storage/report.py",
        ("if one.began_at is not None and one.generation != row.generation:", "if False:"),
        f"{READ}::test_each_opening_of_an_incident_counts",
    ),
    row(
        "The program's own alarms count as incidents",
        "daemon/storage/report.py",
        (", INCIDENTS.c.changed_at >= since), ~INCIDENTS.c.is_alarm)", ", INCIDENTS.c.changed_at >= since))"),
        f"{READ}::test_alarms_are_no_incidents_and_are_listed_with_each_time_they_were_open",
    ),
    row(
        "A page takes the place of any file",
        "daemon/cli/report_file.py",
        (" or not beginning_of(place).startswith(BEGINNING)", ""),
        f"{FILE}::test_what_is_no_report_is_left_alone",
    ),
    row(
        "A page is written through somebody else's link",
        "daemon/cli/report_file.py",
        ("place = resolved(file.absolute())", "place = file.resolve()"),
        f"{FILE}::test_a_link_in_a_directory_that_others_can_write_is_not_followed",
    ),
    row(
        "A page that cannot be finished leaves a part",
        "daemon/cli/report_file.py",
        ("            part.unlink()\n", "            pass\n"),
        f"{FILE}::test_if_the_new_name_cannot_be_given_no_part_is_left",
    ),
    row(
        "A spreadsheet runs the name of an incident",
        "daemon/cli/report_csv.py",
        ('return f"\'{shown}" if shown.lstrip().startswith(_FORMULA) else shown', "return shown"),
        "tests/unit/cli/test_report.py::test_csv_has_a_line_for_each_opening_and_nothing_that_a_spreadsheet_runs",
    ),
    row(
        "What the audit file cannot know yet is missing",
        "daemon/decisions/report_audit.py",
        ("elif begins_at <= one.told_at <= ends_at:", "else:"),
        f"{AUDIT}::test_what_the_file_cannot_know_yet_is_not_missing",
    ),
    row(
        "Any alert of the same title is ours",
        "daemon/decisions/report_audit.py",
        ("_like(one, known.values()) if one.event_id is None else None", "_like(one, known.values())"),
        f"{AUDIT}::test_an_event_id_that_is_not_there_is_not_replaced_by_a_like_title",
    ),
    row(
        "An end that is not there goes unnoticed",
        "daemon/decisions/report_audit.py",
        ("return pair.resolved_at is not None and pair.closed_there_at is None and", "return False and"),
        f"{AUDIT}::test_an_end_that_was_told_and_is_not_there_is_said_unless_it_came_too_late_for_the_file",
        "tests/unit/cli/test_report.py::test_what_is_missing_there_or_not_closed_ends_with_1",
    ),
    row(
        "Only one delimiter is understood",
        "daemon/cli/audit_file.py",
        ("delimiter = max(DELIMITERS, key=first.count)", 'delimiter = ";"'),
        f"{AUDIT_FILE}::test_other_delimiters_are_seen_in_the_heading",
    ),
    row(
        "An audit file that a spreadsheet saved as UTF-16 is not understood",
        "daemon/cli/audit_file.py",
        ("(codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)", "(codecs.BOM_UTF16_LE,)"),
        f"{AUDIT_FILE}::test_it_is_the_same_in_whatever_form",
    ),
    row(
        "A line that cannot be read is not counted",
        "daemon/cli/audit_file.py",
        ("            unreadable += 1\n", ""),
        f"{AUDIT_FILE}::test_lines_that_cannot_be_read_are_counted",
    ),
)
