"""`make install` into a DESTDIR, with a stand-in for Python: what it checks, says, puts where, and leaves if it fails.

With the real Python and systemd it is tried in tests/systemd.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

STAND_IN = r"""#!/bin/sh
# Makes an environment, installs a program of version $MADE, fails at what $FAILS names, or sends $SIGNAL there.
case "$*" in
*"${FAILS:-nothing fails}"*) [ -z "${SIGNAL:-}" ] || kill -s "$SIGNAL" $PPID ;;
esac
case "$*" in
*"${FAILS:-nothing fails}"*) exit 1 ;;
'-m venv '*)
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
    echo "home = $3" >"$3/pyvenv.cfg"
    printf "#!/bin/sh\n'''exec' \"%s/bin/python\" \"\$0\"\n" "$3" >"$3/bin/betterstack-signl4"
    ;;
*--version) echo "betterstack-signl4, version $(cat "$(dirname "$0")/version")" ;;
*' completion '*) echo "a script for $*" ;;
*--no-build-isolation*) echo "$MADE" >"$(dirname "$0")/version" ;;
esac
"""
PROGRAM = "opt/betterstack-signl4"
SYSUSERS = "usr/local/lib/sysusers.d"
FAILURES = {
    "no environment": "-m venv",
    "a package is missing": "run.txt",
    "it cannot be built": "--no-build-isolation",
}


class Place:
    """A DESTDIR."""

    def __init__(self, directory: Path, name: str) -> None:
        self.root = directory / name
        self.root.mkdir()
        self.python = directory / "python"
        self.python.write_text(STAND_IN)
        self.python.chmod(0o755)

    def install(self, made: str = "1.0", **variables: str) -> "subprocess.CompletedProcess[str]":
        given = {"DESTDIR": str(self.root), "PYTHON": str(self.python), "MADE": made, "PATH": os.environ["PATH"]}
        command = ["make", "--no-print-directory", "install"]
        return subprocess.run(command, cwd=ROOT, env=given | variables, check=False, capture_output=True, text=True)

    def files(self) -> dict[str, bytes]:
        """All of them, by name."""
        return {str(file.relative_to(self.root)): file.read_bytes() for file in self.root.rglob("*") if file.is_file()}


NAMES = {"plain": "stage", "with spaces": "a stage | of [some] & $HOME", "long": "long" * 50, "with a slash": "stage/"}


@pytest.fixture(params=list(NAMES.values()), ids=list(NAMES))
def anywhere(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return Place(tmp_path, request.param)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, "stage")


def test_wherever_it_is_installed_its_scripts_name_the_place_where_it_will_be(anywhere: Place) -> None:
    done = anywhere.install()
    assert (done.returncode, done.stderr) == (0, "")
    assert "Three steps remain" in done.stdout
    script = (anywhere.root / PROGRAM / "bin/betterstack-signl4").read_text()
    assert script == "#!/bin/sh\n'''exec' \"/opt/betterstack-signl4/bin/python\" \"$0\"\n"
    assert (anywhere.root / PROGRAM / "pyvenv.cfg").read_text() == "home = /opt/betterstack-signl4\n"
    assert (anywhere.root / "etc/betterstack-signl4/config.toml").exists()
    assert [entry.name for entry in (anywhere.root / "opt").iterdir()] == ["betterstack-signl4"]


def test_every_unit_is_installed_and_removed_again(place: Place) -> None:
    place.install()
    units = {file.name for file in (place.root / "usr/local/lib/systemd/system").iterdir() if file.is_file()}
    ours = (ROOT / "systemd").glob("betterstack-signl4*")
    assert units == {file.name for file in ours if file.suffix}
    variables = {"DESTDIR": str(place.root), "PATH": os.environ["PATH"]}
    subprocess.run(["make", "uninstall"], cwd=ROOT, env=variables, check=True, capture_output=True)
    assert {name.partition("/")[0] for name in place.files()} == {"etc"}


SHARED = {
    "man/man1/betterstack-signl4.1": '.\\"',
    "bash-completion/completions/betterstack-signl4": "a script for -I -m daemon completion bash",
    "zsh/site-functions/_betterstack-signl4": "a script for -I -m daemon completion zsh",
    "fish/vendor_completions.d/betterstack-signl4.fish": "a script for -I -m daemon completion fish",
}


def test_the_man_page_and_what_shells_complete_with_are_put_where_they_are_looked_for(place: Place) -> None:
    place.install()
    files = {name: text.decode() for name, text in place.files().items() if name.startswith("usr/local/share/")}
    assert files.keys() == {f"usr/local/share/{name}" for name in SHARED}
    assert all(files[f"usr/local/share/{name}"].startswith(begins) for name, begins in SHARED.items())


def test_an_upgrade_says_from_which_version_to_which(place: Place) -> None:
    place.install("1.0")
    done = place.install("2.0")
    assert done.stdout.splitlines()[-1] == "Version 2.0 is installed; before it was 1.0."
    assert "steps remain" not in done.stdout


@pytest.mark.parametrize("failing", FAILURES.values(), ids=FAILURES)
def test_a_first_installation_that_fails_leaves_nothing_behind(place: Place, failing: str) -> None:
    done = place.install(FAILS=failing)
    assert done.returncode != 0
    assert "The installation failed. Nothing has changed.\n" in done.stderr
    assert place.files() == {}


@pytest.mark.parametrize("failing", FAILURES.values(), ids=FAILURES)
def test_an_upgrade_that_fails_leaves_everything_as_it_was(place: Place, failing: str) -> None:
    place.install("1.0")
    before = place.files()
    done = place.install("2.0", FAILS=failing)
    assert done.returncode != 0
    assert "Nothing has changed: version 1.0 is still installed.\n" in done.stderr
    assert place.files() == before


@pytest.mark.parametrize(("signal", "code"), [("INT", 130), ("TERM", 143), ("HUP", 143)])
def test_so_does_one_that_is_ended_by_a_signal(place: Place, signal: str, code: int) -> None:
    place.install("1.0")
    before = place.files()
    done = place.install("2.0", FAILS="run.txt", SIGNAL=signal)
    assert f"Error {code}" in done.stderr
    assert "Nothing has changed: version 1.0 is still installed.\n" in done.stderr
    assert place.files() == before


def test_so_does_one_that_fails_while_files_are_put_in_place(place: Place) -> None:
    place.install("1.0")
    unit = place.root / "usr/local/lib/systemd/system/betterstack-signl4.service"
    unit.write_text("an older one")
    shutil.rmtree(place.root / SYSUSERS)
    (place.root / SYSUSERS).write_text("no directory")
    before = place.files()
    done = place.install("2.0")
    assert done.returncode != 0
    assert "version 1.0 is still installed" in done.stderr
    assert place.files() == before


def test_so_does_a_first_one(place: Place) -> None:
    (place.root / SYSUSERS).parent.mkdir(parents=True)
    (place.root / SYSUSERS).write_text("no directory")
    assert place.install().returncode != 0
    assert place.files() == {SYSUSERS: b"no directory"}


def test_one_that_was_ended_between_its_two_renames_is_found_again(place: Place) -> None:
    place.install("1.0")
    (place.root / PROGRAM).rename(place.root / f"{PROGRAM}.old")
    assert place.install("2.0").stdout.splitlines()[-1] == "Version 2.0 is installed; before it was 1.0."


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        (
            "version_info",
            "is not Python 3.11 or later: name one that is, for instance make install PYTHON=python3.13",
        ),
        ("ensurepip", "venv of Python is missing: install it first, on Debian with apt install python3-venv"),
    ],
)
def test_a_python_that_will_not_do_is_named_first(place: Place, failing: str, sentence: str) -> None:
    done = place.install(FAILS=failing)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.partition("make:")[0].endswith(f"{sentence}\n")
    assert place.files() == {}


@pytest.fixture
def readable() -> Iterator[Path]:
    """The scripts, where any user can read them."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        shutil.copytree(ROOT / "systemd", Path(directory) / "systemd")
        yield Path(directory)


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_whoever_is_not_root_is_told_so_in_one_sentence(readable: Path, verb: str) -> None:
    user = 65534 if os.geteuid() == 0 else None
    command = ["sh", str(readable / f"systemd/{verb}.sh")]
    variables = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=variables, user=user, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"make {verb} changes /opt, /etc and /usr/local, which only root may: run it as root, "
        f"for instance sudo make {verb}\n"
    )


def test_the_driver_of_a_server_is_installed_if_it_is_asked_for_and_stays(place: Place) -> None:
    driver = "requirements/postgresql.txt"
    assert place.install("1.0", FAILS=driver).returncode == 0
    assert place.install("1.0", FAILS=driver, EXTRAS="postgresql").returncode != 0
    assert place.install("1.0", EXTRAS="postgresql").returncode == 0
    (place.root / PROGRAM / "lib/python3.13/site-packages/psycopg").mkdir(parents=True)
    assert place.install("2.0", FAILS=driver).returncode != 0, "an upgrade keeps it"
    assert place.install("2.0", FAILS=driver, EXTRAS="").returncode == 0


def test_another_extra_is_a_mistake_and_nothing_changes(place: Place) -> None:
    done = place.install(EXTRAS="mysql")
    assert done.returncode != 0
    assert "EXTRAS=mysql is not known: it is postgresql, or nothing\n" in done.stderr
    assert place.files() == {}
