"""The real process on hosts that are not plainly on the internet: behind proxies, company CAs and IPv6, and at boot.

Each time everything is told, the watchers are called, and no password of a proxy shows anywhere.
"""

import signal
import ssl
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, Daemon, Operator
from tests.faults.line import LOOPBACK, LOOPBACK_V6, Line, Place, Proxy, has_ipv6
from tests.support.listener import Listener, answering, listening, ok
from tests.support.slowness import SLOWNESS

NAMES = ("betterstack.test", "signl4.test", "watcher.test")
OWN_NAMES = (LOOPBACK, LOOPBACK_V6, "localhost")
CREDENTIALS, PASSWORD, SPELLED = "jane:p@ss:w/rd", "p@ss:w/rd", "jane:p%40ss%3Aw%2Frd"
FUTURE = (datetime(2998, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC))
DECADE = 3652 * 86400
TRUST = ["HTTP__CA_FILE", "SSL_CERT_FILE"]
NEEDS_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
HOSTS = [LOOPBACK, pytest.param(LOOPBACK_V6, marks=NEEDS_IPV6)]


class Admission(Proxy):
    """The proxy of a company: it opens TLS, and knows names that nobody else does."""

    def __init__(self, host: str, certificate: ssl.SSLContext, ports: dict[str, int]) -> None:
        self.opens = certificate
        self._ports = ports
        super().__init__(host=host)

    def _place(self, target: str) -> Place:
        return LOOPBACK, self._ports[target.removesuffix(":443")]


@dataclass(frozen=True)
class Company:
    """An authority that nobody outside has heard of."""

    authority: trustme.CA
    file: Path

    def certificate(self, *names: str, years: tuple[datetime | None, datetime | None] = (None, None)) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = self.authority.issue_cert(*(names or OWN_NAMES), not_before=years[0], not_after=years[1])
        issued.configure_cert(context)
        return context


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    file = tmp_path_factory.mktemp("company") / "ca.pem"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(file))
    return Company(authority, file)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(event_limit=10**6, faulty_limit=None) as sandbox:
        yield sandbox


@pytest.fixture
def operator(sandbox: Sandbox, tmp_path: Path, empty_database: bytes, company: Company) -> Iterator[Operator]:
    (tmp_path / "state.db").write_bytes(empty_database)
    operator = Operator(sandbox, tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        operator.environment.pop(name, None)
    operator.environment["HEARTBEAT__INTERVAL"] = "1s"
    yield operator
    operator.end()


@pytest.fixture
def watcher() -> Iterator[Listener]:
    with listening(answering(ok())) as watcher:
        yield watcher


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@contextmanager
def lines(sandbox: Sandbox, watcher: Listener, host: str, tls: ssl.SSLContext | None) -> Iterator[list[Line]]:
    """To both services and to the watcher, from this address."""
    with ExitStack() as stack:
        ways = []
        for port in (port_of(sandbox.betterstack.url), port_of(sandbox.signl4.url), watcher.port):
            ways.append(Line(port, host))
            stack.callback(ways[-1].cut)
            ways[-1].tls = tls
        yield ways


def reach(operator: Operator, *urls: str, **environment: str) -> None:
    """Both services and the watcher, from now on."""
    names = ("BETTERSTACK__BASE_URL", "SIGNL4__BASE_URL", "HEARTBEAT__URLS")
    operator.environment.update(zip(names, (*urls[:2], f'["{urls[2]}/beat"]'), strict=True))
    operator.environment.update(environment)


def all_goes_well(operator: Operator, sandbox: Sandbox, watcher: Listener, daemon: Daemon) -> None:
    incident = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(incident) == ["new"], "the alert")
    sandbox.world.resolve(incident)
    daemon.wait_for(lambda: operator.told(incident) == ["new", "resolved"], "the end")
    daemon.wait_for(lambda: watcher.asked, "the heartbeat")
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert watcher.asked[0].startswith(b"GET /beat HTTP/1.1\r\n")
    assert not daemon.says("Traceback")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("trust", "proxy_by"), [("HTTP__CA_FILE", "HTTPS_PROXY"), ("SSL_CERT_FILE", "HTTP__PROXY")])
