"""Both services on loopback for whoever wants to try a configuration without an account: `python -m daemon.sandbox`.

Prints the variables that point the daemon here, and a line for everything that happens, until Ctrl-C. An incident opens
now and then, is acknowledged, and is resolved.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from shlex import quote

from daemon.sandbox.history import Event, Happening
from daemon.sandbox.server import Sandbox
from daemon.sandbox.world import World

NAMES = ("Shop front page", "Checkout API", "Mail relay", "Database replica")


def main() -> None:
    """Runs the sandbox until Ctrl-C."""
    options = _options()
    with Sandbox(betterstack_port=options.betterstack_port, signl4_port=options.signl4_port) as sandbox:
        for name, value in sandbox.environment().items():
            _say(f"export {name}={quote(value)}")
        try:
            _live(sandbox, options.every)
        except KeyboardInterrupt:
            _say("stopped")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m daemon.sandbox", description=__doc__)
    parser.add_argument("--every", type=float, default=20.0, metavar="SECONDS", help="time between two changes")
    parser.add_argument("--betterstack-port", type=int, default=0, metavar="PORT", help="default: a free one")
    parser.add_argument("--signl4-port", type=int, default=0, metavar="PORT", help="default: a free one")
    return parser.parse_args()


def _live(sandbox: Sandbox, every: float) -> None:
    """Never returns. Holds the lock except while waiting, so that no change is missed in between."""
    changes, news, due = _changes(sandbox.world), _news(sandbox), time.monotonic()
    with sandbox.context.changed:
        while True:
            if time.monotonic() >= due:
                next(changes)
                due += every
            for line in next(news):
                _say(line)
            sandbox.context.changed.wait(max(0.0, due - time.monotonic()))


def _changes(world: World) -> Iterator[None]:
    for name in cycle(NAMES):
        incident_id = world.open(name)
        yield
        world.acknowledge(incident_id, "Jane")
        yield
        world.resolve(incident_id, "Jane")
        yield


def _news(sandbox: Sandbox) -> Iterator[list[str]]:
    """Yields a line for everything new since the last call."""
    happened = told = 0
    while True:
        history, events = sandbox.world.history, sandbox.signl4.events
        news: list[Happening | Event] = [*history[happened:], *events[told:]]
        yield [_line(thing) for thing in news]
        happened, told = len(history), len(events)


def _line(thing: Happening | Event) -> str:
    time_of_day = f"{thing.at.astimezone():%H:%M:%S}"
    if isinstance(thing, Happening):
        return f"{time_of_day}  Better Stack  {thing.act:<12}  {thing.incident_id}  {thing.name}"
    return f"{time_of_day}  SIGNL4        {thing.kind:<12}  {thing.external_id}  {thing.title}".rstrip()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
