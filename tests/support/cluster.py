"""A PostgreSQL that is replicated: a primary and physical standbys, synchronous or not. One of them can be promoted."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from threading import Event
from time import monotonic
from typing import Self

from tests.support.postgresql import ADMIN, Server, url_of
from tests.support.server_process import PATIENCE, Place

AGAIN = 0.05
"""Seconds until a server is asked again whether it has caught up: it does not say so by itself."""
LISTENING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name = ANY(%s)"
DIRECTIONS = {"wal_sender_timeout": "3s", "wal_receiver_timeout": "3s", "wal_retrieve_retry_interval": "200ms"}
"""So that a lost link is noticed within the time of a test."""


class Cluster:
    """Servers by name, for as long as a `with` block lasts. The first one is the primary at the start."""

    def __init__(self, places: Mapping[str, Place], *, synchronous: str = "", version: int = 0) -> None:
        """`synchronous`: `synchronous_standby_names`, such as `ANY 1 (b, c)`; asynchronous without."""
        self.servers = {name: Server(version, settings=DIRECTIONS, place=place) for name, place in places.items()}
        self.primary = next(iter(places))
        self._synchronous = synchronous
        self._due = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as due:
            for server in self.servers.values():
                due.callback(server.end)
            self.leader.initdb()
            self.leader.start()
            for name in self.standbys:
                self._follow_from_the_start(name)
            self.wait_for_standbys()
            # Before there are standbys the primary would wait for them for ever.
            self.demand(self._synchronous)
            self._due = due.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._due.close()

    @property
    def leader(self) -> Server:
        return self.servers[self.primary]

    @property
    def standbys(self) -> list[str]:
        return [name for name in self.servers if name != self.primary]

    def url(self, database: str = ADMIN, **options: object) -> str:
        """As `database.url` names all of them; who connects wants the one that can be written to."""
        hosts = ",".join(f"{server.address}:{server.port}" for server in self.servers.values())
        return url_of(hosts, database, "trust", target_session_attrs="read-write", **options)

    def demand(self, synchronous: str) -> None:
        """Whose receipt a commit waits for from now on, as `synchronous_standby_names` says it."""
        self.leader.configure(synchronous_standby_names=synchronous)
        self.leader.reload()
        until(lambda: self.leader.sql("SHOW synchronous_standby_names") == [(synchronous,)], "the new setting")

    def promote(self, name: str, synchronous: str = "") -> None:
        """This standby can be written to from now on; who was the primary goes on unless it is stopped."""
        self.servers[name].configure(synchronous_standby_names=synchronous)
        self.servers[name].sql("SELECT pg_promote()")
        self.primary = name

    def furthest(self) -> str:
        """The standby that has received most, the only one whose promotion loses nothing that was acknowledged."""
        ask = "SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn"
        return max(self.standbys, key=lambda name: self.servers[name].sql(ask)[0][0])

    def follow(self, name: str) -> None:
        """A standby follows the primary of today."""
        self.servers[name].configure(primary_conninfo=self._way_to_the_primary(name))
        self.servers[name].reload()

    def wait_for_standbys(self, *names: str) -> None:
        """Until these, or all, stand in a stream from the primary."""
        wanted = list(names or self.standbys)
        until(lambda: self.leader.sql(LISTENING, wanted) == [(len(wanted),)], f"the stream to {wanted}")

    def wait_until_alike(self, name: str) -> None:
        """Until this standby has replayed all that the primary has written so far."""
        [(written,)] = self.leader.sql("SELECT pg_current_wal_lsn()::text")
        ask = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        until(lambda: self.servers[name].sql(ask, written) == [(True,)], f"{name} at {written}")

    def _follow_from_the_start(self, name: str) -> None:
        standby, leader = self.servers[name], self.leader
        way = f"host={leader.address} port={leader.port} user={ADMIN}"
        standby.tool("pg_basebackup", "--dbname", way, "--checkpoint=fast", "--no-sync", "--pgdata", str(standby.data))
        standby.configure(primary_conninfo=self._way_to_the_primary(name))
        standby.write(standby.data / "standby.signal", "")
        standby.start()

    def _way_to_the_primary(self, name: str) -> str:
        return (
            f"host={self.leader.address} port={self.leader.port} user={ADMIN} application_name={name} "
            "connect_timeout=3 keepalives_idle=1 keepalives_interval=1 keepalives_count=2 tcp_user_timeout=3000"
        )


def until(reached: Callable[[], bool], what: str) -> None:
    """Asks a server again and again. Raises `TimeoutError`."""
    end = monotonic() + PATIENCE
    while not reached():
        if monotonic() > end:
            raise TimeoutError(f"{what} did not come within {PATIENCE:g} s")
        Event().wait(AGAIN)
