"""The memory that an answer below the cap takes, measured in a process of its own: the service may have 256 MB."""

import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final

from daemon.clients.http import SIZE_CAP

MOST: Final = 150
"""Megabytes. Of these the program itself takes some sixty."""
SIZE = SIZE_CAP - 1000
PROGRAM = """
import os, sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
import daemon.runtime.build
from daemon.clients.signl4 import answer_to
from daemon.clients.http import Response

def read(file, whose):
    reply = Response(200, {}, Path(file).read_bytes())
    if whose == "SIGNL4":
        answer_to(reply, "secret", datetime.now(UTC))
    else:
        with suppress(ValueError):
            reply.json()
    most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(int(most.split()[1]) // 1024, flush=True)

for asked in sys.argv[1:]:
    if (pid := os.fork()) == 0:
        read(*asked.split(":"))
        os._exit(0)
    os.waitpid(pid, 0)
"""
"""The most memory that each answer takes, in a process of its own, in megabytes and in their order."""
REFUSED_UNREAD: Final = ("empty lists", "objects within objects", "keys and texts")
"""Of Better Stack's these alone are tried: SIGNL4's are read in the same way, and besides to the letter."""


def listed(value: bytes, among: int) -> bytes:
    return b'{"a":[' + b",".join([value] * among) + b"]}"


def objects_within_objects(values: int) -> bytes:
    numbers = count()
    one = (b"".join(b'{"%06x":' % next(numbers) for _ in range(20)) + b"1" + b"}" * 20 for _ in range(values // 21 - 1))
    return b'{"a":[' + b",".join(one) + b"]}"


def keys(values: int) -> bytes:
    return b'{"a":{' + b",".join(b'"%08d":"%08d"' % (n, n) for n in range(values)) + b"}}"


BODIES: Final[dict[str, Callable[[], bytes]]] = {
    "empty lists": lambda: listed(b"[]", SIZE // 3),
    "as many empty lists as are read": lambda: listed(b"[]", 120_000),
    "objects within objects": lambda: objects_within_objects(500_000),
    "as many objects within objects as are read": lambda: objects_within_objects(250_000),
    "keys and texts": lambda: keys(450_000),
    "as many keys and texts as are read": lambda: keys(240_000),
    "escapes, one of them half a pair": lambda: b'{"a":"' + rb"\\" * (SIZE // 2 - 10) + rb"\ud800" + b'"}',
    "halves of pairs": lambda: b'{"a":"' + rb"\ud83dab" * (SIZE // 8 - 2) + b'"}',
    "a text with one wide letter": lambda: '{{"a":"\N{KEY}{}"}}'.format("x" * (SIZE - 20)).encode(),
}


def test_an_answer_takes_no_more_memory_than_there_is(tmp_path: Path) -> None:
    files = {kind: tmp_path / f"{number}" for number, kind in enumerate(BODIES)}
    for kind, made in BODIES.items():
        assert files[kind].write_bytes(made()) <= SIZE_CAP
    cases = [*((kind, "SIGNL4") for kind in BODIES), *((kind, "Better Stack") for kind in REFUSED_UNREAD)]
    command = [sys.executable, "-c", PROGRAM, *(f"{files[kind]}:{whose}" for kind, whose in cases)]
    done = subprocess.run(command, capture_output=True, check=True)
    most = dict(zip(cases, map(int, done.stdout.split()), strict=True))
    assert {case: megabytes for case, megabytes in most.items() if megabytes >= MOST} == {}
