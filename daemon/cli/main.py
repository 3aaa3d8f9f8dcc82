"""The commands. Errors become sentences and exit codes here, and nowhere else.

Each command imports what it needs: `run` must not carry what only people at a terminal need, and `--help` nothing.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import update_wrapper
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon import __version__
from daemon.host.journal import PRIORITIES, reaches
from daemon.host.output import say
from daemon.host.startup import begin
from daemon.host.systemd import Systemd
from daemon.model.delivery import DeliveryState
from daemon.model.errors import AnotherInstanceError, ConfigError, DaemonError, DatabaseUnusableError
from daemon.model.harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from daemon.cli.diagnose import Finding
    from daemon.config.load import Configuration
    from daemon.model.event import Listener

EXIT_CODES: dict[type[DaemonError], int] = {ConfigError: 78, DatabaseUnusableError: 78, AnotherInstanceError: 69}
LOGGING = {"run", "once"}
"""The commands that keep a log."""
AS_JSON = f"{__name__}.as_json"
"""The note of the context that complaints are lines of a log in JSON."""


class _Commands(click.Group):
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
    """On standard error, and to systemd, which goes on showing it when the service has failed."""
    Systemd(os.environ).status(" ".join(sentences))
    level = f"<{PRIORITIES['error']}>" if reaches(sys.stderr, os.environ) else ""
    for sentence in map(harmless, sentences):
        say(sys.stderr, _as_json(sentence) if as_json else f"{level}{sentence}")


def _as_json(sentence: str) -> str:
    from daemon.host.log import complaint

    return complaint(sentence)


def _say(sentence: str, *, err: bool = False) -> None:
    """A sentence may quote others: what a service answered, what stands in a file, how a file is named."""
    click.echo(harmless(sentence), err=err)


_config_option = click.option(
    "--config", type=click.Path(path_type=Path, readable=False), metavar="FILE", help="The TOML file with the settings."
)


def _configured(*, offline: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Hands a command its configuration. `--config` is taken before and after the command's name."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @_config_option
        @click.pass_context
        def with_configuration(ctx: click.Context, /, config: Path | None, **options: Any) -> Any:
            from daemon.config.load import load, logs_json

            named = config or ctx.obj
            ctx.meta[AS_JSON] = ctx.info_name in LOGGING and logs_json(named, os.environ)
            return command(load(named, os.environ, offline=offline), **options)

        return update_wrapper(with_configuration, command)

    return decorate


_json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group("betterstack-signl4", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="betterstack-signl4")
@_config_option
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """Poll Better Stack incidents and tell SIGNL4, which wakes the person on duty."""
    for stream in (sys.stdout, sys.stderr):
        # A letter that the terminal cannot show must not keep the rest from being read.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    ctx.obj = config


@main.command()
@_configured()
def run(configuration: Configuration) -> None:
    """Run the daemon in the foreground, until SIGTERM or SIGINT."""
    from daemon.config.load import load
    from daemon.runtime import run

    run.run(configuration, lambda: load(configuration.named, os.environ), _log)


@main.command()
@_configured()
def once(configuration: Configuration) -> None:
    """Make one complete round, deliver all that is due, and stop."""
    from daemon.runtime.once import once as do_all_once

    if not do_all_once(configuration, _log):
        sys.exit(1)


def _log(configuration: Configuration) -> Listener:
    from daemon.host.log import set_up
    from daemon.model.events.process import Warned

    settings = configuration.settings
    log = set_up(settings.log.level, settings.log.format, settings.secrets())
    for warning in _warnings(configuration):
        log(Warned(warning))
    return log


def _warnings(configuration: Configuration) -> list[str]:
    from daemon.decisions.payload import Templates

    return [*configuration.warnings, *Templates(configuration.settings).warnings()]


@main.command()
@click.option("--online", is_flag=True, help="Also ask both services.")
@_configured()
def check(configuration: Configuration, online: bool) -> None:
    """Validate the configuration and say what it will do."""
    from daemon.cli.diagnose import check_online, plan
    from daemon.storage.engine import check_place

    warnings = _warnings(configuration)
    check_place(configuration.settings.database.url)
    for sentence in plan(configuration):
        _say(sentence)
    for warning in warnings:
        _say(f"warning: {warning}")
    if online:
        _report(check_online(configuration.settings))


@main.command("test-alert")
@_configured()
def test_alert(configuration: Configuration) -> None:
    """Send an alert and its end to SIGNL4, and print the answers."""
    from daemon.cli.diagnose import send_test_alert

    _report(send_test_alert(configuration.settings))


def _report(findings: Iterable[Finding]) -> None:
    failed = False
    for well, sentence in findings:
        _say(sentence if well else f"FAILED: {sentence}", err=not well)
        failed = failed or not well
    if failed:
        sys.exit(1)


@main.command()
@_json_option
@_configured(offline=True)
def status(configuration: Configuration, as_json: bool) -> None:
    """Say whether all is well; exit 1 if not."""
    from daemon.cli import render
    from daemon.decisions import health, rate_limit
    from daemon.model.snapshot import Presence, Snapshot
    from daemon.storage import queries
    from daemon.storage.engine import holder, reader

    presence = Presence(holder(configuration.settings.database.url))
    engine = reader(configuration.settings.database.url)
    snapshot = queries.snapshot(engine) if engine else Snapshot()
    settings = configuration.settings
    queue = rate_limit.time_for(snapshot.pending_deliveries, snapshot.event_limit)
    now = datetime.now(UTC)
    report = health.report(snapshot, settings.poll.interval, settings.alarm.poll_after, queue, now, presence)
    click.echo(render.as_json(report)) if as_json else render.show_status(report)
    if not report["healthy"]:
        sys.exit(1)


@main.command()
@click.option("--open", "open_only", is_flag=True, help="Only those that are not over.")
@_json_option
@_configured(offline=True)
def incidents(configuration: Configuration, open_only: bool, as_json: bool) -> None:
    """List what is known of each incident, the latest to change first."""
    from daemon.cli import render
    from daemon.storage import queries
    from daemon.storage.engine import reader

    engine = reader(configuration.settings.database.url)
    rows = queries.incidents(engine, open_only=open_only) if engine else []
    click.echo(render.as_json(rows)) if as_json else render.show_incidents(rows)


@main.command()
@click.option("--state", type=click.Choice([str(state) for state in DeliveryState]), help="Only those in this state.")
@_json_option
@_configured(offline=True)
def deliveries(configuration: Configuration, state: str | None, as_json: bool) -> None:
    """List the outbox, newest first."""
    from daemon.cli import render
    from daemon.storage import queries
    from daemon.storage.engine import reader

    engine = reader(configuration.settings.database.url)
    rows = queries.deliveries(engine, DeliveryState(state) if state else None) if engine else []
    click.echo(render.as_json(rows)) if as_json else render.show_deliveries(rows)


@main.command()
@click.argument("ids", nargs=-1, type=int, metavar="ID...")
@click.option("--dead", is_flag=True, help="All dead deliveries.")
@click.option("--force", is_flag=True, help="Also what is too late, and would open what is over or close what is open.")
@_configured(offline=True)
def retry(configuration: Configuration, ids: tuple[int, ...], dead: bool, force: bool) -> None:
    """Make dead deliveries pending again, and waiting ones due now."""
    from daemon.cli import operate

    settings = configuration.settings
    if not operate.retry(settings.database.url, ids, _say, dead=dead, force=force):
        sys.exit(1)


@main.command()
@click.argument("ids", nargs=-1, type=int, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@_configured(offline=True)
def drop(configuration: Configuration, ids: tuple[int, ...], yes: bool) -> None:
    """Give up deliveries that cannot be sent, dead ones or waiting ones."""
    from daemon.cli import operate

    if not operate.drop(configuration.settings.database.url, ids, _say, yes=yes):
        sys.exit(1)


@main.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
@_configured(offline=True)
def upgrade(configuration: Configuration) -> None:
    """Bring the database to the newest schema; `run` and `once` do it themselves."""
    from daemon.storage import engine
    from daemon.storage.upgrade import upgrade as bring_up_to_date

    url = configuration.settings.database.url
    with engine.locked(url):
        done = bring_up_to_date(url)
    _say(f"{engine.file_of(url)} {'was brought' if done else 'is'} up to date")


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@_configured(offline=True)
def backup(configuration: Configuration, file: Path) -> None:
    """Write a consistent copy of the database, also while the daemon runs."""
    from daemon.storage.backup import backup as write_copy

    write_copy(configuration.settings.database.url, file)
    _say(f"written to {file}")


@main.command()
@click.option("--replay", type=click.Path(path_type=Path), metavar="FILE", help="Play a recorded history (CSV).")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), metavar="N", help="How many times faster.")
def demo(replay: Path | None, speed: float | None) -> None:
    """Show the whole program at work against a built-in sandbox of both services; needs no account."""
    from daemon.sandbox.demo import run_demo

    sys.exit(run_demo(replay, speed))
