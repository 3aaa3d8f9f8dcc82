"""Shared by the commands: configuration, options, and output.

Each command imports only what it needs: `run` must not load what only a terminal needs, and `--help` loads nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daemon.config.load import Configuration

LOGGING = {"run", "once"}
"""The commands that write a log."""
AS_JSON = f"{__name__}.as_json"
"""The key in the click context that says errors are printed as JSON log lines."""

config_option = click.option(
    "--config", type=click.Path(path_type=Path, readable=False), metavar="FILE", help="The TOML file with the settings."
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
utc_option = click.option("--utc", is_flag=True, help="Times in UTC; otherwise in the local time zone.")


def _span(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """A duration, in the form of the configuration."""
    from daemon.config.types import duration

    try:
        return None if value is None else duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None


def as_text(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The argument as text that a database takes: bytes that are none become question marks."""
    return None if value is None else value.encode("utf-8", "replace").decode("utf-8")


def since_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--since`; `what` happened since then to the rows that are listed."""
    return click.option("--since", callback=_span, metavar="2h", help=f"Only those {what} in the last 30s, 5m, 2h, 7d.")


limit_option = click.option(
    "--limit", type=click.IntRange(0, 10**9), default=50, metavar="N", help="At most the N newest; 0: all. Default: 50."
)


def say(sentence: str, *, err: bool = False) -> None:
    """Prints a sentence, made safe for the terminal: it may quote a service, a file or a file name."""
    click.echo(printable(sentence), err=err)


def configured(*, offline: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Passes the configuration to a command. Accepts `--config` before and after the command's name."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @config_option
        @click.pass_context
        def with_configuration(ctx: click.Context, /, config: Path | None, **options: Any) -> Any:
            from daemon.config.load import load, logs_json

            named = config or ctx.obj
            ctx.meta[AS_JSON] = ctx.info_name in LOGGING and logs_json(named, os.environ)
            read = _of_database if offline else load
            return command(read(named, os.environ), **options)

        return update_wrapper(with_configuration, command)

    return decorate


def _of_database(named: Path | None, environ: Mapping[str, str]) -> Configuration:
    """The configuration for commands that only use the database.

    One that is not valid does not hide a daemon that goes on with the one before it.
    """
    from daemon.config.load import load
    from daemon.model.errors import ConfigError, DaemonError

    try:
        return load(named, environ, offline=True)
    except ConfigError as error:
        from daemon.config.salvage import salvage
        from daemon.storage.instance import holder

        try:
            salvaged = salvage(named, environ)
            daemon = holder(salvaged.settings.database.url)
        except DaemonError:
            daemon = None
        if daemon is None:
            raise
        say(f"the configuration is not valid; process {daemon.pid} goes on with the one before it:", err=True)
        for problem in error.problems:
            say(f"  {problem}", err=True)
        return salvaged
