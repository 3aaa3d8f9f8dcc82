"""docs/betterstack-signl4.1, made from the commands. `python -m tests.support.man_page` writes it anew."""

import inspect
import re
import textwrap
from collections.abc import Iterator

import click

from daemon import __version__
from daemon.cli.main import main
from tests.support.paths import ROOT

NAME = "betterstack-signl4"
PAGE = ROOT / "docs" / f"{NAME}.1"
PROMISE = "It keeps the state of each incident and an outbox in a database, so that nothing is lost when it ends."
DATE = "2026-11-29"
"""When the commands last changed."""
WIDTH = 78
EXITS = ROOT / "docs" / "commands.md"
FILES = {
    "/etc/betterstack-signl4/config.toml": "The configuration, where neither --config nor the environment names another"
    " and there is no ./config.toml.",
    "/etc/betterstack-signl4/config/": "Secrets, a file for each, of the service.",
    "/var/lib/betterstack-signl4/state.db": "The database of the service.",
}
ENVIRONMENT = {
    "BETTERSTACK_SIGNL4_CONFIG": "The configuration file.",
    "BETTERSTACK__TOKEN, SIGNL4__SECRET, ...": "Any setting: its section, two underscores, its key.",
    "NO_COLOR": "Without colours, if it is set.",
    "TZ": "The time zone of what is shown.",
}


def escaped(text: str) -> str:
    """Text as roff prints it: a hyphen that can be copied, and no line that is taken for a request."""
    return " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-").replace("\u2026", "...")


def paragraph(text: str) -> str:
    """Lines of a length that editors like; none is taken for a request."""
    wrapped = textwrap.wrap(escaped(text), WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(re.sub(r"^([.'])", r"\\&\1", line) for line in wrapped)


def tagged(tag: str, text: str) -> Iterator[str]:
    yield from (".TP", rf"\fB{escaped(tag)}\fR", paragraph(text))


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """The commands below this one that do something, in the order of their names."""
    if not isinstance(command, click.Group):
        yield command, context
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from commands(below, click.Context(below, info_name=name, parent=context))


def section(command: click.Command, context: click.Context) -> Iterator[str]:
    """How a command is used, what it does, and its options."""
    usage = " ".join([context.command_path.removeprefix(f"{NAME} "), *command.collect_usage_pieces(context)])
    yield f'.SS "{escaped(usage)}"'
    for number, text in enumerate(inspect.cleandoc(command.help or "").split("\n\n")):
        yield from ([".PP"] if number else []) + [paragraph(text)]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1] and "--config" not in parameter.opts and "--help" not in parameter.opts:
            yield from tagged(*record)


def exits() -> str:
    """What the page of commands says of exit codes."""
    return EXITS.read_text("utf-8").split("\nExit codes: ")[1].split("\n\n")[0]


def written() -> str:
    """The whole page."""
    whole = click.Context(main, info_name=NAME)
    lines = [
        '.\\" Made from the commands by: python -m tests.support.man_page',
        f'.TH BETTERSTACK\\-SIGNL4 1 "{DATE}" "{NAME} {__version__}" "User Commands"',
        ".SH NAME",
        rf"{escaped(NAME)} \- poll Better Stack incidents and tell SIGNL4",
        ".SH SYNOPSIS",
        rf"\fB{escaped(NAME)}\fR [\fB\-\-config\fR \fIFILE\fR] \fICOMMAND\fR [\fIARGUMENT\fR...]",
        ".SH DESCRIPTION",
        paragraph(f"{main.help} {PROMISE}"),
        ".SH OPTIONS",
        *tagged("--config FILE", "The TOML file with the settings. It may also follow the command."),
        *tagged("-h, --help", "Show what a command does, and exit."),
        *tagged("--version", "Show the version, and exit."),
        ".SH COMMANDS",
    ]
    for command, context in commands(main, whole):
        lines += section(command, context)
    lines.append(".SH EXIT STATUS")
    for part in exits().replace("\n", " ").split(" \u00b7 "):
        code, _, meaning = part.partition(" ")
        lines += tagged(code, meaning)
    for title, entries in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        lines.append(f".SH {title}")
        for tag, text in entries.items():
            lines += tagged(tag, text)
    lines += [".SH SEE ALSO", r"\fBsystemctl\fR(1), \fBjournalctl\fR(1);"]
    lines.append(paragraph("the pages below /opt/betterstack-signl4/share/doc"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
