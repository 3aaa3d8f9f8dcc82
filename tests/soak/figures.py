"""What came of it, for whoever reads it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Figures:
    """What came of all lives together."""

    seed: int
    cycles: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    lags: Counter[str] = field(default_factory=Counter)
    reloads: int = 0
    reloads_taken: int = 0
    reloads_refused: int = 0
    incidents: int = 0
    told: int = 0
    doubled: int = 0
    doubled_alerts: int = 0
    unanswered: int = 0
    lost: int = 0
    out_of_order: int = 0
    unfounded: int = 0
    bogus_news: int = 0
    false_ends: int = 0
    largest_file: int = 0
    descriptors: tuple[int, int] = (0, 0)
    memory: tuple[int, int] = (0, 0)
    broken: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.broken or self.lost or self.out_of_order or self.bogus_news or self.false_ends)

    def lines(self) -> Iterator[str]:
        """Everything, the summary last."""
        for kind, times in sorted(self.kills.items()):
            yield f"  {times:5d}  {kind}"
        for kind, times in sorted(self.lags.items()):
            yield f"  {times:5d}  {kind}"
        yield f"incidents             {self.incidents:8d}"
        yield f"reloads               {self.reloads:8d}      {self.reloads_taken} taken, {self.reloads_refused} refused"
        yield f"alerts raised twice   {self.doubled_alerts:8d}"
        yield f"largest database file {self.largest_file / 1e6:8.2f} MB"
        yield f"descriptors           {self.descriptors[0]:8d}      first, {self.descriptors[1]} last"
        yield f"resident memory       {self.memory[0] / 1e6:8.1f} MB   first, {self.memory[1] / 1e6:.1f} MB last"
        yield from (f"BROKEN: {sentence}" for sentence in self.broken[:30])
        yield self.summary

    @property
    def summary(self) -> str:
        """The one line that counts."""
        causes = f"{self.unanswered} after a lost answer, {self.doubled - self.unanswered} after a kill"
        return (
            f"seed {self.seed}, {self.cycles} cycles: {self.told} transitions told, {self.lost} lost, "
            f"{self.doubled} doubled ({causes}), {self.out_of_order} out of order, {self.unfounded} unfounded, "
            f"{self.bogus_news} bogus new, {self.false_ends} false ends"
        )
