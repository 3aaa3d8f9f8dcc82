"""One environment and one configuration lead both to the same place: the service, and what tells of its failure."""

import shutil
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trustme

from daemon.model.delivery import Delivered
from daemon.model.errors import ConfigError
from tests.faults.line import Proxy
from tests.support.listener import Connection, Listener, answering, listening, server_side
from tests.support.no_proxy_cases import NO_PROXY_CASES
from tests.support.paths import CERTIFICATE, HASHED
from tests.support.tell_signl4 import PATH, Place, header, path_of, place
from tests.unit.clients.test_proxy import CREDENTIALS as USUAL

CREDENTIALS = USUAL | {
    "jane:100%2541": "jane:100%41",
    "jane:%": "jane:%",
    "jane:%4": "jane:%4",
    "jane:%zz%40": "jane:%zz@",
    "a%3Ab:c": "a:b:c",
    'jane:"\\%22%5C$*': 'jane:"\\"\\$*',
    "jane:a%0Ab": "jane:a\nb",
}
TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
REFUSAL = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def as_proxy(connection: Connection) -> None:
    """Takes what comes in the clear, and opens no tunnel."""
    while asked := connection.request():
        connection.say(REFUSAL if asked.startswith(b"CONNECT") else TAKEN)


@dataclass(frozen=True)
class World:
    """Who can be reached, by name."""

    listeners: Mapping[str, Listener]
    files: Path
    place: Place

    def fill(self, text: str) -> str:
        """With ports and files in it."""
        for name, listener in self.listeners.items():
            text = text.replace(f"<{name}>", f"127.0.0.1:{listener.port}")
        files = {"<ca>": CERTIFICATE, "<other ca>": self.files / "other.pem", "<ca dir>": self.files / "ca"}
        for name, file in files.items():
            text = text.replace(name, str(file))
        return text

    def arrived(self) -> list[tuple[str, bytes, list[bytes], list[bytes]]]:
        """Who was asked, for which path and host, and the password of a proxy. Forgets it."""
        found = [
            (name, path_of(asked), header(asked, "Host"), header(asked, "Proxy-Authorization"))
            for name, listener in self.listeners.items()
            for asked in listener.asked
        ]
        for listener in self.listeners.values():
            listener.asked.clear()
        return found


@pytest.fixture(scope="module")
def whole_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    files = tmp_path_factory.mktemp("authorities")
    trustme.CA().cert_pem.write_to_path(str(files / "other.pem"))
    (files / "ca").mkdir()
    shutil.copy(CERTIFICATE, files / "ca" / HASHED)
    with ExitStack() as stack:
        listeners = {
            name: stack.enter_context(listening(script, tls))
            for name, script, tls in (
                ("server", answering(TAKEN), None),
                ("tls server", answering(TAKEN), server_side()),
                ("proxy", as_proxy, None),
                ("other proxy", as_proxy, None),
                ("tls proxy", as_proxy, server_side()),
            )
        }
        yield World(listeners, files, Place(files))


@pytest.fixture
def world(whole_world: World, tmp_path: Path) -> World:
    """Where nobody was asked yet, and a place of the test's own."""
    whole_world.arrived()
    return replace(whole_world, place=Place(tmp_path))


@dataclass(frozen=True)
class Way:
    who: str | None
    """Who is asked."""
    environment: Mapping[str, str] = field(default_factory=dict)
    toml: str = '[signl4]\nbase_url = "http://<server>"\n'
    credentials: Mapping[str, str] = field(default_factory=dict)


