"""In which teams somebody is on duty."""

from daemon.decisions.duty import manned
from daemon.model.signl4 import Member

IDS = {"default": "team-1", "night": "team-2"}


def member(*on_duty: str, off: tuple[str, ...] = ()) -> Member:
    return Member("user", "Jane", frozenset(on_duty), frozenset(off))


def test_a_team_of_which_all_are_off_duty_is_unmanned() -> None:
    members = [member("team-1", off=("team-2",)), member(off=("team-1", "team-2"))]
    assert manned(IDS, members) == {"default": True, "night": False}
    assert manned(IDS, [member(off=("team-1", "team-2", "team-3"))]) == {"default": False, "night": False}


def test_one_who_is_on_duty_is_enough() -> None:
    members = [member(off=("team-1", "team-2")), member("team-1"), member("team-2")]
    assert manned(IDS, members) == {"default": True, "night": True}


def test_a_team_that_nobody_names_proves_nothing() -> None:
    assert manned(IDS, []) == {}
    assert manned(IDS, [member(), member("team-3")]) == {}


def test_a_team_whose_id_is_not_known_is_not_judged() -> None:
    assert manned({}, [member(off=("team-1",))]) == {}
