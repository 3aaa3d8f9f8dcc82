"""`run` and `once`: poll and deliver."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from daemon.cli.options import configured

if TYPE_CHECKING:
    from daemon.config.configuration import Configuration
    from daemon.model.event import Listener


@click.command()
@configured(module="daemon.runtime.run")
def run(configuration: Configuration) -> None:
    """Run the daemon in the foreground, until SIGTERM or SIGINT."""
    from daemon.config.reading import read
    from daemon.runtime import run

    run.run(configuration, lambda: read(configuration.named, os.environ), _log)


@click.command()
@configured(module="daemon.runtime.once")
def once(configuration: Configuration) -> None:
    """Make one complete round, deliver all that is due, and stop."""
    from daemon.runtime.once import once as do_all_once

    if not do_all_once(configuration, _log):
        sys.exit(1)


def _log(configuration: Configuration) -> Listener:
    from daemon.cli.check import warnings_of
    from daemon.host.log import set_up
    from daemon.model.events.process import Warned

    settings = configuration.settings
    log = set_up(settings.log.level, settings.log.format, settings.secrets())
    for warning in warnings_of(configuration):
        log(Warned(warning))
    return log
