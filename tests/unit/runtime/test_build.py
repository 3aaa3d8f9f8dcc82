"""What the components of one configuration share with those of another."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from sqlalchemy import Engine

from daemon.config.configuration import Configuration
from daemon.host.clock import SteadyClock, TheirClock
from daemon.host.liveness import Liveness
from daemon.limiter import Limiter
from daemon.pager import Pager
from daemon.runtime.build import build
from daemon.runtime.shared import Shared
from daemon.runtime.surroundings import Surroundings
from tests.support.kept_log import KeptLog
from tests.support.values import settings

ONE, OTHER = "https://signl4.example.com", "https://signl4.example.org"


def limiter_of(shared: Shared, log: KeptLog, signl4: Mapping[str, Any]) -> Limiter:
    """That of the deliveries under such a configuration."""
    liveness = {"poll": Liveness(), "deliver": Liveness()}
    configuration = Configuration(settings(signl4=signl4), None, ())
    with closing(build(configuration, shared, lambda _: log, liveness, lambda: None)) as components:
        return components.senders["default"]._admissions._limiter


def test_each_account_has_one_limit_whatever_the_team_and_whatever_was_in_force_meanwhile(
    engine: Engine, log: KeptLog
) -> None:
    clock = SteadyClock()
    shared = Shared(engine, Surroundings(), clock, TheirClock(clock))
    first = limiter_of(shared, log, {"base_url": ONE})
    assert limiter_of(shared, log, {"base_url": OTHER}) is not first
    assert limiter_of(shared, log, {"base_url": ONE, "secret": "another-team"}) is first


def pagers(engine: Engine, log: KeptLog, signl4: Mapping[str, Any]) -> dict[str, Pager]:
    """What the deliveries to each team are sent to, under such a configuration."""
    clock = SteadyClock()
    shared = Shared(engine, Surroundings(), clock, TheirClock(clock))
    liveness = {job: Liveness() for job in ("poll", "deliver", "deliver-night", "deliver-far")}
    configuration = Configuration(settings(signl4=signl4), None, ())
    with closing(build(configuration, shared, lambda _: log, liveness, lambda: None)) as components:
        found = dict[str, Pager]()
        for team, sender in components.senders.items():
            assert isinstance(sender._target, Pager)
            assert sender._due._looks_up == sender._target.looks_up
            found[team] = sender._target
        return found


TEAMS = {"night": {"secret": "of-the-night"}, "far": {"secret": "of-another-account", "account": "another"}}


def test_what_may_have_been_taken_is_looked_up_for_the_teams_of_the_account_of_the_key(
    engine: Engine, log: KeptLog
) -> None:
    found = pagers(engine, log, {"base_url": ONE, "api_key": "a-key", "teams": TEAMS})
    assert {team: pager.looks_up for team, pager in found.items()} == {"default": True, "night": True, "far": False}
    assert not found["default"]._alone, "an alert may be of the team `night`"
    assert pagers(engine, log, {"api_key": "a-key"})["default"]._alone
    far = {"far": TEAMS["far"]}
    assert pagers(engine, log, {"api_key": "a-key", "teams": far})["default"]._alone, "the key shows no other"


def test_without_a_key_nothing_is_looked_up(engine: Engine, log: KeptLog) -> None:
    assert not any(pager.looks_up for pager in pagers(engine, log, {"teams": TEAMS}).values())
