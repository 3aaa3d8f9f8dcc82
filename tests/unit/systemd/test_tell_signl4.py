"""What is said to SIGNL4 of a failure and of its end, and the mark between the two."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.listener import Listener, after_request, answering, listening, says
from tests.support.tell_signl4 import PATH, Place, place

TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
MONITORED = {
    "MONITOR_UNIT": "betterstack-signl4.service",
    "MONITOR_SERVICE_RESULT": "exit-code",
    "MONITOR_EXIT_STATUS": "78",
}


@dataclass(frozen=True)
class Teller:
    """An instance whose SIGNL4 takes everything at once."""

    place: Place
    signl4: Listener

    def tell(self, kind: str, **environment: str) -> tuple[int, str]:
        """Without the pause before an end."""
        told = self.place.tell(kind, **{"PATH": f"{self.place.root}/bin:{PATH}"} | environment)
        return told.returncode, told.stderr

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(asked.partition(b"\r\n\r\n")[2]) for asked in self.signl4.asked]

    def statuses(self) -> list[str]:
        return [event["X-S4-Status"] for event in self.events()]


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sleep").symlink_to("/bin/true")
    with listening(answering(TAKEN)) as signl4:
        yield Teller(place(tmp_path, f'[signl4]\nbase_url = "{signl4.url}"\n'), signl4)


def test_a_failure_is_told_once_and_ends_with_the_next_start(teller: Teller) -> None:
    assert teller.tell("new", **MONITORED) == (0, "")
    assert teller.tell("new", **MONITORED) == (0, "SIGNL4 was told already\n")
    assert teller.tell("resolved") == (0, "")
    assert not teller.place.mark.exists()
    assert teller.tell("new") == (0, "")
    assert teller.statuses() == ["new", "resolved", "new"]
    first = teller.events()[0]
    assert first == {
        "Title": "betterstack-signl4 (config) on vm has failed: nobody is told of incidents",
        "Cause": "result exit-code, exit 78; look at: systemctl status betterstack-signl4.service",
        "X-S4-ExternalID": "betterstack-signl4-alarm-service-vm-config",
        "X-S4-Status": "new",
        "X-S4-SourceSystem": "betterstack-signl4",
    }


NAMES = [
    'a"b',
    "a\\x2db",
    "a\\",
    "a\nb",
    "a\tb\x1b[0m",
    "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n",
    "%s%n",
    "$(id)`id`",
    "@a",
    "*",
]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_host_or_a_unit_is_called_the_event_is_json(teller: Teller, name: str) -> None:
    shown = "".join(character for character in name if character >= " ")
    assert teller.tell("new", HOST=name, MONITOR_UNIT=name) == (0, "")
    (event,) = teller.events()
    assert event["Title"] == f"betterstack-signl4 (config) on {shown} has failed: nobody is told of incidents"
    assert event["Cause"].endswith(f"systemctl status {shown}")
    assert event["X-S4-ExternalID"] == f"betterstack-signl4-alarm-service-{shown}-config"


@pytest.mark.parametrize("name", ["a\\x2db", "a=b", "a b", "-a", "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n"])
def test_an_instance_may_have_any_name(teller: Teller, name: str) -> None:
    teller.place.config.rename(teller.place.root / f"{name}.toml")
    assert teller.tell("new", INSTANCE=name) == (0, "")
    assert (teller.place.root / name).read_text() == "told\n"
    assert teller.events()[0]["X-S4-ExternalID"] == f"betterstack-signl4-alarm-service-vm-{name}"


def test_what_was_not_taken_is_told_again_and_closed_too(tmp_path: Path, teller: Teller) -> None:
    with listening(after_request(says(REFUSED))) as signl4:
        assert teller.tell("new", SIGNL4__BASE_URL=signl4.url) == (1, "SIGNL4 answered HTTP 503\n")
    assert teller.place.mark.read_text() == "asked\n"
    assert teller.tell("new") == (0, "")
    with listening(after_request(says(REFUSED))) as signl4:
        assert teller.tell("resolved", SIGNL4__BASE_URL=signl4.url)[0] == 1
    assert teller.place.mark.read_text() == "told\n"
    assert teller.tell("resolved") == (0, "")
    assert teller.statuses() == ["new", "resolved"]


@pytest.mark.parametrize("kind", ["new", "resolved"])
def test_a_place_that_takes_no_mark_keeps_nobody_from_being_told(teller: Teller, kind: str) -> None:
    """Nor is it told again and again."""
    code, said = teller.tell(kind, STATE_DIRECTORY="/proc/1")
    assert (code, teller.statuses()) == (0, [kind])
    assert said.count("by hand") == (2 if kind == "new" else 0)


def test_a_mark_that_cannot_be_removed_ends_the_alert_once(teller: Teller) -> None:
    teller.place.mark.mkdir()
    code, said = teller.tell("resolved")
    assert (code, teller.statuses()) == (0, ["resolved"])
    assert "remove it by hand" in said


def test_the_mark_is_the_users_alone(teller: Teller) -> None:
    teller.tell("new")
    assert teller.place.mark.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("arguments", [("",), ("acknowledged",), ("new; id",)])
def test_another_word_is_refused(teller: Teller, arguments: tuple[str]) -> None:
    told = teller.place.tell(*arguments)
    assert (told.returncode, told.stdout, told.stderr) == (1, "", "tell-signl4 new|resolved\n")
    assert teller.events() == []
