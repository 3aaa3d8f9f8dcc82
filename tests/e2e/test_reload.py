"""SIGHUP and the real process: the new configuration is in force as a whole, between two rounds, or not at all."""

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from threading import Event

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.betterstack import TOKEN
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Hang
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import judge
from tests.e2e.conftest import PATIENCE, WRAPPED, Daemon, Operator, pages
from tests.support.service_manager import Manager, managing

IN_FORCE, REFUSED = "configuration reloaded", "the new configuration is refused, the old one stays in force"
FILE = """
[betterstack]
token = "{token}"

[signl4]
secret = "{secret}"

[database]
url = "sqlite:///state.db"

[poll]
interval = "1s"
"""


class Configured:
    """The configuration is in the file, and nothing of it in the environment."""

    def __init__(self, operator: Operator, sandbox: Sandbox, manager: Manager) -> None:
        self.operator, self.sandbox, self.manager = operator, sandbox, manager
        for name in ("BETTERSTACK__TOKEN", "SIGNL4__SECRET", "POLL__INTERVAL", "DATABASE__URL"):
            del operator.environment[name]
        operator.environment["NOTIFY_SOCKET"] = manager.address
        self.file = operator.directory / "config.toml"
        self.file.write_text(FILE.format(token=sandbox.betterstack.token, secret=sandbox.signl4.secret))
        self.file.chmod(0o600)

    def change(self, old: str, new: str) -> None:
        before = self.file.read_text()
        assert old in before
        self.file.write_text(before.replace(old, new))

    def reload(self, daemon: Daemon, said: str) -> str:
        """Asks for it, and waits for the answer."""
        times = sum(said in line for line in daemon.lines)
        ready = len(self.manager.said("READY"))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: sum(said in line for line in daemon.lines) > times, said)
        daemon.wait_for(lambda: len(self.manager.said("READY")) > ready, "the end of the reload")
        assert len(self.manager.said("RELOADING")) == len(self.manager.said("READY")) - 1
        return [line for line in daemon.lines if said in line][-1]


@pytest.fixture
def configured(operator: Operator, sandbox: Sandbox) -> Iterator[Configured]:
    with managing(operator.directory / "notify", sandbox.context.notify) as manager:
        yield Configured(operator, sandbox, manager)


@pytest.fixture
def daemon(configured: Configured) -> Daemon:
    daemon = configured.operator.run()
    daemon.wait_for(lambda: configured.manager.said("READY"), "the start")
    return daemon


def as_many(sandbox: Sandbox, events: int) -> bool:
    return len(sandbox.signl4.events) >= events


def told_the_truth(sandbox: Sandbox) -> bool:
    return judge(sandbox.world.history, sandbox.world.showings, sandbox.signl4.events).good


def test_what_changed_is_said_and_in_force(configured: Configured, daemon: Daemon, sandbox: Sandbox) -> None:
    configured.change('interval = "1s"', 'interval = "2s"\nactive_interval = "1s"\n[delivery]\nconcurrency = 2')
    changed = json.loads(configured.reload(daemon, IN_FORCE))["changed"]
    assert changed == 'poll.interval from "1s" to "2s"; delivery.concurrency from 4 to 2'
    first = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: configured.operator.told(first) == ["new"], "the alert")
    assert told_the_truth(sandbox)


def test_nothing_new_is_said_to_be_nothing(configured: Configured, daemon: Daemon) -> None:
    assert json.loads(configured.reload(daemon, IN_FORCE))["changed"] == "nothing"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('interval = "1s"', 'interval = "soon"', "poll.interval ('soon') is not a duration"),
        ('interval = "1s"', 'intervall = "1s"', "poll.intervall is not a known key"),
        ("[poll]", "[poll", "is not valid TOML"),
        ("token =", "team_name =", "betterstack.token is missing"),
        ("state.db", "other.db", "database.url cannot change"),
        ("[poll]", '[http]\nca_file = "/nowhere.pem"\n[poll]', "http.ca_file"),
    ],
)
def test_a_bad_one_is_refused_with_its_sentence_and_the_old_one_stays(
    configured: Configured, daemon: Daemon, sandbox: Sandbox, old: str, new: str, why: str
) -> None:
    configured.change(old, new)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: daemon.says(REFUSED), "the refusal")
    daemon.wait_for(
        lambda: REFUSED in (configured.manager.said("STATUS") or [""])[-1], "the refusal in the line of status"
    )
    assert len(configured.manager.said("READY")) == 2
    first = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: configured.operator.told(first) == ["new"], "the alert under the old one")
    configured.change(new, old)
    configured.reload(daemon, IN_FORCE)
    daemon.wait_for(lambda: REFUSED not in configured.manager.said("STATUS")[-1], "the end of the refusal")


def test_a_secret_that_was_wrong_is_tried_as_soon_as_it_is_right(configured: Configured, sandbox: Sandbox) -> None:
    right = configured.sandbox.signl4.secret
    configured.change(right, "wrong-secret-0000")
    daemon = configured.operator.run()
    first = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: daemon.says("not delivered yet"), "the refusal")
    configured.change("wrong-secret-0000", right)
    assert "signl4.secret changed" in configured.reload(daemon, IN_FORCE)
    daemon.wait_for(lambda: configured.operator.told(first) == ["new"], "the alert, at once", 10)


def test_a_new_token_is_the_one_that_better_stack_sees(
    configured: Configured, daemon: Daemon, sandbox: Sandbox
) -> None:
    configured.change(sandbox.betterstack.token, f"{TOKEN}-of-another-team")
    assert "betterstack.token changed" in configured.reload(daemon, IN_FORCE)
    daemon.wait_for(lambda: daemon.says("Better Stack refused the token"), "the refusal")
    configured.change(f"{TOKEN}-of-another-team", sandbox.betterstack.token)
    configured.reload(daemon, IN_FORCE)
    daemon.wait_for(lambda: daemon.says("rounds succeed again"), "the end of it", 10)


