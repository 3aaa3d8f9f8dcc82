"""What SIGNL4 allows an account, as one process knows it."""

from datetime import datetime, timedelta

from daemon.limiter import Limiter
from daemon.model.admission import Admission
from daemon.model.delivery import Answer, Delivered, RateLimit
from daemon.model.readings import Headroom
from tests.support.values import NOW, ago

LONG_AGO = NOW - timedelta(days=1)
WILLING = Admission(max_in_flight=4, clean_from=LONG_AGO, refused_from=LONG_AGO)


def answered(limiter: Limiter, remaining: int | None) -> None:
    """Something was sent and taken, and so many events of 40 remain by the answer, if it says that."""
    said = None if remaining is None else RateLimit(40, remaining, timedelta(seconds=10))
    limiter.answered(Answer(Delivered(None), rate_limit=said), 0, NOW, sent_at=NOW)


def may_go(limiter: Limiter, in_flight: int) -> bool:
    """Whether one more may go now, besides those in flight."""
    admission = limiter.admit(WILLING, in_flight, NOW)
    return admission.max_in_flight > in_flight and admission.clean_from <= NOW


def test_what_signl4_says_is_the_limit_until_it_says_another() -> None:
    limiter = Limiter()
    limiter.begin(10, tuple)
    answered(limiter, 30)
    assert limiter.limit == 40
    answered(limiter, None)
    assert limiter.limit == 40


def test_what_goes_out_is_one_less_that_may_follow() -> None:
    limiter = Limiter()
    limiter.begin(None, tuple)
    answered(limiter, 1)
    assert may_go(limiter, 0)
    limiter.sent(NOW)
    assert not may_go(limiter, 1)


def test_what_an_earlier_process_learned_and_sent_counts_and_is_read_once() -> None:
    read = list[str]()

    def attempts() -> tuple[datetime, ...]:
        read.append("")
        return (ago(seconds=1),) * 40

    limiter = Limiter()
    limiter.begin(40, attempts)
    limiter.begin(None, attempts)
    assert (limiter.limit, len(read)) == (40, 1)
    assert not may_go(limiter, 0)


def test_the_headroom_is_what_may_go_now() -> None:
    limiter = Limiter()
    limiter.begin(None, tuple)
    assert limiter.headroom(NOW) == Headroom(10, 10), "assumed, as long as no answer said it"
    answered(limiter, 30)
    assert limiter.headroom(NOW) == Headroom(40, 30)
    answered(limiter, 0)
    assert limiter.headroom(NOW) == Headroom(40, 0)
    assert not may_go(limiter, 0)


def test_the_clock_of_signl4_is_the_one_of_the_latest_answer_that_shows_it() -> None:
    limiter = Limiter()
    limiter.begin(10, tuple)
    assert limiter.ahead is None
    for ahead, known in ((None, None), (3, 3), (None, 3), (-1, -1)):
        by = None if ahead is None else timedelta(seconds=ahead)
        limiter.answered(Answer(Delivered(None), ahead=by), 0, NOW, sent_at=NOW)
        assert limiter.ahead == (None if known is None else timedelta(seconds=known))
