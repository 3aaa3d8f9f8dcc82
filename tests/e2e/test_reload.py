"""SIGHUP and the real process: the new configuration is in force as a whole, between two rounds, or not at all."""

import json
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.betterstack import TOKEN
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Hang
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import Flaw, judge
from tests.e2e.conftest import PATIENCE, PROGRAM, WRAPPED, Daemon, Operator, pages
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
HUNG_UP_AT_ONCE = """
import os, signal, sys
from daemon import __main__
from daemon.host.startup import begin
def begin_and_hang_up(arguments):
    begin(arguments)
    os.kill(os.getpid(), signal.SIGHUP)
__main__.begin, sys.argv = begin_and_hang_up, ["daemon", "run"]
__main__.start()
"""
BAD = [
    ('interval = "1s"', 'interval = "soon"', "poll.interval ('soon') is not a duration"),
    ('interval = "1s"', 'intervall = "1s"', "poll.intervall is not a known key"),
    ("[poll]", "[poll", "is not valid TOML"),
    ("token =", "team_name =", "betterstack.token is missing"),
    ("state.db", "other.db", "database.url cannot change"),
    ("[poll]", '[http]\nca_file = "/nowhere.pem"\n[poll]', "http.ca_file"),
]
ALARM = "betterstack-signl4-alarm-state"