def test_better_stack_is_left_alone_as_it_asked_under_the_new_one_too(
    configured: Configured, daemon: Daemon, sandbox: Sandbox
) -> None:
    sandbox.betterstack.faults.arm(mishaps.too_many(60))
    daemon.wait_for(lambda: daemon.says("HTTP 429"), "the request for silence")
    asked = len(sandbox.betterstack.requests)
    configured.reload(daemon, IN_FORCE)
    looks = len(configured.manager.said("STATUS"))
    daemon.wait_for(lambda: len(configured.manager.said("STATUS")) > looks + 1, "time for a request")
    assert len(sandbox.betterstack.requests) == asked


def test_what_is_in_flight_is_finished_and_recorded_before_the_new_one_is_in_force(
    configured: Configured, daemon: Daemon, sandbox: Sandbox
) -> None:
    hang = sandbox.signl4.faults.arm(Hang(taken=True), times=1)
    first = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: hang.struck, "a request in flight")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: configured.manager.said("RELOADING"), "the reload")
    looks = len(configured.manager.said("STATUS"))
    daemon.wait_for(lambda: len(configured.manager.said("STATUS")) > looks + 1, "time to be in force")
    assert not daemon.says(IN_FORCE)
    hang.release()
    daemon.wait_for(lambda: daemon.says(IN_FORCE), "the new one")
    daemon.wait_for(lambda: configured.operator.told(first)[:1] == ["new"], "the alert")


def test_a_result_that_cannot_be_recorded_is_waited_for_and_stops_no_round(
    configured: Configured, sandbox: Sandbox
) -> None:
    daemon = configured.operator.run(program=WRAPPED, HTTP__TIMEOUT="1s")
    daemon.wait_for(lambda: configured.manager.said("READY"), "the start")
    with closing(sqlite3.connect(configured.operator.directory / "state.db", isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout = 5000")
        hang = sandbox.signl4.faults.arm(Hang(taken=True), times=1)
        first = sandbox.world.open("Shop front page")
        daemon.wait_for(lambda: hang.struck, "a request in flight")
        other.execute("BEGIN IMMEDIATE")
        hang.release()
        daemon.wait_for(lambda: daemon.says("result not recorded"), "the complaint")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: configured.manager.said("RELOADING"), "the reload")
        seen = len(pages(sandbox))
        daemon.wait_for(lambda: len(pages(sandbox)) > seen + 2, "more rounds")
        assert not daemon.says(IN_FORCE)
    daemon.wait_for(lambda: daemon.says(IN_FORCE), "the new one")
    daemon.wait_for(lambda: configured.operator.told(first)[-1:] == ["new"], "the alert")


def test_a_reload_does_not_wait_for_the_end_of_a_storm(
    configured: Configured, daemon: Daemon, sandbox: Sandbox
) -> None:
    in_haste = Event()

    def take_time(_: Request) -> None:
        in_haste.wait(0.3)

    sandbox.signl4.faults.before_answer = take_time
    for number in range(200):
        sandbox.world.open(f"Incident {number}")
    daemon.wait_for(partial(as_many, sandbox, 10), "the storm to get on")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: daemon.says(IN_FORCE), "the new one")
    assert len(sandbox.signl4.events) < 150
    in_haste.set()
    daemon.wait_for(partial(as_many, sandbox, 200), "all of them")
    assert told_the_truth(sandbox)


def test_reloads_in_a_storm_lose_nothing_and_double_nothing(
    configured: Configured, daemon: Daemon, sandbox: Sandbox
) -> None:
    opened = []
    for times in (1, 2, 3):
        daemon.process.send_signal(signal.SIGHUP)
        while sum(IN_FORCE in line for line in daemon.lines) < times:
            opened += [sandbox.world.open("Shop front page") for _ in range(10)]
            daemon.wait_for(partial(as_many, sandbox, len(opened) - 20), "alerts")
    for incident in opened:
        sandbox.world.resolve(incident)
    daemon.wait_for(partial(as_many, sandbox, 2 * len(opened)), "all ends")
    assert told_the_truth(sandbox)


def test_an_alarm_that_was_raised_under_the_old_one_is_closed_under_the_new(
    configured: Configured, sandbox: Sandbox
) -> None:
    """That the state cannot be written is remembered in memory alone."""
    configured.change("[poll]", '[alarm]\npoll_after = "1s"\n[poll]')
    daemon = configured.operator.run(program=WRAPPED)
    daemon.wait_for(lambda: configured.manager.said("READY"), "the start")
    alarm = "betterstack-signl4-alarm-state"
    with closing(sqlite3.connect(configured.operator.directory / "state.db", isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout = 5000")
        other.execute("BEGIN IMMEDIATE")
        daemon.wait_for(lambda: configured.operator.told(alarm) == ["new"], "the alarm")
        configured.change('poll_after = "1s"', 'poll_after = "2s"')
        configured.reload(daemon, IN_FORCE)
    daemon.wait_for(lambda: configured.operator.told(alarm) == ["new", "resolved"], "its end")


def test_asked_again_and_again_it_does_not_end(configured: Configured, sandbox: Sandbox) -> None:
    daemon = configured.operator.run()
    daemon.wait_for(lambda: configured.manager.said("READY"), "the start")
    for _ in range(5):
        daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: daemon.says(IN_FORCE), "the new one")
    seen = len(pages(sandbox))
    daemon.wait_for(lambda: len(pages(sandbox)) > seen, "rounds")
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
