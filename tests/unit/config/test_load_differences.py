"""What a reload says of the settings that changed: every key, and no secret."""

from typing import Any

import pytest

from daemon.config.configuration import differences
from daemon.config.settings import KEYS, SECTIONS
from tests.support.values import settings

CHANGES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"poll": {"interval": "20s"}}, ['poll.interval from "30s" to "20s"']),
    (
        {"delivery": {"concurrency": 8, "acknowledged": False}},
        [
            "delivery.acknowledged from true to false",
            "delivery.concurrency from 4 to 8",
        ],
    ),
    ({"betterstack": {"team_name": "Operations"}}, ['betterstack.team_name from none to "Operations"']),
    ({"betterstack": {"token": "another-token"}}, ["betterstack.token changed"]),
    ({"signl4": {"secret": "another-secret"}}, ["signl4.secret changed"]),
    ({"http": {"proxy": "http://user:hunter2@proxy:3128"}}, ["http.proxy changed"]),
    ({"heartbeat": {"urls": ["https://beat.example.com/hunter2"]}}, ["heartbeat.urls changed"]),
    ({"payload": {"new": {"Title": "hunter2"}}}, ["payload.new changed"]),
]


@pytest.mark.parametrize(("sections", "expected"), CHANGES)
def test_each_change_is_a_phrase(sections: dict[str, Any], expected: list[str]) -> None:
    assert differences(settings(), settings(**sections)) == expected


def test_the_way_back_is_a_change_as_well() -> None:
    for sections, expected in CHANGES:
        assert len(differences(settings(**sections), settings())) == len(expected)


def test_every_key_is_compared() -> None:
    sections = {key.partition(".")[0] for key in KEYS}
    assert sections == set(SECTIONS)