ABROAD = '[signl4]\nbase_url = "https://signl4.test"\n'
OVER_TLS = '[signl4]\nbase_url = "https://<tls server>"\n'
PROXY, OTHER = "http://<proxy>", "http://<other proxy>"
BY_HTTP = f'[http]\nproxy = "{PROXY}"\n'
DIRECT = Way("server").toml
ELSEWHERE = f'[payload.new]\nproxy = "{PROXY}"\n'
TLS_PROXY = "https://<tls proxy>"
WAYS = {
    "to the address of the file": Way("server"),
    "to that of the environment before it": Way("server", {"SIGNL4__BASE_URL": "http://<server>"}, OVER_TLS),
    "in small letters": Way("server", {"signl4__base_url": "http://<server>"}, OVER_TLS),
    "to that of a credential before it": Way("server", {}, OVER_TLS, {"signl4__base_url": "http://<server>\n"}),
    "an empty variable is none": Way("server", {"SIGNL4__BASE_URL": ""}),
    "an empty credential is none": Way("server", {}, DIRECT, {"signl4__base_url": " \n"}),
    "slashes at the end": Way("server", {"SIGNL4__BASE_URL": "http://<server>///"}),
    "a path": Way("server", {"SIGNL4__BASE_URL": "http://<server>/to/signl4"}),
    "in capitals": Way("server", {"SIGNL4__BASE_URL": "HTTP://<server>"}),
    # -- proxies, to http
    "http.proxy of the file": Way("proxy", {}, DIRECT + BY_HTTP),
    "http.proxy of the environment": Way("proxy", {"HTTP__PROXY": PROXY}),
    "http.proxy of the environment before the file": Way("other proxy", {"HTTP__PROXY": OTHER}, DIRECT + BY_HTTP),
    "http.proxy of a credential": Way("proxy", {}, DIRECT, {"http__proxy": PROXY}),
    "http_proxy": Way("proxy", {"http_proxy": PROXY}),
    "HTTP_PROXY, which a web server may have from a client": Way("server", {"HTTP_PROXY": PROXY}),
    "HTTP_PROXY beside http_proxy": Way("proxy", {"http_proxy": PROXY, "HTTP_PROXY": OTHER}),
    "all_proxy": Way("proxy", {"all_proxy": PROXY}),
    "ALL_PROXY": Way("proxy", {"ALL_PROXY": PROXY}),
    "http_proxy before all_proxy": Way("proxy", {"http_proxy": PROXY, "all_proxy": OTHER}),
    "https_proxy, for https alone": Way("server", {"https_proxy": PROXY}),
    "without a scheme": Way("proxy", {"http_proxy": "<proxy>"}),
    "with a slash": Way("proxy", {"http_proxy": f"{PROXY}/"}),
    "http.proxy before a variable": Way("proxy", {"http_proxy": OTHER, "HTTP__PROXY": PROXY}),
    "an empty http_proxy before ALL_PROXY": Way("proxy", {"http_proxy": "", "ALL_PROXY": PROXY}),
    # -- proxies, to https
    "abroad, http.proxy": Way("proxy", {}, ABROAD + BY_HTTP),
    "abroad, https_proxy": Way("proxy", {"https_proxy": PROXY}, ABROAD),
    "abroad, HTTPS_PROXY": Way("proxy", {"HTTPS_PROXY": PROXY}, ABROAD),
    "abroad, https_proxy before HTTPS_PROXY": Way("proxy", {"https_proxy": PROXY, "HTTPS_PROXY": OTHER}, ABROAD),
    "abroad, an empty https_proxy beside HTTPS_PROXY": Way("proxy", {"https_proxy": "", "HTTPS_PROXY": PROXY}, ABROAD),
    "abroad, ALL_PROXY": Way("proxy", {"ALL_PROXY": PROXY}, ABROAD),
    "abroad, all_proxy before ALL_PROXY": Way("proxy", {"all_proxy": PROXY, "ALL_PROXY": OTHER}, ABROAD),
    "abroad, HTTPS_PROXY before ALL_PROXY": Way("proxy", {"HTTPS_PROXY": PROXY, "ALL_PROXY": OTHER}, ABROAD),
    "abroad, http_proxy, for http alone": Way(None, {"http_proxy": PROXY}, ABROAD),
    "abroad, another port": Way("proxy", {"HTTPS_PROXY": PROXY}, ABROAD.replace(".test", ".test:8443")),
    "abroad, an IPv6 address": Way("proxy", {"HTTPS_PROXY": PROXY}, ABROAD.replace("signl4.test", "[2001:db8::1]")),
    # -- without one all the same
    "NO_PROXY": Way("server", {"NO_PROXY": "127.0.0.1"}, DIRECT + BY_HTTP),
    "no_proxy": Way("server", {"no_proxy": "127.0.0.1", "http_proxy": PROXY}),
    "NO_PROXY, a domain": Way(None, {"NO_PROXY": ".test", "HTTPS_PROXY": PROXY}, ABROAD),
    "NO_PROXY, another host": Way("proxy", {"NO_PROXY": "nl4.test", "HTTPS_PROXY": PROXY}, ABROAD),
    "no_proxy before NO_PROXY": Way("proxy", {"no_proxy": "example.com", "NO_PROXY": "*", "http_proxy": PROXY}),
    # -- whom to trust
    "http.ca_file": Way("tls server", {}, f'{OVER_TLS}[http]\nca_file = "<ca>"\n'),
    "http.ca_file of the environment": Way("tls server", {"HTTP__CA_FILE": "<ca>"}, OVER_TLS),
    "SSL_CERT_FILE": Way("tls server", {"SSL_CERT_FILE": "<ca>"}, OVER_TLS),
    "SSL_CERT_DIR": Way("tls server", {"SSL_CERT_DIR": "<ca dir>"}, OVER_TLS),
    "a variable that curl alone knows": Way(None, {"CURL_CA_BUNDLE": "<ca>"}, OVER_TLS),
    "nobody": Way(None, {}, OVER_TLS),
    "another authority": Way(None, {"HTTP__CA_FILE": "<other ca>"}, OVER_TLS),
    "http.ca_file before SSL_CERT_FILE": Way(
        "tls server", {"HTTP__CA_FILE": "<ca>", "SSL_CERT_FILE": "<other ca>"}, OVER_TLS
    ),
    "SSL_CERT_FILE behind http.ca_file": Way(None, {"HTTP__CA_FILE": "<other ca>", "SSL_CERT_FILE": "<ca>"}, OVER_TLS),
    # -- proxies that are themselves reached over TLS
    "a proxy over TLS, http.ca_file": Way("tls proxy", {"HTTP__CA_FILE": "<ca>", "http_proxy": TLS_PROXY}),
    "a proxy over TLS, SSL_CERT_FILE": Way("tls proxy", {"SSL_CERT_FILE": "<ca>", "http_proxy": TLS_PROXY}),
    "a proxy over TLS, SSL_CERT_DIR": Way("tls proxy", {"SSL_CERT_DIR": "<ca dir>", "HTTP__PROXY": TLS_PROXY}),
    "a proxy over TLS, abroad": Way(
        "tls proxy", {"HTTP__CA_FILE": "<ca>", "HTTPS_PROXY": "https://jane:hunter2@<tls proxy>"}, ABROAD
    ),
    "a proxy over TLS that nobody vouches for": Way(None, {"HTTPS_PROXY": "https://jane:hunter2@<tls proxy>"}, ABROAD),
    # -- how the file may be written
    "literal quotes": Way("server", {}, "[signl4]\nbase_url = 'http://<server>'\n"),
    "without blanks": Way("server", {}, '[signl4]\nbase_url="http://<server>"'),
    "many blanks": Way("server", {}, ' [ signl4 ] \n\t base_url \t = \t "http://<server>" \n'),
    "comments": Way("server", {}, '[signl4] # here\n# base_url = "x"\nbase_url = "http://<server>" # "there"\n'),
    "quoted names": Way("server", {}, '["signl4"]\n"base_url" = "http://<server>"\n'),
    "dotted": Way("server", {}, 'signl4.base_url = "http://<server>"\n[poll]\ninterval = "1s"\n'),
    "dotted, with blanks": Way("server", {}, '"signl4" . base_url = "http://<server>"\n'),
    "line ends of another system": Way("server", {}, '[signl4]\r\nbase_url = "http://<server>"\r\n[http]\r\n'),
    "escapes": Way(
        "proxy",
        {},
        DIRECT
        + r"""[http]
proxy = "http://ja\"ne:p\\w@<proxy>"
""",
    ),
    "another section in between": Way("server", {}, f'{DIRECT}[http]\n[poll]\n[payload.new]\nbase_url = "x"\n'),
    "a section of the same keys": Way("server", {}, f'{ELSEWHERE}[payload.new.http]\nproxy = "x"\n{DIRECT}'),
    "a text of several lines": Way("server", {}, f'{ELSEWHERE}Text = """\n{BY_HTTP}"""\n{DIRECT}'),
    "a literal of several lines": Way("server", {}, f"{ELSEWHERE}Text = '''\n{BY_HTTP}'''\n{DIRECT}"),
    "a list of several lines": Way(
        "server", {}, f'[heartbeat]\nurls = [\n  "https://example.com/[http]",\n]\n{DIRECT}'
    ),
}


