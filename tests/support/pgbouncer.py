"""A real PgBouncer in transaction mode: each transaction may run on another connection to the server than the last.

It is configured as Debian does it, but for where it listens: what it refuses there, it refuses here.
"""

import shutil
import signal
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.support.postgresql import ADMIN, PASSWORD, url_of
from tests.support.server_process import HERE, USER, Place, ServerProcess, has_user

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
CONFIGURATION = """
[databases]
* = host={server} port={server_port}

[pgbouncer]
listen_addr = {address}
listen_port = {port}
unix_socket_dir = {directory}
auth_type = {auth}
auth_file = {directory}/users
admin_users = {admin}
pool_mode = transaction
default_pool_size = {size}
"""


def missing() -> str | None:
    """Why none can be started here; `None` if one can."""
    if PROGRAM is None:
        return "there is no pgbouncer (Debian's package of that name)"
    return None if has_user() else f"pgbouncer refuses to be run by root, and there is no user {USER}"


class Pooler(ServerProcess):
    """One PgBouncer, for as long as a `with` block lasts."""

    def __init__(self, server: str, port: int, *, size: int = 5, auth: str = "trust", place: Place = HERE) -> None:
        """`server`: a host, an address or the directory of a socket. `size`: connections to it, for each database."""
        super().__init__(place)
        self.auth = auth
        self._values = {"server": server, "server_port": port, "size": size}

    def prepare(self) -> None:
        self.configure()

    def configure(self, **values: Any) -> None:
        """Writes its configuration, with these values from now on; one that runs knows them after `admin("RELOAD")`."""
        self._values |= values
        own = {"address": self.address, "port": self.port, "directory": self.directory, "auth": self.auth}
        self.write(self.directory / "users", f'"{ADMIN}" "{PASSWORD}"\n')
        self.write(self.directory / "ini", CONFIGURATION.format(**self._values, **own, admin=ADMIN))

    def start(self) -> None:
        """Returns when it takes connections. Raises `RuntimeError` with the end of its log if it does not."""
        assert PROGRAM is not None
        self.launch(PROGRAM, str(self.directory / "ini"), ends_by="KILL")

    def stop(self) -> None:
        """In order: transactions under way are finished."""
        self.finish(signal.SIGINT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def url(self, database: str = ADMIN, **options: object) -> str:
        """As `database.url` wants it."""
        return url_of(f"{self.address}:{self.port}", database, self.auth, **options)

    def admin(self, command: str) -> list[tuple[Any, ...]]:
        """What its console answers, such as to `SHOW SERVERS`, `PAUSE`, `RECONNECT` or `RELOAD`."""
        where = make_conninfo(
            host=str(self.directory), port=self.port, user=ADMIN, password=PASSWORD, dbname="pgbouncer"
        )
        with psycopg.connect(where, autocommit=True) as console:
            # It knows the simple protocol alone.
            cursor = psycopg.ClientCursor(console).execute(command)
            return cursor.fetchall() if cursor.description else []
