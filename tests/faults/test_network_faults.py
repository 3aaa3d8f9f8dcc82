"""What the network between the program and either service can do wrong: a table, and a test that goes through it."""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import trustme

from daemon.model.errors import BetterStackError
from tests.faults.conftest import NEW, PASSWORD, PATIENCE, Scene, about
from tests.faults.line import LOOPBACK, LOOPBACK_V6, Line, Proxy, Reset, Resolver, has_ipv6
from tests.support.listener import TIMEOUT
from tests.support.paths import CERTIFICATE

BETTERSTACK, SIGNL4 = "Better Stack", "SIGNL4"
UNKNOWN = "services.test"
"""A name that only a proxy can look up."""
OWN_NAMES = (LOOPBACK, LOOPBACK_V6, "localhost")
Years = tuple[datetime | None, datetime | None]
PAST, FUTURE = ((datetime(first, 1, 1, tzinfo=UTC), datetime(first + 1, 1, 1, tzinfo=UTC)) for first in (2000, 2998))


class Expected(StrEnum):
    WAITS = "nothing is concluded and nothing is lost; everything is told once the way is free"
    WORKS = "everything is told"


class Way(StrEnum):
    """How the services are reached."""

    PLAIN = "at an address"
    NAMED = "at a name"
    TLS = "over TLS, with http.ca_file"
    PROXY = "over TLS through a proxy"
    TLS_PROXY = "over TLS through a proxy that is reached over TLS itself"
    OPENING = "over TLS through a proxy that opens it"
    V6 = "at an IPv6 address"
    V6_NAMED = "at a name that has IPv6 addresses alone"
    V6_NAMED_PROXY = "over TLS at such a name, through a proxy at one"
    V6_PROXY = "over TLS at an IPv6 address, through a proxy at one"


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs the certificates, one that is trusted and one that is not."""

    trusted: trustme.CA
    unknown: trustme.CA
    file: Path

    def certificate(self, *names: str, unknown: bool = False, years: Years = (None, None)) -> ssl.SSLContext:
        """What a server shows; loopback's own certificate by default."""
        issuer = self.unknown if unknown else self.trusted
        issued = issuer.issue_cert(*(names or OWN_NAMES), not_before=years[0], not_after=years[1])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        return context


@dataclass(frozen=True, slots=True)
class Network:
    """The way to one of the services, and the means to spoil it."""

    line: Line
    proxy: Proxy
    resolver: Resolver
    authority: Authority


