"""Where the state is kept, as `database.url` says: a file of SQLite, or a database on a server of PostgreSQL."""

import re
from urllib.parse import unquote

SERVER = ("postgresql://", "postgresql+psycopg://")
# A password may have characters that should have been percent-encoded: all up to the last @ is hidden.
_PASSWORD = re.compile(
    r"(?<=://)(?P<user>[^:@/?]*):(?P<password>.*)@"
    r"|(?P<key>[?&](?:(?:ssl)?password|scram_client_key|scram_server_key|oauth_client_secret)=)(?P<value>[^&]*)"
)


def is_postgresql(url: str) -> bool:
    """Whether the state is on a server."""
    return url.startswith(SERVER)


def shown(url: str) -> str:
    """The URL as people may read it: without passwords."""
    return _PASSWORD.sub(lambda found: f"{found['key']}***" if found["key"] else f"{found['user']}@", url)


def passwords(url: str) -> tuple[str, ...]:
    """What it has of passwords, as they are and as they are written there."""
    if not is_postgresql(url):
        return ()
    found = [one["password"] or one["value"] or "" for one in _PASSWORD.finditer(url)]
    return tuple(dict.fromkeys(text for one in found for text in (one, unquote(one)) if text))


def for_libpq(url: str) -> str:
    """The URL as libpq takes it (postgresql.org/docs/current/libpq-connect.html, 34.1.1.2): several hosts, and all."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def is_ambiguous(url: str) -> bool:
    """Whether libpq may take a part of the password for a host or a port, and then show it in errors."""
    before_options = url.partition("://")[2].partition("?")[0]
    authority = before_options.partition("/")[0]
    return before_options.count("@") > 1 or ("@" in before_options and "@" not in authority)
