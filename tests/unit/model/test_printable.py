"""What others say, as it comes out at a terminal, in the log and in the journal: nothing of it steers what shows it."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from daemon.host.journal import entry
from daemon.host.log import set_up
from daemon.sandbox.exchange import Answer, json_answer
from daemon.sandbox.faults import Instead
from daemon.sandbox.server import Sandbox
from tests.support.each import each
from tests.support.terminal import command

HARM = {
    "ESC": "\x1b[2J\x1b[31m",
    "OSC": "\x1b]0;a title\x07",
    "OSC of eight bits": "\x9d0;a title\x9c",
    "CSI of eight bits": "\x9b2J",
    "backspace": "\x08\x08\x08",
    "carriage return": "all is well\r",
    "NUL": "\x00",
    "DEL": "\x7f",
    "line separator": "\u2028PRIORITY=0",
    "paragraph separator": "\u2029",
    "next line": "\x85",
    "order reversed": "\u202etxt.exe",
    "order isolated": "\u2066\u2069",
    "mark of an order": "\u200f\u061c",
    "nothing at all": "\u200b\u2060\ufeff",
    "tag": "\U000e0041",
}


def assert_harmless(shown: str) -> None:
    assert [repr(character) for character in set(shown) if not character.isprintable() and character != "\n"] == []


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


every_harm = each("harm", HARM)


@pytest.mark.parametrize("shape", ["text", "JSON", "id"])
@every_harm
def test_an_answer_of_signl4_is_harmless_at_a_terminal(tmp_path: Path, sandbox: Sandbox, harm: str, shape: str) -> None:
    text = f"refused{HARM[harm]}indeed"
    answer = {
        "text": Answer(400, text.encode()),
        "JSON": json_answer(400, {"message": text}),
        "id": json_answer(201, {"eventId": text}),
    }[shape]
    sandbox.signl4.faults.arm(Instead(answer))
    said = command(tmp_path / f"{harm}.db", "test-alert", **sandbox.environment(), DELIVERY__GAP="0s")
    assert said.exit_code == (0 if shape == "id" else 1)
    assert "refused" in said.output
    assert "indeed" in said.output
    assert_harmless(said.output)


@every_harm
def test_an_answer_of_better_stack_is_harmless_at_a_terminal(tmp_path: Path, sandbox: Sandbox, harm: str) -> None:
    sandbox.betterstack.faults.arm(Instead(Answer(500, f"broken{HARM[harm]}".encode())))
    said = command(tmp_path / f"{harm}.db", "check --online", **sandbox.environment())
    assert said.exit_code == 1
    assert "FAILED: Better Stack: " in said.stderr
    assert "broken" in said.stderr
    assert_harmless(said.output)


@every_harm
def test_a_remark_on_a_record_is_harmless_at_a_terminal(tmp_path: Path, sandbox: Sandbox, harm: str) -> None:
    page = {"data": [{"id": f"7{HARM[harm]}", "attributes": 7}], "pagination": {"next": None}}
    sandbox.betterstack.faults.arm(Instead(json_answer(200, page)))
    said = command(tmp_path / f"{harm}.db", "check --online", **sandbox.environment())
    assert_harmless(said.output)


@pytest.mark.parametrize("place", ["key", "section", "text", "address", "name of the file"])
@every_harm
def test_a_mistake_in_the_configuration_is_said_without_harm(tmp_path: Path, harm: str, place: str) -> None:
    text = f"wr{HARM[harm]}ong".replace("\x00", "\x01" if place == "name of the file" else "\x00")
    spelled = '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'
    content = {
        "key": f"[poll]\n{spelled} = 1\n",
        "section": f"[{spelled}]\nx = 1\n",
        "text": f"[poll]\ninterval = {spelled}\n",
        "address": f"[signl4]\nbase_url = {spelled}\n",
        "name of the file": None,
    }[place]
    file = tmp_path / (text if content is None else "given.toml")
    if content is not None:
        file.write_text(content)
    said = command(tmp_path / f"{harm}.db", "status", "--config", str(file))
    assert said.exit_code == 78
    assert len(said.stderr.split("\n")) == 2, "one sentence, on one line"
    assert_harmless(said.output)


@every_harm
def test_a_plan_is_told_without_harm(tmp_path: Path, sandbox: Sandbox, harm: str) -> None:
    team = {"BETTERSTACK__TEAM_NAME": f"Ops{HARM[harm]}".replace("\x00", "\x01")}
    said = command(tmp_path / f"{harm}.db", "check", **sandbox.environment(), **team)
    assert (said.exit_code, "team Ops" in said.stdout) == (0, True)
    assert_harmless(said.output)


# -- the log ----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _global_state_is_given_back() -> Iterator[None]:
    root = logging.getLogger()
    kept = (root.handlers, root.level)
    yield
    root.handlers, level = kept
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["terminal", "journal", "json"])
@every_harm
def test_a_line_of_the_log_is_one_line_without_harm(monkeypatch: pytest.MonkeyPatch, harm: str, form: str) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:12345" if form == "journal" else "")
    stream = io.StringIO()
    set_up("debug", "json" if form == "json" else "auto", ("s3cret",), stream)
    log = structlog.get_logger()
    warning = f"a warning on {HARM[harm]} it"
    log.warning(warning, error=f"said {HARM[harm]}", **{f"key{HARM[harm]}": 1})
    logging.getLogger("library").warning("of a library: %s", HARM[harm])
    *lines, rest = stream.getvalue().split("\n")
    assert (len(lines), rest) == (2, "")
    for line in lines:
        assert_harmless(line)
    if form == "json":
        assert json.loads(lines[0])["error"] == f"said {HARM[harm]}"


@every_harm
def test_an_entry_of_the_journal_has_no_field_more_and_no_harm(harm: str) -> None:
    plain = entry("message", "info", {"error": "said"}).split("\n")
    lines = entry(f"message{HARM[harm]}", "info", {"error": f"said {HARM[harm]}"}).split("\n")
    assert [line.partition("=")[0] for line in lines] == [line.partition("=")[0] for line in plain]


@pytest.mark.parametrize("library", ["httpx", "httpcore", "httpx2", "httpcore2"])
@pytest.mark.parametrize("part", ["", ".connection", ".http11"])
def test_no_http_library_chats(library: str, part: str) -> None:
    """Their lines hold the addresses and headers that the secrets are in."""
    stream = io.StringIO()
    set_up("debug", "auto", (), stream)
    logging.getLogger().setLevel(logging.DEBUG)
    for level in (logging.DEBUG, logging.INFO):
        logging.getLogger(f"{library}{part}").log(level, "HTTP Request: POST https://connect.signl4.com/webhook/")
    assert stream.getvalue() == ""
