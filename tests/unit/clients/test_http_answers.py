"""Exchanges that end well, how large an answer may be, and whose certificate counts."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from daemon.clients.http import SIZE_CAP, ExchangeError, tls_context
from daemon.config.settings import HttpSection
from tests.support.listener import (
    Connection,
    Script,
    after_request,
    answering,
    client_to,
    listening,
    ok,
    says,
    server_side,
)
from tests.support.paths import CERTIFICATE, HASHED

HEAD = b"HTTP/1.1 200 OK\r\n"
MEGABYTE = 1024 * 1024


class TestTls:
    def test_a_certificate_of_the_ca_file_is_trusted(self) -> None:
        trusting = tls_context(HttpSection(ca_file=CERTIFICATE))
        with listening(answering(ok(b"{}")), server_side()) as server, client_to(server.url, trusting) as http:
            assert http.exchange("GET", "/").body == b"{}"

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
    def test_a_certificate_that_the_usual_variables_name_is_trusted(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
    ) -> None:
        (tmp_path / HASHED).write_bytes(CERTIFICATE.read_bytes())
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.setenv(variable, str(CERTIFICATE if variable == "SSL_CERT_FILE" else tmp_path))
        trusting = tls_context(HttpSection())
        with listening(answering(ok(b"{}")), server_side()) as server, client_to(server.url, trusting) as http:
            assert http.exchange("GET", "/").body == b"{}"

    def test_the_ca_file_wins_over_the_usual_variables(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        not_trusting = tls_context(HttpSection(ca_file=tmp_path / "other.pem"))
        with listening(answering(ok(b"{}")), server_side()) as server, client_to(server.url, not_trusting) as http:
            with pytest.raises(ExchangeError, match=r"CERTIFICATE_VERIFY_FAILED"):
                http.exchange("GET", "/")

    def test_an_unknown_certificate_is_not_trusted(self) -> None:
        with (
            listening(answering(ok()), server_side()) as server,
            client_to(server.url, tls_context(HttpSection())) as http,
            pytest.raises(ExchangeError, match=r"CERTIFICATE_VERIFY_FAILED"),
        ):
            http.exchange("GET", "/")
        assert server.asked == []

    def test_a_certificate_for_another_name_is_not_trusted(self) -> None:
        trusting = tls_context(HttpSection(ca_file=CERTIFICATE))
        with (
            listening(answering(ok()), server_side()) as server,
            client_to(f"https://localhost:{server.port}", trusting) as http,
            pytest.raises(ExchangeError, match=r"CERTIFICATE_VERIFY_FAILED"),
        ):
            http.exchange("GET", "/")

    def test_a_server_without_tls_is_an_error(self) -> None:
        with (
            listening(lambda connection: connection.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
            client_to(f"https://127.0.0.1:{server.port}") as http,
            pytest.raises(ExchangeError, match=r"^ConnectError: .*SSL"),
        ):
            http.exchange("GET", "/")


class TestSize:
    def test_an_answer_of_the_size_of_the_cap_is_read(self) -> None:
        with listening(answering(ok(b"a" * SIZE_CAP))) as server, client_to(server.url) as http:
            assert len(http.exchange("GET", "/").body) == SIZE_CAP == 10 * MEGABYTE

    @pytest.mark.parametrize(
        "answer",
        [
            ok(b"a" * (SIZE_CAP + 1)),
            HEAD + b"\r\n" + b"a" * (SIZE_CAP + MEGABYTE),
            ok(gzip.compress(bytes(SIZE_CAP + MEGABYTE)), b"Content-Encoding: gzip"),
        ],
        ids=["by a byte", "without a length", "compressed"],
    )
    def test_a_larger_one_is_an_error(self, answer: bytes) -> None:
        with (
            listening(answering(answer)) as server,
            client_to(server.url) as http,
            pytest.raises(ExchangeError, match=r"^the answer is larger than 10 MB$"),
        ):
            http.exchange("GET", "/")

    def test_one_without_an_end_is_not_read_to_its_end(self) -> None:
        def script(connection: Connection) -> None:
            connection.request()
            connection.say(HEAD + b"\r\n")
            while True:
                connection.say(b"a" * MEGABYTE)

        with (
            listening(script) as server,
            client_to(server.url) as http,
            pytest.raises(ExchangeError, match=r"larger than 10 MB|within"),
        ):
            http.exchange("GET", "/")


class TestPlainExchanges:
    def test_the_answer_comes_whole(self) -> None:
        answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-Odd-CASE: Kept\r\n\r\nhello"
        with listening(answering(answer)) as server, client_to(server.url) as http:
            reply = http.exchange("GET", "/")
        assert (reply.status, reply.headers["x-odd-case"], reply.body) == (404, "Kept", b"hello")

    def test_a_compressed_answer_is_unpacked(self) -> None:
        answer = ok(gzip.compress(b"hello"), b"Content-Encoding: gzip")
        with listening(answering(answer)) as server, client_to(server.url) as http:
            assert http.exchange("GET", "/").body == b"hello"

    def test_the_request_goes_out_as_given(self) -> None:
        with listening(answering(ok())) as server, client_to(server.url) as http:
            http.exchange("POST", "/a/b", headers={"X-One": "1"}, params={"q": "x y&z"}, content=b"body")
        [asked] = server.asked
        assert asked.startswith(b"POST /a/b?q=x+y%26z HTTP/1.1\r\n")
        assert asked.endswith(b"\r\n\r\nbody")
        assert b"\r\nX-One: 1\r\n" in asked
        assert b"\r\nUser-Agent: betterstack-signl4\r\n" in asked

    def test_another_base_url_serves_one_exchange(self) -> None:
        with listening(answering(ok(b"1"))) as one, listening(answering(ok(b"2"))) as two, client_to(one.url) as http:
            assert http.exchange("GET", "/", base_url=two.url).body == b"2"
            assert http.exchange("GET", "/").body == b"1"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int) -> None:
        with listening(answering(ok())) as other:
            answer = f"HTTP/1.1 {status} Moved\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n".encode()
            with listening(answering(answer)) as server, client_to(server.url) as http:
                reply = http.exchange("GET", "/", headers={"Authorization": "Bearer x"})
        assert (reply.status, reply.headers["location"]) == (status, f"{other.url}/")
        assert (len(server.asked), other.asked) == (1, [])

    @pytest.mark.parametrize("there", ["", "https://[", "//", "mailto:jane", "/" * 9, "https://uptime\u2100.test"])
    def test_a_redirect_to_nowhere_is_no_more_than_an_error(self, there: str) -> None:
        answer = f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode()
        with listening(answering(answer)) as server, client_to(server.url) as http:
            try:
                status = http.exchange("GET", "/").status
            except ExchangeError:
                status = 302
        assert status == 302

    def test_a_connection_that_the_server_closed_meanwhile_is_replaced(self) -> None:
        def once(connection: Connection) -> None:
            connection.request()
            connection.say(ok())

        with listening(once) as server, client_to(server.url) as http:
            for _ in range(3):
                assert http.exchange("GET", "/").status == 200
                assert server.closed.acquire(timeout=5)

    def test_after_an_error_the_next_exchange_starts_afresh(self) -> None:
        scripts: Iterator[Script] = iter([after_request(says(HEAD)), answering(ok())])

        def script(connection: Connection) -> None:
            next(scripts)(connection)

        with listening(script) as server, client_to(server.url) as http:
            with pytest.raises(ExchangeError):
                http.exchange("GET", "/")
            assert http.exchange("GET", "/").status == 200

    def test_a_password_file_of_the_user_is_not_looked_at(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login jane password hunter2\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        with listening(answering(ok())) as server, client_to(server.url) as http:
            http.exchange("GET", "/")
        assert b"uthorization" not in server.asked[0]