def configured(world: World, way: Way) -> tuple[Place, dict[str, str]]:
    credentials = {name: world.fill(text) for name, text in way.credentials.items()}
    ours = place(world.place.root, world.fill(way.toml), **credentials)
    return ours, {name: world.fill(value) for name, value in way.environment.items()}


def assert_both_arrive(world: World, way: Way) -> list[tuple[str, bytes, list[bytes], list[bytes]]]:
    ours, environment = configured(world, way)
    told = ours.tell(**environment)
    of_script = world.arrived()
    answer = ours.send(**environment)
    of_program = world.arrived()
    assert [who for who, *_ in of_script] == ([way.who] if way.who else []), told.stderr
    assert of_script == of_program, (told.stderr, answer)
    assert (told.returncode == 0) is isinstance(answer.outcome, Delivered)
    return of_script


@pytest.mark.parametrize("name", WAYS)
def test_both_arrive_at_the_same_place(world: World, name: str) -> None:
    assert_both_arrive(world, WAYS[name])


@pytest.mark.parametrize(
    ("source", "spelled"),
    [
        *(("http.proxy", spelled) for spelled in CREDENTIALS),
        *((source, 'jane:"\\%22%5C$*') for source in ("HTTP__PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")),
    ],
)
def test_user_and_password_reach_the_proxy_as_they_are_meant(world: World, source: str, spelled: str) -> None:
    address = f"http://{spelled}@<proxy>"
    in_file = source == "http.proxy"
    toml = f"{ABROAD}[http]\nproxy = '{address}'\n" if in_file else ABROAD
    ((_, _, _, given),) = assert_both_arrive(world, Way("proxy", {} if in_file else {source: address}, toml))
    assert given == [b"Basic " + b64encode(CREDENTIALS[spelled].encode())]


