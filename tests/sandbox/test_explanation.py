"""What the demo says of its marks, and of what to do next."""

import sys
from pathlib import Path

import pytest

from daemon.sandbox.explanation import LEGEND_OF_THE_REPORT, LEGEND_OF_THE_TIMES, next_steps
from daemon.sandbox.verdict import Flaw
from tests.support.each import each


def test_the_legend_explains_every_flaw_and_fits_eighty_columns() -> None:
    legend = f"{LEGEND_OF_THE_TIMES}\n{LEGEND_OF_THE_REPORT}"
    assert all(flaw in legend for flaw in Flaw)
    assert max(map(len, legend.splitlines())) <= 80


@each("typed", [".venv/bin/betterstack-signl4", "/srv/daemon/__main__.py", "/long/" * 6 + "betterstack-signl4"])
def test_the_next_steps_fit_eighty_columns(typed: str) -> None:
    lines = next_steps(typed)
    assert max(len(line) for line in lines if "-m daemon.sandbox" not in line) <= 80


def test_the_commands_are_those_that_work_where_the_demo_was_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    steps = "\n".join(next_steps(".venv/bin/betterstack-signl4"))
    assert "  .venv/bin/betterstack-signl4 check --online " in steps
    assert "  .venv/bin/python -m daemon.sandbox" in steps
    installed = tmp_path / "betterstack-signl4"
    installed.write_text("#!/bin/sh")
    installed.chmod(0o755)
    steps = "\n".join(next_steps(str(installed)))
    assert "  betterstack-signl4 check --online " in steps
    assert f"  {sys.executable} -m daemon.sandbox" in steps
