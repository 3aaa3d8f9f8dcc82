"""The memory that an answer below the cap takes, measured in a process of its own: the service may have 256 MB."""

import subprocess
import sys
from itertools import count
from typing import Final

import pytest

from daemon.clients.http import SIZE_CAP

MOST: Final = 150
"""Megabytes. Of these the program itself takes some sixty."""
SIZE = SIZE_CAP - 1000
PROGRAM = """
import sys
from contextlib import suppress
from datetime import UTC, datetime
import daemon.runtime.build
from daemon.clients.signl4 import answer_to
from daemon.clients.http import Response

reply = Response(200, {}, sys.stdin.buffer.read())
match sys.argv[1]:
    case "Better Stack":
        with suppress(ValueError):
            reply.json()
    case "SIGNL4":
        answer_to(reply, "secret", datetime.now(UTC))
most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(most.split()[1]) // 1024)
"""


def listed(value: bytes, among: int) -> bytes:
    return b'{"a":[' + b",".join([value] * among) + b"]}"


def objects_within_objects(values: int) -> bytes:
    numbers = count()
    one = (b"".join(b'{"%06x":' % next(numbers) for _ in range(20)) + b"1" + b"}" * 20 for _ in range(values // 21 - 1))
    return b'{"a":[' + b",".join(one) + b"]}"


def keys(values: int) -> bytes:
    return b'{"a":{' + b",".join(b'"%08d":"%08d"' % (n, n) for n in range(values)) + b"}}"


BODIES = {
    "empty lists": listed(b"[]", SIZE // 3),
    "as many empty lists as are read": listed(b"[]", 120_000),
    "objects within objects": objects_within_objects(500_000),
    "as many objects within objects as are read": objects_within_objects(250_000),
    "keys and texts": keys(450_000),
    "as many keys and texts as are read": keys(240_000),
    "escapes, one of them half a pair": b'{"a":"' + rb"\\" * (SIZE // 2 - 10) + rb"\ud800" + b'"}',
    "halves of pairs": b'{"a":"' + rb"\ud83dab" * (SIZE // 8 - 2) + b'"}',
    "a text with one wide letter": '{{"a":"\N{KEY}{}"}}'.format("x" * (SIZE - 20)).encode(),
}


@pytest.mark.parametrize("whose", ["Better Stack", "SIGNL4"])
@pytest.mark.parametrize("kind", BODIES)
def test_an_answer_takes_no_more_memory_than_there_is(kind: str, whose: str) -> None:
    assert len(BODIES[kind]) <= SIZE_CAP
    read = subprocess.run([sys.executable, "-c", PROGRAM, whose], input=BODIES[kind], capture_output=True, check=True)
    assert int(read.stdout) < MOST