def test_a_tunnel_through_a_proxy_over_tls_leads_there(tmp_path: Path) -> None:
    proxy = Proxy()
    proxy.tls = server_side()
    try:
        with listening(answering(TAKEN), server_side()) as server:
            ours = place(
                tmp_path,
                f'[signl4]\nbase_url = "{server.url}"\n[http]\nca_file = "{CERTIFICATE}"\n'
                f'proxy = "https://jane:p%40ss@127.0.0.1:{proxy.port}"\n',
            )
            assert ours.tell().returncode == 0
            assert isinstance(ours.send().outcome, Delivered)
        assert [header(asked, "Proxy-Authorization") for asked in proxy.asked] == [[b"Basic amFuZTpwQHNz"]] * 2
        assert len(server.asked) == 2
    finally:
        proxy.cut()


@pytest.mark.parametrize("name", ['co"m\\pa\\ny.pem', "com pany.pem", "#company's.pem", "company.pem "])
def test_a_file_of_authorities_may_have_any_name(world: World, name: str) -> None:
    file = shutil.copy(CERTIFICATE, world.place.root / name)
    assert_both_arrive(world, Way("tls server", {"HTTP__CA_FILE": str(file)}, OVER_TLS))


ELSEWHERE_TO_LOOPBACK = """#!/bin/sh
PATH=${PATH#*:} exec curl "$@" --connect-to "::$SERVER"
"""
"""A curl that connects to one place alone, whatever the address."""


def form_of(host: str) -> tuple[bool, bool, bool]:
    """Whether it is an address of either kind, and whether it has a port."""
    return host.startswith("["), host[0].isdigit(), ":" in host.rpartition("]")[2]


ONE_OF_EACH = {
    (form_of(host), bypassed): (no_proxy, host, bypassed) for no_proxy, host, bypassed in reversed(NO_PROXY_CASES)
}
"""For each form of a host one that names it and one that does not: curl decides, which is tried with all elsewhere."""


@pytest.mark.parametrize(("no_proxy", "host", "bypassed"), ONE_OF_EACH.values())
def test_no_proxy_is_read_as_the_table_says(world: World, no_proxy: str, host: str, bypassed: bool) -> None:
    (world.place.root / "bin").mkdir()
    (world.place.root / "bin" / "curl").write_text(ELSEWHERE_TO_LOOPBACK)
    (world.place.root / "bin" / "curl").chmod(0o755)
    way = Way(None, {"HTTP__PROXY": PROXY, "SERVER": "<tls server>"}, f'[signl4]\nbase_url = "https://{host}"\n')
    ours, variables = configured(world, way)
    before = {name: listener.connections for name, listener in world.listeners.items()}
    ours.tell(PATH=f"{world.place.root}/bin:{PATH}", NO_PROXY=no_proxy, **variables)
    reached = {name for name, listener in world.listeners.items() if listener.connections > before[name]}
    assert reached == {"tls server" if bypassed else "proxy"}


# -- what cannot be used ----------------------------------------------------------------------------------------------

