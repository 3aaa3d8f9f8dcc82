"""A recorded history becomes a script, or a sentence that says what is wrong with it."""

from pathlib import Path

import pytest

from daemon.model.errors import DaemonError
from daemon.sandbox.history import Act
from daemon.sandbox.replay import PLAYING_TIME, ReplayError, read_recording
from daemon.sandbox.script import Cue
from tests.support.paths import DATA

SMALL = DATA / "replay-small.csv"
HEADER = "offset_s,title,ack_after_s,close_after_s\n"


def written(directory: Path, content: str) -> Path:
    file = directory / "past.csv"
    file.write_text(content, "utf-8")
    return file


def test_each_line_is_an_incident_that_may_be_acknowledged_and_resolved(tmp_path: Path) -> None:
    lines = "10.5,Shop,4,8\n11,API,,2\n12,Mail,3,\n13,Disk,,\n"
    recording = read_recording(written(tmp_path, HEADER + lines), 2.0)
    assert recording.script.cues == (
        Cue(5.25, Act.OPENED, "2", name="Shop", cause="Replayed alert"),
        Cue(7.25, Act.ACKNOWLEDGED, "2", by="On duty"),
        Cue(9.25, Act.RESOLVED, "2"),
        Cue(5.5, Act.OPENED, "3", name="API", cause="Replayed alert"),
        Cue(6.5, Act.RESOLVED, "3"),
        Cue(6.0, Act.OPENED, "4", name="Mail", cause="Replayed alert"),
        Cue(7.5, Act.ACKNOWLEDGED, "4", by="On duty"),
        Cue(6.5, Act.OPENED, "5", name="Disk", cause="Replayed alert"),
    )


@pytest.mark.parametrize(
    ("last_end", "speed"), [(PLAYING_TIME * 1000, 1000.0), (PLAYING_TIME * 2, 2.0), (PLAYING_TIME / 2, 1.0), (0, 1.0)]
)
def test_the_playing_takes_the_same_time_whatever_the_length(tmp_path: Path, last_end: float, speed: float) -> None:
    recording = read_recording(written(tmp_path, f"{HEADER}0,Shop,,{last_end}\n"), None)
    assert recording.speed == speed
    assert recording.duration == last_end
    assert recording.script.length <= PLAYING_TIME


def test_a_title_may_hold_commas_quotes_and_any_letter(tmp_path: Path) -> None:
    content = "\ufeff" + HEADER + '0,"Shop, ""new"" 🔥",,\n\n'
    assert [alert.title for alert in read_recording(written(tmp_path, content), 1).alerts] == ['Shop, "new" 🔥']


def test_columns_may_stand_in_another_order_and_beside_others(tmp_path: Path) -> None:
    content = "title,team,close_after_s,ack_after_s,offset_s\nShop,Ops,2,1,0\n"
    [alert] = read_recording(written(tmp_path, content), 1).alerts
    assert (alert.title, alert.offset, alert.ack_after, alert.close_after) == ("Shop", 0.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "past.csv line 1: column offset_s is missing; the header must be " + HEADER.strip()),
        ("offset_s,title,ack_after_s\n", "past.csv line 1: column close_after_s is missing"),
        (HEADER, "holds no alert; put one on a line below the header"),
        (HEADER + "0,Shop,,\n,API,,\n", "past.csv line 3, column offset_s: is empty; every alert needs its time"),
        (HEADER + "soon,Shop,,\n", "past.csv line 2, column offset_s: 'soon' is not a number of seconds from zero up"),
        (HEADER + "-1,Shop,,\n", "past.csv line 2, column offset_s: '-1' is not"),
        (HEADER + "nan,Shop,,\n", "past.csv line 2, column offset_s: 'nan' is not"),
        (HEADER + "inf,Shop,,\n", "past.csv line 2, column offset_s: 'inf' is not"),
        (HEADER + "0,Shop,x,\n", "past.csv line 2, column ack_after_s: 'x' is not"),
        (HEADER + "0,Shop,,-0.5\n", "past.csv line 2, column close_after_s: '-0.5' is not"),
        (HEADER + "0,Shop,9,8\n", "past.csv line 2, column ack_after_s: 9 lies after the close at 8"),
        (HEADER + "0, ,,\n", "past.csv line 2, column title: is empty; every alert needs one"),
        (HEADER + "0,Shop,\n", "past.csv line 2: the number of columns is not that of the header"),
        (HEADER + "0,Shop, again,,\n", "past.csv line 2: the number of columns is not that of the header"),
        (HEADER + '0,"Shop\n,,\n', "past.csv is not a CSV file in UTF-8"),
    ],
)
def test_a_mistake_is_told_in_one_sentence_with_its_place(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(ReplayError) as error:
        read_recording(written(tmp_path, content), None)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"nothing\.csv cannot be read \(No such file or directory\)"):
        read_recording(tmp_path / "nothing.csv", None)
    with pytest.raises(ReplayError, match="cannot be read"):
        read_recording(tmp_path, None)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReplayError, match="is not a CSV file in UTF-8"):
        read_recording(tmp_path / "binary.csv", None)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_must_be_above_zero(speed: float) -> None:
    with pytest.raises(ReplayError, match="the speed must be a number above zero"):
        read_recording(SMALL, speed)


def test_the_errors_are_for_the_operator() -> None:
    assert issubclass(ReplayError, DaemonError)


def test_the_small_recording_has_bursts_and_every_kind_of_life() -> None:
    alerts = read_recording(SMALL, None).alerts
    lives = {(alert.ack_after is not None, alert.close_after is not None) for alert in alerts}
    assert lives == {(True, True), (True, False), (False, True), (False, False)}
    offsets = sorted(alert.offset for alert in alerts)
    assert any(offsets[place + 5] - offsets[place] < 0.3 for place in range(len(offsets) - 5))
