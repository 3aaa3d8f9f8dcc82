"""Which way a request takes: `http.proxy` first, else the usual variables, and neither for what `NO_PROXY` names."""

import time

import pytest

from daemon.wire import ExchangeError
from tests.listener import Connection, Script, after_request, answering, listening, ok, says, wire_to

UPSTREAM = "http://upstream.test"


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "127.0.0.1:{}", "http://127.0.0.1:{}/"])
def test_a_variable_names_the_proxy(monkeypatch: pytest.MonkeyPatch, variable: str, form: str) -> None:
    with listening(answering(ok())) as proxy:
        monkeypatch.setenv(variable, form.format(proxy.port))
        with wire_to(UPSTREAM) as wire:
            assert wire.exchange("GET", "/path", params={"page": "1"}).status == 200
    assert proxy.asked[0].startswith(b"GET http://upstream.test/path?page=1 HTTP/1.1\r\n")


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_https_goes_through_a_tunnel_that_sees_no_token(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with listening(after_request(says(refusal))) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        with wire_to("https://upstream.test") as wire, pytest.raises(ExchangeError, match=f"{variable} names refused: HTTP 407"):
            wire.exchange("GET", "/path", headers={"Authorization": "Bearer secret"})
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
        with wire_to(f"{scheme}://127.0.0.1:{server.port}") as wire:
            if scheme == "http":
                wire.exchange("GET", "/")
            else:
                with pytest.raises(ExchangeError, match=r"SSL|within"):
                    wire.exchange("GET", "/")
    assert proxy.connections == 0
    assert server.connections == 1


def test_the_setting_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(answering(ok(b"1"))) as named, listening(answering(ok(b"2"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with wire_to(UPSTREAM, proxy=named.url) as wire:
            assert wire.exchange("GET", "/").body == b"1"
    assert proxy.connections == 0


@pytest.mark.parametrize("source", ["setting", "variable"])
@pytest.mark.parametrize("named", ["127.0.0.1", "*", "example.com, 127.0.0.1", "0.0.1", ".0.0.1", "127.0.0.1:{}"])
def test_what_no_proxy_names_is_reached_without_one(monkeypatch: pytest.MonkeyPatch, source: str, named: str) -> None:
    with listening(answering(ok(b"direct"))) as server, listening(answering(ok(b"proxy"))) as proxy:
        monkeypatch.setenv("no_proxy", named.format(server.port))
        if source == "variable":
            monkeypatch.setenv("http_proxy", proxy.url)
        with wire_to(server.url, proxy=proxy.url if source == "setting" else None) as wire:
            assert wire.exchange("GET", "/").body == b"direct"


@pytest.mark.parametrize("named", ["", "example.com", "127.0.0.2", "27.0.0.1", "127.0.0.1.example.com"])
def test_what_no_proxy_does_not_name_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    """Loopback addresses too: nobody but the operator knows which way they go."""
    with listening(answering(ok(b"direct"))) as server, listening(answering(ok(b"proxy"))) as proxy:
        monkeypatch.setenv("NO_PROXY", named)
        with wire_to(server.url, proxy=proxy.url) as wire:
            assert wire.exchange("GET", "/").body == b"proxy"


def test_the_password_of_a_proxy_goes_to_the_proxy_and_into_no_error() -> None:
    refusal = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    with listening(after_request(says(refusal))) as proxy:
        url = f"http://jane:hunter2@127.0.0.1:{proxy.port}"
        with wire_to("https://upstream.test", proxy=url) as wire, pytest.raises(ExchangeError) as caught:
            wire.exchange("GET", "/")
    assert b"Proxy-Authorization: Basic amFuZTpodW50ZXIy" in proxy.asked[0]
    assert "hunter2" not in str(caught.value)


def hangs(connection: Connection) -> None:
    connection.request()
    connection.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 200)


def answers_then_hangs(connection: Connection) -> None:
    connection.request()
    connection.say(b"HTTP/1.1 200 OK\r\n\r\n")
    connection.drip(b"\x16\x03\x03\x20\x00" + b"\x02" * 200)


@pytest.mark.parametrize("script", [hangs, answers_then_hangs])
def test_a_slow_tunnel_does_not_outlast_the_deadline(script: Script) -> None:
    with listening(script) as proxy, wire_to("https://upstream.test", proxy=proxy.url) as wire:
        begun = time.monotonic()
        with pytest.raises(ExchangeError, match=r"within 0\.5 s"):
            wire.exchange("GET", "/")
        assert time.monotonic() - begun < 2
