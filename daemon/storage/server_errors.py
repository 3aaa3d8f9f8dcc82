"""What errors of PostgreSQL mean, on one line and with the mend.

Never with a password: the driver puts none into its texts, but where it cannot read `database.url` at all. That is told
by `unreadable` instead.
"""

import re

from psycopg import Error

READ_ONLY, NO_TABLE = "25006", "42P01"
"""SQLSTATEs (postgresql.org/docs/current/errcodes-appendix.html)."""
HANGS = "the server does not answer"
UNREADABLE = (
    "database.url cannot be read; write postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME, with special characters "
    "of user and password percent-encoded (%40 for @, %2F for /, %25 for %)"
)

_NOISE = re.compile(
    r"^(connection failed|connection is bad): |\s+Is the server running[^?]*\?|\s+This probably means the server[^.]*\."
    r"|\b(FATAL|ERROR): +"
)
_EACH = re.compile(r"^- host: '?(.*?)'?, port: .*?, hostaddr: [^:]*?: (.*)$", re.MULTILINE)
"""One of several hosts that were tried (`Connection.connect` of psycopg)."""
_PARAMETER = re.compile(r'invalid URI query parameter: ("\w+")')

_LASTING = (
    (r"(password|SASL) authentication failed|no password supplied|28P01", "correct user and password in database.url"),
    (r"pg_hba\.conf|authentication failed|28000", "allow this host and user in pg_hba.conf of the server"),
    (r'role "[^"]*" does not exist', "make that role on the server, or name another user in database.url"),
    (r'database "[^"]*" does not exist|3D000', "make it on the server (CREATE DATABASE), or correct database.url"),
    (r"42501|permission denied", "give the user of database.url that right (GRANT), or make it the owner"),
    (r"invalid port number", "correct the port in database.url"),
)
_PASSING = (
    (
        r"53300|too many (clients|connections)|remaining connection slots|no more connections allowed",
        "raise max_connections of the server, or the limit of the role, of the database or of the pooler",
    ),
    (r"Connection refused|No such file or directory", "start the server, or correct host and port in database.url"),
    (r"Temporary failure in name resolution", "see to the name servers of this host"),
    (r"failed to resolve host", "correct the host in database.url"),
    (r"SSL|certificate", "see sslmode and sslrootcert in database.url"),
    (r"hot standby mode|is read-only", "name the primary server in database.url as well, behind a comma"),
    (r"25006|read-only transaction", "end what has made the server read-only, or name another in database.url"),
    (r"53100|No space left", "make room on the disk of the server"),
    (r"42P01|42703", "run: betterstack-signl4 db upgrade"),
)


def why(error: BaseException | None) -> str:
    """What the driver or the server says, with the mend where there is one to tell."""
    text = _said(error)
    known = f"{text} {getattr(error, 'sqlstate', None) or ''}"
    mend = next((mend for pattern, mend in _LASTING + _PASSING if re.search(pattern, known)), None)
    return f"{text}; {mend}" if mend else text


def is_lasting(error: BaseException | None) -> bool:
    """Whether only a person can mend it: a server that starts meanwhile does not."""
    known = f"{error} {getattr(error, 'sqlstate', None) or ''}"
    return any(re.search(pattern, known) for pattern, _ in _LASTING)


def unreadable(error: Error) -> str:
    """Why `database.url` cannot be read. What the driver says of that shows parts of it."""
    if found := _PARAMETER.search(str(error)):
        return f"database.url has the parameter {found[1]}, which PostgreSQL does not know; correct or remove it"
    return UNREADABLE


def _said(error: BaseException | None) -> str:
    if isinstance(error, Error) and error.diag.message_primary:
        return _line(error.diag.message_primary)
    text = str(error)
    each = (f"{HANGS} ({host})" if _line(why) == HANGS else _line(why) for host, why in _EACH.findall(text))
    return "; ".join(dict.fromkeys(each)) or _line(text)


def _line(text: str) -> str:
    if "timeout expired" in text:
        return HANGS
    return " ".join(_NOISE.sub("", text).split())
