"""What the audience sees."""

import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from daemon.sandbox.display import MANY, Frame, LineDisplay, LiveDisplay, Output
from daemon.sandbox.report import table
from daemon.sandbox.rules import Silenced, Team
from tests.sandbox.tale import NOON, Tale
from tests.support.each import each

LIFE = "start open show NEW ack show ACK resolve show RES"


def frame(tale: Tale, *, elapsed: float = 50.0, length: float = 100.0, down: bool = False) -> Frame:
    return Frame(NOON, elapsed, length, tale.world.history, tale.verdict(), down, "playing")


def lines_of(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]


def printed(stage: io.StringIO) -> list[str]:
    lines = lines_of(stage.getvalue())
    stage.truncate(0)
    stage.seek(0)
    return lines


def test_in_a_file_each_thing_is_a_line_once_and_in_order() -> None:
    file, tale = io.StringIO(), Tale()
    with LineDisplay(Console(file=file, width=120), every_thing=True) as display:
        display.show(frame(tale.tell("start open show NEW")))
        assert printed(file) == ["Better Stack 20.0 opened Shop", "SIGNL4 40.0 new +20.0 Shop"]
        display.show(frame(tale))
        assert printed(file) == []
        display.show(frame(tale.tell("ack show ACK")))
        assert printed(file) == ["Better Stack 50.0 acknowledged Shop", "SIGNL4 70.0 acknowledged +20.0 Shop"]


def test_an_outage_is_told_when_it_begins_and_ends() -> None:
    file, tale = io.StringIO(), Tale()
    with LineDisplay(Console(file=file, width=120), every_thing=True) as display:
        for down in (False, True, True, False):
            display.show(frame(tale, elapsed=7, down=down))
    assert printed(file) == ["SIGNL4 7.0 down, answers 503", "SIGNL4 7.0 up again"]


def test_of_a_long_play_each_tenth_is_a_line() -> None:
    file, tale = io.StringIO(), Tale().tell(LIFE)
    with LineDisplay(Console(file=file, width=120), every_thing=False) as display:
        for elapsed in (0, 5, 10, 19, 55, 130):
            display.show(frame(tale, elapsed=elapsed))
    assert printed(file) == [f"{tenth} % 3 things happened, SIGNL4 was told 3" for tenth in (0, 10, 50, 100)]


