"""What the machine is made of and is not made twice: a Debian root, and the wheels of `dev.txt` for its Python.

Both lie under `$XDG_CACHE_HOME/betterstack-signl4`, under names that tell what went into them. Each is built beside its
place and renamed when it is whole, so that whatever is found there is finished. Nothing writes to it afterwards.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

CHECKOUT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "betterstack-signl4"
SUITE = os.environ.get("DEBIAN", "bookworm")
"""The Debian release: the oldest that the service is for, or a later one, such as `trixie` or `unstable`."""
VERSIONS = "import platform, sys; print(*sys.version_info[:2], *platform.libc_ver()[1].split('.'))"
"""Prints the versions of Python and glibc, a number each."""
PACKAGES = "systemd systemd-sysv dbus python3 python3-venv make curl ca-certificates iproute2".split()
SERVERS = "postgresql pgbouncer".split()
"""What the tests start that need a PostgreSQL. A machine that boots does without: it would start them, too."""
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"


def debian(*more: str) -> Path:
    """The directory of a Debian system that was never started. `more`: packages that it has besides."""
    packages = [*PACKAGES, *more]
    return _cached(f"debian-{SUITE}-{_digest(' '.join(packages))}", partial(_build_debian, packages))


def systemd_version() -> int:
    return int(_run(["chroot", str(debian()), "systemctl", "--version"]).split()[1])


def wheels() -> Path:
    """A directory from which pip can install this project, and all that its Makefile wants, without a network."""
    requirements = (CHECKOUT / "requirements" / "dev.txt").read_text()
    major, minor, _, glibc = _run(["chroot", str(debian()), "python3", "-c", VERSIONS]).split()
    name = f"wheels-{platform.machine()}-{major}.{minor}-{_digest(requirements)}"
    return _cached(name, partial(_download_wheels, f"{major}.{minor}", int(glibc)))


def sources() -> list[Path]:
    """The files of the checkout as git would commit them, relative to it."""
    # Under `sudo` the checkout belongs to somebody else, whom git would not trust.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (CHECKOUT / name).is_file()]


def _build_debian(packages: list[str], directory: Path) -> None:
    # In namespaces of its own: what it mounts and what it starts is gone with it, even if it or the tests are killed.
    alone = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
    _say(f"builds a Debian system in {CACHE}, about a minute")
    included = f"--include={','.join(packages)}"
    _run([*alone, "debootstrap", "--variant=minbase", included, SUITE, str(directory), *_mirror()])
    # These came from the host, or are of no use to a machine without a network.
    (directory / "etc/resolv.conf").unlink(missing_ok=True)
    (directory / "etc/hosts").write_text(HOSTS)
    for spent in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(directory / spent)
        (directory / spent).mkdir()


def _mirror() -> list[str]:
    """Where this machine has its own Debian packages from; nothing, for debootstrap's default, if that is not known."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(SITE)", "Created-By: Packages"]
    with suppress(OSError):
        listed = subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines()
        return [site for label, _, site in (line.partition(" ") for line in listed) if label == "Debian"][:1]
    return []


def _download_wheels(python: str, glibc: int, directory: Path) -> None:
    """`glibc`: its minor version; wheels for this one and for every older one are taken."""
    arch = platform.machine()
    tags = [f"manylinux_2_{minor}_{arch}" for minor in range(glibc, 4, -1)]
    tags += [f"manylinux2014_{arch}", f"manylinux2010_{arch}", f"manylinux1_{arch}", f"linux_{arch}"]
    target = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    target += [f"--platform={tag}" for tag in tags]
    # All that is pinned, and nothing is resolved: pip would ask this interpreter's version which libraries are needed.
    wanted = ["--no-deps", "--requirement", str(CHECKOUT / "requirements" / "dev.txt"), "--dest", str(directory)]
    _say(f"downloads wheels to {CACHE}")
    _run([sys.executable, "-m", "pip", "download", "--quiet", *target, *wanted])


def _cached(name: str, build: Callable[[Path], None]) -> Path:
    """The directory of this name, built if it is not there yet. Whoever wants it at the same time waits."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for abandoned in CACHE.glob("unfinished-*"):
            shutil.rmtree(abandoned)
        if not (CACHE / name).is_dir():
            with TemporaryDirectory(prefix="unfinished-", dir=CACHE) as part:
                build(Path(part) / name)
                (Path(part) / name).rename(CACHE / name)
    return CACHE / name


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def _say(what: str) -> None:
    print(f"tests/systemd: {what}", file=sys.__stderr__, flush=True)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]
