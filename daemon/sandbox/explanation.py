"""What the demo says besides what happens: what its marks mean, and what to do next. All of it fits 80 columns."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which
from textwrap import wrap

from daemon.sandbox.script import Script

NAME = "betterstack-signl4"
WIDTH = 80
LEGEND_OF_THE_TIMES = """\
The first number of a line is in seconds since the start; +1.5 at SIGNL4 means
1.5 s after it happened at Better Stack."""
LEGEND_OF_THE_REPORT = """\
right         SIGNL4 was told all that it should be told, once and in order
superseded    a message not sent, on purpose: the incident was over before it,
              or somebody had acknowledged it in SIGNL4 first
no alert      over before the daemon started, or never confirmed
"""
LEGEND_OF_SILENCES = """\
silenced      opened and over inside the silence, so nobody was told
held          opened inside the silence and still open at its end: told then
"""
LEGEND_OF_FLAWS = "lost, doubled, out of order, unfounded     flaws: there should be none\n"


def legend(*, silenced: bool) -> str:
    """What the marks of the report mean. `silenced`: with those of silences."""
    return LEGEND_OF_THE_REPORT + (LEGEND_OF_SILENCES if silenced else "") + LEGEND_OF_FLAWS


def rules_of(script: Script) -> Iterator[str]:
    """A sentence for each rule."""
    for team in script.teams:
        yield f"Team {team.name} is told of incidents named {team.pattern}, team default of all others."
    for who in {one.by for one in script.acknowledgements}:
        yield f"{who} acknowledges in SIGNL4: that ends the escalation at Better Stack as well."
    if script.silence is not None:
        yield f"For {script.silence.seconds} s nobody is told of what is named {script.silence.pattern}:"


def at_prompt(command: Sequence[str]) -> str:
    """A command as it is typed."""
    return f"$ {NAME} {shlex.join(command)}"


def story(command: Sequence[str], said: str) -> list[str]:
    """The command `why` and what it said, in lines that fit: what stands before a sentence stays before it."""
    lines = ["", "What happened to one of them, and why:", at_prompt(command)]
    for line in said.splitlines():
        indent = " " * (line.find("  ") + 2)
        lines += wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    return lines


def next_steps(typed: str) -> list[str]:
    """What to type after the demo; not to be wrapped, since it is to be copied. `typed`: how the demo was called."""
    beside = Path(typed).name == NAME and not which(NAME)
    program = typed if beside else NAME
    python = str(Path(typed).with_name("python")) if beside else sys.executable
    return [
        "",
        "Next, with your own account (the README says where to find token and secret):",
        "  export BETTERSTACK__TOKEN='your token' SIGNL4__SECRET='your secret'",
        *_table(
            (f"{program} check --online", "the plan; asks both services"),
            (f"{program} test-alert", "sends one alert, and closes it"),
            (f"{program} run", "the daemon, until Ctrl-C"),
        ),
        "As a service that starts at boot; it prints the steps that remain:",
        "  sudo make install",
        "Without an account, incident by incident:",
        f"  {python} -m daemon.sandbox",
    ]


def _table(*rows: tuple[str, str]) -> list[str]:
    """Commands and what they do, which is left out where it does not fit."""
    width = max(len(command) for command, _ in rows)
    lines = [f"  {command:<{width}}  # {what}" for command, what in rows]
    return lines if max(map(len, lines)) <= WIDTH else [f"  {command}" for command, _ in rows]
