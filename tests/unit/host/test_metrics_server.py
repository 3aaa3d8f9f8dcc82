"""The three pages, and clients and disks that hang: they cost nobody else anything."""

import gc
import http.client
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from daemon.host import metrics_server
from daemon.host.listening import bound
from daemon.host.metrics_server import MOST, MetricsServer, Reading
from daemon.model.errors import DaemonError
from tests.support.fakes import LONG

WELL = Reading(b"a 1\n", "text/plain; version=0.0.4", ())
UNWELL = Reading(b"a 2\n", "text/plain; version=0.0.4", ("one is wrong", "two is wrong"))


@contextmanager
def serving(read: Callable[[], Reading], listen: str = "127.0.0.1:0") -> Iterator[MetricsServer]:
    server = MetricsServer(bound(listen), read)
    server.start()
    try:
        yield server
    finally:
        server.close()


def connected(server: MetricsServer) -> socket.socket:
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=LONG)


def ask(server: MetricsServer, path: str, method: str = "GET") -> tuple[int, str]:
    host, _, port = server.address.rpartition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=LONG)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def raw(server: MetricsServer, request: bytes) -> bytes:
    with connected(server) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(4096), b""))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question has a reading of its own."""
    monkeypatch.setattr(metrics_server, "FRESH", -1.0)


def test_the_pages() -> None:
    with serving(lambda: WELL) as server:
        assert ask(server, "/metrics") == (200, "a 1\n")
        assert ask(server, "/metrics?x=1") == (200, "a 1\n")
        assert ask(server, "/readyz") == (200, "ok\n")
        assert ask(server, "/healthz") == (200, "ok\n")
        assert ask(server, "/") == (404, "there are /metrics, /healthz and /readyz\n")
        assert ask(server, "/metrics", "POST") == (405, "only GET\n")
        assert ask(server, "/metrics", "HEAD") == (200, "")


def test_who_is_not_ready_says_why() -> None:
    with serving(lambda: UNWELL) as server:
        assert ask(server, "/readyz") == (503, "one is wrong\ntwo is wrong\n")
        assert ask(server, "/metrics") == (200, "a 2\n")
        assert ask(server, "/healthz") == (200, "ok\n")


def test_an_answer_says_what_it_is_and_ends_its_connection() -> None:
    with serving(lambda: WELL) as server:
        assert raw(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") == (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 4\r\n"
            b"Cache-Control: no-store\r\nConnection: close\r\n\r\na 1\n"
        )


def test_another_method_is_told_which_there_are() -> None:
    with serving(lambda: WELL) as server:
        assert b"\r\nAllow: GET, HEAD\r\n" in raw(server, b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n")


@pytest.mark.parametrize("junk", [b"", b"\r\n\r\n", b"GET /metrics", b"\xff" * 20_000, b"GET\r\n\r\n"])
def test_junk_ends_with_its_connection(junk: bytes) -> None:
    with serving(lambda: WELL) as server:
        with connected(server) as client:
            client.sendall(junk)
            client.shutdown(socket.SHUT_WR)
            with pytest.MonkeyPatch.context():
                received = b""
                try:
                    while more := client.recv(4096):
                        received += more
                except ConnectionResetError:
                    pass
        assert b" 200 " not in received
        assert ask(server, "/metrics") == (200, "a 1\n")


def test_clients_that_hang_are_in_nobodys_way() -> None:
    with serving(lambda: WELL) as server:
        hanging = [connected(server) for _ in range(MOST - 2)]
        for client in hanging:
            client.sendall(b"GET /metr")
        assert ask(server, "/metrics") == (200, "a 1\n")
        for client in hanging:
            client.close()


def test_too_many_are_turned_away_and_leave_room_behind_them() -> None:
    with serving(lambda: WELL) as server:
        hanging = [connected(server) for _ in range(MOST)]
        for client in hanging:
            client.sendall(b"G")
        with connected(server) as one_more:
            with suppress(ConnectionError):
                one_more.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert turned_away(one_more)
        for client in hanging:
            client.close()
        answers = (ask_or_none(server) for _ in range(1000))
        assert next(filter(None, answers)) == (200, "a 1\n")


def turned_away(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def ask_or_none(server: MetricsServer) -> tuple[int, str] | None:
    try:
        return ask(server, "/metrics")
    except (ConnectionError, http.client.HTTPException):
        return None


def test_a_client_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "PATIENCE", 0.1)
    with serving(lambda: WELL) as server, connected(server) as client:
        client.sendall(b"GET /metr")
        assert turned_away(client)


def test_a_client_that_does_not_read_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "PATIENCE", 0.5)
    large = Reading(b"x" * 50_000_000, "text/plain", ())
    with serving(lambda: large) as server, connected(server) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        # Its end is seen at the next one: that is served meanwhile.
        assert ask(server, "/healthz") == (200, "ok\n")
        received = 0
        try:
            while more := len(client.recv(1_000_000)):
                received += more
                threading.Event().wait(0.05)
        except ConnectionResetError:
            pass
        assert received < len(large.metrics)


def test_while_a_reading_hangs_the_others_are_told_and_the_process_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that hangs. One reading hangs, not one for each question."""
    monkeypatch.setattr(metrics_server, "READING", 0.1)
    goes_on, readings = threading.Event(), []

    def read() -> Reading:
        readings.append(1)
        goes_on.wait(LONG)
        return WELL

    with serving(read) as server:
        for path in ("/metrics", "/readyz", "/metrics"):
            assert ask(server, path) == (503, "the state could not be read within 0.1 s\n")
        assert ask(server, "/healthz") == (200, "ok\n")
        assert len(readings) == 1
        goes_on.set()
        answers = (ask(server, "/metrics") for _ in range(1000))
        assert next(answer for answer in answers if answer[0] == 200) == (200, "a 1\n")
        assert len(readings) <= 2


