"""Real PostgreSQL servers: made, started, stopped, killed and frozen by the tests, each with data of its own.

No cluster of the machine is touched. A server listens on loopback, and on a socket in its directory. The order of its
texts is that of a language (ICU), not of their bytes: who relies on the latter fails here.
"""

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import make_conninfo

from tests.support.server_process import HERE, USER, Place, ServerProcess, has_user

INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian has a directory for each major version."""
ADMIN = "postgres"
"""The superuser of each server."""
PASSWORD = "pass:word/of@tests"
"""Of the superuser, where the server asks for one. As a part of a URL it has to be quoted."""
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "log_line_prefix": "%m [%p] %a ",
    "lc_messages": "C",
    "timezone": "UTC",
}
"""The machine outlasts its tests, so that nothing needs to wait for the disk."""
LOCALE = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--encoding=UTF8")


def versions() -> list[int]:
    """The major versions that are installed, the newest last."""
    found = INSTALLED.iterdir() if INSTALLED.is_dir() else ()
    return sorted(int(one.name) for one in found if one.name.isdigit() and (one / "bin" / "initdb").exists())


def missing() -> str | None:
    """Why no server can be started here; `None` if one can."""
    if not versions():
        return f"there is no PostgreSQL in {INSTALLED} (Debian's package postgresql)"
    return None if has_user() else f"PostgreSQL refuses to be run by root, and there is no user {USER}"


class Server(ServerProcess):
    """One server, for as long as a `with` block lasts."""

    def __init__(
        self,
        version: int = 0,
        *,
        settings: Mapping[str, str] | None = None,
        auth: str = "trust",
        place: Place = HERE,
    ) -> None:
        """`version`: 0 for the newest. `auth`: `trust`, or `scram-sha-256` with `PASSWORD`, over TCP."""
        super().__init__(place)
        self.version = version or versions()[-1]
        self.auth = auth
        self.settings = SETTINGS | dict(settings or {})
        self.data = self.directory / "data"

    def prepare(self) -> None:
        self.initdb()

    # -- its life, beside that of every process -----------------------------------------------------------------------

    def initdb(self) -> None:
        """Makes its data, half a second's work."""
        password = self.directory / "password"
        self.write(password, PASSWORD)
        options = ("--no-sync", "--no-instructions", f"--username={ADMIN}", f"--pwfile={password}")
        self.tool("initdb", *options, *LOCALE, str(self.data))
        self.configure()

    def configure(self, **settings: str) -> None:
        """Writes its configuration, with these settings from now on. A server that runs knows them after `reload`."""
        self.settings |= settings
        own = {
            "listen_addresses": self.address,
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
        }
        lines = [f"{name} = '{value}'\n" for name, value in (self.settings | own).items()]
        self.write(self.data / "postgresql.conf", "".join(lines))
        who = [f"local {of} all trust\nhost {of} all all {self.auth}\n" for of in ("all", "replication")]
        self.write(self.data / "pg_hba.conf", "".join(who))

    def start(self) -> None:
        """Returns when it takes connections. Raises `RuntimeError` with the end of its log if it does not."""
        self.launch(self.program("postgres"), "-D", str(self.data), ends_by="QUIT")

    def stop(self, how: str = "fast") -> None:
        """`fast`: in order, clients are sent away. `immediate`: as if it had crashed. `smart`: waits for clients."""
        self.finish({"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how])

    def restart(self, how: str = "fast") -> None:
        self.stop(how)
        self.start()

    def reload(self) -> None:
        """Its processes read the configuration again, soon."""
        self.sql("SELECT pg_reload_conf()")

    # -- what it is asked ---------------------------------------------------------------------------------------------

    def url(self, database: str = ADMIN, **options: object) -> str:
        """As `database.url` wants it. `options`: what follows the `?`."""
        return url_of(f"{self.address}:{self.port}", database, self.auth, **options)

    def conninfo(self, database: str = ADMIN, **options: str) -> str:
        """For `psycopg.connect`, over the socket: no network is between, and no password is asked for."""
        return make_conninfo("", host=str(self.directory), port=self.port, user=ADMIN, dbname=database, **options)

    def connect(self, database: str = ADMIN, **how: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of the tests, in autocommit if nothing else is said."""
        return psycopg.connect(self.conninfo(database), **{"autocommit": True, **how})

    def sql(self, statement: LiteralString, *values: object, database: str = ADMIN) -> list[tuple[Any, ...]]:
        """The rows of one statement, on a connection of its own."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def create(self, database: str, template: str = "template0") -> str:
        """The URL of a new database, a copy of the template, to which nobody may be connected."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drops it, if it is there; who is connected to it is sent away."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def tool(self, name: str, *arguments: str) -> str:
        """Runs a program of its version, as its user; what it printed."""
        return self.run(self.program(name), *arguments)

    def program(self, name: str) -> str:
        """Where a program of its version is."""
        return str(INSTALLED / str(self.version) / "bin" / name)


def url_of(hosts: str, database: str, auth: str = "trust", **options: object) -> str:
    """As `database.url` wants it. `hosts`: `HOST:PORT`, several of them separated by commas."""
    who = ADMIN if auth == "trust" else f"{ADMIN}:{quote(PASSWORD, safe='')}"
    after = f"?{urlencode(options)}" if options else ""
    return f"postgresql+psycopg://{who}@{hosts}/{database}{after}"
