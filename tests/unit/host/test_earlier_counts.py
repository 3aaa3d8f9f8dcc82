"""Counters go on where the process before left them in its file."""

import pytest

from daemon.host.earlier_counts import counts_in
from daemon.host.exposition import text_of
from daemon.host.metrics import Counts, Tally
from daemon.model.events import rounds
from tests.support.metrics import READINGS, tally, whole


def test_what_was_written_is_what_is_read() -> None:
    assert counts_in(whole().decode()) == tally().copy()


def test_nothing_counted_is_nothing_read() -> None:
    assert counts_in("") == Counts()
    assert counts_in(text_of(Counts(), READINGS).decode()) == Counts()


def test_it_goes_on() -> None:
    later = Tally()
    later.go_on(counts_in(whole().decode()))
    later(rounds.RoundEnded(rounds.RoundResult.COMPLETE, 0.3))
    assert sum(later.copy().rounds["complete"].counts) == 2


def test_other_bounds_begin_anew() -> None:
    """Those of an older version of the program."""
    counts = counts_in(whole().decode().replace('le="0.25"', 'le="0.2"'))
    assert counts.rounds == Counts().rounds
    assert counts.telling == {}
    assert counts.attempts == tally().copy().attempts


@pytest.mark.parametrize("text", ["{", "x y z", 'betterstack_signl4_delivery_attempts_total{a="b"} 1'])
def test_what_is_no_such_file_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        counts_in(text)
