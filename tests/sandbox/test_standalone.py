"""The sandbox by itself, as a process: what it prints, what can be typed, and that nothing ends it but its end."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from daemon.config.load import load
from daemon.config.sources import CONFIG_VARIABLE
from daemon.sandbox.betterstack import LIST
from tests.sandbox.alone import PATIENCE, alone
from tests.support import warm
from tests.support.each import each
from tests.support.paths import ROOT

ENVIRONMENT_LINE = re.compile(r"#.*|[A-Z][A-Z0-9_]*=[A-Za-z0-9:/.-]+")
"""What systemd and a shell read alike in an environment file: no `export`, no quotes, nothing to expand."""


def test_its_first_lines_are_an_environment_file_that_points_the_daemon_at_it(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    with alone(tmp_path, "--every", "0") as sandbox:
        assert all(ENVIRONMENT_LINE.fullmatch(line) for line in sandbox.head)
        assert max(map(len, sandbox.head)) < 80
        environment = {CONFIG_VARIABLE: f"{tmp_path}/config.toml", **sandbox.variables}
        assert load(None, environment).settings.signl4.base_url == sandbox.variables["SIGNL4__BASE_URL"]


def test_its_first_lines_hold_the_key_that_its_rest_api_takes(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    with alone(tmp_path, "--every", "0") as sandbox:
        environment = {CONFIG_VARIABLE: f"{tmp_path}/config.toml", **sandbox.variables}
        key = load(None, environment).settings.signl4.api_key
        assert key is not None
        assert any("signl4 ack NAME by WHO" in line for line in sandbox.head)
        sandbox.types("open Shop")
        incident_id = sandbox.until(lambda line: "opened" in line)[-1].split()[4]
        body = {"Title": "Shop", "X-S4-ExternalID": incident_id, "X-S4-Status": "new"}
        assert httpx.post(sandbox.webhook(), json=body).status_code == 201
        sandbox.types("signl4 ack Shop by Jo Doe")
        sandbox.until(lambda line: "SIGNL4" in line and line.endswith("by Jo Doe"))
        signls = f"{sandbox.variables['SIGNL4__BASE_URL']}/api/v3/signls/paged"
        asked = {"externalId": incident_id}
        answer = httpx.post(signls, json=asked, headers={"X-S4-Api-Key": key.reveal()})
        [signl] = answer.json()["results"]
        assert signl["status"]["statusCode"] == 2
        assert httpx.post(signls, json=asked, headers={"X-S4-Api-Key": "another"}).status_code == 401


def test_a_further_team_has_a_secret_of_its_own_and_what_it_is_told_names_it(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    with alone(tmp_path, "--every", "0", "--team", "night", "--team", "db_2") as sandbox:
        environment = {CONFIG_VARIABLE: f"{tmp_path}/config.toml", **sandbox.variables}
        teams = load(None, environment).settings.signl4.teams
        assert sorted(teams) == ["db_2", "night"]
        body = {"Title": "a disk", "X-S4-ExternalID": "7", "X-S4-Status": "new"}
        for team in teams:
            webhook = sandbox.webhook(sandbox.variables[f"SIGNL4__TEAMS__{team.upper()}__SECRET"])
            assert httpx.post(webhook, json=body).status_code == 201
            [line] = [line for line in sandbox.until(lambda line: "SIGNL4" in line) if "SIGNL4" in line]
            assert line.endswith(f"new           7  a disk  to team {team}")


@each("name", ["default", "Night", "a team", "a__b", "9", ""])
def test_a_team_that_a_variable_cannot_name_is_refused(name: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "daemon.sandbox", "--team", name], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 2
    assert f"{name!r} is no name of a further team" in said.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_goes_on_until_it_is_asked_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    with alone(tmp_path, "--every", "0.05", stdin=warm.DEVNULL) as sandbox:
        lines = sandbox.until(lambda line: "resolved" in line)
        assert [line.split()[3] for line in lines][:5] == ["opened", "opened", "acknowledged", "opened", "resolved"]
        assert sandbox.end(number)[-1] == "stopped"


STRUCK_ELSEWHERE = """
import runpy, signal, sys, threading
def waits():
    caller = sys._current_frames()[threading.main_thread().ident].f_back
    return caller is not None and caller.f_code.co_name == "_wait_for_lines"
def strike():
    while not waits():
        threading.Event().wait(0.01)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
