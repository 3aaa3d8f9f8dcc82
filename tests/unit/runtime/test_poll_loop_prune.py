"""Old incidents are deleted once an hour; while there are more than go into one batch, each round goes on."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from daemon.runtime.poll_loop import PollLoop
from daemon.runtime.shared import Rounds
from daemon.storage.housekeeping import BATCH
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.values import settings


def loop(clock: Clock, log: KeptLog, old: Iterator[int]) -> PollLoop:
    """With so many old incidents at each look."""
    housekeeping = SimpleNamespace(prune=lambda _before: next(old), checkpoint=lambda: True)
    components: Any = SimpleNamespace(settings=settings(), housekeeping=housekeeping, log=log)
    shared: Any = SimpleNamespace(rounds=Rounds(), clock=clock, note_checkpoint=lambda _at: None)
    return PollLoop(components, shared, lambda: None, lambda: None)


@pytest.mark.parametrize(
    ("old", "rounds", "looks"),
    [([0, 0], 3, 1), ([7, 0], 3, 1), ([BATCH, BATCH, 7, 0], 5, 3), ([BATCH, 0, 0], 4, 2)],
)
def test_each_round_goes_on_while_a_batch_was_full(
    clock: Clock, log: KeptLog, old: list[int], rounds: int, looks: int
) -> None:
    remaining = iter(old)
    poll_loop = loop(clock, log, remaining)
    for _ in range(rounds):
        poll_loop._prune()
    assert len(old) - len(list(remaining)) == looks
