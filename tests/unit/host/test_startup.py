"""The first moments: descriptors that are closed, and a signal that comes before anybody can obey it."""

import os
import pty
import select
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path

import pytest

from daemon.host.signals import Stop
from daemon.host.startup import Hangup
from tests.support.paths import ROOT

CLOSED = [closed for count in (0, 1, 2, 3) for closed in combinations((0, 1, 2), count)]


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_the_first_file_that_is_opened_is_never_a_standard_stream(tmp_path: Path, closed: tuple[int, ...]) -> None:
    shown = tmp_path / "shown"
    program = (
        "import os, sys\n"
        f"for number in {closed}: os.close(number)\n"
        "for number, name in enumerate(('stdin', 'stdout', 'stderr')):\n"
        f"    if number in {closed}: setattr(sys, name, None)\n"
        "from daemon.host.startup import begin\n"
        "begin(['status'])\n"
        f"with open({str(shown)!r}, 'w') as file:\n"
        "    assert file.fileno() > 2\n"
        "    for stream in (sys.stdout, sys.stderr): stream.write('x'); stream.flush()\n"
        f"    leads = [os.readlink(f'/proc/self/fd/{{number}}') for number in {closed}]\n"
        "    print(set(leads) <= {os.devnull}, all(map(os.get_inheritable, range(3))), file=file)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    assert shown.read_text() == "True True\n"


@contextmanager
def signals(handler: signal.Handlers) -> Iterator[None]:
    kept = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, kept)


def test_a_hangup_is_noted_once_however_often_it_is_listened_to() -> None:
    with signals(signal.SIG_DFL):
        hangup = Hangup()
        hangup.listen()
        assert hangup.asked() is False
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        hangup.listen()
        assert [hangup.asked(), hangup.asked()] == [True, False]


def test_a_wait_for_the_stop_ends_with_a_hangup_too_until_it_is_handled() -> None:
    with signals(signal.SIG_DFL):
        hangup, stop = Hangup(), Stop()
        bell = hangup.listen()
        assert stop.wait(0, bell) is False
        for _ in range(100_000):  # more than a pipe holds
            hangup.ask()
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.wait(1e6, bell) is False
        assert hangup.asked() is True
        assert select.select([bell], [], [], 0) == ([], [], [])
        stop.set()
        assert stop.wait(1e6, bell) is True


ON_A_TERMINAL = """
import os, signal, sys
own, ignored = sys.argv[1:]
if own == "controlling":
    os.close(os.open(os.ttyname(2), os.O_RDWR))
signal.signal(signal.SIGHUP, getattr(signal, ignored))
from daemon.host.startup import HANGUP, begin
begin(["run"])
print(HANGUP.terminal_closed(), flush=True)
sys.stdin.readline()
print(HANGUP.terminal_closed(), flush=True)
"""


@pytest.mark.parametrize(
    ("ignored", "closes", "closed"), [(False, True, True), (False, False, False), (True, True, False)]
)
@pytest.mark.parametrize("own", ["controlling", "standard error alone"])
def test_a_terminal_that_closed_is_known_unless_the_signal_was_to_be_ignored(
    own: str, ignored: bool, closes: bool, closed: bool
) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, own, "SIG_IGN" if ignored else "SIG_DFL"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "False\n"
        os.close(theirs)
        if closes:
            os.close(ours)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{closed}\n"
    if not closes:
        os.close(ours)
    assert process.returncode == 0


# -- the first moment -------------------------------------------------------------------------------------------------

RAISED = """
import os, signal, sys
from daemon.host.startup import begin
begin(["run"])
os.kill(os.getpid(), int(sys.argv[1]))
print("goes on")
"""


@pytest.mark.parametrize(("number", "said"), [(signal.SIGHUP, "goes on\n"), (signal.SIGTERM, ""), (signal.SIGINT, "")])
def test_a_signal_in_the_first_moment_ends_in_order_or_not_at_all(number: signal.Signals, said: str) -> None:
    command = [sys.executable, "-c", RAISED, str(int(number))]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_the_installed_command_listens_before_it_imports_what_takes_time() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    module, _, function = scripts["betterstack-signl4"].partition(":")
    code = (
        f"import sys, {module}; print({module}.{function}.__name__, {{'click', 'daemon.cli.main'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout == "start set()\n"
