"""Whom the program trusts to vouch for a service: `http.ca_file`, else what the usual variables name.

They are judged as curl judges them, which the units that tell of a failure use, whatever the version of Python.

What cannot be used is a `ConfigError` that names the key or the variable: an exchange would fail each time, and not say
which file was meant.
"""

import os
import re
import ssl
import stat
from pathlib import Path

from daemon.model.errors import ConfigError

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""The names under which OpenSSL looks for certificates in a directory."""


def named_authorities(ca_file: Path | None) -> ssl.SSLContext | None:
    """A context that trusts those who are named, `None` where nobody is. Raises `ConfigError`."""
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
        # Admission anything else, such as a pipe, might last for ever.
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
    # OpenSSL itself says nothing: where it finds no certificate, it trusts nobody.
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
    """As curl with OpenSSL judges: an intermediate authority is enough, and RFC 5280 is not taken to the letter.

    Python 3.13 does take it so by default, and refuses many authorities that companies made for themselves.
    """
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    return context


def _check_key_log() -> None:
    """Python opens this file with each context."""
    file = os.environ.get("SSLKEYLOGFILE")
    if not file:
        return
    try:
        with Path(file).open("ab"):
            pass
    except OSError as error:
        raise ConfigError(f"SSLKEYLOGFILE ({file}) cannot be written ({error.strerror}); leave it out") from None