class Setting:
    """The daemon with its configuration in a file, both services, and the service manager that it notifies."""

    def __init__(self, operator: Operator, sandbox: Sandbox, manager: Manager) -> None:
        self.operator, self.sandbox, self.manager = operator, sandbox, manager
        for name in ("BETTERSTACK__TOKEN", "SIGNL4__SECRET", "POLL__INTERVAL", "DATABASE__URL"):
            del operator.environment[name]
        operator.environment["NOTIFY_SOCKET"] = manager.address
        self.file = operator.directory / "config.toml"
        self.file.write_text(FILE.format(token=sandbox.betterstack.token, secret=sandbox.signl4.secret))
        self.file.chmod(0o600)
        self.daemon: Daemon
        self.may_double = False
        """Whether an answer was lost: then a message may come twice."""

    def start(self, program: tuple[str, ...] = PROGRAM) -> None:
        self.daemon = self.operator.run(program=program)
        self.wait(lambda: self.manager.said("READY"), "the start")

    def wait(self, predicate: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        self.daemon.wait_for(predicate, what, patience)

    def change(self, old: str, new: str) -> None:
        before = self.file.read_text()
        assert old in before
        self.file.write_text(before.replace(old, new))

    def lines(self, said: str) -> list[str]:
        return [line for line in self.daemon.lines if said in line]

    def hang_up(self) -> None:
        """Asks for a reload, and waits until it has begun."""
        begun = len(self.manager.said("RELOADING"))
        self.daemon.process.send_signal(signal.SIGHUP)
        self.wait(lambda: len(self.manager.said("RELOADING")) > begun, "the reload")

    def reload(self, said: str = IN_FORCE) -> str:
        """Asks for it, and waits for its end. What the log says of it."""
        times, ready = len(self.lines(said)), len(self.manager.said("READY"))
        self.hang_up()
        self.wait(lambda: len(self.lines(said)) > times, said)
        self.wait(lambda: len(self.manager.said("READY")) > ready, "the end of the reload")
        assert len(self.manager.said("RELOADING")) == len(self.manager.said("READY")) - 1
        return self.lines(said)[-1]

    def status(self) -> str:
        """The latest line of status, if there is one."""
        return (self.manager.said("STATUS") or [""])[-1]

    def changed(self) -> list[str]:
        """What each reload so far changed."""
        return [json.loads(line)["changed"] for line in self.lines(IN_FORCE)]

    def told(self, incident: str, kind: str = "new") -> None:
        self.wait(lambda: kind in self.operator.told(incident), f"{kind} of {incident}")

    def pass_rounds(self, count: int) -> None:
        seen = len(pages(self.sandbox))
        self.wait(lambda: len(pages(self.sandbox)) >= seen + count, "rounds")

    def pass_looks(self) -> None:
        """The main thread looks twice, and so could do what it has to."""
        looks = len(self.manager.said("STATUS"))
        self.wait(lambda: len(self.manager.said("STATUS")) > looks + 1, "looks of the main thread")

    @contextmanager
    def in_flight(self) -> Iterator[str]:
        """The alert of an incident hangs at SIGNL4, which has taken it, until the end of the block."""
        self.may_double = True
        hang = self.sandbox.signl4.faults.arm(Hang(taken=True), times=1)
        incident = self.sandbox.world.open("Shop front page")
        self.wait(lambda: hang.struck, "a request in flight")
        try:
            yield incident
        finally:
            hang.release()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nothing can be written into the database."""
        with closing(sqlite3.connect(self.operator.directory / "state.db", isolation_level=None)) as other:
            other.execute("PRAGMA busy_timeout = 5000")
            other.execute("BEGIN IMMEDIATE")
            yield

    def judge(self) -> None:
        """Nothing was lost, doubled without need or came out of order, and each reload that began has ended."""
        verdict = judge(self.sandbox.world.history, self.sandbox.world.showings, self.sandbox.signl4.events)
        flaws = {flaw for flaw in Flaw if verdict.count(flaw)} - ({Flaw.DOUBLED} if self.may_double else set())
        assert flaws == set(), verdict.sentence
        if self.daemon.process.poll() is None:
            self.wait(lambda: len(self.manager.said("READY")) > 1, "the end of the reload")
            assert len(self.manager.said("READY")) <= len(self.manager.said("RELOADING")) + 1


def good(setting: Setting) -> None:
    setting.start()
    setting.change('interval = "1s"', 'interval = "2s"\nactive_interval = "1s"\n[delivery]\nconcurrency = 2')
    setting.reload()
    setting.told(setting.sandbox.world.open("Shop front page"))
    setting.reload()
    assert setting.changed() == ['poll.interval from "1s" to "2s"; delivery.concurrency from 4 to 2', "nothing"]


def refused(setting: Setting) -> None:
    setting.start()
    for old, new, why in BAD:
        setting.change(old, new)
        assert why in setting.reload(REFUSED)
        setting.wait(lambda: REFUSED in setting.status(), "the refusal in the line of status")
        setting.told(setting.sandbox.world.open("Shop front page"))
        setting.change(new, old)
    setting.reload()
    setting.wait(lambda: REFUSED not in setting.status(), "the end of the refusal")


def secret_mended(setting: Setting) -> None:
    right = setting.sandbox.signl4.secret
    setting.change(right, "wrong-secret-0000")
    setting.start()
    first = setting.sandbox.world.open("Shop front page")
    setting.wait(lambda: setting.daemon.says("not delivered yet"), "the refusal")
    setting.change("wrong-secret-0000", right)
    assert "signl4.secret changed" in setting.reload()
    setting.wait(lambda: setting.operator.told(first) == ["new"], "the alert, at once", 10)


def token_changed(setting: Setting) -> None:
    setting.start()
    setting.change(TOKEN, f"{TOKEN}-of-another-team")
    assert "betterstack.token changed" in setting.reload()
    setting.wait(lambda: setting.daemon.says("Better Stack refused the token"), "the refusal")
    setting.change(f"{TOKEN}-of-another-team", TOKEN)
    setting.reload()
    setting.wait(lambda: setting.daemon.says("rounds succeed again"), "the end of it", 10)


def asked_to_wait(setting: Setting) -> None:
    setting.start()
    setting.sandbox.betterstack.faults.arm(mishaps.too_many(60))
    setting.wait(lambda: setting.daemon.says("HTTP 429"), "the request for silence")
    asked = len(setting.sandbox.betterstack.requests)
    setting.reload()
    setting.pass_looks()
    assert len(setting.sandbox.betterstack.requests) == asked


def request_in_flight(setting: Setting) -> None:
    setting.start()
    with setting.in_flight() as incident:
        setting.hang_up()
        setting.pass_looks()
        assert not setting.lines(IN_FORCE)
    setting.wait(lambda: setting.lines(IN_FORCE), "the new one")
    setting.told(incident)


def result_not_recorded(setting: Setting) -> None:
    setting.operator.environment["HTTP__TIMEOUT"] = "1s"
    setting.start(WRAPPED)
    with ExitStack() as until_recorded:
        with setting.in_flight() as incident:
            until_recorded.enter_context(setting.locked())
        setting.wait(lambda: setting.daemon.says("result not recorded"), "the complaint")
        setting.hang_up()
        setting.pass_rounds(3)
        assert not setting.lines(IN_FORCE)
    setting.wait(lambda: setting.lines(IN_FORCE), "the new one")
    setting.told(incident)


def storm(setting: Setting) -> None:
    setting.start()
    in_haste = Event()

    def take_time(_: Request) -> None:
        in_haste.wait(0.3)

    setting.sandbox.signl4.faults.before_answer = take_time
    opened = [setting.sandbox.world.open(f"Incident {number}") for number in range(200)]
    setting.wait(lambda: len(setting.operator.events) >= 10, "the storm to get on")
    setting.reload()
    assert len(setting.operator.events) < 150
    in_haste.set()
    for times in (2, 3):
        setting.hang_up()
        while len(setting.lines(IN_FORCE)) < times:
            opened += [setting.sandbox.world.open("Shop front page") for _ in range(10)]
            setting.wait(partial(as_many, setting, len(opened) - 20), "alerts")
    for incident in opened:
        setting.sandbox.world.resolve(incident)
    setting.wait(partial(as_many, setting, 2 * len(opened)), "all ends")
    world = setting.sandbox.world
    assert judge(world.history, world.showings, setting.sandbox.signl4.events).good


def as_many(setting: Setting, events: int) -> bool:
    return len(setting.operator.events) >= events


def twice_in_a_row(setting: Setting) -> None:
    setting.start()
    with setting.in_flight():
        setting.change('interval = "1s"', 'interval = "2s"')
        setting.hang_up()
        setting.change('interval = "2s"', 'interval = "3s"')
        setting.hang_up()
        setting.pass_looks()
        assert not setting.lines(IN_FORCE)
    setting.wait(lambda: '"3s"' in "".join(setting.changed()), "the latest one")
    # On a slow machine the earlier one is in force until the later one has been read.
    intervals = [change.split("; ")[0] for change in setting.changed()]
    earlier_first = ['poll.interval from "1s" to "2s"', 'poll.interval from "2s" to "3s"']
    assert intervals in (['poll.interval from "1s" to "3s"'], earlier_first)
    for _ in range(5):
        setting.daemon.process.send_signal(signal.SIGHUP)
    setting.wait(lambda: len(setting.lines(IN_FORCE)) > len(intervals), "the answer to the others")
    setting.pass_rounds(1)
    assert setting.daemon.stop(signal.SIGTERM, PATIENCE) == 0


def stop(setting: Setting) -> None:
    setting.start()
    with setting.in_flight() as incident:
        setting.change('interval = "1s"', 'interval = "2s"')
        setting.hang_up()
        setting.daemon.process.send_signal(signal.SIGTERM)
        setting.wait(lambda: setting.daemon.says("stopping"), "the stop")
        setting.daemon.process.send_signal(signal.SIGHUP)
    assert setting.daemon.process.wait(PATIENCE) == 0
    assert not setting.lines(IN_FORCE)
    (delivery,) = json.loads(setting.operator.ask("deliveries", "--json").stdout)
    assert (delivery["incident_id"], delivery["attempts"]) == (incident, 1)


def first_second(setting: Setting) -> None:
    first = setting.sandbox.world.open("Shop front page")
    setting.start((sys.executable, "-c", HUNG_UP_AT_ONCE))
    setting.told(first)
    setting.wait(lambda: setting.lines(IN_FORCE), "the reload")
    assert setting.changed() == ["nothing"]
    setting.pass_rounds(2)


def alarm_raised(setting: Setting) -> None:
    """That the state cannot be written is remembered in memory alone."""
    setting.change("[poll]", '[alarm]\npoll_after = "1s"\n[poll]')
    setting.start(WRAPPED)
    with setting.locked():
        setting.told(ALARM)
        setting.change('poll_after = "1s"', 'poll_after = "2s"')
        setting.reload()
    setting.wait(lambda: setting.operator.told(ALARM) == ["new", "resolved"], "its end")


@dataclass(frozen=True)
class Case:
    """A moment for a reload."""

    act: Callable[[Setting], None]
    expected: str


CASES = {
    "a good configuration": Case(good, "in force between two rounds; the log says what changed"),
    "a configuration with a mistake": Case(
        refused, "refused with its sentences, also in systemd's status line; the old one stays"
    ),
    "a wrong secret is corrected": Case(secret_mended, "what waited is sent at once"),
    "another token": Case(token_changed, "the next round uses it"),
    "Better Stack has asked to be left alone": Case(asked_to_wait, "it is left alone for as long"),
    "a request is in flight": Case(request_in_flight, "its answer is recorded before the new one is in force"),
    "a result cannot be recorded": Case(
        result_not_recorded, "the old one goes on, rounds included, and the new one follows once it is recorded"
    ),
    "a storm": Case(storm, "in force before the end of the storm; nothing is lost or sent twice"),
    "twice in a row": Case(twice_in_a_row, "the latest is in force"),
    "the program is stopping": Case(stop, "not in force any more; what is in flight is recorded and the program ends"),
    "the first second of a start": Case(first_second, "the start goes on, and the configuration is read again"),
    "an alarm is open": Case(alarm_raised, "the alarm is closed under the new one once its cause is gone"),
}


@pytest.mark.parametrize("moment", CASES)
def test_a_reload_at_each_moment_ends_as_the_table_says(operator: Operator, sandbox: Sandbox, moment: str) -> None:
    with managing(operator.directory / "notify", sandbox.context.notify) as manager:
        setting = Setting(operator, sandbox, manager)
        CASES[moment].act(setting)
        setting.judge()
