"""How the view looks, in windows of any size."""

import re
from dataclasses import replace
from datetime import timedelta

from rich.cells import cell_len

from daemon.cli.live import screen
from daemon.cli.live.keys import Key
from daemon.cli.live.view import View, press, settled
from daemon.cli.times import Times
from daemon.model.delivery import DeliveryState
from daemon.model.incident import Phase
from daemon.model.standing import Standing
from tests.support.each import each
from tests.support.standing import figures, message, opened, standing
from tests.support.values import NOW, ago

LONG = "Checkout of the shop in the region eu-central-1, zone b, behind the second balancer"
FULL = standing(
    tuple(opened(number, message(number), name=f"{LONG} {number}") for number in range(100, 160)),
    tuple(message(number, DeliveryState.DEAD, last_error="400: a field is missing") for number in range(100, 140)),
    last_round_error="HTTP 503",
    failing_since=ago(minutes=1),
    event_limit=30,
)
SIZES = [(80, 24), (200, 60), (40, 10), (20, 5), (5, 3), (1, 1)]


def shown(found: Standing, *keys: str, size: tuple[int, int] = (80, 24), **changes: object) -> list[str]:
    """Without colours."""
    view = settled(View(), found)
    for key in keys:
        view, _ = press(view, key, found, 10)
    lines = screen.lists(view, replace(figures(found), **changes), Times(utc=True, now=NOW), *size)  # type: ignore[arg-type]
    return [bare(line) for line in lines]


def bare(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip()


@each("keys", [[], [Key.TAB, Key.END], ["s"], ["s", Key.ENTER, *"x" * 150], ["R"], ["R", "n"]])
@each("size", SIZES)
def test_it_fits_any_window(size: tuple[int, int], keys: list[str]) -> None:
    for found in (standing(), FULL):
        lines = shown(found, *keys, size=size)
        assert len(lines) == size[1]
        assert max(map(cell_len, lines)) <= size[0]


def test_at_80_by_24_all_parts_are_there() -> None:
    found = standing(
        (opened(1, message(1, DeliveryState.DELIVERED)), opened(2, silent_because="not confirmed yet", name="")),
        (message(3, attempts=1, last_error="HTTP 503", due_at=NOW + timedelta(seconds=7), team="database"),),
        event_limit=30,
    )
    rounds = (ago(seconds=10), ago(seconds=20), ago(seconds=50))
    assert shown(found, rounds=rounds) == [
        "11-23 09:30:00  healthy  no process",
        "rounds  last complete 10 s ago, the ones before it 10 s, 30 s apart",
        "limits  0 sent in the last 15 s, of 30",
        "open incidents: 2",
        "> 1  5 min 0 s  open  Shop front page: Stat\u2026  new accepted 4 min 0 s ago",
        "  2  5 min 0 s  open  Status 503              nobody is told: not confirmed yet",
        "outbox: 0 dead, 1 pending",
        "  3  3  new  Shop front page            database: try 2 in 7 s: HTTP 503",
        *[""] * 15,
        "q quit  Tab other list  \u2191\u2193 move  Enter why  r retry  R retry all dead  s silence",
    ]


def test_what_fails_is_said_above_the_lists() -> None:
    lines = shown(FULL)
    assert lines[0] == "11-23 09:30:00  NOT HEALTHY  no process"
    assert lines[1].startswith("- 40 dead; look at: deliveries --state dead")
    assert lines[2] == "rounds  last complete 10 s ago; for 1 min 0 s they fail: HTTP 503"
    assert "open incidents: 60" in lines
    assert "outbox: 40 dead, 0 pending" in lines


def test_problems_are_whole_where_there_is_room_and_counted_where_there_is_none() -> None:
    report = figures(FULL).health
    few, many = (
        replace(report, problems=["a " * 60]),
        replace(report, problems=[f"{n} {LONG} {LONG}" for n in range(9)]),
    )
    assert shown(FULL, health=few)[1:3] == [f"- {('a ' * 39).strip()}", ("a " * 21).strip()]
    cut = shown(FULL, health=many)
    assert [line[:3] for line in cut[1:5]] == ["- 0", "- 1", "- 2", "- a"]
    assert cut[4] == "- and 6 more; `status` has them all"


def test_the_limit_and_what_it_makes_of_the_queue_are_told() -> None:
    found = replace(standing(), sent_lately=12, holds={"database": NOW + timedelta(seconds=40)})
    lines = shown(found, health=replace(figures(found).health, queue_seconds=120))
    assert "limits  12 sent in the last 15 s, of 10 until SIGNL4 says more; what waits need" in lines[2]
    wide = shown(found, size=(200, 24), health=replace(figures(found).health, queue_seconds=120))
    assert wide[2].endswith("; what waits needs 2 min 0 s; team database sends nothing for 40 s")


def test_the_row_under_the_cursor_is_seen_however_long_the_list_is() -> None:
    for keys in ([Key.END], [Key.PAGE_DOWN], [Key.TAB, Key.END]):
        assert len([line for line in shown(FULL, *keys) if line.startswith(">")]) == 1
    assert any(line.startswith("> 159") for line in shown(FULL, Key.END))


def test_a_list_that_needs_little_leaves_the_room_to_the_other() -> None:
    lines = shown(replace(FULL, outbox=FULL.outbox[:1]))
    assert len([line for line in lines if LONG[:15] in line]) == 16
    lines = shown(replace(FULL, incidents=FULL.incidents[:1]))
    assert len([line for line in lines if "400: a field" in line]) == 16


def test_a_question_is_asked_on_the_last_line_below_what_is_wrong_with_the_answer() -> None:
    assert shown(FULL, "s")[-1].endswith("silence it for how long? 1h_")
    assert shown(FULL, "s", "x", Key.ENTER)[-3:] == [
        """'1hx' is not a duration; write it like "30s", "5m", "6h", "90d" or a number of""",
        "seconds",
        shown(FULL, "s", "x")[-1],
    ]


def test_the_end_of_a_long_answer_is_seen() -> None:
    assert shown(FULL, "s", Key.ENTER, *"a" * 100, *"the end")[-1].endswith("athe end_")


def test_no_text_from_outside_steers_the_terminal_or_is_markup() -> None:
    bad = "[bold]x[/bold]\x1b[2J\u202ey"
    found = standing((opened(1, name=bad, cause="", phase=Phase.ACKNOWLEDGED),), (message(2, incident_name=bad),))
    for lines in (shown(found), shown(found, "s")):
        assert "[bold]x[/bold]" in "\n".join(lines)
        assert not {"\x1b", "\u202e"} & set("".join(lines))


def test_a_story_is_wrapped_and_scrolled_to_its_end_and_not_beyond() -> None:
    lines = screen.story([(f"11-23 09:30:{n:02}", f"{n} {LONG}") for n in range(30)], 80)
    assert len(lines) == 60
    assert screen.most_scroll(lines, 24) == 38
    page = [bare(line) for line in screen.page("1  Shop", lines, 80, 24, 38)]
    assert (len(page), page[0], page[-1]) == (24, "1  Shop", "Esc back  \u2191\u2193 PgUp PgDn move")
    assert page[-3].startswith("11-23 09:30:29  29 Checkout")
    assert screen.most_scroll(lines[:3], 24) == 0
