"""How long a job may be silent: a round on a server may wait for that, too."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from daemon.host.systemd import Systemd
from daemon.runtime import watchdog as module
from daemon.runtime.jobs import Jobs
from daemon.runtime.watchdog import Watchdog
from tests.support.kept_log import KeptLog
from tests.support.values import settings

FILE, SERVER = "sqlite:///state.db", "postgresql+psycopg://alerts@127.0.0.1/alerts"
SHORT: dict[str, Any] = {"poll": {"interval": "1s", "active_interval": "1s"}, "http": {"timeout": "2s"}}


@pytest.mark.parametrize(
    ("url", "silent_for", "stuck"), [(FILE, 6.9, False), (FILE, 7.1, True), (SERVER, 36.9, False), (SERVER, 37.1, True)]
)
def test_a_job_may_be_silent_for_as_long_as_what_it_waits_for_may_take(
    log: KeptLog, monkeypatch: pytest.MonkeyPatch, url: str, silent_for: float, stuck: bool
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(module, "end_at_once", lambda _seconds, code: ended.append(code))
    liveness = {"poll": SimpleNamespace(silent_for=lambda: silent_for)}
    given = settings(**SHORT)
    given = replace(given, database=replace(given.database, url=url))
    jobs = SimpleNamespace(liveness=liveness, components=SimpleNamespace(settings=given, log=log))
    Watchdog(Systemd({})).look(cast("Jobs", jobs), 2.0)
    assert ended == ([module.EXIT_STUCK] if stuck else [])
