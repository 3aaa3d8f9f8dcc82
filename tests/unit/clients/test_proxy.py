"""Which way a request takes: `http.proxy` first, else the usual variables, and neither for what `NO_PROXY` names."""

import ssl
import time
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from daemon.clients.http import ExchangeError, tls_context
from daemon.config.settings import HttpSection
from tests.faults.line import Proxy
from tests.support.each import each
from tests.support.listener import (
    LATE,
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
from tests.support.paths import CERTIFICATE
from tests.support.slowness import SLOWNESS

UPSTREAM = "http://upstream.test"


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "127.0.0.1:{}", "http://127.0.0.1:{}/"])
def test_a_variable_names_the_proxy(monkeypatch: pytest.MonkeyPatch, variable: str, form: str) -> None:
    with listening(answering(ok())) as proxy:
        monkeypatch.setenv(variable, form.format(proxy.port))
        with client_to(UPSTREAM) as http:
            assert http.exchange("GET", "/path", params={"page": "1"}).status == 200
    assert proxy.asked[0].startswith(b"GET http://upstream.test/path?page=1 HTTP/1.1\r\n")


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_https_goes_through_a_tunnel_that_sees_no_token(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with listening(after_request(says(refusal))) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        with (
            client_to("https://upstream.test") as http,
            pytest.raises(ExchangeError, match=f"{variable} names refused: HTTP 407"),
        ):
            http.exchange("GET", "/path", headers={"Authorization": "Bearer secret"})
    assert proxy.asked[0].startswith(b"CONNECT upstream.test:443 HTTP/1.1\r\n")
    assert b"secret" not in b"".join(proxy.asked)


@pytest.mark.parametrize(
    ("variable", "scheme"), [("https_proxy", "http"), ("http_proxy", "https"), ("ftp_proxy", "http")]
)
def test_a_variable_for_another_scheme_does_not_count(
    monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    with listening(answering(ok())) as proxy, listening(answering(ok())) as server:
        monkeypatch.setenv(variable, proxy.url)
        with client_to(f"{scheme}://127.0.0.1:{server.port}") as http:
            if scheme == "http":
                http.exchange("GET", "/")
            else:
                with pytest.raises(ExchangeError, match=r"SSL|within"):
                    http.exchange("GET", "/")
    assert proxy.connections == 0
    assert server.connections == 1


def test_the_setting_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(answering(ok(b"1"))) as named, listening(answering(ok(b"2"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with client_to(UPSTREAM, proxy=named.url) as http:
            assert http.exchange("GET", "/").body == b"1"
    assert proxy.connections == 0


@pytest.mark.parametrize("source", ["setting", "variable"])
@pytest.mark.parametrize("named", ["127.0.0.1", "*", "example.com, 127.0.0.1", "127.0.0.0/8"])
def test_what_no_proxy_names_is_reached_without_one(monkeypatch: pytest.MonkeyPatch, source: str, named: str) -> None:
    with listening(answering(ok(b"direct"))) as server, listening(answering(ok(b"proxy"))) as proxy:
        monkeypatch.setenv("no_proxy", named)
        if source == "variable":
            monkeypatch.setenv("http_proxy", proxy.url)
        with client_to(server.url, proxy=proxy.url if source == "setting" else None) as http:
            assert http.exchange("GET", "/").body == b"direct"


@pytest.mark.parametrize("named", ["", "example.com", "127.0.0.2", "27.0.0.1", "127.0.0.1.example.com", "0.0.1"])
def test_what_no_proxy_does_not_name_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    """Loopback addresses too: nobody but the operator knows which way they go."""
    with listening(answering(ok(b"direct"))) as server, listening(answering(ok(b"proxy"))) as proxy:
        monkeypatch.setenv("NO_PROXY", named)
        with client_to(server.url, proxy=proxy.url) as http:
            assert http.exchange("GET", "/").body == b"proxy"


REFUSAL = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
CREDENTIALS = {
    "jane:hunter2": "jane:hunter2",
    "jane:p%40ss%3Aw%2Frd%23%3F": "jane:p@ss:w/rd#?",
    "DOMAIN%5Cjane:100%25": "DOMAIN\\jane:100%",
    "j%C3%A4ne:%F0%9F%94%91": "jäne:\N{KEY}",
    "jane:p%20w": "jane:p w",
    "jane:p%2Bw+x": "jane:p+w+x",
    "jane:p@ss": "jane:p@ss",
    "jane:": "jane:",
    "jane": "jane:",
    ":hunter2": ":hunter2",
}
"""As an address spells user and password, and as the proxy must get them."""


@each("spelled", CREDENTIALS)
@pytest.mark.parametrize("source", ["http.proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_user_and_password_reach_the_proxy_decoded_and_no_error(
    monkeypatch: pytest.MonkeyPatch, source: str, spelled: str
) -> None:
    expected = b64encode(CREDENTIALS[spelled].encode())
    with listening(after_request(says(REFUSAL))) as proxy:
        address = f"http://{spelled}@127.0.0.1:{proxy.port}"
        if source != "http.proxy":
            monkeypatch.setenv(source, address)
        with (
            client_to("https://upstream.test", proxy=address if source == "http.proxy" else None) as http,
            pytest.raises(ExchangeError) as caught,
        ):
            http.exchange("GET", "/")
    assert b"\r\nProxy-Authorization: Basic %b\r\n" % expected in proxy.asked[0]
    assert (
        str(caught.value)
        == f"the proxy that {source} names refused: HTTP 407 No; check the user and the password there"
    )


@pytest.mark.parametrize("base_url", ["https://upstream.test", "http://upstream.test"])
@pytest.mark.parametrize("secret", ["p@ss", "p%40ss", b64encode(b"jane:p@ss").decode()])
def test_a_proxy_that_says_what_it_was_told_leaks_nothing(base_url: str, secret: str) -> None:
    answer = f"HTTP/1.1 407 Not for jane {secret}\r\nContent-Length: 4\r\n\r\np@ss".encode()
    with listening(after_request(says(answer))) as proxy:
        address = f"http://jane:p%40ss@127.0.0.1:{proxy.port}"
        with client_to(base_url, proxy=address) as http, pytest.raises(ExchangeError) as caught:
            http.exchange("GET", "/")
    assert str(caught.value) == (
        "the proxy that http.proxy names refused: HTTP 407 Not for jane ***; check the user and the password there"
    )


CREDENTIALS_WRONG = "; check the user and the password there"
NOT_ALLOWED = "; the proxy does not allow this address: have it allowed there"
NOT_REACHED = "; the proxy did not get there: see whether it can look up the name and reach the address"
REFUSALS = {
    "401 Unauthorized": CREDENTIALS_WRONG,
    "407 Proxy Authentication Required": CREDENTIALS_WRONG,
    "403 Forbidden": NOT_ALLOWED,
    "404 Not Found": NOT_REACHED,
    "500 Unable to connect": NOT_REACHED,
    "502 Bad Gateway": NOT_REACHED,
    "503 Service Unavailable": NOT_REACHED,
    "504 Gateway Time-out": NOT_REACHED,
    "400 Bad Request": "",
    "405 Method Not Allowed": "",
    "429 Too Many Requests": "",
    "302 Found": "",
}
"""What a proxy answers instead of leading to a service, and what is to be done about it."""


@pytest.mark.parametrize("status", REFUSALS)
def test_what_a_proxy_says_is_told_with_what_it_means(status: str) -> None:
    with listening(after_request(says(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()))) as proxy:
        with client_to("https://upstream.test", proxy=proxy.url) as http, pytest.raises(ExchangeError) as caught:
            http.exchange("GET", "/")
    assert str(caught.value) == f"the proxy that http.proxy names refused: HTTP {status}{REFUSALS[status]}"


def test_an_error_on_the_way_names_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(after_request(Connection.hang)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://jane:hunter2@127.0.0.1:{proxy.port}")
        with client_to("https://upstream.test") as http:
            with pytest.raises(ExchangeError, match=f"^{LATE}, through the proxy that HTTPS_P"):
                http.exchange("GET", "/")
    with client_to("https://upstream.test") as http:
        with pytest.raises(ExchangeError, match=r"^ConnectError: .*, through the proxy that HTTPS_PROXY names$"):
            http.exchange("GET", "/")


@pytest.mark.parametrize("base_url", ["https://upstream.test", "http://upstream.test"])
def test_a_proxy_may_itself_be_reached_over_tls_and_show_a_certificate_of_the_ca_file(base_url: str) -> None:
    trusting = tls_context(HttpSection(ca_file=CERTIFICATE))
    with listening(after_request(says(REFUSAL)), server_side()) as proxy:
        with (
            client_to(base_url, trusting, proxy=proxy.url) as http,
            pytest.raises(ExchangeError, match="refused: HTTP 407"),
        ):
            http.exchange("GET", "/")
        assert len(proxy.asked) == 1


def test_a_proxy_whose_own_certificate_nobody_vouches_for_is_told_nothing() -> None:
    with listening(after_request(says(REFUSAL)), server_side()) as proxy:
        url = proxy.url.replace("https://", "https://jane:hunter2@")
        with client_to("https://upstream.test", proxy=url) as http, pytest.raises(ExchangeError, match="VERIFY_FAILED"):
            http.exchange("GET", "/")
    assert proxy.asked == []


@pytest.mark.parametrize("port", ["", ":8443"])
def test_an_ipv6_address_is_named_to_a_proxy_in_brackets(port: str) -> None:
    with listening(after_request(says(REFUSAL))) as proxy:
        with (
            client_to(f"https://[2001:db8::1]{port}", proxy=proxy.url) as http,
            pytest.raises(ExchangeError, match="407"),
        ):
            http.exchange("GET", "/")
    place = f"[2001:db8::1]{port or ':443'}".encode()
    assert proxy.asked[0].startswith(b"CONNECT %b HTTP/1.1\r\n" % place)
    assert b"\r\nHost: %b\r\n" % place in proxy.asked[0]
    assert proxy.asked[0].count(b"Host:") == 1


def test_an_ipv6_address_is_named_to_a_proxy_in_brackets_without_a_tunnel_too() -> None:
    with listening(answering(ok())) as proxy:
        with client_to("http://[2001:db8::1]:8080", proxy=proxy.url) as http:
            for _ in range(2):
                http.exchange("GET", "/path", params={"of": "2001:db8::1"})
    for asked in proxy.asked:
        assert asked.startswith(b"GET http://[2001:db8::1]:8080/path?of=2001%3Adb8%3A%3A1 HTTP/1.1\r\n")
        assert b"\r\nHost: [2001:db8::1]:8080\r\n" in asked
    assert proxy.connections == 1


class Elsewhere(Proxy):
    """Leads to its target, whatever it is asked for."""

    def _place(self, _: str) -> tuple[str, int]:
        return self.host, self._target


def test_a_certificate_for_an_ipv6_address_is_judged_by_the_address(tmp_path: Path) -> None:
    authority, theirs = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("2001:db8::1").configure_cert(theirs)
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    with listening(answering(ok()), theirs) as server, ExitStack() as stack:
        proxy = Elsewhere(server.port)
        stack.callback(proxy.cut)
        trusting = tls_context(HttpSection(ca_file=file))
        with client_to("https://[2001:db8::1]", trusting, proxy=f"http://127.0.0.1:{proxy.port}") as http:
            assert http.exchange("GET", "/").status == 200


def hangs(connection: Connection) -> None:
    connection.request()
    connection.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 200)


def answers_then_hangs(connection: Connection) -> None:
    connection.request()
    connection.say(b"HTTP/1.1 200 OK\r\n\r\n")
    connection.drip(b"\x16\x03\x03\x20\x00" + b"\x02" * 200)


@pytest.mark.parametrize("tls", [None, server_side()], ids=["plain", "over TLS"])
@pytest.mark.parametrize("script", [hangs, answers_then_hangs])
def test_a_slow_tunnel_does_not_outlast_the_deadline(script: Script, tls: ssl.SSLContext | None) -> None:
    trusting = tls_context(HttpSection(ca_file=CERTIFICATE))
    with listening(script, tls) as proxy, client_to("https://upstream.test", trusting, proxy=proxy.url) as http:
        begun = time.monotonic()
        with pytest.raises(ExchangeError, match=LATE):
            http.exchange("GET", "/")
        assert time.monotonic() - begun < 2 * SLOWNESS


def test_a_tunnel_in_which_tls_fails_takes_up_no_place() -> None:
    """Of the one place that this client has."""
    trusting = tls_context(HttpSection(ca_file=CERTIFICATE))
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(stranger)
    with listening(answering(ok()), server_side()) as server, ExitStack() as stack:
        proxy = Proxy()
        stack.callback(proxy.cut)
        with client_to(server.url, trusting, proxy=f"http://127.0.0.1:{proxy.port}") as http:
            proxy.opens = stranger
            with pytest.raises(ExchangeError, match="VERIFY_FAILED"):
                http.exchange("GET", "/")
            proxy.opens = None
            assert http.exchange("GET", "/").status == 200
