"""What keys do to the view."""

from collections.abc import Sequence
from datetime import timedelta

from daemon.cli.live.keys import Key
from daemon.cli.live.view import (
    Action,
    AddSilence,
    Focus,
    Quit,
    Retry,
    Subject,
    View,
    press,
    settled,
)
from daemon.model.delivery import DeliveryState
from daemon.model.standing import Standing
from tests.support.each import each
from tests.support.standing import message, opened, standing

DEAD, DELIVERED = DeliveryState.DEAD, DeliveryState.DELIVERED
TWO = standing((opened(1), opened(2, message(5, DELIVERED), message(6, DEAD))), (message(6, DEAD), message(7)))
ALARM = message(8, incident_id="betterstack-signl4-alarm-poll", incident_name="Better Stack", is_alarm=True)


def typed(keys: Sequence[str], found: Standing = TWO, view: View | None = None) -> tuple[View, list[Action]]:
    """The view after these keys, and what was to be done."""
    view, actions = settled(view or View(), found), []
    for key in keys:
        view, action = press(view, key, found, 10)
        actions += [action] if action else []
    return settled(view, found), actions


MOVED: list[tuple[list[str], int]] = [
    ([], 0),
    ([Key.DOWN], 1),
    (["j"], 1),
    ([Key.DOWN, Key.DOWN, Key.DOWN], 1),
    ([Key.END, Key.UP], 0),
    (["G", "k"], 0),
    ([Key.PAGE_DOWN], 1),
    ([" ", Key.PAGE_UP], 0),
    (["G", Key.HOME], 0),
    (["G", "g"], 0),
    (["x"], 0),
]


@each(("keys", "place"), MOVED)
def test_the_cursor_moves_within_its_list(keys: list[str], place: int) -> None:
    assert typed(keys)[0].places == (place, 0)
    assert typed([Key.TAB, *keys])[0].places == (0, place)
    assert typed([Key.TAB, *keys, Key.TAB])[0].focus is Focus.INCIDENTS
    assert typed(keys, standing())[0].places == (0, 0)


def test_the_cursor_stays_on_its_row_when_others_come_and_go() -> None:
    view, _ = typed([Key.DOWN])
    three = standing((opened(9), opened(1), opened(2)))
    assert settled(view, three).places == (2, 0)
    gone = settled(view, standing((opened(9), opened(1), opened(3))))
    assert (gone.places, gone.ids[0]) == ((1, 0), "1")
    assert settled(view, standing()).ids == (None, None)


def test_enter_shows_the_story_of_either_list_and_escape_leads_back() -> None:
    assert typed([Key.ENTER])[0].story == "1"
    assert typed([Key.TAB, Key.DOWN, "w"])[0].story == "7"
    for back in (Key.ESCAPE, Key.ENTER, "q", "w"):
        view, actions = typed([Key.ENTER, Key.DOWN, back])
        assert (view.story, view.scroll, actions) == (None, 0, [])
    assert typed([Key.ENTER], standing())[0].story is None


def test_a_story_is_scrolled() -> None:
    assert typed([Key.ENTER, Key.PAGE_DOWN, Key.DOWN])[0].scroll == 11
    assert typed([Key.ENTER, Key.UP])[0].scroll == 0


def test_q_ends_it() -> None:
    assert typed(["q"])[1] == [Quit()]


def test_r_retries_the_message_under_the_cursor_or_what_is_dead_of_the_incident() -> None:
    assert typed([Key.TAB, Key.DOWN, "r"])[1] == [Retry((7,))]
    assert typed([Key.DOWN, "r"])[1] == [Retry((6,))]
    view, actions = typed(["r"])
    assert (view.said, actions) == (("nothing of it is dead; Tab leads to the outbox, where r tries one now",), [])
    assert typed(["r"], standing())[1] == []


def test_all_that_is_dead_is_retried_only_after_a_yes() -> None:
    assert typed(["R", "y"])[1] == [Retry(())]
    for other in ("n", "q", Key.ENTER, Key.ESCAPE):
        view, actions = typed(["R", other])
        assert (view.said, view.question, actions) == (("nothing was changed",), None, [])
    view, actions = typed(["R"], standing((opened(1),)))
    assert (view.said, view.question, actions) == (("no delivery is dead",), None, [])


def test_a_silence_asks_how_long_and_why() -> None:
    view, actions = typed(["s", Key.ENTER, *"new disks", Key.ENTER])
    assert actions == [AddSilence(Subject("name", "Shop front page"), timedelta(hours=1), "new disks")]
    assert view.question is None
    _, [added] = typed(["s", Key.ERASE, Key.ERASE, *"30m", Key.ENTER, *"xy", Key.ERASE, Key.ENTER])
    assert added == AddSilence(Subject("name", "Shop front page"), timedelta(minutes=30), "x")


def test_an_alarm_of_the_program_is_silenced_by_its_id() -> None:
    _, [added] = typed([Key.TAB, "s", Key.ENTER, "x", Key.ENTER], standing(outbox=(ALARM,)))
    assert added == AddSilence(Subject("alarm", "betterstack-signl4-alarm-poll"), timedelta(hours=1), "x")


def test_what_is_wrong_with_an_answer_is_said_and_it_is_asked_again() -> None:
    view, actions = typed(["s", *"x", Key.ENTER])
    assert view.said == ("""'1hx' is not a duration; write it like "30s", "5m", "6h", "90d" or a number of seconds""",)
    assert view.question is not None
    view, actions = typed(["s", Key.ENTER, " ", Key.ENTER])
    assert (view.said, actions) == (("a silence needs a comment; Escape leaves it",), [])
    assert view.question is not None


def test_escape_leaves_a_question_and_nothing_is_done() -> None:
    for before in (["s"], ["s", Key.ENTER, "x"]):
        view, actions = typed([*before, Key.ESCAPE])
        assert (view.question, view.said, actions) == (None, ("nothing was changed",), [])


def test_what_has_no_name_is_not_silenced_by_it() -> None:
    view, actions = typed(["s"], standing((opened(1, name=""),)))
    assert (view.question, view.said, actions) == (None, ("it has no name; other fields are for: silence add",), [])


def test_the_keys_of_an_answer_do_nothing_else() -> None:
    view, actions = typed(["s", Key.UP, Key.TAB, *"qrRws", Key.END])
    assert view.question is not None
    assert (view.question.answer, view.focus, actions) == ("1hqrRws", Focus.INCIDENTS, [])


def test_an_answer_is_no_longer_than_a_comment_may_be() -> None:
    view, _ = typed(["s", Key.ENTER, *"x" * 300])
    assert view.question is not None
    assert len(view.question.answer) == 200


def test_what_was_said_stays_until_the_next_key() -> None:
    view, _ = typed(["r"])
    assert settled(view, TWO).said
    assert press(view, Key.DOWN, TWO, 10)[0].said == ()
