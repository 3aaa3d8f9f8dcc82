"""Several accounts of Better Stack on one database, each polled by the flow of its own."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from daemon.config.settings import Settings
from daemon.config.validate import validated
from daemon.poll import Poll
from daemon.storage.housekeeping import Housekeeping
from daemon.storage.incidents import Incidents
from tests.support.clock import Clock
from tests.support.fakes import FakeBetterStack
from tests.support.kept_log import KeptLog
from tests.support.outbox import rows
from tests.support.values import settings

TOKENS = {name: {"token": f"token-of-{name}"} for name in ("acme", "globex", "initech")}


class Account:
    """What one account shows, and its rounds."""

    def __init__(self, accounts: "Accounts", name: str) -> None:
        self.betterstack = FakeBetterStack()
        self._accounts, self._name = accounts, name
        self.begin()

    def begin(self) -> None:
        """Builds the flow anew, as a restart or a reload does."""
        values, names = self._accounts.settings, self._accounts.settings.polled.keys()
        self.betterstack.known_pages.clear()
        self.incidents = Incidents(self._accounts.engine, self._name, names - {self._name})
        self.poll = Poll(
            self.betterstack,
            self.incidents,
            values.of(self._name),
            clock=self._accounts.clock,
            log=self._accounts.log,
            on_queued=lambda: None,
            known_pages=self.betterstack.known_pages,
            untracked=Housekeeping(self._accounts.engine).untracked,
        )

    def see(self, *incident_ids: str, **attributes: Any) -> None:
        """A round, with a sweep, that finds the incidents like this."""
        for incident_id in incident_ids:
            self.betterstack.has(incident_id, **attributes)
        self.poll.round(sweep=True)


class Accounts:
    """All of one configuration."""

    def __init__(self, engine: Engine, clock: Clock, log: KeptLog) -> None:
        self.engine, self.clock, self.log = engine, clock, log
        self.settings: Settings = settings()
        self.of: dict[str, Account] = {}

    def configure(self, *names: str, **sections: Any) -> None:
        """Puts these accounts in force; an empty name is that of [betterstack]. What an account shows stays."""
        more = sections.pop("source", {})
        given = {name: TOKENS[name] | more.get(name, {}) for name in names if name}
        unnamed = {"token": "a-token-of-better-stack"} if "" in names else {}
        whole = {"betterstack": unnamed, "signl4": {"secret": "96sbq49u"}, "source": given}
        self.settings = validated(whole | sections, {})
        Housekeeping(self.engine).configure(self.settings.destinations)
        Housekeeping(self.engine).configure_sources(self.settings.polled)
        before, self.of = self.of, {}
        for name in names:
            account = self.of[name] = before.get(name) or Account(self, name)
            account.begin()

    def told(self) -> list[tuple[str, str]]:
        """Incident and kind of all that is in the outbox, in order."""
        found = sorted(rows(self.engine).items(), key=lambda one: one[1].id)
        return [(incident_id, kind) for (incident_id, _, kind), _ in found]

    def pass_(self, **span: float) -> None:
        """Time passes."""
        self.clock.now += timedelta(**span)
