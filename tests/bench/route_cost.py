"""What routes cost a new incident: `route_cost.py COUNT`, under `PYTHONPATH`, prints seconds of CPU as JSON.

`none` and `many`: of one incident, from its record to the rows that are to be written, without writing them; `ready`:
what it takes before the first one, the reading of the patterns included.
"""

import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import create_engine

from daemon.config.betterstack import BetterStackSection
from daemon.config.routes import RouteSection, read_route_match
from daemon.config.settings import Settings
from daemon.config.signl4 import Signl4Section
from daemon.decisions.reconcile import Policy, reconcile
from daemon.model.incident import Incident, Phase
from daemon.model.secret import Secret
from daemon.storage.incidents import Incidents
from daemon.telling import Telling

INCIDENTS, TIMES = 500, 5
NOW = datetime.now(UTC)
POLICY = Policy(first_start=False, baseline=False, stale_after=timedelta(hours=1), acknowledged=True)


def routes(count: int) -> list[RouteSection]:
    """Of all kinds: shell patterns, expressions, lists, what must not be, metadata."""
    return [
        RouteSection(name=f"service {number}", match=read_route_match(_match(number)), service=f"service {number}")
        for number in range(count)
    ]


def _match(number: int) -> dict[str, object]:
    kinds: Sequence[dict[str, object]] = (
        {"name": f"shop-{number}-*"},
        {"name": f"*-db-{number}", "team_name": {"not": "Trials"}},
        {"cause": f"/^Status 5{number:03}/", "url": "https://*"},
        {"metadata": {"Service": [f"pay-{number}", f"pay-{number}-canary"]}},
        {"source_id": number, "source": "monitor"},
    )
    return kinds[number % len(kinds)]


def incident(number: int) -> Incident:
    """One that a route with this number matches, if that is a multiple of five; otherwise none does."""
    attributes = {
        "name": f"shop-{number}-front page",
        "cause": "Status 503: the page took too long",
        "url": "https://shop.example.com/",
        "team_name": "Shop",
        "status": "Started",
        "call": True,
        "metadata": {"Region": [{"type": "String", "value": "eu"}], "Service": [{"type": "String", "value": "pay"}]},
    }
    return Incident(str(number), Phase.OPEN, "Started", NOW, None, None, None, attributes, "monitor", f"9{number}")


def telling(count: int) -> Telling:
    """With so many routes."""
    settings = Settings(
        betterstack=BetterStackSection(token=Secret("a-token-of-better-stack")),
        signl4=Signl4Section(secret=Secret("secret1")),
        route=routes(count),
    )
    # Asked only by routes that watch for flapping.
    incidents = Incidents(create_engine("sqlite://"))
    return Telling(settings, incidents, clock=lambda: NOW, log=lambda _event: None)


def decide(told: Telling, seen: Sequence[Incident]) -> float:
    """Seconds of CPU."""
    before = time.process_time()
    for one in seen:
        told.changes(None, one, reconcile(None, one, one.id, POLICY, NOW))
    return time.process_time() - before


def main(count: int) -> None:
    """Alternately with none and with many, the least of each: others use the machine."""
    before = time.process_time()
    many = telling(count)
    ready = time.process_time() - before
    none = telling(0)
    # One after the other, from the first route to behind the last one.
    seen = [incident(number * 5 * count // (4 * INCIDENTS)) for number in range(INCIDENTS)]
    pairs = [(decide(none, seen), decide(many, seen)) for _ in range(TIMES)]
    least = [min(taken) / INCIDENTS for taken in zip(*pairs, strict=True)]
    print(json.dumps({"none": least[0], "many": least[1], "ready": ready}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
