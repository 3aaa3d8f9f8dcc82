"""What a key does to the view. Pure: a view and a key give the next view, and what is to be done."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, StrEnum

from daemon.cli.live.keys import Key
from daemon.config.types import duration
from daemon.model.delivery import DeliveryState
from daemon.model.standing import Message, OpenIncident, Standing

LONGEST_ANSWER = 200
"""Characters; as many as the comment of a silence may have."""
USUAL_SILENCE = "1h"


class Focus(Enum):
    """The list that the keys move in."""

    INCIDENTS = 0
    OUTBOX = 1


class Asked(StrEnum):
    """What is being asked."""

    RETRY = "retry all that is dead? y/n"
    LASTS = "silence it for how long?"
    COMMENT = "why? (for whoever wonders)"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a silence is to hold."""

    field: str
    """`name`, or `alarm` for one of the program's own alarms."""
    value: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what has been typed so far."""

    asked: Asked
    answer: str = ""
    subject: Subject | None = None
    lasts: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Quit:
    """The view ends."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Dead deliveries become pending again, and waiting ones are due now."""

    ids: tuple[int, ...]
    """Empty: all that are dead."""


@dataclass(frozen=True, slots=True)
class AddSilence:
    """New incidents with that name are told to nobody for a while."""

    subject: Subject
    lasts: timedelta
    comment: str


Action = Quit | Retry | AddSilence


@dataclass(frozen=True, slots=True)
class View:
    """What is being looked at."""

    focus: Focus = Focus.INCIDENTS
    places: tuple[int, int] = (0, 0)
    """The row that the cursor is on, in each list."""
    ids: tuple[str | int | None, str | int | None] = (None, None)
    """What is there; it keeps the cursor when rows come and go."""
    story: str | None = None
    """The incident whose story is shown in place of the lists."""
    scroll: int = 0
    """Lines of the story above the screen."""
    question: Question | None = None
    said: tuple[str, ...] = ()
    """What became of the last action, or what is wrong with an answer."""


def rows_of(standing: Standing, focus: Focus) -> Sequence[OpenIncident | Message]:
    """The rows of one of the lists."""
    return standing.incidents if focus is Focus.INCIDENTS else standing.outbox


def settled(view: View, standing: Standing) -> View:
    """The same view of what is there now: the cursor stays on its row, or on the place where that was."""
    places, ids = list(view.places), list(view.ids)
    for focus in Focus:
        here: list[str | int | None] = [row.id for row in rows_of(standing, focus)]
        n = focus.value
        found = here.index(ids[n]) if ids[n] in here else min(places[n], len(here) - 1)
        places[n] = max(found, 0)
        ids[n] = here[places[n]] if here else None
    return replace(view, places=(places[0], places[1]), ids=(ids[0], ids[1]))


def press(view: View, key: str, standing: Standing, page: int) -> tuple[View, Action | None]:
    """`page`: lines that one of the keys for a page moves by."""
    if view.question is not None:
        return _answered(view, view.question, key)
    view = replace(view, said=())
    if view.story is not None:
        return _read(view, key, page), None
    if key == "q":
        return view, Quit()
    return _chosen(view, key, standing, page)


def _read(view: View, key: str, page: int) -> View:
    """In a story."""
    if key in {"q", Key.ESCAPE, Key.ENTER, "w"}:
        return replace(view, story=None, scroll=0)
    return replace(view, scroll=max(view.scroll + _steps(key, page), 0))


def _steps(key: str, page: int) -> int:
    """How far a key moves down."""
    far = 10**6
    ways = {Key.UP: -1, "k": -1, Key.DOWN: 1, "j": 1, Key.PAGE_UP: -page, Key.PAGE_DOWN: page, " ": page}
    return {**ways, Key.HOME: -far, "g": -far, Key.END: far, "G": far}.get(key, 0)


def _chosen(view: View, key: str, standing: Standing, page: int) -> tuple[View, Action | None]:
    """In the lists."""
    rows = rows_of(standing, view.focus)
    here = rows[view.places[view.focus.value]] if rows else None
    match key:
        case Key.TAB:
            return replace(view, focus=Focus(1 - view.focus.value)), None
        case Key.ENTER | "w" if here is not None:
            return replace(view, story=here.incident_id if isinstance(here, Message) else here.id, scroll=0), None
        case "r":
            return _retried(view, here)
        case "R":
            return _to_retry_all(view, standing), None
        case "s" if here is not None:
            return _to_silence(view, here), None
    return _moved(view, _steps(key, page), rows), None


def _moved(view: View, steps: int, rows: Sequence[OpenIncident | Message]) -> View:
    if not steps or not rows:
        return view
    n = view.focus.value
    place = min(max(view.places[n] + steps, 0), len(rows) - 1)
    places, ids = list(view.places), list(view.ids)
    places[n], ids[n] = place, rows[place].id
    return replace(view, places=(places[0], places[1]), ids=(ids[0], ids[1]))


def _retried(view: View, here: OpenIncident | Message | None) -> tuple[View, Action | None]:
    """The message under the cursor; of an incident, those that are dead."""
    if isinstance(here, Message):
        return view, Retry((here.id,))
    dead = tuple(one.id for one in here.messages if one.state is DeliveryState.DEAD) if here is not None else ()
    if dead:
        return view, Retry(dead)
    return replace(view, said=("nothing of it is dead; Tab leads to the outbox, where r tries one now",)), None


def _to_retry_all(view: View, standing: Standing) -> View:
    if standing.snapshot.dead_deliveries:
        return replace(view, question=Question(Asked.RETRY))
    return replace(view, said=("no delivery is dead",))


def _to_silence(view: View, here: OpenIncident | Message) -> View:
    if isinstance(here, Message) and here.is_alarm:
        subject = Subject("alarm", here.incident_id)
    else:
        subject = Subject("name", here.incident_name if isinstance(here, Message) else here.name)
    if not subject.value:
        return replace(view, said=("it has no name; other fields are for: silence add",))
    return replace(view, question=Question(Asked.LASTS, USUAL_SILENCE, subject))


def _answered(view: View, question: Question, key: str) -> tuple[View, Action | None]:
    if key == Key.ESCAPE:
        return replace(view, question=None, said=("nothing was changed",)), None
    if question.asked is Asked.RETRY:
        asked_for = Retry(()) if key in {"y", "Y"} else None
        said = () if asked_for else ("nothing was changed",)
        return replace(view, question=None, said=said), asked_for
    if key == Key.ENTER:
        return _entered(view, question)
    answer = question.answer[:-1] if key == Key.ERASE else question.answer
    if len(key) == 1:
        answer = (question.answer + key)[:LONGEST_ANSWER]
    return replace(view, question=replace(question, answer=answer)), None


def _entered(view: View, question: Question) -> tuple[View, Action | None]:
    assert question.subject is not None
    answer = question.answer.strip()
    if question.asked is Asked.COMMENT:
        if not answer:
            return replace(view, said=("a silence needs a comment; Escape leaves it",)), None
        return replace(view, question=None, said=()), AddSilence(question.subject, question.lasts, answer)
    try:
        lasts = duration(answer)
    except ValueError as error:
        return replace(view, said=(f"{answer!r} {error}",)), None
    return replace(view, question=Question(Asked.COMMENT, "", question.subject, lasts), said=()), None
