"""`once`: what fails in its round keeps no delivery back."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.config.configuration import Configuration
from daemon.model.errors import BetterStackError
from daemon.poll import Poll
from daemon.runtime.once import once
from daemon.runtime.surroundings import Surroundings
from daemon.sandbox.server import Sandbox
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, tell
from tests.support.store import Store
from tests.support.values import settings


@pytest.mark.parametrize(
    ("fault", "said"),
    [(ZeroDivisionError("ours"), "a fault of this program"), (BetterStackError("theirs"), "theirs")],
    ids=["a fault of this program", "a fault of Better Stack"],
)
def test_a_round_that_fails_is_said_and_what_is_due_goes_out_all_the_same(
    database: Path,
    engine: Engine,
    store: Store,
    log: KeptLog,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    said: str,
) -> None:
    def fail(_: Poll, *, sweep: bool) -> None:
        raise fault

    monkeypatch.setattr(Poll, "round", fail)
    tell(store, "7", NEW)
    engine.dispose()
    with Sandbox() as sandbox:
        services = {
            "betterstack": {"base_url": sandbox.betterstack.url, "token": sandbox.betterstack.token},
            "signl4": {"base_url": sandbox.signl4.url, "secret": sandbox.signl4.secret},
        }
        configuration = Configuration(settings(database, **services), None, ())
        assert once(configuration, lambda _: log, Surroundings()) is False
        assert [event.external_id for event in sandbox.signl4.events] == ["7"]
    (failed,) = log.named("round failed")
    assert said in failed["error"]