@pytest.mark.usefixtures("fresh")
def test_a_fault_of_ours_ends_no_server() -> None:
    faults: list[Exception] = [ZeroDivisionError("secret1")]

    def read() -> Reading:
        if faults:
            raise faults.pop()
        return WELL

    with serving(read) as server:
        assert ask(server, "/metrics") == (500, "a fault of this program: ZeroDivisionError\n")
        assert ask(server, "/metrics") == (200, "a 1\n")


def test_a_reading_is_good_for_a_moment() -> None:
    readings: list[int] = []

    def read() -> Reading:
        readings.append(1)
        return WELL

    with serving(read) as server:
        for _ in range(5):
            ask(server, "/metrics")
            ask(server, "/readyz")
    assert len(readings) < 10


@pytest.mark.usefixtures("fresh")
def test_what_it_reads_can_be_replaced() -> None:
    with serving(lambda: WELL) as server:
        assert ask(server, "/readyz")[0] == 200
        server.read = lambda: UNWELL
        assert ask(server, "/readyz")[0] == 503


def test_it_serves_on_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "m.sock"
    with serving(lambda: WELL, f"unix:{path}"), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
    assert not path.exists()


def test_a_close_waits_for_nobody_and_frees_the_address() -> None:
    with serving(lambda: WELL) as server:
        hanging = connected(server)
        hanging.sendall(b"GET")
        before = threading.active_count()
        server.close()
        assert threading.active_count() == before - 1
        with serving(lambda: WELL, server.address) as again:
            assert ask(again, "/healthz") == (200, "ok\n")
        hanging.close()


@pytest.mark.parametrize("sent", [b"", b"GET"])
def test_a_connection_at_the_moment_of_the_close_is_closed(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Not whenever the garbage collector finds it: each of these would be a warning, which is an error here.

    And the log stays silent.
    """
    for _ in range(20):
        with serving(lambda: WELL) as server:
            client = connected(server)
            client.sendall(sent)
        client.close()
    gc.collect()
    assert [one.getMessage() for one in caplog.records if one.levelno > logging.INFO] == []


def test_a_machine_without_threads_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MetricsServer(bound("127.0.0.1:0"), lambda: WELL)

    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        with pytest.raises(DaemonError, match="no thread can be started for the metrics now"):
            server.start()
    server.close()
