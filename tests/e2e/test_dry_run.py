"""The real process with `--dry-run`: it prints what would be sent, and neither SIGNL4 nor the state hear of it."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.host.clock import utc_now
from daemon.sandbox.faults import Hang
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, Daemon, Operator
from tests.support.each import each
from tests.support.earlier import left_by
from tests.support.engines import engine_on
from tests.support.outbox import NEW, dump, postpone, tell
from tests.support.service_manager import managing
from tests.support.store import Store

TEMPLATE: dict[str, Any] = {"PAYLOAD__NEW": '{"Title": "Now: $NAME"}'}


@pytest.fixture
def copies(operator: Operator, tmp_path: Path) -> Path:
    """The directory in which the copies are made."""
    directory = tmp_path / "copies"
    directory.mkdir()
    operator.environment["TMPDIR"] = str(directory)
    return directory


@contextmanager
def dry(operator: Operator, command: str, **settings: str) -> Iterator[tuple[Daemon, Callable[[], str]]]:
    """The process, and what it has printed so far."""
    place = operator.directory / "printed"
    with place.open("w") as stream, printing(operator, command, stream.fileno(), **settings) as daemon:
        yield daemon, place.read_text


@contextmanager
def printing(operator: Operator, command: str, stdout: int, **settings: str) -> Iterator[Daemon]:
    """The process, with that descriptor as its standard output."""
    words, environment = [command, "--dry-run", "--json"], operator.environment | settings
    daemon = Daemon(words, environment, operator.directory, operator.sandbox, stdout=stdout)
    try:
        yield daemon
    finally:
        daemon.end()


def told(text: str) -> list[tuple[str, str, str]]:
    """Team, kind and external id of each line."""
    found = [json.loads(line) for line in text.splitlines()]
    return [(line["destination"], line["kind"], line["external_id"]) for line in found]


def files(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()}


def test_beside_the_daemon_it_prints_what_another_template_would_say_and_changes_nothing(
    operator: Operator, sandbox: Sandbox, copies: Path, tmp_path: Path
) -> None:
    shop = sandbox.world.open("Shop")
    with managing(tmp_path / "notify", sandbox.context.notify) as manager:
        daemon = operator.run(POLL__INTERVAL="1d", POLL__ACTIVE_INTERVAL="1d", NOTIFY_SOCKET=manager.address)
        # The round and the delivery end in any order. After both nothing is written for a minute.
        daemon.wait_for(
            lambda: daemon.says('"delivered"') and any(", last round " in line for line in manager.said("STATUS")),
            "the alert",
        )
    sandbox.world.resolve(shop)
    mail = sandbox.world.open("Mail")
    sandbox.world.acknowledge(mail)
    database = operator.directory / "state.db"
    before = dump(database)
    done = operator.ask("once", "--dry-run", "--json", **TEMPLATE)
    assert done.returncode == 0
    expected = [("default", "acknowledged", mail), ("default", "new", mail), ("default", "resolved", shop)]
    assert sorted(told(done.stdout)) == expected
    assert '"payload": {"Title": "Now: Mail", ' in done.stdout
    assert done.stderr.endswith("\n3 would have been sent, 0 waiting, nothing was sent\n")
    assert (dump(database), len(sandbox.signl4.requests)) == (before, 1)
    assert list(copies.iterdir()) == []
    assert json.loads(operator.ask("status", "--json").stdout)["process"]["pid"] == daemon.process.pid


@each(
    ("due", "sentence", "code"),
    [
        (True, "1 would have been sent, 0 waiting, nothing was sent", 0),
        (False, "0 would have been sent, 1 waiting, nothing was sent", 1),
    ],
)
def test_what_waits_in_the_outbox_is_printed_if_it_is_due(
    operator: Operator, sandbox: Sandbox, empty_database: bytes, due: bool, sentence: str, code: int
) -> None:
    database = operator.directory / "state.db"
    database.write_bytes(empty_database)
    shop = sandbox.world.open("Shop")
    engine = engine_on(database)
    store = Store(engine)
    tell(store, shop, NEW, at=utc_now())
    if not due:
        postpone(store, shop, until=utc_now() + timedelta(hours=1))
    engine.dispose()
    before = files(operator.directory)
    done = operator.ask("once", "--dry-run", **TEMPLATE)
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[-1]) == (code, sentence)
    assert (lines[0] == f"new of {shop}, to team default:") is due
    # The body was made when it was queued, and is sent as it is.
    assert ('"Title": "Shop front page"' in done.stdout) is due
    assert files(operator.directory) == before
    sandbox.world.resolve(shop)


def absent(file: Path) -> None:
    file.unlink()


def older(file: Path) -> None:
    file.unlink()
    left_by("0003", file)


@each(("make", "code"), [(absent, 0), (older, 1), (lambda file: file.write_bytes(b"no database" * 99), 78)])
def test_whatever_the_state_is_like_it_stays_so(
    operator: Operator, sandbox: Sandbox, copies: Path, make: Callable[[Path], object], code: int
) -> None:
    operator.directory.joinpath("state.db").touch()
    make(operator.directory / "state.db")
    before = files(operator.directory)
    sandbox.world.open("Shop")
    done = operator.ask("once", "--dry-run")
    assert done.returncode == code
    assert ('"Title": "Shop"' in done.stdout) is (code != 78)
    assert ("state.db cannot be read (" in done.stderr) is (code == 78)
    assert (files(operator.directory), sandbox.signl4.requests) == (before, ())
    assert list(copies.iterdir()) == []


def test_the_daemon_prints_each_as_it_happens_also_after_a_reload_and_is_unknown_to_the_service_manager(
    operator: Operator, sandbox: Sandbox, copies: Path, tmp_path: Path
) -> None:
    watched = {"HEARTBEAT__URLS": f'["{sandbox.signl4.url}/beat"]', "HEARTBEAT__INTERVAL": "1s"}
    before = files(operator.directory)["state.db"]
    with managing(tmp_path / "notify") as manager:
        operator.environment |= {"NOTIFY_SOCKET": manager.address, "RUNTIME_DIRECTORY": str(tmp_path)}
        with dry(operator, "run", **watched) as (daemon, printed):
            shop = sandbox.world.open("Shop")
            daemon.wait_for(lambda: ("default", "new", shop) in told(printed()), "its alert")
            (copy,) = copies.iterdir()
            assert {oct(file.stat().st_mode & 0o777) for file in (copy, *copy.iterdir())} == {"0o700", "0o600"}
            (operator.directory / "config.toml").write_text('payload.new = {"Title" = "Now: $NAME"}\n')
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_for(lambda: daemon.says("configuration reloaded"), "the other template")
            sandbox.world.open("Mail")
            daemon.wait_for(lambda: '"Title": "Now: Mail"' in printed(), "its alert")
            assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
            assert daemon.lines[-1] == "2 would have been sent, 0 waiting, nothing was sent"
        assert manager.told == []
    assert files(operator.directory)["state.db"] == before
    assert not (tmp_path / "reload").exists()
    assert sandbox.signl4.requests == ()
    assert list(copies.iterdir()) == []


@each("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_at_the_worst_moment_leaves_no_copy(
    operator: Operator, sandbox: Sandbox, copies: Path, number: signal.Signals
) -> None:
    hang = sandbox.betterstack.faults.arm(Hang())
    with dry(operator, "once", HTTP__TIMEOUT="1s") as (daemon, _):
        daemon.wait_for(lambda: hang.struck, "the round")
        assert len(list(copies.iterdir())) == 1
        assert daemon.stop(number, PATIENCE) == 1
    hang.release()
    assert list(copies.iterdir()) == []


@pytest.mark.parametrize("command", ["once", "run"])
def test_whoever_reads_no_more_ends_it(operator: Operator, sandbox: Sandbox, copies: Path, command: str) -> None:
    sandbox.world.open("Shop")
    reading, writing = os.pipe()
    os.close(reading)
    with printing(operator, command, writing) as daemon:
        os.close(writing)
        assert daemon.process.wait(PATIENCE) == 1
    assert not daemon.says("Traceback")
    assert list(copies.iterdir()) == []


def test_a_reader_who_pauses_holds_up_nothing_and_a_stop_ends_it_all_the_same(
    operator: Operator, sandbox: Sandbox, copies: Path, full_pipe: int
) -> None:
    sandbox.world.open("Shop")
    with printing(operator, "run", full_pipe) as daemon:
        daemon.wait_for(lambda: daemon.says('"delivered"'), "the alert")
        sandbox.world.open("Mail")
        daemon.wait_for(lambda: sum('"delivered"' in line for line in daemon.lines) == 2, "the next one")
        assert daemon.stop(signal.SIGTERM, PATIENCE) == 1
        assert daemon.says("standard output was not read to its end")
    assert list(copies.iterdir()) == []
