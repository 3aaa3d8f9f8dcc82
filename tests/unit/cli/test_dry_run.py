"""What `--dry-run` prints of a message, and what it answers in SIGNL4's place."""

import json
from pathlib import Path
from typing import Any

import click
import pytest

from daemon.cli.dry_run import DryRun
from daemon.clients.http import HttpClient, tls_context
from daemon.config.settings import HttpSection
from daemon.decisions.payload import alarm_body, minimal
from daemon.in_flight import Receiver
from daemon.model.delivery import Delivered
from daemon.model.incident import Kind
from daemon.model.secret import Secret
from daemon.sandbox.server import Sandbox
from tests.support.each import each
from tests.support.outbox import NEW, payload
from tests.support.terminal import command

ODD = "1\x1b[2J\u2028é"
"""An external id with what a terminal would execute, and what ends a line."""
BODIES: list[tuple[dict[str, Any], str, str]] = [
    (payload("1", NEW), "new", "1"),
    (minimal(Kind.RESOLVED, "7", "external-7"), "resolved", "external-7"),
    (alarm_body(Kind.NEW, "it hangs", "betterstack-signl4-alarm-poll", "host"), "new", "betterstack-signl4-alarm-poll"),
    (payload(ODD, Kind.ACKNOWLEDGED), "acknowledged", ODD),
]


def receiver(dry_run: DryRun, team: str) -> Receiver:
    """What takes the place of SIGNL4."""
    http = HttpClient("http://127.0.0.1:9", HttpSection(), tls_context(HttpSection()))
    return dry_run.surroundings().receiver(http, Secret("secret"), team)


@each(("body", "kind", "external_id"), BODIES)
def test_for_programs_each_message_is_one_line(
    capsys: pytest.CaptureFixture[str], body: dict[str, Any], kind: str, external_id: str
) -> None:
    receiver(DryRun(as_json=True), "night").send(body)
    (line,) = capsys.readouterr().out.split("\n")[:-1]
    assert line.isascii()
    said = {"destination": "night", "kind": kind, "external_id": external_id, "payload": body}
    assert json.loads(line) == said


@each(("body", "kind", "external_id"), BODIES)
def test_for_people_the_body_follows_and_nothing_is_executed(
    capsys: pytest.CaptureFixture[str], body: dict[str, Any], kind: str, external_id: str
) -> None:
    receiver(DryRun(as_json=False), "night").send(body)
    heading, _, rest = capsys.readouterr().out.partition("\n")
    shown = external_id.replace("\x1b", "\ufffd").replace("\u2028", "\ufffd")
    assert heading == f"{kind} of {shown}, to team night:"
    assert json.loads(rest) == body
    assert all(character.isprintable() or character == "\n" for character in rest)


def test_every_message_counts_as_accepted_and_no_limit_is_used_up(capsys: pytest.CaptureFixture[str]) -> None:
    dry_run = DryRun(as_json=False)
    answer = receiver(dry_run, "default").send(payload("1", NEW))
    assert answer.outcome == Delivered("dry run")
    assert answer.rate_limit is not None
    assert answer.rate_limit.remaining > 1000
    assert dry_run.surroundings().watchers([]).send() == []


def test_an_output_that_takes_no_more_ends_the_work_and_is_raised_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(click, "echo", full)
    dry_run = DryRun(as_json=False)
    assert isinstance(receiver(dry_run, "default").send(payload("1", NEW)).outcome, Delivered)
    assert dry_run.surroundings().stop.wait(0)
    with pytest.raises(OSError, match="No space left"):
        dry_run.end()


@each("line", ["once --json", "run --json"])
def test_json_alone_is_wrong_usage(tmp_path: Path, sandbox: Sandbox, line: str) -> None:
    said = command(tmp_path / "state.db", line, **sandbox.environment())
    assert said.exit_code == 2
    assert "--json goes with --dry-run" in said.output