threading.Thread(target=strike, daemon=True).start()
sys.argv = ["sandbox", "--every", "0"]
runpy.run_module("daemon.sandbox", run_name="__main__", alter_sys=True)
"""


def test_a_signal_that_wakes_no_wait_ends_it_all_the_same() -> None:
    """As one does that comes right before the wait: here another thread gets it."""
    command = [sys.executable, "-c", STRUCK_ELSEWHERE]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.wait(PATIENCE) == 0
            assert started.stdout is not None
            assert started.stdout.read().endswith("\nstopped\n")
        finally:
            started.kill()


def test_sigint_ends_it_also_where_it_was_started_to_ignore_it(tmp_path: Path) -> None:
    command = 'trap "" INT; exec "$@"'
    with subprocess.Popen(
        ["sh", "-c", command, "sh", sys.executable, "-m", "daemon.sandbox", "--every", "0"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout is not None
        next(line for line in started.stdout if line.startswith("# Type"))
        started.send_signal(signal.SIGINT)
        try:
            assert started.wait(PATIENCE) == 0
            assert started.stdout.read() == "stopped\n"
        finally:
            started.kill()


@each("verb", ["acknowledge", "resolve", "delete"])
def test_what_a_client_does_to_its_incidents_does_not_end_it(tmp_path: Path, verb: str) -> None:
    with alone(tmp_path, "--every", "0.02") as sandbox, sandbox.client() as client:
        for _ in range(4):
            incident_id = sandbox.until(lambda line: "opened" in line)[-1].split()[4]
            path = f"{LIST}/{incident_id}"
            answer = client.delete(path) if verb == "delete" else client.post(f"{path}/{verb}", json={})
            assert answer.status_code in {200, 204, 409}
        assert sandbox.end()[-1] == "stopped"


def test_commands_from_a_pipe_are_carried_out_in_order_and_its_end_ends_nothing(tmp_path: Path) -> None:
    with alone(tmp_path, "--every", "0") as sandbox:
        sandbox.types("open Payment provider", "ack", "frobnicate")
        lines = sandbox.until(lambda line: line.startswith("?"))
        assert [line.split()[3] for line in lines[:2]] == ["opened", "acknowledged"]
        assert lines[2:] == ["? there is no command 'frobnicate'; help lists all"]
        assert sandbox.process.stdin is not None
        sandbox.process.stdin.write("resolve")
        sandbox.process.stdin.close()
        sandbox.until(lambda line: "resolved" in line)
        httpx.post(sandbox.webhook(), json={"Title": "Hello", "X-S4-ExternalID": "7"}, verify=False).raise_for_status()
        assert sandbox.until(lambda line: "SIGNL4" in line)[-1].endswith("  SIGNL4        new           7  Hello")
        assert sandbox.end()[-1] == "stopped"


def test_quit_ends_it_after_what_was_said_before(tmp_path: Path) -> None:
    with alone(tmp_path, "--every", "0") as sandbox:
        sandbox.types("open Shop", "quit", "open Not any more")
        assert sandbox.process.stdout is not None
        lines = sandbox.process.stdout.read().splitlines()
        assert [line.split()[-1] for line in lines] == ["Shop", "stopped"]
        assert sandbox.process.wait(PATIENCE) == 0


def test_the_end_of_input_at_a_terminal_ends_it(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    try:
        with alone(tmp_path, "--every", "0", stdin=terminal) as sandbox:
            os.write(controller, b"open Shop\n")
            sandbox.until(lambda line: "opened" in line)
            os.write(controller, b"\x04")
            assert sandbox.process.wait(PATIENCE) == 0
    finally:
        os.close(controller)
        os.close(terminal)


def test_an_output_that_nobody_reads_holds_up_no_client(tmp_path: Path) -> None:
    with alone(tmp_path, "--every", "0") as sandbox, sandbox.client() as client:
        for number in range(40):
            new = {"summary": f"{number} {'x' * 5000}", "requester_email": "jane@example.com"}
            assert client.post(LIST, json=new).status_code == 201
        assert client.get(LIST).status_code == 200
        assert httpx.post(sandbox.webhook(), json={"Title": "Hello"}, verify=False).status_code == 201


def test_ids_of_another_start_are_others(tmp_path: Path) -> None:
    with alone(tmp_path, "--every", "0") as sandbox:
        sandbox.types("open Shop")
        incident_id = sandbox.until(lambda line: "opened" in line)[-1].split()[4]
    assert re.fullmatch(r"\d{8}01", incident_id)
    assert incident_id != "1030000001"


def ended(tmp_path: Path, line: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "daemon.sandbox", *line.split()]
    return warm.run(program, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, timeout=PATIENCE)


def test_a_port_that_is_in_use_is_a_sentence(tmp_path: Path) -> None:
    with alone(tmp_path, "--every", "0") as sandbox:
        port = sandbox.variables["SIGNL4__BASE_URL"].rpartition(":")[2]
        done = ended(tmp_path, f"--betterstack-port {port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"the sandbox cannot go on: port {port} of 127.0.0.1: Address already in use\n"


@each(
    ("line", "sentence"),
    [
        ("--every -1", "'-1' is no number of seconds"),
        ("--every nan", "'nan' is no number of seconds"),
        ("--every soon", "'soon' is no number of seconds"),
        ("--signl4-port 65536", "'65536' is no port"),
        ("--signl4-port -1", "'-1' is no port"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(tmp_path: Path, line: str, sentence: str) -> None:
    done = ended(tmp_path, line)
    assert done.returncode == 2
    assert sentence in done.stderr


@each(("output", "said"), [("/dev/full", "the sandbox cannot go on: No space left on device\n")])
def test_an_output_that_takes_nothing_is_a_sentence(tmp_path: Path, output: str, said: str) -> None:
    with Path(output).open("wb") as full:
        process = warm.started(
            [sys.executable, "-m", "daemon.sandbox"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdout=full.fileno(),
            stderr=warm.PIPE,
        )
        assert process.wait(PATIENCE) == 1
        assert process.stderr is not None
        with process.stderr as errors:
            assert errors.read() == said


def test_a_reader_that_goes_away_ends_it_without_a_word(tmp_path: Path) -> None:
    with alone(tmp_path, "--every", "0.05") as sandbox:
        assert sandbox.process.stdout is not None
        sandbox.process.stdout.close()
        assert sandbox.process.wait(PATIENCE) == 1
        assert sandbox.process.stderr is not None
        assert sandbox.process.stderr.read() == ""
