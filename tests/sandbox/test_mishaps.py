"""Ready-made faults whose making is worth a test of its own: lengths that lie, and bodies that grow."""

import gzip
import socket

import httpx
import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.server import Sandbox

LIST = "/api/v3/incidents"


@pytest.mark.parametrize("megabytes", [1, 2, 40])
def test_a_small_body_can_unpack_to_a_large_one(megabytes: int) -> None:
    answer = mishaps.bomb(megabytes).answer
    assert len(answer.body) < 1500 * (megabytes + 1)
    unpacked = httpx.Response(answer.status, headers=answer.headers, content=answer.body).content
    assert unpacked == bytes(megabytes * mishaps.MEGABYTE)


def test_it_can_be_packed_many_times_over() -> None:
    once, thrice = mishaps.bomb(40).answer, mishaps.bomb(40, layers=3).answer
    assert thrice.headers["Content-Encoding"] == "gzip, gzip, gzip"
    assert gzip.decompress(gzip.decompress(thrice.body)) == once.body
    assert len(thrice.body) < len(once.body) / 20


def test_a_body_can_be_longer_than_it_is_said_to_be(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.world.open("Shop")
    whole = client.get(LIST).content
    sandbox.betterstack.faults.arm(mishaps.understated(), times=1)
    host, port = sandbox.betterstack.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as plain:
        lines = [f"GET {LIST} HTTP/1.1", f"Authorization: Bearer {sandbox.betterstack.token}", "Connection: close"]
        plain.sendall("\r\n".join([*lines, "", ""]).encode())
        head, _, body = b"".join(iter(lambda: plain.recv(65536), b"")).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(whole) // 2}".encode() in head.split(b"\r\n")
    assert body == whole
