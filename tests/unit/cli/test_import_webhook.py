"""`import-webhook` at a terminal: from a file, from standard input, and from Better Stack."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from daemon.cli.main import main
from daemon.config.load import load
from daemon.sandbox.exchange import json_answer
from daemon.sandbox.faults import Instead
from daemon.sandbox.server import Sandbox
from daemon.sandbox.webhooks import AUTH_PASSWORD, OutgoingWebhooks, Place
from tests.support.each import each
from tests.support.terminal import SECRETS, assert_sentence, command

RECIPE = """{
  "Title": "$NAME",
  "Id": $INCIDENT_ID,
  "Data": $METADATA_ARRAY,
  "X-S4-ExternalID": "$INCIDENT_ID",
  "X-S4-Status": "%s",
  "X-S4-SourceSystem": "Better Stack"
}
"""
BODY = {"Title": "$NAME", "Id": "$INCIDENT_ID", "Data": "$METADATA_ARRAY"}
TO_SIGNL4 = "https://connect.signl4.com/webhook/wr0ngs3cret"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def imported(line: str, **environment: str) -> Result:
    return command(Path("state.db"), f"import-webhook {line}", **environment)


def payload(said: Result) -> dict[str, Any]:
    """The templates of a configuration that is nothing but what was printed."""
    assert said.exit_code == 0, said.output
    Path("imported.toml").write_text(said.stdout)
    held = load(Path("imported.toml"), SECRETS).settings.payload
    given = tomllib.loads(said.stdout).get("payload", {})
    return {kind: getattr(held, kind) for kind in given}


def said_of(sandbox: Sandbox) -> Result:
    return imported("--from-better-stack", **sandbox.environment())


@each(
    ("status", "option", "kind"),
    [
        ("new", "", "new"),
        ("resolved", "", "resolved"),
        ("acknowledged", "", "acknowledged"),
        ("anything", "", "new"),
        ("new", "--template resolved", "resolved"),
    ],
)
def test_a_file_needs_no_configuration(status: str, option: str, kind: str) -> None:
    Path("body.json").write_text(RECIPE % status)
    said = imported(f"body.json {option}")
    assert payload(said) == {kind: BODY}
    assert said.stdout.startswith(
        "# For the configuration; each table takes the place of the one of that name there.\n"
    )
    assert f"here to {kind}\n" in said.stdout


def test_standard_input_is_read_for_a_dash() -> None:
    said = CliRunner().invoke(main, ["import-webhook", "-"], input=RECIPE % "new")
    assert payload(said) == {"new": BODY}


def test_a_byte_order_mark_of_an_editor_is_no_matter() -> None:
    Path("body.json").write_text(RECIPE % "new", "utf-8-sig")
    assert payload(imported("body.json")) == {"new": BODY}


MISTAKES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b'{"a": $NAME,\n "b" 1}', "is not JSON in line 2, column 6 (Expecting ':' delimiter); mend it there"),
    "a list": (b"[1]", 'is no JSON object; it must be like {"Title": "$NAME"}'),
    "another encoding": (b'{"a": "\xfc"}', "is not UTF-8; save it as UTF-8"),
    "a number too long": (
        b'{"a": ' + b"1" * 5_000 + b"}",
        "has a number that is too long, or is nested too deeply; shorten it",
    ),
    "a number that is none": (b'{"a": NaN}', "holds a number at 'a' that JSON cannot say; put it in quotes"),
    "half a character": (rb'{"a": "\ud800"}', "holds half a character at 'a'; write it out, or as a pair of escapes"),
    "metadata without a key": (
        b'{"a": "$METADATA. x"}',
        "has $METADATA. without a key; write it like $METADATA.Region",
    ),
    "nothing": (b"", "is not JSON in line 1, column 1 (Expecting value); mend it there"),
}


@each("name", MISTAKES)
def test_what_is_no_body_is_a_sentence_and_1(name: str) -> None:
    content, sentence = MISTAKES[name]
    Path("body.json").write_bytes(content)
    said = imported("body.json")
    assert (said.exit_code, said.stdout, said.stderr) == (1, "", f"body.json {sentence}\n")


def test_a_file_that_is_not_there_is_a_sentence() -> None:
    said = imported("none.json")
    assert (said.exit_code, said.stdout) == (1, "")
    assert_sentence(said.stderr, "none.json cannot be read (No such file or directory); ", "hand it in: - < FILE")


def test_one_without_an_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.cli.pasted.MOST_BYTES", 1000)
    said = imported("/dev/zero")
    assert said.exit_code == 1
    assert_sentence(said.stderr, "/dev/zero holds more than 1,000 bytes")


@each("line", ["", "body.json --from-better-stack", "--from-better-stack --template new"])
def test_wrong_usage_is_2(line: str) -> None:
    said = imported(line)
    assert said.exit_code == 2
    assert "give either FILE, with --template if needed, or --from-better-stack" in said.stderr


class TestFromBetterStack:
    @each("place", Place)
    def test_each_event_becomes_its_template(self, sandbox: Sandbox, place: Place) -> None:
        sandbox.betterstack.webhooks = OutgoingWebhooks()
        add = sandbox.betterstack.webhooks.add
        add("To a chat", "https://chat.example.com/x", "started", body={"Title": "chat"}, place=place)
        add("New", TO_SIGNL4, "started", "reopened", body=RECIPE % "new", place=place)
        add("Over", f"{sandbox.signl4.url}/webhook/x", "resolved", body={"Text": "over"}, place=place)
        assert payload(said_of(sandbox)) == {"new": BODY, "resolved": {"Text": "over"}}

    def test_one_for_all_events_becomes_all_templates(self, sandbox: Sandbox) -> None:
        sandbox.betterstack.webhooks.add("All", TO_SIGNL4, "started", "acknowledged", "resolved", body=RECIPE % "new")
        assert payload(said_of(sandbox)) == dict.fromkeys(["new", "acknowledged", "resolved"], BODY)

    def test_one_on_a_later_page_is_found(self, sandbox: Sandbox) -> None:
        for number in range(70):
            sandbox.betterstack.webhooks.add(f"{number}", "https://chat.example.com", "started", body="{}")
        sandbox.betterstack.webhooks.add("The last", TO_SIGNL4, "resolved", body=RECIPE % "new", place=Place.INCLUDED)
        assert payload(said_of(sandbox)) == {"resolved": BODY}

    def test_a_second_one_for_an_event_is_a_comment(self, sandbox: Sandbox) -> None:
        for name in ("First", "Second"):
            sandbox.betterstack.webhooks.add(name, TO_SIGNL4, "started", body={"Title": name})
        said = said_of(sandbox)
        assert payload(said) == {"new": {"Title": "First"}}
        assert '#"Title" = "Second"' in said.stdout

    def test_what_cannot_be_imported_is_said_and_hides_no_other(self, sandbox: Sandbox) -> None:
        add = sandbox.betterstack.webhooks.add
        add("Plain", TO_SIGNL4, "started")
        add("Comments", TO_SIGNL4, "comment", body="{}")
        add("Broken", TO_SIGNL4, "resolved", body='{"a": ')
        add("Good", TO_SIGNL4, "started", body={"Title": "$NAME"})
        said = said_of(sandbox)
        assert payload(said) == {"new": {"Title": "$NAME"}}
        begin, end, why = "# Better Stack's outgoing webhook", "nothing of it is imported", "Expecting value"
        assert said.stdout.splitlines()[:3] == [
            f'{begin} "Plain" (id 501, team Operations) has no body of its own, so {end}',
            f'{begin} "Comments" (id 502, team Operations) tells of no start, acknowledgement or end, so {end}',
            f'{begin} "Broken" (id 503, team Operations) is not JSON in line 1, column 7 ({why}); mend it there; {end}',
        ]

    def test_no_secret_is_shown_wherever_it_stands(self, sandbox: Sandbox) -> None:
        body = {
            "Title": "wr0ngs3cret",
            AUTH_PASSWORD: f"{sandbox.betterstack.token} {sandbox.signl4.secret}",
            "X-S4-ExternalID": "wr0ngs3cret-$INCIDENT_ID",
        }
        sandbox.betterstack.webhooks.add("wr0ngs3cret", TO_SIGNL4, "started", body=body)
        said = said_of(sandbox)
        assert AUTH_PASSWORD not in said.output
        assert payload(said) == {"new": {"Title": "***", "***": "*** ***"}}

    def test_where_there_is_none_it_is_said(self, sandbox: Sandbox) -> None:
        sandbox.betterstack.webhooks.add("To a chat", "https://chat.example.com", "started", body="{}")
        said = said_of(sandbox)
        assert (said.exit_code, said.stdout) == (1, "")
        assert_sentence(said.stderr, "no outgoing webhook of Better Stack leads to SIGNL4")

    @each(
        ("status", "why"),
        [(403, "the token may not read them"), (404, "the token may not read them"), (500, "HTTP 500")],
    )
    def test_where_they_cannot_be_read_it_is_said(self, sandbox: Sandbox, status: int, why: str) -> None:
        sandbox.betterstack.faults.clear()
        sandbox.betterstack.faults.arm(Instead(json_answer(status, {"errors": "no"})))
        said = said_of(sandbox)
        assert (said.exit_code, said.stdout) == (1, "")
        assert_sentence(said.stderr, "the outgoing webhooks of Better Stack are not known: ", why, "import-webhook -")

    def test_without_a_configuration_it_is_78(self) -> None:
        said = imported("--from-better-stack")
        assert said.exit_code == 78
        assert "betterstack.token is missing" in said.stderr
