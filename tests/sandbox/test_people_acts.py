"""What somebody does in SIGNL4 must reach Better Stack, and need not be told SIGNL4."""

from datetime import timedelta

from daemon.sandbox.lines import signl4_lines
from daemon.sandbox.verdict import Flaw
from tests.sandbox.tale import NOON, Tale
from tests.support.each import each

RIGHT = [
    "start open show NEW JANE ack show resolve show RES",
    "start open show NEW JANE ack",
    # it was acknowledged at Better Stack first, and SIGNL4 is told of that
    "start open show NEW ack show ACK JANE",
    "start open show NEW ack JANE show ACK",
    # it was over before it could be written back
    "start open show NEW JANE resolve show RES",
    "start open show NEW CLOSE ack show resolve show RES",
    # an echo is not forbidden
    "start open show NEW JANE ack show ACK",
    # in the second generation alone
    "start open show NEW ack show ACK resolve show RES reopen show NEW JANE ack show",
    # nobody who is not told of the incident
    "start open show NEW JANE@night",
]
WRONG = {
    "start open show NEW JANE": "Jane acknowledged it in SIGNL4, and it is not acknowledged at Better Stack",
    "start open show NEW CLOSE": "Jane closed it in SIGNL4, and it is not acknowledged at Better Stack",
    "start open show NEW ack show JANE": "acknowledged was told 0 times; right is 1 time",
    "start open show NEW JANE ack show resolve show RES reopen show NEW ack show": (
        "acknowledged was told 0 times; right is 1 time"
    ),
}


@each("words", RIGHT)
def test_who_acts_in_signl4_is_heard(words: str) -> None:
    assert Tale().tell(words).verdict().good


def test_what_is_not_told_for_that_is_superseded() -> None:
    [case] = Tale().tell(RIGHT[0]).verdict().cases
    assert (case.superseded, [act.by for act in case.acts]) == (1, ["Jane"])


@each("words", WRONG)
def test_what_was_not_heard_is_lost(words: str) -> None:
    [case] = Tale().tell(words).verdict().cases
    assert [(finding.flaw, finding.why) for finding in case.findings] == [(Flaw.LOST, WRONG[words])]


def test_it_has_its_line_among_those_of_signl4() -> None:
    [case] = Tale().tell("start open show NEW JANE ack show resolve show RES").verdict().cases
    lines = [line.plain for _, line in signl4_lines(case, NOON + timedelta(seconds=20), "Shop")]
    assert lines == ["20.0  new          +20.0 Shop", "30.0  Jane acknowledged  Shop", "80.0  resolved     +20.0 Shop"]