def test_behind_a_proxy_that_opens_tls(
    operator: Operator, sandbox: Sandbox, watcher: Listener, company: Company, host: str, trust: str, proxy_by: str
) -> None:
    ports = (port_of(sandbox.betterstack.url), port_of(sandbox.signl4.url), watcher.port)
    proxy = Admission(host, company.certificate(*NAMES), dict(zip(NAMES, ports, strict=True)))
    place = f"[{host}]" if ":" in host else host
    by_proxy = {proxy_by: f"http://{SPELLED}@{place}:{proxy.port}"}
    reach(operator, *(f"https://{name}" for name in NAMES), **{trust: str(company.file)}, **by_proxy)
    daemon = operator.run()
    try:
        all_goes_well(operator, sandbox, watcher, daemon)
        asked = [operator.ask(*line.split()) for line in ("check", "check --online", "test-alert", "once")]
    finally:
        proxy.cut()
    said = "\n".join([*daemon.lines, *(done.stdout + done.stderr for done in asked)])
    assert [done.returncode for done in asked] == [0] * 4, said
    basic = b64encode(CREDENTIALS.encode())
    assert all(b"\r\nProxy-Authorization: Basic %b\r\n" % basic in one for one in proxy.asked)
    assert {one.split(b" ")[1].decode() for one in proxy.asked} == {f"{name}:443" for name in NAMES}
    inside = [one.request.headers for one in (*sandbox.betterstack.requests, *sandbox.signl4.requests)]
    assert [headers for headers in inside if "proxy-authorization" in headers] == []
    assert [secret for secret in (PASSWORD, SPELLED, basic.decode()) if secret in said] == []


def test_a_proxy_that_refuses_is_told_of_without_its_password(operator: Operator, sandbox: Sandbox) -> None:
    proxy = Proxy()
    proxy.refusal = f"HTTP/1.1 407 No {PASSWORD}\r\nContent-Length: 0\r\n\r\n".encode()
    by_proxy = f"http://{SPELLED}@{LOOPBACK}:{proxy.port}"
    reach(operator, *(f"https://{name}" for name in NAMES), https_proxy=by_proxy)
    daemon = operator.run()
    try:
        daemon.wait_for(lambda: daemon.says("round failed"), "the complaint")
        assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
        asked = [operator.ask(*line.split()) for line in ("once", "check --online", "test-alert")]
    finally:
        proxy.cut()
    refused = "the proxy that https_proxy names refused: HTTP 407 No ***; check the user and the password there"
    for said in ("\n".join(daemon.lines), *(done.stdout + done.stderr for done in asked)):
        assert refused in said
        assert [secret for secret in (PASSWORD, SPELLED, "Traceback") if secret in said] == []
    assert [done.returncode for done in asked] == [1] * 3


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("trust", [*TRUST, ""])
def test_at_an_address(
    operator: Operator, sandbox: Sandbox, watcher: Listener, company: Company, host: str, trust: str
) -> None:
    """Over TLS with certificates of the company, and without."""
    place = f"[{host}]" if ":" in host else host
    with lines(sandbox, watcher, host, company.certificate() if trust else None) as ways:
        urls = [f"{'https' if trust else 'http'}://{place}:{way.port}" for way in ways]
        reach(operator, *urls, **({trust: str(company.file)} if trust else {}))
        daemon = operator.run()
        all_goes_well(operator, sandbox, watcher, daemon)


def test_without_the_company_s_authority_nothing_is_concluded(
    operator: Operator, sandbox: Sandbox, watcher: Listener, company: Company
) -> None:
    with lines(sandbox, watcher, LOOPBACK, company.certificate()) as ways:
        reach(operator, *(f"https://{LOOPBACK}:{way.port}" for way in ways))
        daemon = operator.run()
        daemon.wait_for(lambda: daemon.says("CERTIFICATE_VERIFY_FAILED"), "the complaint")
        assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert sandbox.betterstack.requests == sandbox.signl4.requests == ()
    assert watcher.asked == []


