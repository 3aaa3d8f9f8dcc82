"""An environment with which no service can be reached is a sentence and exit code 78, whatever the command."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.clients.http import HttpClient, tls_context
from daemon.config.settings import HttpSection
from daemon.model.errors import ConfigError
from daemon.sandbox.process import isolated
from tests.support import warm
from tests.support.each import each
from tests.support.owner import BOUND
from tests.support.paths import CERTIFICATE
from tests.support.terminal import SECRETS, assert_sentence, command

REVOCATIONS = """\
-----BEGIN X509 CRL-----
MIGUMD0CAQEwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBeBcNMjYwMTAxMDAwMDAw
WhgPMjk5OTAxMDEwMDAwMDBaMAoGCCqGSM49BAMCA0cAMEQCIE/fuHkNz8JJvSRi
VLn81wttZPStC2aFZtKLD7VM5tW9AiAiZ7TM11YFB07E15ImfTxCbEWma8c8mm9t
9+Rb/kILcg==
-----END X509 CRL-----
"""
"""A list of certificates that are not to be trusted, which is none that is."""
PASSWORD = "hunter2"
WORKING = ["run", "once", "check", "check --online", "test-alert"]
"""The commands that reach out, or say whether one could."""
"""Before a program: root is then bound by the modes of files, as everybody else is."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With files and directories that cannot be used."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "garbage.pem").write_text("not a certificate\n")
    (tmp_path / "empty.pem").touch()
    (tmp_path / "revoked.pem").write_text(REVOCATIONS)
    (tmp_path / "loop.pem").symlink_to("loop.pem")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.pem")
    shutil.copy(CERTIFICATE, tmp_path / "company.pem")
    (tmp_path / "unnamed").mkdir()
    shutil.copy(CERTIFICATE, tmp_path / "unnamed" / "company.pem")
    return tmp_path


PROXIES = {
    f"foo://jane:{PASSWORD}@one.test": "is not the address of a proxy",
    f"ftp://jane:{PASSWORD}@one.test:21": "is not the address of a proxy",
    f"jane:{PASSWORD}@one.test:port": "is not the address of a proxy",
    f"http://jane:{PASSWORD}@one.test:0": "is not the address of a proxy",
    f"http://jane:{PASSWORD}@one.test:99999": "is not the address of a proxy",
    f"http://jane:{PASSWORD}@one.test:-1": "is not the address of a proxy",
    f"http://jane:{PASSWORD}@256.1.1.1:3128": "is not the address of a proxy",
    f"http://jane:{PASSWORD}@[::1": "is not the address of a proxy",
    f"http://jane:12#{PASSWORD}@one.test:3128": "is not the address of a proxy",
    f"http://jane:12/{PASSWORD}@one.test:3128": "is not the address of a proxy",
    f"http://jane:{PASSWORD}@": "is not the address of a proxy",
    "http://": "is not the address of a proxy",
    f"http://jane:{PASSWORD} @one.test:3128": "holds a space or a line break",
    f" http://jane:{PASSWORD}@one.test:3128": "holds a space or a line break",
    f"http://jane:{PASSWORD}@one.test:3128\n": "holds a space or a line break",
    f"socks5://jane:{PASSWORD}@one.test:1080": "is a SOCKS proxy, which this program cannot use",
    f"SOCKS5H://jane:{PASSWORD}@one.test": "is a SOCKS proxy, which this program cannot use",
    f"socks://jane:{PASSWORD}@one.test": "is a SOCKS proxy, which this program cannot use",
}


def assert_told(said: str, *parts: str) -> None:
    assert_sentence(said, *parts, "; ")
    assert PASSWORD not in said
    assert "jane" not in said


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@each("address", PROXIES)
def test_a_proxy_that_cannot_be_used_is_told_of_by_its_variable(database: Path, variable: str, address: str) -> None:
    said = command(database, "check", **SECRETS, **{variable: address})
    assert said.exit_code == 78
    assert said.stdout == ""
    assert_told(said.stderr, f"{variable} {PROXIES[address]}; ", "write it like http://proxy.example.com:3128")


