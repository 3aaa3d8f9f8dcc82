"""What tests of clients share."""

import pytest

import daemon.clients.quiet
from tests.support.betterstack_client import Monotonic


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    """The monotonic clock that the client of Better Stack waits by."""
    clock = Monotonic()
    monkeypatch.setattr(daemon.clients.quiet, "time", clock)
    return clock
