"""What `status` and the live view say is wrong."""

from datetime import timedelta

from daemon.cli.verdict import verdict
from daemon.config.place import Place
from daemon.model.drift import OffDuty
from daemon.model.snapshot import Holder, Presence
from tests.support.standing import standing
from tests.support.values import NOW, ago


def test_that_nobody_is_on_duty_is_a_problem_after_the_time_that_the_operator_set() -> None:
    found = standing(off_duty=(OffDuty("night", since=ago(hours=2), looked_at=NOW),)).snapshot
    here = Presence(Holder(1))
    [problem] = verdict(Place(warn_after=timedelta(hours=1)), found, 0, here, NOW).problems
    assert problem.startswith("nobody is on duty in team night since ")
    assert verdict(Place(warn_after=timedelta(hours=3)), found, 0, here, NOW).problems == []
    assert verdict(Place(), found, 0, here, NOW).problems == []
