"""The soak in short: a few lives on one state directory, each ended by force, and an end in which all is right."""

from pathlib import Path

from tests.soak import soak


def test_promises_2_to_6_hold_through_one_violent_end_after_the_other(tmp_path: Path) -> None:
    figures = soak(tmp_path, cycles=6, seed=20261128)
    assert figures.broken == []
    assert figures.good, figures.summary
    assert figures.told > figures.incidents > 8
    assert figures.reloads > 0
