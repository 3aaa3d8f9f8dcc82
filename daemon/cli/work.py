"""`run` and `once`: poll and deliver, or print what they would deliver."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from daemon.cli.options import configured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.config.configuration import Configuration
    from daemon.model.event import Listener
    from daemon.runtime.surroundings import Surroundings

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Send nothing and change nothing: print what would be sent, on a copy of the state."
)
dry_json_option = click.option(
    "--json", "as_json", is_flag=True, help="With --dry-run: each message as one line of JSON, for programs."
)


@click.command()
@dry_run_option
@dry_json_option
@configured(module="daemon.runtime.run")
def run(configuration: Configuration, dry_run: bool, as_json: bool) -> None:
    """Run the daemon in the foreground, until SIGTERM or SIGINT."""
    from daemon.config.reading import read
    from daemon.runtime import run

    with _surroundings(dry_run=dry_run, as_json=as_json) as surroundings:
        run.run(configuration, lambda: read(configuration.named, os.environ), _log, surroundings)


@click.command()
@dry_run_option
@dry_json_option
@configured(module="daemon.runtime.once")
def once(configuration: Configuration, dry_run: bool, as_json: bool) -> None:
    """Make one complete round, deliver all that is due, and stop."""
    from daemon.runtime.once import once as do_all_once

    with _surroundings(dry_run=dry_run, as_json=as_json) as surroundings:
        all_done = do_all_once(configuration, _log, surroundings)
    if not all_done:
        sys.exit(1)


@contextmanager
def _surroundings(*, dry_run: bool, as_json: bool) -> Iterator[Surroundings]:
    if dry_run:
        from daemon.cli.dry_run import DryRun

        printed = DryRun(as_json=as_json)
        yield printed.surroundings()
        printed.end()
    elif as_json:
        raise click.UsageError("--json goes with --dry-run")
    else:
        from daemon.runtime.surroundings import Surroundings

        yield Surroundings()


def _log(configuration: Configuration) -> Listener:
    from daemon.cli.check import warnings_of
    from daemon.host.log import set_up
    from daemon.model.events.process import Warned

    settings = configuration.settings
    log = set_up(settings.log.level, settings.log.format, settings.secrets())
    for warning in warnings_of(configuration):
        log(Warned(warning))
    return log
