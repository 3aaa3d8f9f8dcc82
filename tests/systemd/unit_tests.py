"""`make unit-debian`: the unit tests in the root of a Debian release, under the Python of that release.

Nothing boots there. What the root changes is in memory, in namespaces of its own, and gone with the last process. It
has no network but loopback, and the devices of this machine.
"""

import os
import subprocess
import sys

from tests.systemd.cache import CHECKOUT, SERVERS, debian, sources, wheels

ALONE = "setpriv --pdeathsig=KILL unshare --mount --net --pid --fork --kill-child"
# The names of the files to be copied come on its standard input.
SCRIPT = """
set -eu
place=/run/betterstack-signl4-unit-tests
mkdir -p "$place"
mount -t tmpfs -o mode=755 tmpfs "$place"
mkdir "$place/changed" "$place/work" "$place/root"
mount -t overlay -o "lowerdir=$ROOT,upperdir=$place/changed,workdir=$place/work" overlay "$place/root"
cd "$place/root"
mkdir -p wheels usr/src/checkout
mount --bind "$WHEELS" wheels
mount --rbind /dev dev
mount -t proc proc proc
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs run
tar --create --directory "$CHECKOUT" --null --files-from - | tar --extract --no-same-owner --directory usr/src/checkout
ip link set lo up
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels chroot . make -C usr/src/checkout unit "TESTS=$TESTS" </dev/null
"""


def main(tests: str) -> int:
    """The exit code of the tests. `tests`: what of them, as pytest takes it."""
    places = {"ROOT": str(debian(*SERVERS)), "WHEELS": str(wheels()), "CHECKOUT": str(CHECKOUT), "TESTS": tests}
    names = b"\0".join(os.fsencode(name) for name in sources())
    command = [*ALONE.split(), "sh", "-c", SCRIPT]
    return subprocess.run(command, input=names, env=os.environ | places, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(os.environ.get("TESTS") or "tests/unit"))
