"""What the components of one configuration share with those of another."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from sqlalchemy import Engine

from daemon.config.configuration import Configuration
from daemon.host.clock import SteadyClock, TheirClock
from daemon.host.liveness import Liveness
from daemon.limiter import Limiter
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
