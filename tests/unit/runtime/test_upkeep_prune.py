"""Old incidents are deleted once an hour; while there are more than go into one batch, each round goes on."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from daemon.runtime.shared import Chores
from daemon.runtime.upkeep import Upkeep
from daemon.storage.housekeeping import BATCH
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.values import settings


def upkeep_of(clock: Clock, log: KeptLog, old: Iterator[int]) -> Upkeep:
    """With so many old incidents at each look."""
    housekeeping = SimpleNamespace(prune=lambda _before: next(old), checkpoint=lambda: True)
    components: Any = SimpleNamespace(settings=settings(), housekeeping=housekeeping, log=log)
    shared: Any = SimpleNamespace(chores=Chores(), clock=clock, note_checkpoint=lambda _at: None)
    return Upkeep(components, shared, lambda: None)


@pytest.mark.parametrize(
    ("old", "rounds", "looks"),
    [([0, 0], 3, 1), ([7, 0], 3, 1), ([BATCH, BATCH, 7, 0], 5, 3), ([BATCH, 0, 0], 4, 2)],
)
def test_each_round_goes_on_while_a_batch_was_full(
    clock: Clock, log: KeptLog, old: list[int], rounds: int, looks: int
) -> None:
    remaining = iter(old)
    upkeep = upkeep_of(clock, log, remaining)
    for _ in range(rounds):
        upkeep.prune()
    assert len(old) - len(list(remaining)) == looks
