"""`check --template --incident`: the body that would be sent, for an incident at Better Stack or in a file."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from daemon.cli.main import main
from daemon.sandbox.server import Sandbox
from tests.support.each import each
from tests.support.read_here import read_here
from tests.support.terminal import SECRETS, assert_sentence, command
from tests.support.values import record

PAYLOAD = {
    "PAYLOAD__NEW": '{"Title": "${NAME:6}", "Data": $METADATA_ARRAY, "By": "${ACKNOWLEDGED_BY:-nobody}"}',
    "PAYLOAD__RESOLVED": '{"Note": "over"}',
}
ONE = record("7", name="Köln \u202e shop", metadata={"Region": "eu"})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.json").write_text(json.dumps(ONE))
    Path("answer.json").write_text(json.dumps({"data": ONE, "included": []}))


BODIES = {
    "new": {
        "Title": "Köln …",
        "Data": [{"key": "Region", "values": [{"type": "String", "value": "eu"}]}],
        "By": "nobody",
        "X-S4-SourceSystem": "Better Stack",
        "X-S4-ExternalID": "7",
        "X-S4-Status": "new",
    },
    "acknowledged": {"X-S4-SourceSystem": "Better Stack", "X-S4-ExternalID": "7", "X-S4-Status": "acknowledged"},
    "resolved": {
        "Note": "over",
        "X-S4-SourceSystem": "Better Stack",
        "X-S4-ExternalID": "7",
        "X-S4-Status": "resolved",
    },
}


@each("kind", BODIES)
@each("file", ["one.json", "./answer.json"])
def test_a_record_in_a_file_is_taken_alone_or_as_the_api_answers_it(kind: str, file: str) -> None:
    said = command(Path("state.db"), f"check --template {kind} --incident {file}", **SECRETS, **PAYLOAD)
    assert (said.exit_code, said.stderr) == (0, "")
    assert json.loads(said.stdout) == BODIES[kind]


def test_a_record_can_be_handed_in() -> None:
    arguments = ["check", "--template", "new", "--incident", "-"]
    with read_here():
        said = CliRunner().invoke(main, arguments, input=json.dumps(ONE), env={**SECRETS, **PAYLOAD})
    assert json.loads(said.stdout) == BODIES["new"]


def test_it_is_what_the_program_sends(sandbox: Sandbox) -> None:
    incident_id = sandbox.world.open("Shop", metadata={"Region": [{"type": "String", "value": "eu"}]})
    database = Path("state.db").absolute()
    environment = sandbox.environment() | PAYLOAD
    said = command(database, f"check --template new --incident {incident_id}", **environment)
    assert command(database, "once", **environment).exit_code == 0
    [event] = sandbox.signl4.events
    assert json.loads(said.stdout) == event.payload


def test_it_can_be_read_and_controls_no_terminal() -> None:
    said = command(Path("state.db"), "check --template new --incident one.json", **SECRETS)
    assert '"Title": "Köln \\u202e shop"' in said.stdout


def test_warnings_are_not_among_it() -> None:
    payload = {"PAYLOAD__NEW": '{"Title": "$STATUS_PAGE"}'}
    said = command(Path("state.db"), "check --template new --incident one.json", **SECRETS, **payload)
    assert json.loads(said.stdout)["Title"] == "$STATUS_PAGE"
    assert said.stderr.startswith("warning: payload.new has $STATUS_PAGE, ")


@each(
    ("held", "why"),
    [
        ("", "Expecting value"),
        ("[]", "it is no object"),
        ('{"data": []}', "it is no object"),
        ('{"id": "7"}', "incident 7 has no attributes"),
        ('{"data": {"attributes": {"status": "Started"}}}', "its id is 'NoneType'"),
    ],
)
def test_what_is_no_record_is_a_sentence(held: str, why: str) -> None:
    Path("odd.json").write_text(held)
    said = command(Path("state.db"), "check --template new --incident odd.json", **SECRETS)
    assert (said.exit_code, said.stdout) == (1, "")
    assert_sentence(said.stderr, f"odd.json holds no record of an incident ({why}", "GET /api/v3/incidents/ID")


def test_what_is_neither_a_file_nor_an_incident_is_a_sentence(sandbox: Sandbox) -> None:
    said = command(Path("state.db"), "check --template new --incident none", **SECRETS)
    assert said.exit_code == 1
    assert_sentence(said.stderr, "none cannot be read (No such file or directory); ")
    said = command(Path("state.db"), "check --template new --incident 99", **sandbox.environment())
    assert said.exit_code == 1
    assert_sentence(said.stderr, "Better Stack has no incident 99 for this token; ", "./99 if a file is meant")


def test_a_token_that_is_refused_is_a_sentence(sandbox: Sandbox) -> None:
    environment = sandbox.environment() | {"BETTERSTACK__TOKEN": "wr0ngs3cret"}
    said = command(Path("state.db"), "check --template new --incident 99", **environment)
    assert said.exit_code == 1
    assert_sentence(said.stderr, "Better Stack refused the token: HTTP 401 ", "check betterstack.token")


@each(
    "options", ["--template new", "--incident 7", "--template new --incident 7 --online", "--template x --incident 7"]
)
def test_wrong_usage_is_2(options: str) -> None:
    assert command(Path("state.db"), f"check {options}", **SECRETS).exit_code == 2
