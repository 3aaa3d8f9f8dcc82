"""Where there are several accounts, each has its own time of the last complete round."""

from daemon.host.exposition import text_of
from daemon.host.metrics import Counts
from daemon.model.polling import Polling
from daemon.model.readings import Readings
from daemon.model.snapshot import Snapshot
from tests.support.values import NOW

NAME = "betterstack_signl4_last_complete_round_timestamp_seconds"


def lines(snapshot: Snapshot) -> list[str]:
    text = text_of(Counts(), Readings(snapshot=snapshot, problems=())).decode()
    return [line.rpartition(" ")[0] for line in text.splitlines() if line.startswith(NAME)]


def test_each_is_told_by_its_label_and_a_single_one_has_none() -> None:
    alone = Snapshot(last_complete_round_at=NOW)
    assert lines(alone) == [NAME]
    named = (Polling("acme", last_complete_round_at=NOW), Polling("globex"))
    both = Snapshot(last_complete_round_at=NOW, named=named)
    assert lines(both) == [f'{NAME}{{source=""}}', f'{NAME}{{source="acme"}}']
    assert lines(Snapshot(is_configured=False, named=named)) == [f'{NAME}{{source="acme"}}']
