"""Shared by the commands: configuration, options, and output.

Each command imports only what it needs: `run` must not load what only a terminal needs, and `--help` loads nothing.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.host.slim_imports import no_garbage
from daemon.model.printable import printable

if TYPE_CHECKING:
    from daemon.config.configuration import Configuration
    from daemon.config.place import Place

LOGGING = {"run", "once"}
"""The commands that write a log."""
AS_JSON = f"{__name__}.as_json"
"""The key in the click context that says errors are printed as JSON log lines."""

config_option = click.option(
    "--config", type=click.Path(path_type=Path, readable=False), metavar="FILE", help="The TOML file with the settings."
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
utc_option = click.option("--utc", is_flag=True, help="Times in UTC; otherwise in the local time zone.")

KINDS = click.Choice(["new", "acknowledged", "resolved"])
"""The templates, by the messages that they are for."""


def span(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
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
    return click.option("--since", callback=span, metavar="2h", help=f"Only those {what} in the last 30s, 5m, 2h, 7d.")


limit_option = click.option(
    "--limit", type=click.IntRange(0, 10**9), default=50, metavar="N", help="At most the N newest; 0: all. Default: 50."
)


def say(sentence: str, *, err: bool = False) -> None:
    """Prints a sentence, made safe for the terminal: it may quote a service, a file or a file name."""
    click.echo(printable(sentence), err=err)


def configured(module: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Passes the configuration to a command. Accepts `--config` before and after the command's name.

    `module`: what it works with, imported while another process reads the configuration.
    """

    def read(ctx: click.Context, named: Path | None) -> Configuration:
        from daemon.config.reading import Reading
        from daemon.config.sources import logs_json

        with Reading(named, os.environ) as reading:
            ctx.meta[AS_JSON] = ctx.info_name in LOGGING and logs_json(named, os.environ)
            if module:
                importlib.import_module(module)
            return reading.result()

    return _with(read)


def placed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Passes a command on a database the place of that. Otherwise as `configured`."""
    return _with(place_of)(command)


def _with(
    read: Callable[[click.Context, Path | None], Any],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @config_option
        @click.pass_context
        def with_configuration(ctx: click.Context, /, config: Path | None, **options: Any) -> Any:
            with no_garbage():
                found = read(ctx, config or ctx.obj)
            return command(found, **options)

        return update_wrapper(with_configuration, command)

    return decorate


def place_of(_: click.Context, named: Path | None) -> Place:
    """The place of the database.

    A daemon that works on it has checked the configuration as it was then, so a look at the place is enough. One that
    is not valid by now does not hide that daemon, which goes on with the one before it.
    """
    from daemon.config.place import Place, place
    from daemon.config.reading import read
    from daemon.model.errors import ConfigError, DaemonError
    from daemon.storage.instance import holder

    found = daemon = None
    with suppress(DaemonError):
        found = place(named, os.environ)
        daemon = holder(found.url)
    if found is not None and daemon is not None and not _changed(named, daemon.since):
        return found
    try:
        return Place.of(read(named, os.environ, "offline").settings)
    except ConfigError as error:
        if found is None or daemon is None:
            raise
        of = "the one before it" if daemon.host is None else f"its own on {daemon.host}"
        say(f"the configuration is not valid; process {daemon.pid} goes on with {of}:", err=True)
        for problem in error.problems:
            say(f"  {problem}", err=True)
        return found


def _changed(named: Path | None, since: datetime | None) -> bool:
    """Whether the configuration file may have changed since then."""
    from daemon.config.sources import find

    file = find(named, os.environ)
    return file is not None and (since is None or file.stat().st_ctime > since.timestamp())
