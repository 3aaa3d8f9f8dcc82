"""In which teams nobody is on duty."""

from daemon.decisions.duty import unmanned
from daemon.model.signl4 import Member

IDS = {"default": "team-1", "night": "team-2"}


def member(*on_duty: str, off: tuple[str, ...] = ()) -> Member:
    return Member("user", "Jane", frozenset(on_duty), frozenset(off))


def test_a_team_of_which_all_are_off_duty_is_unmanned() -> None:
    assert unmanned(IDS, [member("team-1", off=("team-2",)), member(off=("team-1", "team-2"))]) == {"night"}
    assert unmanned(IDS, [member(off=("team-1", "team-2", "team-3"))]) == {"default", "night"}


def test_one_who_is_on_duty_is_enough() -> None:
    assert unmanned(IDS, [member(off=("team-1", "team-2")), member("team-1"), member("team-2")]) == set()


def test_a_team_that_nobody_names_proves_nothing() -> None:
    assert unmanned(IDS, []) == set()
    assert unmanned(IDS, [member(), member("team-3")]) == set()


def test_a_team_whose_id_is_not_known_is_not_judged() -> None:
    assert unmanned({}, [member(off=("team-1",))]) == set()