def test_of_two_variables_that_say_the_same_the_one_in_small_letters_is_told_of(database: Path) -> None:
    said = command(database, "check", **SECRETS, HTTPS_PROXY="foo://one.test", https_proxy="foo://one.test")
    assert_told(said.stderr, "https_proxy is not the address of a proxy; ")


@each("address", [address for address in PROXIES if "://" in address])
def test_a_proxy_that_cannot_be_used_is_told_of_by_its_key(database: Path, address: str) -> None:
    said = command(database, "check", **SECRETS, HTTP__PROXY=address)
    assert said.exit_code == 78
    assert_told(said.stderr, f"http.proxy {PROXIES[address]}; ", "write it like http://proxy.example.com:3128")


@pytest.mark.parametrize(
    "address", ["http://one.test:3128", "one.test", "https://one.test", "http://j:%2F%40@[::1]:1/"]
)
def test_a_proxy_that_can_be_used_is_no_mistake(database: Path, address: str) -> None:
    said = command(database, "check", **SECRETS, HTTPS_PROXY=address, ALL_PROXY="socks://one.test")
    assert (said.exit_code, said.stderr) == (0, "")


def test_a_proxy_that_is_not_on_the_way_is_no_mistake(database: Path) -> None:
    said = command(database, "check", **SECRETS, ALL_PROXY="foo://one.test", NO_PROXY=".betterstack.com,.signl4.com")
    assert (said.exit_code, said.stderr) == (0, "")


def test_a_proxy_for_watchers_alone_is_told_of_too(database: Path) -> None:
    said = command(
        database,
        "check",
        **SECRETS,
        ALL_PROXY="foo://one.test",
        NO_PROXY=".betterstack.com,.signl4.com",
        HEARTBEAT__URLS='["https://one.test/beat"]',
    )
    assert said.exit_code == 78
    assert_told(said.stderr, "ALL_PROXY is not the address of a proxy; ")


FILES = {
    "/nonexistent": "cannot be read (No such file or directory)",
    "loop.pem": "cannot be read (Too many levels of symbolic links)",
    "company.pem/x": "cannot be read (Not a directory)",
    "garbage.pem": "holds no certificate",
    "empty.pem": "holds no certificate",
    "revoked.pem": "holds no certificate",
    "empty": "is not a file",
    "pipe.pem": "is not a file",
}


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_authorities_that_cannot_be_used_is_told_of_by_its_variable(database: Path, file: str) -> None:
    said = command(database, "check", **SECRETS, SSL_CERT_FILE=file)
    assert said.exit_code == 78
    assert said.stdout == ""
    mend = "give the path of a PEM file with certificates, or leave it out"
    assert_told(said.stderr, f"SSL_CERT_FILE ({file}) {FILES[file]}; {mend}")


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_authorities_that_cannot_be_used_is_told_of_by_its_key(database: Path, file: str) -> None:
    said = command(database, "check", **SECRETS, HTTP__CA_FILE=file)
    assert said.exit_code == 78
    assert_told(said.stderr, f"http.ca_file ('{file}') ", "PEM file")


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_authorities_that_was_spoilt_after_it_was_checked_is_told_of_by_its_key(file: str) -> None:
    settings = HttpSection(ca_file=Path(file))
    with pytest.raises(ConfigError) as caught:
        tls_context(settings)
    assert str(caught.value).startswith(f"http.ca_file ({file}) {FILES[file]}; ")


DIRECTORIES = {
    "/nonexistent": "cannot be read (No such file or directory)",
    "garbage.pem": "cannot be read (Not a directory)",
    "empty": "holds no certificate under a name that OpenSSL looks for",
    "unnamed": "holds no certificate under a name that OpenSSL looks for",
    "empty:/nonexistent": "cannot be read (No such file or directory)",
    ":": "holds no certificate under a name that OpenSSL looks for",
}


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_a_directory_of_authorities_that_cannot_be_used_is_told_of(database: Path, directory: str) -> None:
    said = command(database, "check", **SECRETS, SSL_CERT_DIR=directory)
    assert said.exit_code == 78
    assert_told(said.stderr, f"SSL_CERT_DIR ({directory}) {DIRECTORIES[directory]}; ")


