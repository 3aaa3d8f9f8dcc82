"""What the stand-alone sandbox prints of the changes and of what SIGNL4 gets."""

import json
import re
from contextlib import suppress
from threading import Thread

import httpx

from daemon.sandbox import mishaps
from daemon.sandbox.faults import Cut, Hang
from daemon.sandbox.news import News
from daemon.sandbox.people import Person
from daemon.sandbox.server import Sandbox
from tests.sandbox.conftest import tell
from tests.sandbox.rest import Rest
from tests.support.each import each

TIME = r"\d\d:\d\d:\d\d"


def post(sandbox: Sandbox, secret: str, content: bytes, **headers: str) -> None:
    httpx.post(f"{sandbox.signl4.url}/webhook/{secret}", content=content, headers=headers, verify=False)


def test_each_change_is_a_line_once(sandbox: Sandbox) -> None:
    news = News(sandbox)
    incident_id = sandbox.world.open("Shop \x1b[2J \ud800")
    [line] = news.lines()
    assert re.fullmatch(rf"{TIME}  Better Stack  opened        {incident_id}  Shop \ufffd\[2J \?", line)
    sandbox.world.acknowledge(incident_id, "Jane")
    [line] = news.lines()
    assert line.endswith("  by Jane")
    assert news.lines() == []


def test_a_request_to_signl4_is_shown_whole_with_its_answer(sandbox: Sandbox) -> None:
    news, long = News(sandbox), "x" * 3000
    payload = {"Title": "Shop", "Note": long, "Deep": {"a": [1]}, "X-S4-ExternalID": "7", "X-S4-Status": "new"}
    post(sandbox, "96sbq49u", json.dumps(payload).encode(), **{"User-Agent": "sender/1", "X-Own": "z"})
    summary, *lines = news.lines()
    assert re.fullmatch(rf"{TIME}  SIGNL4        new           7  Shop", summary)
    asked = [line.removeprefix("  > ") for line in lines if line.startswith("  > ")]
    answered = [line.removeprefix("  < ") for line in lines if line.startswith("  < ")]
    assert [*asked, *answered] == [line[4:] for line in lines]
    assert asked[:3] == ["POST /webhook/96sbq49u", "User-Agent: sender/1", "X-Own: z"]
    assert json.loads("".join(asked[3:])) == payload
    assert answered[:3] == ["201 Created", "X-RateLimit-Limit: 150", "X-RateLimit-Remaining: 149"]
    assert set(json.loads(answered[-1])) == {"eventId"}


def test_a_refusal_and_a_missing_answer_are_shown_too(sandbox: Sandbox) -> None:
    news = News(sandbox)
    post(sandbox, "96sbq49u", b"\xffno JSON\x1b[2J\n" + b"[" * 3000)
    summary, *lines = news.lines()
    assert re.fullmatch(rf"{TIME}  SIGNL4        refused: 400  -", summary)
    assert "  > \ufffdno JSON\ufffd[2J" in lines
    assert "  < 400 Bad Request" in lines
    for fault, word in ((mishaps.too_many(20), "refused: 429"), (Cut(taken=True), "no answer")):
        sandbox.signl4.faults.arm(fault, times=1)
        with suppress(httpx.RemoteProtocolError):
            tell(sandbox)
        summary, *lines = news.lines()
        assert re.fullmatch(rf"{TIME}  SIGNL4        {word:<12}  1  Shop", summary)
        assert ("  < Retry-After: 20" in lines) == (word != "no answer")
    assert lines[-1] == "  < no answer"


@each(("secret", "shown"), [("96sbq49u", True), ("96sbq49u/", True), ("h4ndm4de", False), ("h4ndm4de/", False)])
def test_a_secret_that_is_not_the_sandboxs_own_is_not_shown(secret: str, shown: bool) -> None:
    with Sandbox() as sandbox:
        post(sandbox, secret, b'{"Title": "my h4ndm4de secret"}', Authorization="Bearer real-token")
        text = "\n".join(News(sandbox).lines())
    assert ("/webhook/96sbq49u" in text) == shown
    assert ("h4ndm4de" in text) == shown
    assert ("POST /webhook/***" in text) != shown
    assert "real-token" not in text


def test_what_hangs_is_shown_while_it_hangs(sandbox: Sandbox) -> None:
    news = News(sandbox)
    sandbox.signl4.faults.arm(Hang())

    def told() -> None:
        with suppress(httpx.RemoteProtocolError):
            tell(sandbox, timeout=60)

    thread = Thread(target=told)
    thread.start()
    lines = sandbox.wait_for(news.lines, 60, "the request")
    sandbox.signl4.faults.clear()
    thread.join()
    assert lines[-1] == "  < no answer"
    assert news.lines() == []


def test_what_a_person_does_in_signl4_is_a_line_and_what_a_client_reads_is_none(sandbox: Sandbox) -> None:
    news = News(sandbox)
    tell(sandbox, "7")
    news.lines()
    sandbox.signl4.account.acknowledge("7", "Jo\x1b[2J")
    Rest(sandbox).page("v3")
    [line] = news.lines()
    assert re.fullmatch(rf"{TIME}  SIGNL4        acknowledged  7  Shop  by Jo\ufffd\[2J", line)
    alert_id = sandbox.signl4.alerts[0].alert_id
    Rest(sandbox).post(f"/api/v3/signls/{alert_id}/close", {"uid": Person("Jane").user_id})
    [line] = news.lines()
    assert line.endswith("closed        7  Shop  by Jane")
    assert news.lines() == []
