"""Whatever a client sends, it is answered, and the sandbox goes on without a fault of its own."""

import json
import socket
from contextlib import closing
from datetime import timedelta

import httpx
import pytest

from daemon.sandbox.betterstack import LIST
from daemon.sandbox.exchange import Request
from daemon.sandbox.server import Sandbox
from tests.sandbox.conftest import client_of
from tests.support.each import each

WEBHOOK = b"POST /webhook/96sbq49u HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n"
TELL = b'{"Title": "Shop"}'


def said(sandbox: Sandbox, request: bytes) -> bytes:
    """The whole answer to these bytes."""
    with closing(socket.create_connection(("127.0.0.1", int(sandbox.signl4.url.rpartition(":")[2])), 10)) as peer:
        peer.sendall(request)
        peer.shutdown(socket.SHUT_WR)
        answer = b""
        while some := peer.recv(65536):
            answer += some
        return answer


@each(
    ("headers", "body", "status"),
    [
        (b"Content-Length: 17", TELL, b"201"),
        (
            b"Transfer-Encoding: chunked",
            b"5\r\n" + TELL[:5] + b"\r\nc;a=b\r\n" + TELL[5:] + b"\r\n0\r\nA: b\r\n\r\n",
            b"201",
        ),
        (b"Content-Length: seventeen", TELL, b"400"),
        (b"Content-Length: -1", TELL, b"400"),
        (b"Content-Length: 99999999999", TELL, b"400"),
        (b"Transfer-Encoding: chunked", b"zz\r\n" + TELL, b"400"),
        (b"Transfer-Encoding: chunked", b"11", b"400"),
        (b"Content-Length: 0", b"", b"400"),
        (b"Content-Length: 100000", b"[" * 100_000, b"400"),
    ],
)
def test_a_body_is_read_however_it_is_sent_and_refused_if_it_cannot_be(
    sandbox: Sandbox, headers: bytes, body: bytes, status: bytes
) -> None:
    answer = said(sandbox, WEBHOOK + headers + b"\r\n\r\n" + body)
    assert answer.split(b" ", 2)[1] == status
    assert len(sandbox.signl4.events) == len([one for one in sandbox.signl4.requests if one.status == 201])


@each("line", [b"GET http://[/ HTTP/1.1", b"GET //[ HTTP/1.1", b"BREW / HTTP/1.1", b"GET /\xff HTTP/1.1", b"GARBAGE"])
def test_a_request_that_makes_no_sense_is_refused(sandbox: Sandbox, line: bytes) -> None:
    answer = said(sandbox, line + b"\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ", 2)[1] in {b"400", b"404", b"501"} or b"Error code: 400" in answer


def test_a_name_that_is_no_text_in_utf_8_spoils_no_list(sandbox: Sandbox) -> None:
    incident_id = sandbox.world.open("Shop")
    with client_of(sandbox) as client:
        by = json.dumps({"acknowledged_by": "Jane \ud800"}).encode()
        assert client.post(f"{LIST}/{incident_id}/acknowledge", content=by).status_code == 200
        [record] = client.get(LIST).json()["data"]
    assert record["attributes"]["acknowledged_by"] == "Jane ?"


def test_the_path_of_the_webhook_may_end_with_a_slash(sandbox: Sandbox) -> None:
    url = f"{sandbox.signl4.url}/webhook/{sandbox.signl4.secret}/"
    assert httpx.post(url, json={"Title": "Shop"}, verify=False).status_code == 201
    wrong = httpx.post(f"{sandbox.signl4.url}/webhook/wrong/", json={"Title": "Shop"}, verify=False)
    assert wrong.json()["details"] == "An event source with ID wrong was not found."
    assert httpx.post(f"{url}more", json={"Title": "Shop"}, verify=False).content == b""


def test_a_mistake_of_the_sandbox_is_a_500_for_its_client_and_is_raised_at_its_end() -> None:
    def mistaken(_: Request) -> timedelta:
        raise ZeroDivisionError

    sandbox = Sandbox()
    statuses: list[int] = []
    with pytest.raises(ZeroDivisionError):
        with sandbox, client_of(sandbox) as client:
            sandbox.betterstack.age = mistaken
            statuses.append(client.get(LIST).status_code)
            statuses.append(client.post(f"{LIST}/42/resolve").status_code)
    assert statuses == [500, 404]
