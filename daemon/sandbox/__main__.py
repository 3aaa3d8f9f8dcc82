"""Both services on loopback, for whoever wants to try a configuration without an account: `python -m daemon.sandbox`.

Prints the variables that point the daemon here, then every change at Better Stack and all that SIGNL4 gets, until
Ctrl-C. Incidents open, are acknowledged and are resolved by themselves, by the commands that are typed here (help lists
them; a pipe works too), and by the calls of Better Stack's own API.
"""

import argparse
import os
import re
import signal
import sys
import time
from contextlib import suppress

from daemon.model.destination import DEFAULT
from daemon.sandbox.commands import MOST_SECONDS, seconds_of
from daemon.sandbox.interrupt import interruptible
from daemon.sandbox.server import Sandbox
from daemon.sandbox.standalone import StandAlone, listen
from daemon.sandbox.world import FIRST_ID

IDS_OF_A_START = 100
"""Ids that a start keeps for itself, so that a daemon's state of an earlier start never meets its own ids again."""
STARTS = 10**7


def main() -> int:
    """Runs the sandbox until Ctrl-C, SIGTERM or `quit`. Returns the exit code."""
    options = _options()
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    first_id = FIRST_ID + int(time.time()) % STARTS * IDS_OF_A_START
    ports = {"betterstack_port": options.betterstack_port, "signl4_port": options.signl4_port}
    try:
        with (
            suppress(KeyboardInterrupt),
            interruptible(),
            Sandbox(first_id=first_id, teams=options.team, accounts=options.account, **ports) as sandbox,
        ):
            _run(sandbox, options.every)
        _say("stopped")
    except OSError as error:
        return _failed(error)
    return 0


def _run(sandbox: Sandbox, every: float) -> None:
    alone = StandAlone(sandbox, every)
    _say("# Better Stack and SIGNL4 in miniature, on this machine only. These lines point")
    _say("# the daemon here, from its environment file or, after set -a, from a shell:")
    for name, value in sandbox.environment(two_ways=True).items():
        _say(f"{name}={value}")
    _say("# With the key it sees what people do in SIGNL4; try: signl4 ack NAME by WHO")
    _say("# Type commands meanwhile; help lists them. Ctrl-C ends it.")
    # Without this a job in the background of a terminal would be stopped as soon as it reads.
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    listen(alone.hear)
    alone.run(_say)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m daemon.sandbox", description=__doc__)
    text = "time between two changes that come by themselves; default: 20; 0: none"
    parser.add_argument("--every", type=_seconds, default=20.0, metavar="SECONDS", help=text)
    text = "a further team at SIGNL4, for routes; may be given more than once"
    parser.add_argument("--team", type=_team, action="append", default=[], metavar="NAME", help=text)
    text = "a further account at Better Stack, for [source.NAME]; may be given more than once"
    parser.add_argument("--account", type=_team, action="append", default=[], metavar="NAME", help=text)
    parser.add_argument("--betterstack-port", type=_port, default=0, metavar="PORT", help="default: a free one")
    parser.add_argument("--signl4-port", type=_port, default=0, metavar="PORT", help="default: a free one")
    return parser.parse_args()


def _seconds(text: str) -> float:
    seconds = seconds_of(text)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to {MOST_SECONDS}")
    return seconds


def _team(text: str) -> str:
    """One that the name of a variable can hold, and the configuration."""
    if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", text) or text == DEFAULT:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a further team; take small letters, such as night")
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:6]) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _failed(error: OSError) -> int:
    """A port that is in use, or an output that takes nothing more: what was to be printed is given up."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"the sandbox cannot go on: {error.strerror or error}\n")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
