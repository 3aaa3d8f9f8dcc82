"""What can be typed into a running sandbox about monitors and heartbeats."""

import re

import pytest

from daemon.model.monitor import MonitorKind
from daemon.sandbox.news import News
from tests.sandbox.test_commands import Typist
from tests.support.each import each

SHOP, BACKUP, ADDED = "2345678", "77", "2345679"


@pytest.fixture
def typist() -> Typist:
    return Typist()


def test_a_monitor_goes_through_its_whole_life(typist: Typist) -> None:
    lines = ("add Payment provider", "pause 679", "unpause 679", "maintenance 679", "pending 679", "up 679", "down 679")
    assert typist.types(*(f"monitor {line}" for line in lines), "mon set 679 check_frequency 60", "mon del 679") == []
    changes = typist.world.monitors.changes
    assert [(one.act, one.status) for one in changes] == [
        ("added", "up"),
        ("paused", "paused"),
        ("unpaused", "up"),
        *(("restated", word) for word in ("maintenance", "pending", "up", "down")),
        ("updated", "down"),
        ("deleted", "down"),
    ]
    assert {(one.monitor_id, one.kind, one.name) for one in changes} == {(ADDED, "monitor", "Payment provider")}


def test_a_heartbeat_is_added_and_obeys_the_same_words(typist: Typist) -> None:
    assert typist.types("monitor heartbeat Nightly job", "monitor pause 679", "monitor pause 77") == []
    paused = [one.id for one in typist.world.monitors.records() if one.is_paused]
    assert paused == [BACKUP, ADDED]
    assert typist.world.monitors.record(ADDED).kind is MonitorKind.HEARTBEAT


@each(
    ("text", "value"),
    [
        ("60", 60),
        ("true", True),
        ("null", None),
        ('["us"]', ["us"]),
        ("01:00:00", "01:00:00"),
        ("two words", "two words"),
    ],
)
def test_a_value_is_json_or_a_text(text: str, value: object) -> None:
    typist = Typist()
    assert typist.types(f"monitor set 77 grace {text}") == []
    assert typist.world.monitors.record(BACKUP).attributes["grace"] == value


@each("key", ["monitor_id", "self", "at", "attributes", "updated_at", "status", "team_name", "name", "id"])
@each("value", ["7", "[]", "{}", "null", "[" * 5000])
def test_any_attribute_may_get_any_value(key: str, value: str) -> None:
    typist = Typist()
    assert typist.types(f"monitor set all {key} {value}") == []
    assert len(typist.types("monitor list")) == 2
    for kind in MonitorKind:
        assert len(typist.world.monitors.page(kind, {"team_name": "x"})["data"]) <= 1


def test_all_means_all(typist: Typist) -> None:
    typist.types("monitor add API", "monitor pause all")
    assert {record.attributes["status"] for record in typist.world.monitors.records()} == {"paused"}


@each(
    ("line", "reply"),
    [
        ("monitor add", "? a monitor needs a name"),
        ("monitor heartbeat", "? a heartbeat needs a name"),
        ("monitor pause", "? monitor pause takes one ID, or all"),
        ("monitor up 1 2", "? monitor up takes one ID, or all"),
        ("monitor pause 5", "? there is no monitor '5'; monitor list shows all"),
        ("monitor unpause 77", "? The heartbeat is not paused"),
        ("monitor set 77 grace", "? monitor set takes an ID, an attribute and its value, such as: check_frequency 60"),
        ("monitor frobnicate 7", "? there is no act on a monitor 'frobnicate'; help lists all"),
        ("monitor p 77", "? 'p' may be pause or pending"),
    ],
)
def test_what_cannot_be_done_is_answered_with_a_sentence(line: str, reply: str) -> None:
    assert Typist().types(line) == [reply]


def test_the_end_of_an_id_must_be_clear(typist: Typist) -> None:
    typist.types(*["monitor add API"] * 10)  # ids end in 79 to 88
    assert typist.types("monitor pause 8") == ["? 8 is the end of 2 ids: give more digits"]
    assert typist.types(f"monitor pause {SHOP}") == []


def test_the_list_shows_all(typist: Typist) -> None:
    typist.types("monitor add API\x1b[2J", "monitor pause 77")
    expected = [
        "77          heartbeat  paused        Nightly backup",
        "2345678     monitor    up            Shop front page",
        "2345679     monitor    up            API\ufffd[2J",
    ]
    assert typist.types("monitor") == typist.types("monitor list") == expected


def test_the_help_names_every_act_and_fits_a_terminal(typist: Typist) -> None:
    lines = typist.types("monitor help")
    words = {line.split()[1] for line in lines if line.startswith("  ")}
    assert words == {
        *("list", "add", "heartbeat", "pause", "unpause", "maintenance", "pending", "up", "down", "set", "delete"),
        "help",
    }
    assert max(map(len, lines)) <= 79


def test_each_change_is_a_line_once(typist: Typist) -> None:
    news = News(typist.sandbox)
    typist.types("monitor pause 678", "monitor pending 77")
    time = r"\d\d:\d\d:\d\d"
    paused, pending = news.lines()
    assert re.fullmatch(rf"{time}  Better Stack  paused        monitor 2345678  Shop front page", paused)
    assert re.fullmatch(rf"{time}  Better Stack  restated      heartbeat 77  Nightly backup  now pending", pending)
    assert news.lines() == []
