"""What tests of clients share."""

import pytest

import daemon.clients.betterstack
from tests.support.betterstack_client import Monotonic


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    """The monotonic clock that the client of Better Stack waits by."""
    clock = Monotonic()
    monkeypatch.setattr(daemon.clients.betterstack, "time", clock)
    return clock