Spoil = Callable[[Network], object]


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, in one form or in several that come to the same."""

    expected: Expected
    way: Way
    spoils: Mapping[str, Spoil]
    timeout: float = PATIENCE


def attribute(of: Callable[[Network], object], **values: object) -> Spoil:
    """Sets attributes of a part of the network."""

    def spoil(network: Network) -> None:
        for name, value in values.items():
            setattr(of(network), name, value)

    return spoil


def shows(certificate: Callable[[Authority], ssl.SSLContext | None]) -> Spoil:
    def spoil(network: Network) -> None:
        network.line.tls = certificate(network.authority)

    return spoil


def opens(certificate: Callable[[Authority], ssl.SSLContext | None]) -> Spoil:
    def spoil(network: Network) -> None:
        network.proxy.opens = certificate(network.authority)

    return spoil


def self_signed(_: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def refuses(status: str) -> Spoil:
    return attribute(lambda network: network.proxy, refusal=f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())


CASES: dict[str, Case] = {
    "no fault, at an address": Case(Expected.WORKS, Way.PLAIN, {"": lambda _: None}),
    "no fault, a certificate that http.ca_file vouches for": Case(Expected.WORKS, Way.TLS, {"": lambda _: None}),
    "no fault, through a proxy": Case(Expected.WORKS, Way.PROXY, {"": lambda _: None}),
    "no fault, through a proxy that has a certificate of its own": Case(
        Expected.WORKS, Way.TLS_PROXY, {"": lambda _: None}
    ),
    "no fault, through a proxy that opens TLS, with certificates that http.ca_file vouches for": Case(
        Expected.WORKS, Way.OPENING, {"": lambda _: None}
    ),
    "no fault, at an IPv6 address": Case(Expected.WORKS, Way.V6, {"": lambda _: None}),
    "no fault, at a name that has IPv6 addresses alone": Case(Expected.WORKS, Way.V6_NAMED, {"": lambda _: None}),
    "no fault, at an IPv6 address through a proxy at one": Case(Expected.WORKS, Way.V6_PROXY, {"": lambda _: None}),
    "no fault, at a name through a proxy at a name, both with IPv6 addresses alone": Case(
        Expected.WORKS, Way.V6_NAMED_PROXY, {"": lambda _: None}
    ),
    "a connection that is refused": Case(Expected.WAITS, Way.PLAIN, {"": lambda network: network.line.cut()}),
    "a connection that is reset as soon as it is there": Case(
        Expected.WAITS, Way.PLAIN, {"": attribute(lambda network: network.line, reset=Reset.ON_CONNECT)}
    ),
    "a name that is not found": Case(
        Expected.WAITS, Way.NAMED, {"": attribute(lambda network: network.resolver, down=True)}
    ),
    "a look-up of a name that does not end": Case(
        Expected.WAITS, Way.NAMED, {"": attribute(lambda network: network.resolver, hangs=True)}, TIMEOUT
    ),
    "a name whose first address is dead": Case(
        Expected.WORKS,
        Way.NAMED,
        {"": attribute(lambda network: network.resolver, addresses=("127.0.0.2", LOOPBACK))},
    ),
    "a name whose IPv6 address is dead": Case(
        Expected.WORKS,
        Way.NAMED,
        {"": attribute(lambda network: network.resolver, addresses=(LOOPBACK_V6, LOOPBACK))},
    ),
    "a name server that never says whether there are IPv6 addresses": Case(
        Expected.WORKS,
        Way.NAMED,
        {"": attribute(lambda network: network.resolver, silent_of=socket.AF_INET6)},
    ),
    "a certificate that nobody should trust": Case(
        Expected.WAITS,
        Way.TLS,
        {
            "expired": shows(lambda at: at.certificate(years=PAST)),
            "self-signed": shows(self_signed),
            "of an unknown authority": shows(lambda at: at.certificate(unknown=True)),
            "for another host": shows(lambda at: at.certificate("example.com", "127.0.0.2")),
        },
    ),
    "a certificate that is not valid yet, as where the clock is wrong": Case(
        Expected.WAITS, Way.TLS, {"": shows(lambda at: at.certificate(years=FUTURE))}
    ),
    "no TLS where there should be": Case(Expected.WAITS, Way.TLS, {"": shows(lambda _: None)}),
    "a proxy that refuses": Case(
        Expected.WAITS,
        Way.PROXY,
        {
            "401": refuses("401 Unauthorized"),
            "403": refuses("403 Forbidden"),
            "404": refuses("404 Not Found"),
            "407": refuses("407 Proxy Authentication Required"),
            "500": refuses("500 Unable to connect"),
            "502": refuses("502 Bad Gateway"),
            "503": refuses("503 Service Unavailable"),
            "something else than HTTP": attribute(lambda network: network.proxy, refusal=b"SSH-2.0-OpenSSH_9.6\r\n"),
            "the connection": lambda network: network.proxy.cut(),
        },
    ),
    "a proxy that resets connections": Case(
        Expected.WAITS, Way.PROXY, {"": attribute(lambda network: network.proxy, reset=Reset.ON_CONNECT)}
    ),
    "a proxy that leads to somebody else": Case(
        Expected.WAITS, Way.PROXY, {"": shows(lambda at: at.certificate("example.com"))}
    ),
    "a proxy that opens TLS, with certificates that nobody should trust": Case(
        Expected.WAITS, Way.OPENING, {"": opens(lambda at: at.certificate(UNKNOWN, unknown=True))}
    ),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    trusted = trustme.CA()
    trusted.cert_pem.write_to_path(str(file))
    return Authority(trusted, trustme.CA(), file)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with ExitStack() as stack:
        proxy = Proxy()
        stack.callback(proxy.cut)
        yield proxy


@pytest.fixture
def along(unbegun: Scene, proxy: Proxy, resolver: Resolver, authority: Authority) -> Iterator[Callable[[Way], Scene]]:
    """The scene, with services that are reached this way."""

    def along(way: Way) -> Scene:
        if way in {Way.V6, Way.V6_NAMED, Way.V6_PROXY, Way.V6_NAMED_PROXY}:
            if not has_ipv6():
                pytest.skip("this machine has no IPv6 loopback")
            resolver.addresses = (LOOPBACK_V6,)
            move((unbegun.to_betterstack, unbegun.to_signl4, proxy), LOOPBACK_V6)
        if way in {Way.TLS, Way.PROXY, Way.TLS_PROXY, Way.V6_PROXY, Way.V6_NAMED_PROXY}:
            unbegun.to_betterstack.tls = unbegun.to_signl4.tls = authority.certificate()
        if way is Way.TLS_PROXY:
            proxy.tls = authority.certificate()
        if way is Way.OPENING:
            proxy.opens = authority.certificate(UNKNOWN)
        set_out(unbegun, way, proxy, authority)
        unbegun.begin()
        return unbegun

    yield along
    unbegun.end()


def move(lines: Iterable[Line], host: str) -> None:
    """They listen there from now on."""
    for line in lines:
        line.cut()
        line.host, line.port = host, 0
        line.join()


def set_out(scene: Scene, way: Way, proxy: Proxy, authority: Authority, timeout: float = PATIENCE) -> None:
    """Configures the clients for this way."""
    trusting: dict[str, Any] = {"scheme": "https", "ca_file": authority.file, "timeout": timeout}
    at = f"jane:{PASSWORD}@{LOOPBACK}:{proxy.port}"
    match way:
        case Way.PLAIN:
            scene.configure(timeout=timeout)
        case Way.NAMED | Way.V6_NAMED:
            scene.configure(host="localhost", timeout=timeout)
        case Way.V6:
            scene.configure(host=f"[{LOOPBACK_V6}]", timeout=timeout)
        case Way.TLS:
            scene.configure(**trusting)
        case Way.PROXY:
            scene.configure(proxy=f"http://{at}", **trusting)
        case Way.TLS_PROXY:
            scene.configure(proxy=f"https://{at}", **trusting)
        case Way.OPENING:
            scene.configure(host=UNKNOWN, proxy=f"http://{at}", **trusting)
        case Way.V6_NAMED_PROXY:
            scene.configure(host="localhost", proxy=f"http://{at.replace(LOOPBACK, 'localhost')}", **trusting)
        case Way.V6_PROXY:
            at = at.replace(LOOPBACK, f"[{LOOPBACK_V6}]")
            scene.configure(host=f"[{LOOPBACK_V6}]", proxy=f"http://{at}", **trusting)


def mend(network: Network, good: tuple[ssl.SSLContext | None, ssl.SSLContext | None]) -> None:
    """The way is free again."""
    network.line.tls, network.proxy.opens = good
    network.line.reset = network.proxy.reset = None
    network.proxy.refusal = b""
    network.resolver.mend()
    for line in (network.line, network.proxy):
        line.cut()
        line.join()


def poll(scene: Scene, *, works: bool) -> str:
    """A round. Returns what it says when it fails."""
    if works:
        scene.round(sweep=True)
        return ""
    with pytest.raises(BetterStackError, match=r"^Better Stack was not reached: ") as caught:
        scene.round(sweep=True)
    return str(caught.value)


def check_that_nothing_was_told(scene: Scene) -> None:
    assert scene.told_so_far == {one: [NEW] for one in (scene.ended, scene.stays, scene.other)}
    scene.check_that_no_end_was_invented()


def fails_to_see(scene: Scene) -> None:
    """Better Stack is out of reach."""
    asked = len(scene.asked)
    scene.check_that_nothing_leaked(poll(scene, works=False))
    assert len(scene.asked) == asked
    assert {kind for _, kind in scene.outbox()} == {NEW}
    assert len(scene.outbox()) == 3
    scene.drain()


def fails_to_tell(scene: Scene) -> None:
    """SIGNL4 is out of reach, for more deliveries running than there are connections."""
    for _ in range(3):
        scene.drain()
        scene.clock.pass_(minutes=5)
    assert len(scene.sent) == 0
    errors = [error for error, state in scene.outbox("last_error", "state") if state == "pending"]
    assert len(errors) == 2
    assert all(error.startswith("SIGNL4 was not reached: ") for error in errors)
    scene.check_that_nothing_leaked(*errors)


@pytest.mark.parametrize("service", [BETTERSTACK, SIGNL4])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_fault_ends_as_the_table_says(
    along: Callable[[Way], Scene],
    proxy: Proxy,
    resolver: Resolver,
    authority: Authority,
    case: Case,
    service: str,
) -> None:
    scene = along(case.way)
    line = scene.to_betterstack if service == BETTERSTACK else scene.to_signl4
    network, good = Network(line, proxy, resolver, authority), (line.tls, proxy.opens)
    if service == SIGNL4:
        poll(scene, works=True)
    set_out(scene, case.way, proxy, authority, case.timeout)
    for form, spoil in case.spoils.items():
        with about(form):
            spoil(network)
            for one in (line, proxy):
                one.hang_up()
            if case.expected is Expected.WAITS:
                fails_to_see(scene) if service == BETTERSTACK else fails_to_tell(scene)
                check_that_nothing_was_told(scene)
                mend(network, good)
    set_out(scene, case.way, proxy, authority)
    for _ in range(2):
        poll(scene, works=True)
        scene.drain_for(minutes=6)
        assert scene.told_so_far == scene.right
    assert {state for (state,) in scene.outbox("state")} == {"delivered"}
    scene.check_that_nothing_leaked()