# -- at boot ----------------------------------------------------------------------------------------------------------


def nameless(how: str) -> tuple[str, ...]:
    """The program without a resolver."""
    return (sys.executable, "-m", "tests.faults.nameless", how)


@pytest.mark.parametrize(("how", "host"), [("hang", LOOPBACK), pytest.param("fail", LOOPBACK_V6, marks=NEEDS_IPV6)])
def test_names_that_can_only_be_looked_up_later(
    operator: Operator, sandbox: Sandbox, watcher: Listener, how: str, host: str
) -> None:
    """For longer than a job may be silent, and then every name leads to this address."""
    with lines(sandbox, watcher, host, None) as ways:
        began = sandbox.world.open("Payment service")
        urls = (f"http://localhost:{way.port}" for way in ways)
        reach(operator, *urls, HTTP__TIMEOUT="1s", ALARM__POLL_AFTER="6s")
        daemon = operator.run(program=nameless(how))
        daemon.wait_for(lambda: daemon.says("round failed"), "the complaint")
        daemon.wait_for(
            lambda: daemon.process.poll() is not None or daemon.says("betterstack-signl4-alarm-"), "an alarm"
        )
        assert daemon.process.poll() is None, daemon.lines
        assert sandbox.betterstack.requests == ()
        daemon.command(host)
        daemon.wait_for(lambda: operator.told(began) == ["new"], "what began meanwhile")
        daemon.wait_for(lambda: daemon.says("rounds succeed again"), "the end of it")
        all_goes_well(operator, sandbox, watcher, daemon)


@pytest.mark.parametrize("line", ["once", "check --online", "test-alert"])
def test_a_look_up_that_hangs_keeps_no_command_from_its_end(operator: Operator, line: str) -> None:
    reach(operator, *["https://localhost"] * 3, HTTP__TIMEOUT="1s")
    done = operator.ask(*line.split(), program=nameless("hang"))
    assert done.returncode == 1
    assert "no complete answer within 1 s, as the name is still being looked up" in done.stdout + done.stderr


def test_a_look_up_that_hangs_keeps_nobody_from_stopping_the_daemon(operator: Operator) -> None:
    reach(operator, *["https://localhost"] * 3, HTTP__TIMEOUT="2s")
    daemon = operator.run(program=nameless("hang"))
    daemon.wait_for(lambda: daemon.says("started"), "the start")
    assert daemon.stop(signal.SIGTERM, 10 * SLOWNESS) == 0


def test_a_clock_that_is_ten_years_behind_until_the_network_is_there(
    operator: Operator, sandbox: Sandbox, watcher: Listener, company: Company
) -> None:
    """No certificate is valid yet. OpenSSL reads a clock that no test can set: the certificates are of the future."""
    program = (sys.executable, "-m", "tests.e2e.clockwork", str(-DECADE))
    with lines(sandbox, watcher, LOOPBACK, company.certificate(years=FUTURE)) as ways:
        began = sandbox.world.open("Payment service")
        reach(operator, *(f"https://localhost:{way.port}" for way in ways), SSL_CERT_FILE=str(company.file))
        daemon = operator.run(program=program)
        daemon.wait_for(lambda: daemon.says("not yet valid"), "the complaint")
        assert sandbox.betterstack.requests == sandbox.signl4.requests == ()
        for way in ways:
            way.tls = company.certificate()
        daemon.command(f"between {DECADE}")
        daemon.wait_for(lambda: daemon.says("the clock was set"), "the notice of it")
        daemon.wait_for(lambda: operator.told(began) == ["new"], "what began meanwhile")
        all_goes_well(operator, sandbox, watcher, daemon)
