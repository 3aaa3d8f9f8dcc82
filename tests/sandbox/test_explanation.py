"""What the demo says of its marks, and of what to do next."""

import sys
from pathlib import Path

import pytest

from daemon.sandbox.explanation import LEGEND_OF_THE_TIMES, at_prompt, legend, next_steps, rules_of, story
from daemon.sandbox.scenario import SCENARIO
from daemon.sandbox.script import Script
from daemon.sandbox.verdict import Flaw
from tests.support.each import each


def test_the_legend_explains_every_flaw_and_fits_eighty_columns() -> None:
    shown = f"{LEGEND_OF_THE_TIMES}\n{legend(silenced=True)}"
    assert all(flaw in shown for flaw in Flaw)
    assert max(map(len, shown.splitlines())) <= 80


def test_silences_are_explained_where_there_is_one() -> None:
    assert "silence" in legend(silenced=True)
    assert "silence" not in legend(silenced=False)


def test_the_rules_of_the_scenario_fit_eighty_columns() -> None:
    assert SCENARIO.silence is not None
    lines = [*rules_of(SCENARIO), at_prompt(SCENARIO.silence.command)]
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80
    assert list(rules_of(Script(()))) == []


def test_a_long_sentence_of_the_story_is_wrapped_behind_its_time() -> None:
    said = "7  Shop  (open)\n11-29 10:33:20  new to team default: " + "held " * 20 + "\nnext:  nothing\n"
    [_, _, command, *lines] = story(["why", "7"], said)
    assert command == "$ betterstack-signl4 why 7"
    assert max(map(len, lines)) <= 80
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 0, 16, 0]
    assert " ".join(" ".join(lines).split()) == " ".join(said.split())


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
