"""The operator of the seeded world: `retry` and `drop` at any moment, as another process does them."""

from collections.abc import Sequence
from enum import StrEnum, auto
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import time_machine
from sqlalchemy import event, select

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind
from daemon.storage import operate
from daemon.storage.schema import DELIVERIES
from tests.support.clock import Clock
from tests.support.engines import engine_on


class Deed(StrEnum):
    RETRY = auto()
    RETRY_DEAD = auto()
    DROP = auto()


class Request(Protocol):
    """One that SIGNL4 got."""

    @property
    def row(self) -> int: ...


class Hand:
    """Somebody at a terminal, with a connection of their own."""

    def __init__(self, database: Path, clock: Clock, sent: Sequence[Request]) -> None:
        """`sent`: the requests that SIGNL4 got so far."""
        self._clock, self._sent = clock, sent
        self._engine = engine_on(database)
        event.listen(self._engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        self.giving_up = Lock()
        """Held while something is given up, and while a request arrives: one of the two is first."""
        self.revived: set[int] = set()
        self.dropped: dict[int, int] = {}
        """Each delivery, and how many requests SIGNL4 had got when it was given up."""

    def close(self) -> None:
        self._engine.dispose()

    def does(self, deed: Deed, which: int) -> None:
        """To one of the deliveries that are not settled, if there is any, or to all that are dead."""
        with time_machine.travel(self._clock.now, tick=False):
            match deed:
                case Deed.RETRY_DEAD:
                    self._retry(operate.dead_ids(self._engine))
                case Deed.RETRY:
                    self._retry(self._one(which))
                case Deed.DROP:
                    self._drop(self._one(which))

    def mends(self) -> None:
        """What is dead comes back, and what is too late for that is given up: nothing is left that no command mends."""
        with time_machine.travel(self._clock.now, tick=False):
            self._retry(operate.dead_ids(self._engine))
            self._drop(operate.dead_ids(self._engine))
        assert operate.dead_ids(self._engine) == []

    def _one(self, which: int) -> list[int]:
        open_ids = [row["id"] for row in operate.droppable(self._engine, list(self._rows()))]
        return [open_ids[which % len(open_ids)]] if open_ids else []

    def _retry(self, ids: list[int]) -> None:
        revivals = operate.revive(self._engine, ids, force=False)
        self.revived |= {revival.id for revival in revivals if revival.refusal is None}

    def _drop(self, ids: list[int]) -> None:
        with self.giving_up:
            for dropping in operate.drop(self._engine, ids):
                assert dropping.refusal is None
                for row in (dropping.id, *dropping.with_it):
                    self.dropped.setdefault(row, len(self._sent))

    def _rows(self) -> dict[int, Any]:
        with self._engine.connect() as connection:
            return {row.id: row for row in connection.execute(select(DELIVERIES).order_by(DELIVERIES.c.id))}

    def check(self) -> None:
        """What was given up is not sent any more; who may have heard of a beginning hears of the end, and nobody else.

        Only what was given up itself is kept from them.
        """
        for place, request in enumerate(self._sent):
            assert place < self.dropped.get(request.row, place + 1), f"{request} was sent although it was dropped"
        rows = self._rows()
        for begun in [row for row in rows.values() if row.kind == Kind.NEW and row.state == DeliveryState.SUPERSEDED]:
            for row in rows.values():
                if (row.incident_id, row.generation) == (begun.incident_id, begun.generation) and row is not begun:
                    self._check_follower(begun, row)

    def _check_follower(self, begun: Any, row: Any) -> None:
        if begun.attempts == 0:
            assert (row.state, row.attempts) == ("superseded", 0), f"{row} was told to nobody's use"
        elif row.kind == Kind.RESOLVED and row.id not in self.dropped:
            assert row.state != DeliveryState.SUPERSEDED, f"Promise 7: the end of {begun} was not told"
