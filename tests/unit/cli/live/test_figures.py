"""What the live view says is wrong: the same as `status`."""

from datetime import timedelta

from daemon.cli.live.figures import judged
from daemon.config.place import Place
from daemon.model.drift import OffDuty
from daemon.model.snapshot import Holder, Presence
from tests.support.standing import standing
from tests.support.values import NOW, ago


def test_that_nobody_is_on_duty_is_a_problem_after_the_time_that_the_operator_set() -> None:
    found = standing(off_duty=(OffDuty("night", since=ago(hours=2), looked_at=NOW),))
    here = Presence(Holder(1))
    [problem] = judged(Place(warn_after=timedelta(hours=1)), found, here, NOW).problems
    assert problem.startswith("nobody is on duty in team night since ")
    assert judged(Place(warn_after=timedelta(hours=3)), found, here, NOW).problems == []
    assert judged(Place(), found, here, NOW).problems == []