NO_PROXY = "the proxy that http.proxy or the environment names has no address"
UNUSABLE = {
    "http.proxy is no address": ({"HTTP__PROXY": "http://"}, NO_PROXY),
    "HTTPS_PROXY is no address": ({"http_proxy": "http://a b"}, NO_PROXY),
    "another kind of proxy": (
        {"HTTP__PROXY": "gopher://<proxy>"},
        NO_PROXY,
    ),
    "the CA is not there": ({"HTTP__CA_FILE": "/nonexistent"}, "/nonexistent holds no certificate"),
    "the CA is none": ({"SSL_CERT_FILE": "/etc/hostname"}, "/etc/hostname holds no certificate"),
    "the CA is a directory": ({"SSL_CERT_FILE": "/etc"}, "/etc holds no certificate"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_the_program_refuses_is_named_and_somebody_is_told_all_the_same(world: World, name: str) -> None:
    environment, said = UNUSABLE[name]
    ours, variables = configured(world, Way("server", environment))
    told = ours.tell(**variables)
    assert (told.returncode, len(world.arrived())) == (0, 1)
    assert told.stderr.startswith(said)
    with pytest.raises(ConfigError):
        ours.send(**variables)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_where_the_ca_is_none_those_of_the_system_count(world: World, variable: str) -> None:
    """Curl would read it all the same, and give up before it asks anybody."""
    ours, variables = configured(world, Way(None, {variable: "/etc/hostname"}, OVER_TLS))
    assert "curl ended with 60" in ours.tell(**variables).stderr, "nobody vouches for the server, and it was asked"


REFUSED = [
    "http://example.com",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com:80",
    "http://user@127.0.0.1",
    "https://user:password@example.com",
    "https://example.com?a",
    "https://example.com#a",
    "https://exam ple.com",
    "https://ex\N{LATIN SMALL LETTER A WITH DIAERESIS}mple.com",
    "https://",
    "https://[",
    "ftp://example.com",
    "example.com",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("address", REFUSED)
def test_the_secret_goes_to_no_address_that_the_program_refuses(world: World, address: str) -> None:
    """It goes to SIGNL4's own, through a proxy that sees where to."""
    ours, variables = configured(world, Way("proxy", {"ALL_PROXY": PROXY}, f'[signl4]\nbase_url = "{address}"\n'))
    told = ours.tell(**variables)
    ((who, path, _, _),) = world.arrived()
    assert (who, path) == ("proxy", b"connect.signl4.com:443")
    assert told.stderr.startswith("signl4.base_url is no plain https address: SIGNL4's own is used\n")
    with pytest.raises(ConfigError):
        ours.send(**variables)


ODD = {
    "an inline table": f'http = {{ proxy = "{PROXY}" }}\n{DIRECT}',
    "a text of several lines": f'{DIRECT}[http]\nproxy = """{PROXY}"""\n',
    "an escape by number": f'{DIRECT}[http]\nproxy = "{PROXY.replace(":", chr(92) + "u003a", 1)}"\n',
    "no text": f"{DIRECT}[http]\nproxy = 3128\n",
    "no quotes": f"{DIRECT}[http]\nproxy = {PROXY}\n",
    "more behind it": f'{DIRECT}[http]\nproxy = "{PROXY}" "x"\n',
    "no end": f'{DIRECT}[http]\nproxy = "{PROXY}\n',
}


@pytest.mark.parametrize("name", ODD)
def test_a_value_that_is_not_simply_a_text_is_named_and_gone_without(world: World, name: str) -> None:
    ours, variables = configured(world, Way("server", {}, ODD[name]))
    told = ours.tell(**variables)
    assert [who for who, *_ in world.arrived()] == ["server"]
    assert told.stderr == f"http.proxy in {ours.config} is not simply a text in quotes: it is not read here\n"


BROKEN = {
    "a mistake in another line": "[poll\ninterval = soon\n",
    "a byte order mark": "\ufeff",
    "half a text": '[log]\nlevel = "info\n',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_mistake_elsewhere_in_the_file_hides_nothing(world: World, name: str) -> None:
    """It is the likeliest reason why the service has failed."""
    ours, variables = configured(world, Way("proxy", {}, BROKEN[name] + DIRECT + BY_HTTP))
    assert ours.tell(**variables).returncode == 0
    assert [who for who, *_ in world.arrived()] == ["proxy"]
    with pytest.raises(ConfigError):
        ours.send(**variables)


def test_a_file_that_is_not_there_is_named(world: World) -> None:
    ours, variables = configured(world, Way("server", {"SIGNL4__BASE_URL": "http://<server>"}))
    ours.config.unlink()
    told = ours.tell(**variables)
    assert (told.returncode, len(world.arrived())) == (0, 1)
    assert f"{ours.config} cannot be read" in told.stderr
