"""What `check` says of `[monitors]`, and of rules about what is not looked at."""

from typing import Any

from daemon.config.monitors import MonitorsSection
from daemon.config.settings import KEYS
from daemon.decisions.monitor_remarks import looked_at, monitor_remarks
from daemon.model.monitor import MonitorEvent
from tests.support.each import each
from tests.support.values import settings

ON: dict[str, Any] = {"enabled": True}
BOTH: dict[str, Any] = {"enabled": True, "heartbeats": True}
OFF: dict[str, Any] = {"paused_after": "off", "maintenance_after": "off", "pending_after": "off", "deleted": False}


def said(**monitors: Any) -> list[str]:
    return list(looked_at(settings(monitors=monitors)))


def warned(monitors: dict[str, Any], **sections: Any) -> list[str]:
    return list(monitor_remarks(settings(monitors=monitors, **sections)))


def test_without_it_nothing_is_switched_on() -> None:
    assert said() == said(tell=["created"]) == []


@each(
    ("monitors", "expected"),
    [
        (
            ON,
            (
                "looks at the monitors of Better Stack every 5m, and alerts when one is paused for 7d, in maintenance "
                "for 1d, pending for 1d or deleted while an incident of it is open"
            ),
        ),
        (
            {"heartbeats": True, "interval": "90s", **OFF, "pending_after": "2h"},
            "looks at the heartbeats of Better Stack every 90s, and alerts when one is pending for 2h",
        ),
        ({**BOTH, **OFF}, "looks at the monitors and heartbeats of Better Stack every 5m"),
    ],
)
def test_what_is_looked_at_and_what_alerts_is_said(monitors: dict[str, Any], expected: str) -> None:
    assert said(**monitors) == [expected]


def test_which_events_alert_is_said() -> None:
    assert said(**ON, tell=["created"])[1:] == ["alerts when one is created, whoever did it"]
    [_, every] = said(**ON, tell=list(MonitorEvent))
    assert every == "alerts when one is created, updated, paused, unpaused or deleted, whoever did it"


GIVEN: dict[str, Any] = {
    "interval": "1m",
    "paused_after": "off",
    "maintenance_after": "2d",
    "pending_after": "2d",
    "deleted": False,
    "tell": ["created"],
}


def test_each_key_that_does_nothing_is_named_with_the_mend() -> None:
    assert {f"monitors.{key}" for key in GIVEN} == {key for key in KEYS if key.startswith("monitors.")} - {
        "monitors.enabled",
        "monitors.heartbeats",
    }
    assert warned(GIVEN) == [
        f"monitors.{key} does nothing while neither monitors.enabled nor monitors.heartbeats is true; set one of them, "
        f"or leave {key} out"
        for key in GIVEN
    ]
    assert warned({**GIVEN, **ON}) == warned({**GIVEN, "heartbeats": True}) == []


def test_the_defaults_of_the_sample_are_no_warning() -> None:
    default = MonitorsSection()
    assert warned({"interval": "5m", "deleted": True, "tell": [], "paused_after": default.paused_after}) == []


MONITORS = "is about monitors (match.kind), which are not looked at; set monitors.enabled = true"
HEARTBEATS = "is about heartbeats (match.kind), which are not looked at; set monitors.heartbeats = true"


@each(
    ("kind", "monitors", "expected"),
    [
        ("monitor", {}, [MONITORS]),
        ("MONITOR", {}, [MONITORS]),
        ("heartbeat", {}, [HEARTBEATS]),
        (["monitor", "heartbeat"], {}, [MONITORS, HEARTBEATS]),
        (["monitor", "heartbeat"], ON, [HEARTBEATS]),
        (["monitor", "heartbeat"], BOTH, []),
        (["incident", "monitor"], {}, [MONITORS]),
        ("m*", {}, [MONITORS]),
        ("/beat$/", {}, [HEARTBEATS]),
        ({"not": "incident"}, {}, [MONITORS, HEARTBEATS]),
        ({"not": ["incident", "monitor"]}, {}, [HEARTBEATS]),
        # about incidents as well, without naming what is not looked at
        ("*", {}, []),
        ("incident", {}, []),
        ({"not": "monitor"}, {}, []),
        ({"not": ["monitor", "heartbeat"]}, {}, []),
    ],
)
def test_a_rule_about_what_is_not_looked_at_is_warned_of(
    kind: object, monitors: dict[str, Any], expected: list[str]
) -> None:
    route, window = {"name": "r", "match": {"kind": kind}}, {"name": "w", "match": {"kind": kind}}
    assert warned(monitors, route=[route, {}]) == [f'route "r" {one}' for one in expected]
    times = {"times": ["Sat 22:00-04:00"], "zone": "UTC"}
    assert warned(monitors, maintenance=[window | times]) == [f'maintenance "w" {one}' for one in expected]


def test_a_rule_that_names_no_kind_is_about_none() -> None:
    assert warned({}, route=[{"match": {"source": "monitor", "name": "monitor"}}]) == []
