"""What `--dry-run` prints of a message, and what it answers in SIGNL4's place."""

import json
from pathlib import Path
from typing import Any

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


def printed(capfd: pytest.CaptureFixture[str], body: dict[str, Any], *, as_json: bool) -> tuple[str, str]:
    """The first line of a message to the team `night`, and the others."""
    dry_run = DryRun(as_json=as_json)
    receiver(dry_run, "night").send(body)
    dry_run.end()
    first, _, rest = capfd.readouterr().out.partition("\n")
    return first, rest


@each(("body", "kind", "external_id"), BODIES)
def test_for_programs_each_message_is_one_line(
    capfd: pytest.CaptureFixture[str], body: dict[str, Any], kind: str, external_id: str
) -> None:
    line, rest = printed(capfd, body, as_json=True)
    assert rest == ""
    assert line.isascii()
    said = {"destination": "night", "kind": kind, "external_id": external_id, "payload": body}
    assert json.loads(line) == said


@each(("body", "kind", "external_id"), BODIES)
def test_for_people_the_body_follows_and_nothing_is_executed(
    capfd: pytest.CaptureFixture[str], body: dict[str, Any], kind: str, external_id: str
) -> None:
    heading, rest = printed(capfd, body, as_json=False)
    rest = rest.removesuffix("1 would have been sent, 0 waiting, nothing was sent\n")
    shown = external_id.replace("\x1b", "\ufffd").replace("\u2028", "\ufffd")
    assert heading == f"{kind} of {shown}, to team night:"
    assert json.loads(rest) == body
    assert all(character.isprintable() or character == "\n" for character in rest)


def test_every_message_counts_as_accepted_and_no_limit_is_used_up() -> None:
    dry_run = DryRun(as_json=False)
    answer = receiver(dry_run, "default").send(payload("1", NEW))
    assert answer.outcome == Delivered("dry run")
    assert answer.rate_limit is not None
    assert answer.rate_limit.remaining > 1000
    assert dry_run.surroundings().watchers([]).send() == []
    dry_run.end()


@each("line", ["once --json", "run --json"])
def test_json_alone_is_wrong_usage(tmp_path: Path, sandbox: Sandbox, line: str) -> None:
    said = command(tmp_path / "state.db", line, **sandbox.environment())
    assert said.exit_code == 2
    assert "--json goes with --dry-run" in said.output
