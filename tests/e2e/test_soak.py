"""The soak in short: a few lives on one state directory, each ended by force, and an end in which all is right."""

from pathlib import Path

import pytest

from tests.soak import soak


@pytest.mark.parametrize("with_key", [False, True], ids=["without a key", "with a key"])
def test_promises_2_to_6_hold_through_one_violent_end_after_the_other(tmp_path: Path, with_key: bool) -> None:
    """With a key no alert is raised twice."""
    figures = soak(tmp_path, cycles=6, seed=20261128, with_key=with_key)
    assert figures.broken == []
    assert figures.good, figures.summary
    assert figures.told > figures.incidents > 8
    assert figures.reloads > 0
