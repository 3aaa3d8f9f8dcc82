"""The page of a report, as its parts say what there is."""

import re
from base64 import b64encode
from hashlib import sha256

from daemon.model.report import Alarm, Gap, Retried, Retries, Rounds
from tests.support.reports import SINCE, opening, shown
from tests.support.values import NOW, ago
from tests.unit.page.test_markup import Parsed

RETRIED = Retried(7, "1026", "Shop", "new", "night", "dead", 5, None, "HTTP 400")


def text(page: str) -> str:
    """What is read, without the style sheet."""
    return Parsed(re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)).text


def test_an_empty_report_says_that_there_is_nothing() -> None:
    said = text(shown())
    for sentence in (
        "No incidents.",
        "Nothing opened three times within an hour.",
        "Every delivery was accepted at the first try.",
        "No gap is known.",
        "nothing to measure",
    ):
        assert sentence in said, sentence
    assert "Alarms of the program" not in said


def test_the_title_names_the_period_and_the_foot_says_who_made_it_when() -> None:
    said = text(shown())
    assert "Incidents, 24 Oct \N{EN DASH} 23 Nov 2026" in said
    assert "2026-10-24 09:30 to 2026-11-23 09:30, UTC" in said
    assert "Made by betterstack-signl4 at 2026-11-23 09:30 (UTC)" in said


def test_what_is_known_is_on_the_page() -> None:
    began = ago(hours=5)
    told = opening("Mail", told_at=ago(hours=4), resolved_at=ago(hours=3), tries=2)
    gap = Gap(ago(hours=9), ago(hours=7), "the alarm & its <text>")
    said = text(
        shown(
            told,
            *(opening("Flapper", hours) for hours in (1, 1.2, 1.4)),
            opening("Held", was_held=True),
            retries=Retries(9, 1, 1, 0, (RETRIED,)),
            gaps=(gap,),
            hours_in_gaps=1,
            alarms=(Alarm("x", "cannot be polled", began),),
            rounds=Rounds(ago(days=2), NOW, None),
        )
    )
    for phrase in (
        "4 still open; 4 never told",
        "Those with the most tries first.",
        "of 9; 1 dead",
        "1 known gap",
        "Not counted: 1 alert that a rule held.",
        "the alarm & its <text>",
        "Nothing is recorded before 2026-11-21 09:30.",
        "new to night",
        "HTTP 400",
        "cannot be polled",
        "Most on Monday from 08 to 09 h: 3.",
    ):
        assert phrase in said, phrase


def test_the_policy_allows_this_style_sheet_and_nothing_else() -> None:
    page = shown(opening())
    [style] = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    policy = dict(Parsed(page).tags[3][1])
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == {
        "http-equiv": "Content-Security-Policy",
        "content": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    }


def test_each_picture_has_a_text_and_each_heading_of_a_column_its_scope() -> None:
    parsed = Parsed(shown(opening(), opening("B", told_at=ago(hours=1))))
    pictures = [values for tag, values in parsed.tags if tag == "svg"]
    assert len(pictures) > 10
    assert all(values["role"] == "img" and values["aria-label"] for values in pictures)
    assert all("scope" in values for tag, values in parsed.tags if tag == "th")


def test_a_gap_is_in_each_lane_where_it_was() -> None:
    page = shown(opening("A"), opening("B"), gaps=(Gap(SINCE, ago(days=15), ""),))
    assert page.count('<rect x="0" y="0" width="241" height="20" class="gap">') == 2


def test_a_page_is_as_small_whatever_the_number_of_incidents() -> None:
    few = shown(*(opening(f"source {number % 40}", number / 3) for number in range(200)))
    many = shown(*(opening(f"source {number % 4000}", number / 30) for number in range(20_000)))
    assert len(many) < 2 * len(few) < 1_000_000


def test_the_slowest_hour_is_named_and_each_column_says_what_it_is() -> None:
    page = text(shown(opening("A", 5, told_at=ago(hours=4)), opening("B", 3, told_at=ago(hours=2.5))))
    assert "slowest 04 to 05 h: 1 h" in page
    assert "06 to 07 h: median 30 min, nine in ten within 30 min, of 1" in page
    assert "Monday: median 30 min, nine in ten within 1 h, of 2" in page


def test_what_is_left_out_is_said() -> None:
    hours = range(30, 8, -1)
    found = [Gap(ago(hours=hour), ago(hours=hour - 0.5), f"gap {hour}") for hour in hours]
    said = text(shown(gaps=tuple(found)))
    assert "These are the first 20; 2 more are in --json." in said
    assert ("gap 11" in said, "gap 10" in said) == (True, False)
    assert "These are the first" not in text(shown(gaps=tuple(found[:20])))