@pytest.fixture
def _a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the tests themselves run on: a dumb one shows no picture."""
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.usefixtures("_a_terminal")
def test_on_a_terminal_the_services_stand_side_by_side() -> None:
    file, tale = io.StringIO(), Tale().tell("start unconfirmed show confirm show NEW")
    console = Console(file=file, width=100, height=20, force_terminal=True, color_system=None)
    with LiveDisplay(console) as display:
        display.show(frame(tale, down=True))
        text = file.getvalue()
    assert "50.0 s: playing" in text
    assert "SIGNL4: down, answers 503" in text
    [row] = [line for line in text.splitlines() if "Shop" in line][:1]
    assert re.search(r"20\.0\s+unconfirmed\s+Shop.*60\.0\s+new\s+\+20\.0\s+Shop", row)


@pytest.mark.usefixtures("_a_terminal")
def test_a_small_terminal_shows_what_is_newest() -> None:
    file, tale = io.StringIO(), Tale()
    for number in range(30):
        tale.world.open(f"incident {number}")
        tale.now += timedelta(seconds=1)
    console = Console(file=file, width=80, height=12, force_terminal=True, color_system=None)
    with LiveDisplay(console) as display:
        display.show(frame(tale))
        text = file.getvalue()
    assert "incident 29" in text
    assert "incident 20" not in text


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> "Report":
    return Report(capsys)


class Report:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def of(self, tale: Tale) -> list[str]:
        Output().report(tale.verdict(), NOON)
        return lines_of(self._capsys.readouterr().out)


def test_the_report_names_each_incident_and_ends_with_the_sentence(report: Report) -> None:
    tale = Tale().tell("start open ack resolve show NEW RES").tell("open show NEW NEW").tell("unconfirmed show")
    lines = report.of(tale)
    assert "Shop 20.0 opened 60.0 new +40.0" in lines
    assert "right; 1 superseded 30.0 acknowledged 70.0 resolved +30.0" in lines
    assert any("doubled: new was told 2 times; right is 1 time" in line for line in lines)
    assert any("right: no alert" in line for line in lines)
    assert " ".join(lines[-2:]) == tale.verdict().sentence


def test_the_report_says_which_team_was_told_and_what_a_silence_did(report: Report) -> None:
    tale = Tale().tell("start open show NEW@dba resolve show RES@dba")
    tale.teams = [Team("dba", "4dmsbk8x", "shop")]
    assert "Shop (dba) 20.0 opened 40.0 new +20.0" in report.of(tale)
    tale = Tale().tell("start open show resolve show").tell("open show NEW")
    since, until = NOON, NOON + timedelta(seconds=75)
    tale.silences = [Silenced("shop", since, until, until)]
    lines = report.of(tale)
    assert [line.partition(" ")[2][:8] for line in lines if line.startswith("right")][:2] == ["silenced", "held"]
    assert "held opened inside the silence and still open at its end: told then" in lines


def test_of_many_incidents_the_report_gives_figures_and_names_those_with_a_flaw(report: Report) -> None:
    tale = Tale().tell("start")
    for _ in range(MANY + 1):
        tale.tell("open show NEW resolve show RES")
    assert not any("Shop" in line for line in report.of(tale))
    lines = report.of(tale.tell("open show"))
    assert "│ new │ 61 │ 20.00 s │ 20.00 s │ 20.00 s │" in lines
    assert "│ resolved │ 61 │ 20.00 s │ 20.00 s │ 20.00 s │" in lines
    assert len([line for line in lines if re.match(r"Shop \d", line)]) == 1
    assert "Shop: lost: new was told 0 times; right is 1 time" in lines


def test_what_is_said_is_wrapped_and_what_is_quoted_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither is taken for markup."""
    text = "[FIRING:1] [bold]Data[/bold] " + "word " * 40 + "end"
    Output().say(text)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert said.split() == text.split()
    Output().quote(text)
    assert capsys.readouterr().out == f"{text}\n"


@each("name", ["Shop", "Sixteen letters.", "A name that is so long that it cannot be in one line of any terminal " * 3])
def test_all_lines_fit_eighty_columns_in_a_pipe(name: str) -> None:
    file = io.StringIO()
    tale = Tale().tell("start open ack resolve show NEW RES").tell("open show NEW NEW RES ACK")
    cases = [
        replace(case, name=name, happened=tuple(replace(one, by="Maximilian") for one in case.happened))
        for case in tale.verdict().cases
    ]
    shown = replace(frame(tale), verdict=replace(tale.verdict(), cases=tuple(cases)))
    console = Console(file=file, width=80)
    with LineDisplay(console, every_thing=True) as display:
        display.show(shown)
    console.print(table(cases, NOON))
    lines = file.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    # What happened, when and how late is whole, however long the name.
    assert any("acknowledged by Maximilian" in line for line in lines)
    assert [line.split()[-3:] for line in lines if line.rstrip().endswith("+40.0")] == [["60.0", "new", "+40.0"]]


@pytest.mark.usefixtures("_a_terminal")
def test_on_a_terminal_of_eighty_columns_both_sides_show_a_name_of_sixteen_letters() -> None:
    file, tale = io.StringIO(), Tale().tell("start open show NEW")
    shown = frame(tale)
    happened = [replace(one, name="Payment provider") for one in shown.history]
    cases = tuple(replace(case, name="Payment provider") for case in shown.verdict.cases)
    console = Console(file=file, width=80, height=24, force_terminal=True, color_system=None)
    with LiveDisplay(console) as display:
        display.show(replace(shown, history=happened, verdict=replace(shown.verdict, cases=cases)))
        [row] = [line for line in file.getvalue().splitlines() if "opened" in line][:1]
    assert row.count("Payment provider") == 2


def test_a_file_is_no_place_for_a_moving_picture(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(Output().display(3), LineDisplay)
    assert capsys.readouterr().out == ""
