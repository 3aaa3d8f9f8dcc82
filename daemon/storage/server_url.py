"""What libpq would make of the URL of a server: checked before anything is connected."""

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from daemon.storage.place import for_libpq, is_ambiguous

FORM = "write it like postgresql+psycopg://USER:PASSWORD@HOST:5432/NAME"
ENCODED = (
    "has a user, a password or a host with a character that ends it; write % : / ? # @ and spaces in them as %25 %3A "
    "%2F %3F %23 %40 and %20"
)


def check_server_url(url: str) -> None:
    """Raises `ValueError` with what is wrong and the mend; no part of the URL that may be a password is in it."""
    if not url.isprintable():
        raise ValueError(f"holds a line break or another character that nobody sees; {FORM}")
    if is_ambiguous(url):
        raise ValueError(ENCODED)
    parts = _parts(url)
    ports = [port for port in str(parts.get("port", "")).split(",") if port]
    if any("@" in str(parts.get(key, "")) for key in ("host", "dbname")) or not all(map(str.isdigit, ports)):
        raise ValueError(ENCODED)
    if not all(0 < int(port) < 2**16 for port in ports):
        raise ValueError("has a port that is none; take 1 to 65535")
    if not parts.get("dbname") and "service" not in parts:
        raise ValueError(f"names no database; {FORM}")


def _parts(url: str) -> dict[str, object]:
    """By libpq's own names. Raises `ValueError`."""
    try:
        return dict(conninfo_to_dict(for_libpq(url)))
    except ProgrammingError as error:
        said = " ".join(str(error).split())
    if said.startswith("invalid URI query parameter"):
        name = said.rpartition(": ")[2]
        raise ValueError(f"has {name} behind its ?, which PostgreSQL does not know; leave it out or correct it")
    if said.startswith(("invalid percent-encoded", "forbidden value", "unexpected spaces")):
        raise ValueError(ENCODED)
    raise ValueError(f"is no URL of a database; {FORM}")
