"""The command line with all commands. The only place that turns errors into sentences and exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from daemon import __version__
from daemon.cli.options import AS_JSON, config_option
from daemon.host.journal import PRIORITIES, reaches
from daemon.host.output import say
from daemon.host.startup import begin
from daemon.host.systemd import Systemd
from daemon.model.errors import AnotherInstanceError, ConfigError, DaemonError, DatabaseUnusableError
from daemon.model.printable import printable

EXIT_CODES: dict[type[DaemonError], int] = {ConfigError: 78, DatabaseUnusableError: 78, AnotherInstanceError: 69}

MODULES = {
    "run": "work",
    "once": "work",
    "check": "check",
    "completion": "completion",
    "test-alert": "check",
    "import-webhook": "import_webhook",
    "route": "route",
    "report": "report",
    "status": "listings",
    "incidents": "listings",
    "deliveries": "listings",
    "monitors": "monitors",
    "why": "why",
    "watch": "watch",
    "retry": "operate",
    "drop": "operate",
    "reconcile": "reconcile",
    "silence": "silence",
    "db": "database",
}
"""Where each command is, a function of its name. Only the one that is asked for is imported: the others would stay in
the memory of the daemon."""
SECOND_NAMES = {"database": "db"}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *MODULES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        cmd_name = SECOND_NAMES.get(cmd_name, cmd_name)
        if cmd_name not in MODULES:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"daemon.cli.{MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        begin(sys.argv[1:])
        return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DaemonError as error:
            sentences = error.problems if isinstance(error, ConfigError) else str(error).splitlines()
            _complain(*sentences, as_json=ctx.meta.get(AS_JSON, False))
            ctx.exit(EXIT_CODES.get(type(error), 1))


def _complain(*sentences: str, as_json: bool) -> None:
    """Reports errors on standard error, and to systemd, which still shows them when the service has failed."""
    Systemd(os.environ).status(" ".join(sentences))
    level = f"<{PRIORITIES['error']}>" if reaches(sys.stderr, os.environ) else ""
    for sentence in map(printable, sentences):
        say(sys.stderr, _as_json(sentence) if as_json else f"{level}{sentence}")


def _as_json(sentence: str) -> str:
    from daemon.host.log import complaint

    return complaint(sentence)


@click.group("betterstack-signl4", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="betterstack-signl4")
@config_option
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """Poll Better Stack incidents and tell SIGNL4, which wakes the person on duty."""
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal cannot encode must not prevent the rest of the output.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    ctx.obj = config


@main.command()
@click.option("--replay", type=click.Path(path_type=Path), metavar="FILE", help="Play a recorded history (CSV).")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), metavar="N", help="How many times faster.")
def demo(replay: Path | None, speed: float | None) -> None:
    """Show the whole program at work against a built-in sandbox of both services; needs no account."""
    from daemon.sandbox.demo import run_demo

    sys.exit(run_demo(replay, speed))
