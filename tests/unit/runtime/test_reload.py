"""A change of the configuration, look by look: the new one is in force once nothing of the old one is at work."""

from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from daemon.config.configuration import Configuration
from daemon.host.reload_outcome import REFUSED, ReloadOutcome
from daemon.host.signals import Stop
from daemon.host.startup import Hangup
from daemon.host.systemd import Systemd
from daemon.model.errors import ConfigError, DaemonError
from daemon.runtime.jobs import Jobs
from daemon.runtime.reload import Reload
from tests.support.kept_log import KeptLog
from tests.support.values import settings


class FakeJobs(Jobs):
    """Jobs that are at work as long as a test wants it, and note what is done to them."""

    def __init__(self, configuration: Configuration) -> None:
        self.components: Any = SimpleNamespace(settings=configuration.settings, log=KeptLog())
        self.done: list[str] = []
        self.polls = self.delivers = False
        self.longest = 3600.0

    def begin(self) -> None:
        self.done.append("begun")

    def pause_rounds(self) -> bool:
        self.done.append("rounds paused")
        return self.polls

    def pause(self) -> bool:
        self.done.append("paused")
        return self.delivers

    def resume(self) -> None:
        self.done.append("resumed")

    def patience(self) -> float:
        return self.longest

    def close(self) -> None:
        self.done.append("closed")


class Change:
    """The old jobs, and those of the configuration that SIGHUP finds."""

    def __init__(self, directory: Path) -> None:
        self.old = FakeJobs(Configuration(settings(), None, ()))
        self.later = settings(poll={"interval": "1s"})
        self.made: list[FakeJobs] = []
        self.is_good = True
        self.has_threads = True
        self.hangup = Hangup()
        self._may_be_read = Event()
        self.outcome = ReloadOutcome({"RUNTIME_DIRECTORY": str(directory)})
        self.reload = Reload(self._read, self._make, Stop(), Systemd({}), self.outcome, self.hangup)

    def _read(self) -> Configuration:
        assert self._may_be_read.wait(20)
        if not self.is_good:
            raise ConfigError("poll.interval is no good")
        return Configuration(self.later, None, ())

    def _make(self, configuration: Configuration) -> FakeJobs:
        if not self.has_threads:
            raise DaemonError("no thread can be started now")
        self.made.append(FakeJobs(configuration))
        return self.made[-1]

    def asked(self) -> Jobs:
        """What is in force by the look after the one that obeys the signal."""
        self.hangup.ask()
        return self.looked_twice()

    def looked_twice(self) -> Jobs:
        """What is in force by the look after the one that reads the configuration."""
        self._may_be_read.clear()
        assert self.look() is self.old
        self._may_be_read.set()
        assert self.reload._preparing is not None
        self.reload._preparing.join()
        return self.look()

    def look(self) -> Jobs:
        return self.reload.look(self.old)


@pytest.fixture
def change(tmp_path: Path) -> Change:
    return Change(tmp_path)


def test_the_old_jobs_are_closed_before_the_new_ones_begin(change: Change) -> None:
    assert change.asked() is change.made[0]
    assert change.old.done == ["rounds paused", "paused", "closed"]
    assert change.made[0].done == ["begun"]
    assert change.reload.pending is False
    assert change.outcome.exit_code(0) == 0
    change.reload.drop()
    assert change.made[0].done == ["begun"]


def test_nothing_is_paused_but_rounds_while_one_is_under_way(change: Change) -> None:
    change.old.polls = True
    assert change.asked() is change.old
    assert change.old.done == ["rounds paused"]
    change.old.polls = False
    assert change.look() is change.made[0]


def test_what_is_in_flight_is_waited_for(change: Change) -> None:
    change.old.delivers = True
    assert change.asked() is change.old
    assert change.look() is change.old
    assert change.old.done == ["rounds paused", "paused", "paused"]
    assert change.outcome.exit_code(0) is None
    change.old.delivers = False
    assert change.look() is change.made[0]


def test_it_is_not_waited_for_any_longer_than_a_request_takes(change: Change) -> None:
    change.old.delivers, change.old.longest = True, -1.0
    assert change.asked() is change.old
    assert change.old.done == ["rounds paused", "paused", "resumed"]
    change.old.longest = 3600.0
    change.look()
    assert change.old.done[3:] == ["rounds paused", "paused"]
    change.old.delivers = False
    assert change.look() is change.made[0]


def test_what_a_later_one_takes_the_place_of_is_closed_and_never_begins(change: Change) -> None:
    change.old.delivers = True
    assert change.asked() is change.old
    change.asked()
    first, second = change.made
    assert (first.done, second.done) == (["closed"], [])
    assert "resumed" in change.old.done
    change.reload.drop()
    assert second.done == ["closed"]


def test_one_that_is_no_good_changes_nothing(change: Change) -> None:
    change.is_good = False
    assert change.asked() is change.old
    assert "poll.interval is no good" in (change.reload.refused or "")
    assert change.outcome.exit_code(0) == REFUSED
    assert (change.old.done, change.made) == ([], [])


def test_one_for_which_there_is_no_thread_is_tried_again_at_the_next_look(change: Change) -> None:
    change.has_threads = False
    assert change.asked() is change.old
    assert (change.reload.refused, change.reload.pending, change.outcome.exit_code(0)) == (None, False, None)
    assert change.old.done == []
    assert change.looked_twice() is change.old
    assert change.old.components.log.named("reload postponed") == [{"error": "no thread can be started now"}]
    change.has_threads = True
    assert change.looked_twice() is change.made[0]
    assert change.outcome.exit_code(0) == 0


def test_the_database_stays_the_same(change: Change) -> None:
    change.later = settings(Path("another.db"))
    assert change.asked() is change.old
    assert "database.url cannot change" in (change.reload.refused or "")
    assert (change.old.done, change.made) == ([], [])
