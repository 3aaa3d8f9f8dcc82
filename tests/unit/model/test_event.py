"""Events are values: the log shows their fields, and the page of all events is made from them."""

import ast
from dataclasses import fields
from itertools import chain
from pathlib import Path

import pytest

import daemon
from daemon.model.event import Event, Level
from daemon.model.events import deliveries, health, process, rounds
from daemon.model.incident import Kind
from tests.support.each import each
from tests.support.events_page import FIELDS, ORDER, PAGE, kinds, modules, shown_fields, written

ALL = list(chain.from_iterable(kinds(subject) for subject in ORDER))
WHAT = "7", Kind.NEW, 2


def test_the_page_of_all_events_is_as_they_are() -> None:
    assert set(ORDER) == modules()
    assert PAGE.read_text("utf-8") == written(), "write it anew: python -m tests.support.events_page"


@each("kind", ALL)
def test_each_kind_says_what_happened_and_whoever_must_act_what_to_do(kind: type[Event]) -> None:
    assert (kind.__doc__ or "").endswith("."), "a sentence"
    assert kind.event
    assert kind.todo or kind.level not in {Level.ERROR, Level.WARNING}, "what to do"


def test_the_page_says_what_each_field_means() -> None:
    assert shown_fields() == FIELDS.keys(), "say it in tests/support/events_page.py"
    assert all(f"| `{name}` | {meaning} |" in PAGE.read_text("utf-8") for name, meaning in FIELDS.items())


def test_each_kind_happens_somewhere() -> None:
    names = set()
    for file in Path(daemon.__file__).parent.rglob("*.py"):
        tree = ast.parse(file.read_text())
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {kind.__name__ for kind in ALL} - names == set()


SHOWN = {
    "all fields": (
        deliveries.Delivered(*WHAT, "e-1"),
        "info",
        "delivered",
        {"incident": "7", "kind": "new", "attempt": 2, "event_id": "e-1"},
    ),
    "Better Stack, which gives no event": (
        deliveries.Delivered(*WHAT, team="Better Stack"),
        "info",
        "delivered",
        {"team": "Better Stack", "incident": "7", "kind": "new", "attempt": 2},
    ),
    "a first failure": (
        deliveries.NotDelivered(*WHAT, "503"),
        "warning",
        "not delivered yet",
        {"incident": "7", "kind": "new", "attempt": 2, "error": "503"},
    ),
    "the same failure": (
        deliveries.NotDelivered(*WHAT, "503", repeated=True),
        "debug",
        "not delivered yet",
        {"incident": "7", "kind": "new", "attempt": 2, "error": "503"},
    ),
    "what need not be said": (rounds.RoundFailed("no such host"), "error", "round failed", {"error": "no such host"}),
    "a sentence": (
        process.ConfigurationRefused("no token"),
        "error",
        "the new configuration is refused, the old one stays in force: no token",
        {},
    ),
    "an alarm": (
        health.AlarmRaised("a", Kind.NEW, "what"),
        "error",
        "alarm",
        {"incident": "a", "kind": "new", "what": "what"},
    ),
    "its end": (
        health.AlarmClosed("a", Kind.RESOLVED, "what"),
        "info",
        "alarm",
        {"incident": "a", "kind": "resolved", "what": "what"},
    ),
    "an alarm past the outbox": (
        health.AlarmRaised("a", Kind.NEW, "what", taken=False, error="503"),
        "error",
        "alarm",
        {"incident": "a", "kind": "new", "what": "what", "taken": False, "error": "503"},
    ),
}


@pytest.mark.parametrize(("event", "level", "text", "shown"), SHOWN.values(), ids=SHOWN)
def test_what_the_log_shows(event: Event, level: str, text: str, shown: dict[str, object]) -> None:
    assert (event.severity(), event.text(), event.shown()) == (level, text, shown)
    assert set(event.shown()) <= {one.name for one in fields(event)}
