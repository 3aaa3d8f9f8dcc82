"""Trusted certificate authorities: `http.ca_file`, else those named by the usual variables.

Certificates are verified as curl does, which the units that report a failure use, whatever the version of Python.

An unusable file is a `ConfigError` that names the key or the variable: otherwise every exchange would fail without
naming the file.
"""

import os
import re
import ssl
import stat
from pathlib import Path

from daemon.model.errors import ConfigError

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""The file names that OpenSSL looks for in a directory of certificates."""


def named_authorities(ca_file: Path | None) -> ssl.SSLContext | None:
    """A TLS context with the configured authorities; `None` if none are configured. Raises `ConfigError`."""
    _check_key_log()
    if ca_file is not None:
        return _of_file("http.ca_file", ca_file)
    if file := os.environ.get("SSL_CERT_FILE"):
        return _of_file("SSL_CERT_FILE", Path(file))
    if directories := os.environ.get("SSL_CERT_DIR"):
        return _of_directories(directories)
    return None


def _of_file(named_by: str, file: Path) -> ssl.SSLContext:
    why = "holds no certificate"
    try:
        # Opening anything else, such as a pipe, might block for ever.
        if stat.S_ISREG(file.stat().st_mode):
            context = _lenient(ssl.create_default_context(cafile=file))
            if context.cert_store_stats()["x509"]:
                return context
        else:
            why = "is not a file"
    except ssl.SSLError:
        pass
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
    raise ConfigError(f"{named_by} ({file}) {why}; give the path of a PEM file with certificates, or leave it out")


def _of_directories(directories: str) -> ssl.SSLContext:
    # OpenSSL reports no error for a directory without certificates: it just trusts nobody.
    why = "holds no certificate under a name that OpenSSL looks for"
    for directory in filter(None, directories.split(os.pathsep)):
        try:
            if any(_HASHED.fullmatch(file.name) for file in Path(directory).iterdir()):
                return _lenient(ssl.create_default_context(capath=directories))
        except OSError as error:
            why = f"cannot be read ({error.strerror})"
    raise ConfigError(
        f"SSL_CERT_DIR ({directories}) {why}; give a directory with certificates, which `openssl rehash` gives "
        "their names, or leave it out"
    )


def _lenient(context: ssl.SSLContext) -> ssl.SSLContext:
    """Verifies as curl with OpenSSL does: an intermediate authority is enough, and RFC 5280 is not enforced strictly.

    Python 3.13 enforces it by default, and so rejects many companies' own authorities.
    """
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    return context


def _check_key_log() -> None:
    """Raises `ConfigError` if `SSLKEYLOGFILE` cannot be written: Python opens it with each context."""
    file = os.environ.get("SSLKEYLOGFILE")
    if not file:
        return
    try:
        with Path(file).open("ab"):
            pass
    except OSError as error:
        raise ConfigError(f"SSLKEYLOGFILE ({file}) cannot be written ({error.strerror}); leave it out") from None
