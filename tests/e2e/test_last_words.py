"""What the log still says: after a reader that paused, at an end by force, of a short command, and as JSON alone."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from daemon.sandbox.faults import Hang
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, WRAPPED, Operator, pages, started
from tests.support.slowness import SLOWNESS

HURRIED = {"POLL__INTERVAL": "1s", "HTTP__TIMEOUT": "1s"}
NARROW = (
    "import sys\n"
    "from daemon.host import output\n"
    "output.MOST = 2000\n"
    "from daemon.__main__ import start\n"
    "sys.argv = ['daemon', 'run']\n"
    "start()\n"
)
"""The program, with little room for lines that nobody reads."""


def drain(descriptor: int) -> bytes:
    """What is in a pipe by now."""
    os.set_blocking(descriptor, False)
    found = b""
    try:
        while more := os.read(descriptor, 65536):
            found += more
    except BlockingIOError:
        pass
    os.set_blocking(descriptor, True)
    return found


@pytest.fixture
def ends(full_pipe: int) -> Iterator[tuple[int, int]]:
    """A pipe that is full: where to read, and where to write."""
    reading = os.open(f"/proc/self/fd/{full_pipe}", os.O_RDONLY | os.O_NONBLOCK)
    yield reading, full_pipe
    os.close(reading)


def test_what_a_reader_missed_is_counted_once_it_reads_again(
    operator: Operator, sandbox: Sandbox, ends: tuple[int, int]
) -> None:
    reading, writing = ends
    with started(operator, (sys.executable, "-c", NARROW), stderr=writing) as process:
        for number in range(30):
            sandbox.world.open(f"Incident {number}")
        sandbox.wait_for(lambda: len(operator.events) == 30, PATIENCE, "the alerts")
        # Once another is told, all lines about these were put: there is room for those that follow.
        another = sandbox.world.open("Search")
        sandbox.wait_for(lambda: operator.told(another) == ["new"], PATIENCE, "one more alert")
        said = drain(reading)
        last = sandbox.world.open("Payment service")
        sandbox.wait_for(lambda: operator.told(last) == ["new"], PATIENCE, "another alert")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    events = [json.loads(line) for line in (said + drain(reading)).lstrip(b"x").splitlines()]
    lost = [event for event in events if re.fullmatch(r"\d+ lines were lost, since nothing took them", event["event"])]
    assert len(lost) == 1
    assert events[-1]["event"] == "stopped"
    times = [event["time"] for event in events if event is not lost[0]]
    assert times == sorted(times)


@pytest.mark.parametrize("read", [True, False])
def test_a_hang_ends_the_process_in_time_and_its_last_words_are_out_where_somebody_reads(
    operator: Operator, sandbox: Sandbox, ends: tuple[int, int], read: bool
) -> None:
    reading, writing = ends
    with started(operator, WRAPPED, stderr=writing, stdin=subprocess.PIPE, settings=HURRIED) as process:
        sandbox.wait_for(lambda: len(pages(sandbox)) > 1, PATIENCE, "rounds")
        if read:
            drain(reading)
        assert process.stdin is not None
        process.stdin.write("poll hangs\n")
        process.stdin.close()
        assert process.wait(PATIENCE) == 70
    lines = drain(reading).splitlines()
    assert any(b"stuck, so this process ends" in line for line in lines[-1:]) is read


def test_a_request_that_hangs_and_a_reader_that_is_gone_delay_no_stop(
    operator: Operator, sandbox: Sandbox, ends: tuple[int, int]
) -> None:
    _, writing = ends
    sandbox.world.open("Shop front page")
    with started(operator, stderr=writing, settings={"HTTP__TIMEOUT": "2s"}) as process:
        hang = sandbox.betterstack.faults.arm(Hang())
        sandbox.wait_for(lambda: hang.struck, PATIENCE, "a request that hangs")
        process.send_signal(signal.SIGTERM)
        assert process.wait((2 + 2) * SLOWNESS) == 0


def test_a_short_command_has_said_all_when_it_ends(operator: Operator, sandbox: Sandbox) -> None:
    for number in range(400):
        sandbox.world.open(f"Incident {number}")
    done = operator.ask("once")
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert [sum(one["event"] == event for one in said) for event in ("transition", "delivered")] == [400, 400]


@pytest.mark.parametrize("command", ["run", "once"])
def test_what_a_command_refuses_leaves_within_a_bound_though_nobody_reads(
    operator: Operator, full_pipe: int, command: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "daemon", command],
        env=operator.environment | {"POLL__INTERVAL": "often"},
        cwd=operator.directory,
        stderr=full_pipe,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 78


IN_THE_FILE = '[log]\nformat = "json"\n[poll]\n{}\n'
REFUSED = [
    ("interval = 'often'", {}, 78),
    ("interval = '1s'\n[", {"LOG__FORMAT": "json"}, 78),
    ("interval = '1s'", {"DATABASE__URL": "sqlite:////nowhere/state.db"}, 78),
]


@pytest.mark.parametrize(("line", "settings", "code"), REFUSED)
@pytest.mark.parametrize("command", ["run", "once"])
def test_where_the_log_is_json_what_is_refused_is_json_too(
    operator: Operator, line: str, settings: dict[str, str], code: int, command: str
) -> None:
    del operator.environment["LOG__FORMAT"]
    Path(operator.environment["BETTERSTACK_SIGNL4_CONFIG"]).write_text(IN_THE_FILE.format(line))
    del operator.environment["POLL__INTERVAL"]
    operator.environment |= settings
    done = operator.ask(command)
    assert done.returncode == code
    assert all(json.loads(said)["level"] in {"warning", "error"} for said in done.stderr.splitlines())
    assert done.stderr


FAULTY = (
    "import sys, threading, warnings\n"
    "from daemon.poll import Poll\n"
    "class Odd:\n"
    "    def __del__(self): raise ValueError('nobody can raise this')\n"
    "whole = Poll.round\n"
    "def odd(self, *a, **k):\n"
    "    warnings.warn('soon to go', UserWarning)\n"
    "    Odd()\n"
    "    threading.Thread(target=lambda: 1 / 0).start()\n"
    "    return whole(self, *a, **k)\n"
    "Poll.round = odd\n"
    "from daemon.__main__ import start\n"
    "sys.argv = ['daemon', 'run']\n"
    "start()\n"
)


def test_whoever_speaks_each_line_is_json(operator: Operator, sandbox: Sandbox) -> None:
    """Libraries, threads, and what the garbage collector comes upon."""
    daemon = operator.run(program=(sys.executable, "-c", FAULTY))
    for said in ("soon to go", "nobody can raise this", "ZeroDivisionError"):
        daemon.wait_for(partial(daemon.says, said), said)
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(PATIENCE) == 0
    daemon.end()
    assert all("event" in json.loads(line) for line in daemon.lines)


def test_a_disk_that_is_full_of_log_ends_nothing_and_is_told_of_later(
    operator: Operator, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The log is a file that may not grow, and after a while it may."""
    log = tmp_path / "log"
    with log.open("wb") as stream, started(operator, stderr=stream.fileno()) as process:
        sandbox.wait_for(lambda: len(pages(sandbox)) > 1, PATIENCE, "rounds")
        limit = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        database = (operator.directory / "state.db").stat().st_size
        stream.truncate(max(database * 50, 10**7))
        os.lseek(stream.fileno(), 0, os.SEEK_END)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, limit[1]))
        incident = sandbox.world.open("Shop front page")
        sandbox.wait_for(lambda: operator.told(incident) == ["new"], PATIENCE, "the alert")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limit)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    lines = log.read_bytes().rpartition(b"\0")[2].decode().splitlines()
    assert any("lost, since nothing took them" in line for line in lines)
    assert json.loads(lines[-1])["event"] == "stopped"
