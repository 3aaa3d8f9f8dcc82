"""Authorities that the operator names are judged as curl judges them, whatever the version of Python.

From Python 3.13 on contexts are strict by default: here they are so in every version.
"""

import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from daemon.clients.http import ExchangeError, tls_context
from daemon.config.settings import HttpSection
from tests.support.listener import answering, client_to, listening, ok

LOOPBACK = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])


@dataclass(frozen=True)
class Bearer:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def bearer(name: str, issuer: Bearer | None, *extensions: x509.ExtensionType) -> Bearer:
    """With these extensions and no others: an authority made by hand has neither key usage nor key identifiers."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Bearer(builder.sign(issuer.key if issuer else key, SHA256()), key)


@dataclass(frozen=True)
class Company:
    """An authority, one below it, and a server of that one."""

    root: Bearer
    middle: Bearer
    server: Bearer

    def file(self, place: Path, *bearers: Bearer) -> Path:
        file = place / "company.pem"
        file.write_bytes(b"".join(one.pem for one in bearers))
        return file

    def serves(self, place: Path, *chain: Bearer) -> ssl.SSLContext:
        key = self.server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (place / "server.pem").write_bytes(key + b"".join(one.pem for one in (self.server, *chain)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(place / "server.pem")
        return context


@pytest.fixture(scope="module")
def company() -> Company:
    authority = x509.BasicConstraints(ca=True, path_length=None)
    root = bearer("Company root", None, authority)
    middle = bearer("Company middle", root, authority)
    return Company(root, middle, bearer("127.0.0.1", middle, LOOPBACK))


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    create = ssl.create_default_context

    def strict(*of: Any, **named: Any) -> ssl.SSLContext:
        context = create(*of, **named)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)


def by_setting(file: Path, _: pytest.MonkeyPatch) -> ssl.SSLContext:
    return tls_context(HttpSection(ca_file=file))


def by_file(file: Path, environment: pytest.MonkeyPatch) -> ssl.SSLContext:
    environment.setenv("SSL_CERT_FILE", str(file))
    return tls_context(HttpSection())


def by_directory(file: Path, environment: pytest.MonkeyPatch) -> ssl.SSLContext:
    """With each certificate under the name that OpenSSL looks for."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("there is no openssl")
    subprocess.run([openssl, "rehash", str(file.parent)], check=True, capture_output=True)
    environment.setenv("SSL_CERT_DIR", str(file.parent))
    return tls_context(HttpSection())


Trust = Callable[[Path, pytest.MonkeyPatch], ssl.SSLContext]


def curl_trusts(url: str, file: Path) -> bool:
    if (curl := shutil.which("curl")) is None:
        pytest.skip("there is no curl")
    line = [curl, "--disable", "--silent", "--noproxy", "*", "--max-time", "10", "--cacert", str(file), url]
    return subprocess.run(line, check=False, capture_output=True).returncode == 0


def service_trusts(url: str, trusting: ssl.SSLContext) -> bool:
    with client_to(url, trusting) as http:
        try:
            return http.exchange("GET", "/").status == 200
        except ExchangeError as error:
            return "CERTIFICATE_VERIFY_FAILED" not in str(error)


@pytest.mark.parametrize("trust", [by_setting, by_file, by_directory])
@pytest.mark.parametrize("named", ["root", "middle"])
def test_an_authority_made_by_hand_is_trusted_and_one_below_another_is_enough(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: Trust, named: str
) -> None:
    (tmp_path / "named").mkdir()
    file = company.file(tmp_path / "named", company.root if named == "root" else company.middle)
    with listening(answering(ok()), company.serves(tmp_path, company.middle)) as server:
        assert service_trusts(server.url, trust(file, monkeypatch))
        assert curl_trusts(server.url, file)


def test_an_authority_that_nobody_named_is_not_trusted(company: Company, tmp_path: Path) -> None:
    file = company.file(tmp_path, bearer("Another", None, x509.BasicConstraints(ca=True, path_length=None)))
    with listening(answering(ok()), company.serves(tmp_path, company.middle)) as server:
        assert not service_trusts(server.url, tls_context(HttpSection(ca_file=file)))
        assert not curl_trusts(server.url, file)


def test_a_chain_that_does_not_reach_the_authority_is_not_trusted(company: Company, tmp_path: Path) -> None:
    file = company.file(tmp_path, company.root)
    with listening(answering(ok()), company.serves(tmp_path)) as server:
        assert not service_trusts(server.url, tls_context(HttpSection(ca_file=file)))
        assert not curl_trusts(server.url, file)
