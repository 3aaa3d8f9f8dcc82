"""What the commands share."""

import gc
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from daemon.cli import options


@pytest.mark.parametrize("refused", [False, True])
def test_only_while_a_command_imports_what_it_works_with_nobody_looks_for_garbage(
    monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    looked = []

    def place_of(_: click.Context, __: Path | None) -> None:
        looked.append(gc.isenabled())
        if refused:
            raise click.UsageError("no")

    monkeypatch.setattr(options, "place_of", place_of)
    command = click.command(options.placed(lambda _: looked.append(gc.isenabled())))
    CliRunner().invoke(command, catch_exceptions=False)
    assert looked == ([False] if refused else [False, True])
    assert gc.isenabled()
