"""`check --online` and the outgoing webhooks of Better Stack, which may tell SIGNL4 the same."""

from pathlib import Path

import pytest

from daemon.cli.diagnose import check_online
from daemon.config.load import load
from daemon.sandbox.exchange import Answer, Request, json_answer
from daemon.sandbox.faults import Cut, Fault, Instead
from daemon.sandbox.server import Sandbox
from tests.support.each import each
from tests.support.terminal import command

TO_SIGNL4 = "https://connect.signl4.com/webhook/wr0ngs3cret"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(sandbox: Sandbox, **changes: str) -> list[str]:
    """What is said of the webhooks; nothing of it is a failure."""
    findings = list(check_online(load(None, sandbox.environment() | changes).settings))
    assert all(well for well, _ in findings)
    return [sentence for _, sentence in findings if "webhook " in sentence and "SIGNL4: its webhook" not in sentence]


def is_of_webhooks(request: Request) -> bool:
    return request.path.endswith("/outgoing-webhooks")


def test_each_that_still_tells_signl4_of_incidents_is_warned_of(sandbox: Sandbox) -> None:
    add = sandbox.betterstack.webhooks.add
    add("To SIGNL4", TO_SIGNL4, "started", "resolved")
    add("To the sandbox", f"{sandbox.signl4.url}/webhook/wr0ngs3cret", "reopened", team_name="Shop")
    add(None, "https://CONNECT.signl4.com./webhook/wr0ngs3cret", "acknowledged", "comment")
    add("To a chat", "https://chat.example.com/webhook/wr0ngs3cret", "started")
    add("To one that is called alike", "https://connect.signl4.com.example.com/webhook/x", "started")
    add("Comments", TO_SIGNL4, "comment")
    add("Switched off", TO_SIGNL4)
    add("Monitors", TO_SIGNL4, trigger_type="monitor_change")
    begin = "warning: Better Stack's outgoing webhook "
    middle = (
        " tells SIGNL4 of incidents as well, so each page comes twice; switch these events off in it, or remove it: "
    )
    assert said(sandbox) == [
        f'{begin}"To SIGNL4" (id 501, team Operations){middle}incident started, incident resolved',
        f'{begin}"To the sandbox" (id 502, team Shop){middle}incident reopened',
        f"{begin}with the id 503, team Operations{middle}incident acknowledged",
    ]


def test_those_of_other_teams_are_none_of_this_ones_business(sandbox: Sandbox) -> None:
    sandbox.betterstack.webhooks.add("Mine", TO_SIGNL4, "started", team_name="Shop")
    sandbox.betterstack.webhooks.add("Theirs", TO_SIGNL4, "started", team_name="Operations")
    [only] = said(sandbox, BETTERSTACK__TEAM_NAME="Shop")
    assert '"Mine"' in only


def test_one_on_a_later_page_is_warned_of(sandbox: Sandbox) -> None:
    for number in range(120):
        sandbox.betterstack.webhooks.add(f"{number}", "https://chat.example.com/x", "started")
    sandbox.betterstack.webhooks.add("The last", TO_SIGNL4, "started")
    [only] = said(sandbox)
    assert '"The last"' in only
    assert [one.request.query["page"] for one in sandbox.betterstack.requests if is_of_webhooks(one.request)] == [
        *("1", "2", "3")
    ]


UNREAD: dict[str, tuple[Fault, str]] = {
    "forbidden": (Instead(json_answer(403, {"errors": "no"})), "the token may not read them, so look at them in "),
    "not there": (Instead(json_answer(404, {"errors": "no"})), "the token may not read them, so look at them in "),
    "out of order": (Instead(Answer(500)), "they cannot be read: Better Stack answered HTTP 500"),
    "no JSON": (Instead(Answer(200, b"text")), "they cannot be read: Better Stack's answer is no JSON; is "),
    "cut": (Cut(), "they cannot be read: Better Stack was not reached: "),
}


@each("name", UNREAD)
def test_that_they_cannot_be_read_is_one_sentence_and_no_failure(sandbox: Sandbox, name: str) -> None:
    fault, why = UNREAD[name]
    sandbox.betterstack.faults.clear()
    sandbox.betterstack.faults.arm(fault, when=is_of_webhooks)
    [only] = said(sandbox)
    assert only.startswith(f"not proven: that no outgoing webhook of Better Stack doubles the pages; {why}")


def test_nothing_is_asked_with_a_token_that_is_refused(sandbox: Sandbox) -> None:
    list(check_online(load(None, sandbox.environment() | {"BETTERSTACK__TOKEN": "wr0ngs3cret"}).settings))
    assert [is_of_webhooks(one.request) for one in sandbox.betterstack.requests] == [False]


@pytest.mark.parametrize("name", ["wr0ngs3cret", TO_SIGNL4, "To SIGNL4\n(wr0ngs3cret)"])
def test_a_secret_in_its_name_is_not_shown(sandbox: Sandbox, name: str) -> None:
    sandbox.betterstack.webhooks.add(name, TO_SIGNL4, "started")
    shown = command(Path("state.db"), "check --online", **sandbox.environment())
    assert shown.exit_code == 0
    assert "***" in shown.stdout