@pytest.mark.parametrize(
    "good",
    [
        {"SSL_CERT_FILE": "company.pem"},
        {"SSL_CERT_FILE": "company.pem", "SSL_CERT_DIR": "/nonexistent"},
        {"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""},
        {"SSL_CERT_DIR": "/nonexistent:named"},
        {"HTTP__CA_FILE": "company.pem", "SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": "/nonexistent"},
        {"SSLKEYLOGFILE": "keys.log"},
    ],
    ids=repr,
)
def test_what_can_be_used_is_no_mistake(database: Path, place: Path, good: dict[str, str]) -> None:
    (place / "named").mkdir()
    shutil.copy(CERTIFICATE, place / "named" / "0a1b2c3d.0")
    said = command(database, "check", **SECRETS, **good)
    assert (said.exit_code, said.stderr) == (0, "")


@pytest.mark.parametrize("file", ["/nonexistent/keys.log", "empty"])
def test_a_key_log_that_cannot_be_written_is_told_of(database: Path, file: str) -> None:
    said = command(database, "check", **SECRETS, SSLKEYLOGFILE=file)
    assert said.exit_code == 78
    assert_told(said.stderr, f"SSLKEYLOGFILE ({file}) cannot be written (")


def test_the_parts_themselves_say_so() -> None:
    """So whoever builds them needs to ask nothing before."""
    settings = HttpSection()
    tls = tls_context(settings)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("https_proxy", "foo://one.test")
        with pytest.raises(ConfigError):
            HttpClient("https://upstream.test", settings, tls)


# -- as processes, each command ---------------------------------------------------------------------------------------


@pytest.fixture
def unreadable(place: Path) -> Iterator[Path]:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and there is no setpriv")
    (place / "company.pem").chmod(0)
    yield place / "company.pem"
    (place / "company.pem").chmod(0o600)


def outcome(place: Path, line: str, program: tuple[str, ...] = (), /, **environment: str) -> tuple[int, str]:
    """The exit code, and what was said to standard error."""
    whole = isolated(os.environ, place) | SECRETS | {"BETTERSTACK__BASE_URL": "https://127.0.0.1:9"} | environment
    (place / "config.toml").touch()
    done = warm.run([*program, sys.executable, "-m", "daemon", *line.split()], env=whole, cwd=place, timeout=30)
    return done.returncode, done.stderr


@pytest.mark.parametrize("line", WORKING)
@pytest.mark.parametrize(
    ("variable", "value"),
    [("https_proxy", f"foo://jane:{PASSWORD}@bar"), ("SSL_CERT_FILE", "garbage.pem"), ("SSL_CERT_DIR", "/nonexistent")],
)
def test_every_command_ends_with_one_sentence(place: Path, line: str, variable: str, value: str) -> None:
    code, said = outcome(place, line, **{variable: value})
    assert code == 78
    assert_told(said, variable)


@pytest.mark.parametrize(("variable", "name"), [("SSL_CERT_FILE", "SSL_CERT_FILE"), ("HTTP__CA_FILE", "http.ca_file")])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_may_not_be_read_is_one_sentence(
    place: Path, unreadable: Path, variable: str, name: str, what: str
) -> None:
    closed = place / "closed"
    closed.mkdir()
    shutil.copy(CERTIFICATE, closed / "company.pem")
    closed.chmod(0)
    file = unreadable if what == "file" else closed / "company.pem"
    code, said = outcome(place, "once", BOUND, **{variable: str(file)})
    closed.chmod(0o700)
    assert code == 78
    assert_told(said, name, "cannot be read (Permission denied); ")
