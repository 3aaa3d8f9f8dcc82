"""`[monitors]`: what may stand there, what is said of mistakes, and how what is off is shown."""

from datetime import timedelta
from pathlib import Path

import pytest

from daemon.config.configuration import differences
from daemon.config.in_force import listed
from daemon.config.load import load
from daemon.config.place import Place, place
from daemon.model.errors import ConfigError
from daemon.model.monitor import MonitorEvent, MonitorKind
from tests.support.each import each
from tests.support.values import mistake, settings

SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}
SPANS = ("paused_after", "maintenance_after", "pending_after")
FORM = 'is not a duration; write it like "30s", "5m", "6h", "90d" or a number of seconds, or "off"'
EVENTS = "created, updated, paused, unpaused and deleted"
EITHER = [(False, False, ()), (True, False, ("monitor",)), (False, True, ("heartbeat",))]
BOTH = (True, True, ("monitor", "heartbeat"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@each(("enabled", "heartbeats", "kinds"), [*EITHER, BOTH])
def test_each_kind_is_looked_at_by_itself(enabled: bool, heartbeats: bool, kinds: tuple[str, ...]) -> None:
    assert settings(monitors={"enabled": enabled, "heartbeats": heartbeats}).monitors.kinds == kinds


@each("key", SPANS)
def test_each_alert_can_be_off(key: str) -> None:
    for off in ("off", "OFF", " off ", False):
        assert getattr(settings(monitors={key: off}).monitors, key) is None
    assert getattr(settings(monitors={key: "90m"}).monitors, key) == timedelta(minutes=90)


@each(
    ("key", "value", "sentence"),
    [
        *((key, value, FORM) for key in SPANS for value in ("soon", True, [1], "none")),
        *((key, value, "is out of range; take 1m to 365d") for key in SPANS for value in ("59s", 0, "366d")),
        ("interval", "0.5s", "is out of range; take 1s to 1d"),
        ("interval", "off", FORM.removesuffix(', or "off"')),
        ("tell", ["bogus"], f"holds 'bogus', which is no event; those are {EVENTS}"),
        ("tell", ["created", "x" * 90], f"holds '{'x' * 40}', which is no event; those are {EVENTS}"),
        ("tell", "created", 'should be a valid list; write it like ["created", "deleted"]'),
    ],
)
def test_a_mistake_is_a_sentence_with_the_mend(key: str, value: object, sentence: str) -> None:
    assert mistake("monitors", key, value) == sentence


def test_a_list_in_the_environment_that_is_no_json_is_shown_how_it_is_written() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, SECRETS | {"MONITORS__TELL": "created"})
    [sentence] = caught.value.problems
    assert sentence.startswith("monitors.tell is not JSON")
    assert sentence.endswith('; write it like ["created", "deleted"]')


def test_any_event_may_be_told_in_whatever_case() -> None:
    assert settings(monitors={"tell": [event.upper() for event in MonitorEvent]}).monitors.tell == list(MonitorEvent)


def test_what_is_off_is_shown_as_it_is_written() -> None:
    """As what is not set it would be read back as the default."""
    off = settings(monitors=dict.fromkeys(SPANS, "off"))
    for key in SPANS:
        assert f'monitors.{key} = "off"  # default' in list(listed(off, {}))
    assert "# duty.warn_after is not set" in list(listed(off, {}))
    assert differences(settings(), off) == [
        'monitors.paused_after from "7d" to "off"',
        'monitors.maintenance_after from "1d" to "off"',
        'monitors.pending_after from "1d" to "off"',
    ]
    assert differences(settings(), settings(duty={"warn_after": "1h"})) == ['duty.warn_after from none to "1h"']


# -- what a command on the database needs -----------------------------------------------------------------------------


@each("text", ["true", "True", "yes", "on", "1", "t", "y", "false", "no", "off", "0", "f", "n"])
def test_a_command_on_the_database_knows_what_is_looked_at(text: str) -> None:
    environ = SECRETS | {"MONITORS__ENABLED": text}
    assert place(None, environ) == Place.of(load(None, environ).settings)


def test_what_is_neither_true_nor_false_hides_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[monitors]\nenabled = 'perhaps'\nheartbeats = true\n[poll]\ninterval = '7m'\n")
    found = place(file, {})
    assert found.looked_at == (MonitorKind.HEARTBEAT,)
    assert found.poll_interval == timedelta(minutes=7)
