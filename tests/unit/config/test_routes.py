"""The rules of the configuration: what they say, and what is said of mistakes in them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from daemon.config.validate import validated
from daemon.model.errors import ConfigError
from daemon.model.incident import Kind
from tests.support.values import settings

NEEDED: dict[str, Any] = {
    "betterstack": {"token": "token1"},
    "signl4": {"secret": "secret1", "teams": {"night": {"secret": "secret2"}}},
}
WINDOW: dict[str, Any] = {"name": "w", "times": "Sun 02:00-04:00", "zone": "UTC"}


def problems(**rules: Any) -> tuple[str, ...]:
    try:
        validated({**NEEDED, **rules}, {})
    except ConfigError as error:
        return error.problems
    return ()


def of_route(table: Any) -> str:
    [sentence] = problems(route=[{"name": "first", "match": {"name": "a"}}, table])
    return sentence


ROUTE: list[tuple[Any, str]] = [
    ("db-*", "route 2 must be a table; write it as [[route]] with its keys below"),
    ({"teems": []}, "teems of route 2 is not a known key; the nearest is teams"),
    ({"xyz": []}, "xyz of route 2 is not a known key; the keys are name, match, teams, continue, action, service"),
    ({"continu": True}, "continu of route 2 is not a known key; the nearest is continue"),
    ({"continue": "often"}, "continue of route 2 ('often') should be a valid boolean"),
    ({"name": ""}, "name of route 2 ('') is no name of a rule; take up to 60 letters, digits, spaces and the like"),
    ({"name": 'a"b'}, "name of route 2 ('a\"b') is no name of a rule"),
    ({"name": "first"}, 'two route tables have the name "first"; give each its own'),
    ({"teams": []}, 'route 2 tells no team; name one in teams, or write action = "record"'),
    ({"teams": ["night", "night"]}, "route 2 names a team twice in teams (night, night); leave one out"),
    (
        {"teams": ["day"]},
        "route \"2\" tells team 'day', which is none; take one of default, night, or add [signl4.teams.day]",
    ),
    ({"action": "drop"}, "action of route 2 ('drop') should be 'tell', 'ignore' or 'record'"),
    ({"action": "record", "teams": ["night"]}, 'route 2 has teams, which counts for nothing with action = "record"'),
    ({"action": "ignore", "min_age": "2m"}, 'route 2 has min_age, which counts for nothing with action = "ignore"'),
    (
        {"scenario": "double_ack"},
        "scenario of route 2 ('double_ack') should be 'single_ack', 'multi_ack' or 'emergency'",
    ),
    ({"min_age": "2 days"}, "min_age of route 2 ('2 days') is not a duration"),
    ({"min_age": "2d"}, "min_age of route 2 ('2d') is out of range; take 0s to 1d"),
    ({"flap": {"count": 3}}, "flap.within of route 2 is missing; write it into that table"),
    ({"flap": {"count": 1, "within": "30m"}}, "flap.count of route 2 ('1') is out of range; take 2 to 100"),
    (
        {"flap": {"count": 3, "within": "30m", "withn": "1m"}},
        "flap.withn of route 2 is not a known key; the nearest is flap.within",
    ),
    ({"payload": {"newe": {}}}, "payload.newe of route 2 is not a known key; the nearest is payload.new"),
    ({"payload": {"new": {"Since": datetime(2026, 1, 1)}}}, "payload.new of route 2 holds a datetime at 'Since'"),  # noqa: DTZ001 - as TOML gives it
    ({"match": "db-*"}, 'route 2: match is not a table; write it like match = { name = "db-*" }'),
    ({"match": {"nam": "db-*"}}, "route 2: match.nam is not a known key; the nearest is match.name"),
    ({"match": {"name": "/(?=a)/"}}, "route 2: match.name ('/(?=a)/') is not understood"),
    ({"match": {"zone": "UTC"}}, "route 2: match.zone is there without match.times; add times, or leave it out"),
    (
        {"match": {"times": "25:00-26:00", "zone": "UTC"}},
        "route 2: match.times ('25:00-26:00') names a time that no day",
    ),
    ({"match": {"times": "Sat"}}, "route 2: match.zone is missing"),
    ({"match": {"times": "Sat", "zone": "Europe/Berln"}}, "route 2: match.zone ('Europe/Berln')"),
    (
        {"match": {"name": ["a"]}},
        'route "2" decides nothing: whatever it matches, route "first" before it matches, too',
    ),
]


@pytest.mark.parametrize(("table", "begins"), ROUTE)
def test_a_mistake_in_a_route_is_named_with_its_place_and_the_mend(table: Any, begins: str) -> None:
    sentence = of_route(table)
    assert sentence.startswith(begins)


MAINTENANCE: list[tuple[Any, str]] = [
    ("Sunday", "maintenance 1: it must be a table; write its keys below a line [[maintenance]]"),
    ({**WINDOW, "rule": 1}, "maintenance 1: rule is not a known key; the nearest is rrule"),
    ({**WINDOW, "zone": "Mars"}, "maintenance 1: zone ('Mars')"),
    ({**WINDOW, "match": {"nme": "x"}}, "maintenance 1: match.nme is not a known key; the nearest is match.name"),
    ({"name": "w"}, "maintenance 1: times is missing"),
]


@pytest.mark.parametrize(("table", "begins"), MAINTENANCE)
def test_a_mistake_in_a_window_is_named_with_its_place_and_the_mend(table: Any, begins: str) -> None:
    [sentence] = problems(maintenance=[table])
    assert sentence.startswith(begins)


def test_all_mistakes_are_named_at_once() -> None:
    found = problems(route=[{"action": "x"}, {"min_age": "y"}], maintenance=[{**WINDOW, "times": "z"}])
    assert [sentence.partition(" (")[0] for sentence in found] == [
        "action of route 1",
        "min_age of route 2",
        "maintenance 1: times",
    ]


@pytest.mark.parametrize("rules", [{"route": "all"}, {"route": {"name": "x"}}, {"maintenance": 3}])
def test_what_is_no_list_of_tables_is_said_to_be_none(rules: Any) -> None:
    [(key, _)] = rules.items()
    assert problems(**rules) == (f"{key} must be a list of tables; write each as [[{key}]] with its keys below",)


HIDDEN: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {"match": {"name": "db"}}, True),
    ({"match": {"name": "db-*"}}, {"match": {"name": "db-1", "call": True}}, True),
    ({"match": {"name": "db-*"}}, {}, False),
    ({"continue": True}, {}, False),
    ({"match": {"times": "Sat", "zone": "UTC"}}, {}, False),
    ({"match": {"times": "Sat", "zone": "UTC"}}, {"match": {"times": "Sat", "zone": "UTC", "name": "x"}}, True),
    ({}, {"match": {"times": "Sat", "zone": "UTC"}}, True),
    ({"action": "ignore"}, {}, True),
]


@pytest.mark.parametrize(("earlier", "later", "hidden"), HIDDEN)
def test_a_route_that_an_earlier_one_always_hides_is_a_mistake(
    earlier: dict[str, Any], later: dict[str, Any], hidden: bool
) -> None:
    assert bool(problems(route=[{"name": "first", **earlier}, later])) is hidden


def test_a_route_without_anything_is_for_everything() -> None:
    [route] = settings(route=[{}]).route
    assert (route.name, route.teams, route.action, route.min_age) == ("1", ["default"], "tell", timedelta(0))
    assert [route.overlay(kind) for kind in Kind] == [{}, {}, {}]


def test_what_signl4_shall_do_is_laid_over_the_body_of_a_new_alert() -> None:
    given = {"service": "Databases", "scenario": "multi_ack", "location": "52.52,13.40", "filtering": True}
    [route] = settings(route=[{**given, "payload": {"new": {"Runbook": "$URL"}, "resolved": {"Text": "over"}}}]).route
    assert route.overlay(Kind.NEW) == {
        "Runbook": "$URL",
        "X-S4-Service": "Databases",
        "X-S4-AlertingScenario": "multi_ack",
        "X-S4-Location": "52.52,13.40",
        "X-S4-Filtering": True,
    }
    assert [route.overlay(kind) for kind in (Kind.ACKNOWLEDGED, Kind.RESOLVED)] == [{}, {"Text": "over"}]
