"""What Better Stack can do wrong, and what comes of it: a table, and a test that goes through it."""

import json
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

import pytest

from daemon.decisions.reconcile import DELETED_NOTE
from daemon.decisions.suspicion import SUSPICION_LASTS
from daemon.model.errors import BetterStackError
from daemon.sandbox import mishaps
from daemon.sandbox.betterstack import LIST
from daemon.sandbox.exchange import Answer, Request
from daemon.sandbox.faults import Drip, Hang, Instead, Part, Rewrite
from daemon.sandbox.record import spelled_time
from tests.faults.conftest import (
    NEW,
    PER_BYTE,
    RESOLVED,
    Answers,
    Arm,
    Scene,
    about,
    each,
    in_turn,
    paged,
    slow,
    spread,
)
from tests.faults.line import Reset
from tests.support.poison import PLACE, READABLE, UNREADABLE
from tests.support.values import NOW

answers = Answers(lambda sandbox: sandbox.betterstack)
lists, lookups = mishaps.lists, mishaps.lookups


def sweeps(request: Request) -> bool:
    return "from" in request.query


class Expected(StrEnum):
    FAILS = "the round fails, nothing is concluded, the next one tells everything"
    POINTS_AT_TOKEN = "the round fails and points at the token, nothing is concluded, the next one tells everything"
    POINTS_AT_ADDRESS = "the round fails and points at the address, nothing is concluded, the next one tells everything"
    LEFT_ALONE = (
        "the round ends there; Better Stack is left alone for as long as it asked, at most 5 minutes; "
        "the round after that tells everything"
    )
    ENDS_THERE = "the round ends there, nothing is concluded, the next one tells everything"
    LEFTOVERS = (
        "the round fails, nothing is concluded; the next one may fail over what was left on the connection, "
        "the one after that tells everything"
    )
    POINTS_AT_FILTER = (
        "the round fails and points at a filter in front and not at the token, nothing is concluded, "
        "the next one tells everything"
    )
    SET_ASIDE = (
        "the round is complete and tells all else; nothing is concluded about that one, which is asked for again with "
        "patience, told of as soon as it can be read, and named with an alarm after a while"
    )
    HELD_UP = (
        "the round ends there; Better Stack is left alone for as long as it asked; all else is told at once, and that "
        "one is asked for again with patience"
    )
    RECORDS_COUNT = "the round fails; what single records showed counts at once, the next one tells the rest"
    ALL_COUNTS = "the round fails; what it showed counts at once nevertheless, and is not told again"
    LOOKED_UP = (
        "the round is complete, nothing is over for being absent: each incident is looked up; "
        "the next one tells what could not be seen"
    )
    COMPLETE = "the round is complete and tells everything, once"
    NEXT_ROUND = "the round is complete; what it showed as still open is told to be over by the next one"
    TWICE_READ = "the round is complete; it alerts anew once its own record says the same in the next one"
    TWICE_PROVEN = (
        "the round is complete; the incident is over, with a note, once a second lookup a minute later agrees"
    )
    SUSPECTED = "the round fails, the token is suspected to be another team's, nothing is over for an hour"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a sentence of the table means for a round under the fault."""

    complete: bool
    ended: bool
    """Whether the one that ended is told to be over."""
    begun: bool
    """Whether the one that began is told."""
    names: str = ""
    """What the error says."""
    ends_there: bool = False
    """Whether nothing else is asked in this round."""


EFFECTS = {
    Expected.FAILS: Effect(complete=False, ended=False, begun=False),
    Expected.POINTS_AT_TOKEN: Effect(complete=False, ended=False, begun=False, names="betterstack.token"),
    Expected.POINTS_AT_ADDRESS: Effect(complete=False, ended=False, begun=False, names="betterstack.base_url"),
    Expected.LEFT_ALONE: Effect(
        complete=False, ended=False, begun=False, names="Better Stack answered HTTP", ends_there=True
    ),
    Expected.ENDS_THERE: Effect(
        complete=False, ended=False, begun=False, names="Better Stack answered HTTP", ends_there=True
    ),
    Expected.LEFTOVERS: Effect(complete=False, ended=False, begun=False),
    Expected.POINTS_AT_FILTER: Effect(complete=False, ended=False, begun=False, names="a filter"),
    Expected.SET_ASIDE: Effect(complete=True, ended=False, begun=True),
    Expected.HELD_UP: Effect(complete=False, ended=False, begun=True, names="HTTP 429"),
    Expected.RECORDS_COUNT: Effect(complete=False, ended=True, begun=False),
    Expected.ALL_COUNTS: Effect(complete=False, ended=True, begun=True),
    Expected.LOOKED_UP: Effect(complete=True, ended=True, begun=False),
    Expected.COMPLETE: Effect(complete=True, ended=True, begun=True),
    Expected.NEXT_ROUND: Effect(complete=True, ended=True, begun=True),
    Expected.TWICE_READ: Effect(complete=True, ended=True, begun=True),
    Expected.TWICE_PROVEN: Effect(complete=True, ended=False, begun=True),
    Expected.SUSPECTED: Effect(complete=False, ended=False, begun=False, names="betterstack.token"),
}


INERT = {Expected.FAILS, Expected.POINTS_AT_TOKEN, Expected.POINTS_AT_ADDRESS, Expected.ENDS_THERE}
"""After these all is as before, so that one such fault can follow another."""


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, in one form or in several that come to the same."""

    expected: Expected
    arms: Mapping[str, Arm]
    hold: float = 0
    """How many seconds Better Stack has to be left alone."""
    lasting: bool = True
    """Whether a second round under the fault is like the first one."""
    besides: Callable[[Scene], None] = field(default=lambda _: None)
    """What else must hold after the round."""


# -- how the faults are made ------------------------------------------------------------------------------------------

SERVER = [*range(500, 505), 520, 522, 524, 529]
ODD = [400, 402, *range(405, 429), 430, 431, 451]
HUGE = "9" * 400
TOMORROW = spelled_time(NOW + timedelta(days=1))


def status(code: int, **headers: str) -> Arm:
    """An error that quotes the token."""
    return answers(
        lambda scene: (
            mishaps.json_answer_instead({"errors": f"what is this? Bearer {scene.sandbox.betterstack.token}"}, code)
            if not headers
            else mishaps.status(code, b"", **headers)
        )
    )


def asks(wait: str | timedelta, code: int = 429) -> Arm:
    """Asks to be left alone: as it stands there, or until so long from now."""

    def fault(scene: Scene) -> Instead:
        date = wait if isinstance(wait, str) else format_datetime(scene.clock.now + wait, usegmt=True)
        return mishaps.status(code, Retry_After=date)

    return answers(fault)


def body(content: bytes, **headers: str) -> Arm:
    return answers(mishaps.status(200, content, **headers))


def records(change: Callable[[list[Any]], Iterable[Any]], when: Callable[[Request], bool] = lists) -> Arm:
    """Pages whose records are changed."""
    return answers(mishaps.document(lambda _, whole: {**whole, "data": list(change(whole["data"]))}), when)


def each_record(change: Callable[[Any], Any]) -> Rewrite:
    """Records that are changed, in lists and on their own."""

    def whole(_: Request, document: Any) -> Any:
        data = document["data"]
        return {**document, "data": list(map(change, data)) if isinstance(data, list) else change(data)}

    return mishaps.document(whole)


def shown_as(incident: Callable[[Scene], str], **attributes: Any) -> Arm:
    """The record of this incident says something else."""

    def fault(scene: Scene) -> Rewrite:
        def change(record: Any) -> Any:
            hit = record["id"] == incident(scene)
            return {**record, "attributes": {**record["attributes"], **attributes}} if hit else record

        return each_record(change)

    return answers(fault)


def respelled(spell: Callable[[str], str]) -> Arm:
    """All times are written in another way; one of the incidents has been reopened, so that all times matter."""

    def change(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: change(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [change(inner) for inner in value]
        return spell(value) if key.endswith("_at") and isinstance(value, str) else value

    def arm(scene: Scene) -> None:
        answers(mishaps.document(lambda _, whole: change(whole)))(scene)
        seen_over(scene)
        scene.clock.now = scene.clock.now.replace(microsecond=0) + timedelta(minutes=1)
        scene.world.reopen(scene.ended, keep_times=True)
        scene.right[scene.ended] = [NEW, RESOLVED, NEW]

    return arm


def in_an_offset(text: str) -> str:
    """Nine in the morning at Greenwich is ten o'clock in Berlin."""
    hour = int(text[11:13])
    return f"{text[:11]}{(hour + 1) % 24:02d}{text[13:-1]}+01:00" if hour < 23 else text


def torn(change: Callable[[Scene], object], when: Callable[[Request], bool], size: int = 50) -> Arm:
    """Something happens right behind the first answer to such a request; `size` is that of the pages."""

    def arm(scene: Scene) -> None:
        pending = [change]

        def hook(request: Request) -> None:
            if when(request) and pending:
                pending.pop()(scene)

        scene.sandbox.betterstack.faults.before_answer = hook
        answers(lambda scene: paged(scene, size), when=lists)(scene)

    return arm


def resolve_begun(scene: Scene) -> None:
    scene.world.resolve(scene.begun)
    scene.right[scene.begun] = [NEW, RESOLVED]


def push_down(scene: Scene) -> None:
    """The last record of the page comes again on the next one, and is over by then."""
    scene.right[scene.world.open("Late")] = [NEW]
    scene.world.resolve(scene.other)
    scene.right[scene.other] = [NEW, RESOLVED]


def stale_beside_true(*, stale_first: bool) -> Arm:
    """A page has the incident twice, once as it was before it ended."""

    def arm(scene: Scene) -> None:
        was = scene.world.record(scene.begun).attributes
        resolve_begun(scene)

        def change(data: list[Any]) -> Iterable[Any]:
            for record in data:
                pair = [{**record, "attributes": dict(was)}, record]
                yield from (pair if stale_first else pair[::-1]) if record["id"] == scene.begun else [record]

        records(change, sweeps)(scene)

    return arm


def seen_over(scene: Scene) -> None:
    """A round before this one saw how it ended."""
    scene.round()
    scene.drain()


def reopened(*, keep_times: bool, seen: bool) -> Arm:
    def arm(scene: Scene) -> None:
        if seen:
            seen_over(scene)
        scene.clock.pass_(minutes=1)
        scene.world.reopen(scene.ended, keep_times=keep_times)
        scene.right[scene.ended] = [NEW, RESOLVED, NEW] if seen or keep_times else [NEW]

    return arm


def deleted(scene: Scene) -> None:
    scene.world.delete(scene.ended)


def reset(how: Reset) -> Arm:
    def arm(scene: Scene) -> None:
        scene.to_betterstack.reset = how

    return arm


def elsewhere(scene: Scene, path: str = LIST) -> str:
    """An address at which a request would be noticed."""
    return f"{scene.sandbox.signl4.url}{path}"


def foreign_next(scene: Scene) -> Rewrite:
    def change(_: Request, whole: Any) -> Any:
        following = whole["pagination"]["next"] and elsewhere(scene, f"{LIST}?page=2&per_page=1")
        return {**whole, "pagination": {**whole["pagination"], "next": following}}

    return in_turn(paged(scene, 1), mishaps.document(change))


def nothing_left(scene: Scene) -> None:
    """As a token of another team would show it."""
    records(lambda _: [])(scene)
    answers(mishaps.json_answer_instead({"errors": "Resource with provided ID was not found"}, 404), lookups)(scene)


def unreadable(scene: Scene) -> None:
    """One that is open has a record that says nothing, in lists and on its own."""
    answers(each_record(lambda record: {**record, "attributes": []} if record["id"] == scene.stays else record))(scene)


def poisoned(kind: str) -> Arm:
    """One more, which lists show as somebody poisoned it."""
    poison = (READABLE | UNREADABLE)[kind]

    def arm(scene: Scene) -> None:
        record = scene.world.record(scene.stays)

        def change(request: Request, answer: Answer) -> Answer:
            document = json.loads(answer.body)
            if not isinstance(document.get("data"), list):
                return answer
            of_poison = poison({"id": record.id, "type": "incident", "attributes": dict(record.attributes)})
            document["data"] = [PLACE if one["id"] == record.id else one for one in document["data"]]
            body = json.dumps(document).encode().replace(json.dumps(PLACE).encode(), of_poison)
            return replace(answer, body=body)

        answers(Rewrite(change))(scene)

    return arm


def shown(scene: Scene) -> dict[str, Any]:
    """The record of the one that began, as a list shows it."""
    record = scene.world.record(scene.begun)
    return {"id": record.id, "type": "incident", "attributes": dict(record.attributes), "relationships": {}}


def both(*arms: Arm) -> Arm:
    def arm(scene: Scene) -> None:
        for one in arms:
            one(scene)

    return arm


def without_readable_times(record: Any) -> Any:
    times = {"started_at": "yesterday", "acknowledged_at": 1795425255, "resolved_at": "0000-00-00", "reopened_at": []}
    return {**record, "attributes": {**record["attributes"], **times}}


# -- what must hold besides -------------------------------------------------------------------------------------------

MEGABYTE = mishaps.MEGABYTE


def nobody_else_was_asked(scene: Scene) -> None:
    assert [one.method for one in scene.sandbox.signl4.requests if not one.path.startswith("/webhook/")] == []


def every_page_was_asked_for(scene: Scene) -> None:
    nobody_else_was_asked(scene)
    assert [one.query["page"] for one in scene.asked if one.query.get("resolved")][:3] == ["1", "2", "3"]


def few_pages_were_asked_for(scene: Scene) -> None:
    assert len(scene.asked) < 12


def little_was_read(scene: Scene) -> None:
    """Two lists and three lookups were asked for, and none of the answers was read to its end."""
    assert len(scene.asked) >= 4
    assert scene.to_betterstack.carried < len(scene.asked) * 25 * MEGABYTE


def skipped(scene: Scene) -> int:
    return len({warning for warning in scene.warnings if "was skipped" in warning})


def one_was_skipped(scene: Scene) -> None:
    assert skipped(scene) == 1


def all_were_skipped(scene: Scene) -> None:
    assert skipped(scene) == len(BAD_RECORDS) - 3  # some are remarked upon in the same words


# -- the table --------------------------------------------------------------------------------------------------------

BAD_RECORDS = [
    {},
    None,
    "text",
    {"attributes": {"status": "Resolved"}},
    {"id": "../1", "attributes": {"status": "Resolved"}},
    {"id": "7"},
    {"id": "7", "attributes": []},
    {"id": "7", "attributes": {"name": "Shop", "status": None}},
]
NOT_JSON = {
    "a page for people": mishaps.PORTAL,
    "no UTF-8": b"\xff\xfe{}",
    "nested too deeply": b"[" * 100_000,
    "two documents": b'{"data": []} {"data": []}',
    "a null byte": b'{"data": [\0]}',
}
NO_DATA = {
    "null": b"null",
    "a list": b"[]",
    "a text": b'"data"',
    "a number": b"1",
    "an empty object": b"{}",
    "data is null": b'{"data": null}',
    "data is a text": b'{"data": "none"}',
    "data is a number": b'{"data": 0}',
    "data is false": b'{"data": false}',
}
REDIRECTS = [300, 301, 302, 303, 304, 305, 307, 308]

CASES: dict[str, Case] = {
    "a status 400, 402, 405 to 428, 430, 431 or 451": Case(Expected.FAILS, each(ODD, status)),
    "a status 401 or 403": Case(Expected.POINTS_AT_TOKEN, each([401, 403], status)),
    "a status 404": Case(
        Expected.POINTS_AT_ADDRESS,
        {
            "of a route that does not exist": answers(
                mishaps.json_answer_instead({"errors": "Endpoint not found.", "see_docs": "https://example.com"}, 404)
            ),
            "in words of its own": status(404),
            "with a page for people": answers(mishaps.status(404, mishaps.PORTAL)),
            "with nothing": answers(mishaps.status(404)),
        },
    ),
    "a status 5xx": Case(Expected.FAILS, each(SERVER, status)),
    "a success that is not 200": Case(Expected.FAILS, each([201, 202, 203, 206], status)),
    "a redirect to another place": Case(
        Expected.POINTS_AT_ADDRESS,
        each(REDIRECTS, lambda code: answers(lambda scene: mishaps.redirect(elsewhere(scene), code))),
        besides=nobody_else_was_asked,
    ),
    "429 or 503, with Retry-After in seconds": Case(
        Expected.LEFT_ALONE, {"429": asks("30"), "503": asks("30", 503)}, hold=30
    ),
    "429, with Retry-After as a date": Case(Expected.LEFT_ALONE, {"": asks(timedelta(seconds=30))}, hold=30),
    "429, with an absurdly large Retry-After": Case(
        Expected.LEFT_ALONE,
        {
            "four hundred digits": asks(HUGE),
            "a date in a thousand years": asks("Fri, 31 Dec 3026 23:59:59 GMT"),
        },
        hold=300,
    ),
    "429, with a Retry-After of zero or in the past": Case(
        Expected.ENDS_THERE,
        {"zero": asks("0"), "a date": asks(timedelta(hours=-1))},
    ),
    "429, with a Retry-After that makes no sense or with none": Case(
        Expected.FAILS, {"none": status(429), **each(["-5", "soon", "1e3", "Mon, 99 Nov"], asks)}
    ),
    "200 with something that is not JSON": Case(
        Expected.FAILS, {form: body(content) for form, content in NOT_JSON.items()}
    ),
    "200 with JSON that has no list": Case(Expected.FAILS, {form: body(content) for form, content in NO_DATA.items()}),
    "200 with an empty body": Case(Expected.FAILS, {"": answers(mishaps.empty())}),
    "a body that breaks off": Case(
        Expected.FAILS,
        {
            "and nothing says so": answers(mishaps.truncated()),
            "before the length it was said to have": answers(mishaps.broken_off()),
        },
    ),
    "a body longer than it was said to be": Case(Expected.LEFTOVERS, {"": answers(mishaps.understated())}),
    "an empty list while incidents are open": Case(Expected.LOOKED_UP, {"": records(lambda _: [])}),
    "lists that are not answered well": Case(
        Expected.RECORDS_COUNT,
        {
            "500": answers(mishaps.status(500), lists),
            "a page for people": answers(mishaps.captive_portal(), lists),
            "data is null": answers(mishaps.json_answer_instead({"data": None}), lists),
        },
    ),
    "403 with a page for people, as of a filter in front": Case(
        Expected.POINTS_AT_FILTER, {"": answers(mishaps.status(403, mishaps.PORTAL))}
    ),
    "a single incident that is not answered well": Case(
        Expected.SET_ASIDE,
        {
            "500": answers(mishaps.status(500), lookups),
            "403": answers(mishaps.json_answer_instead({"errors": "It was shared with your team."}, 403), lookups),
            "403 with a page for people": answers(mishaps.status(403, mishaps.PORTAL), lookups),
            "429 with a page for people": answers(mishaps.status(429, mishaps.PORTAL), lookups),
            "nested too deeply": answers(mishaps.status(200, NOT_JSON["nested too deeply"]), lookups),
            "too large": answers(mishaps.too_large(), lookups),
            "a page for people": answers(mishaps.captive_portal(), lookups),
            "data is null": answers(mishaps.json_answer_instead({"data": None}), lookups),
            "data is a list": answers(mishaps.json_answer_instead({"data": []}), lookups),
        },
    ),
    "a single incident with Retry-After": Case(
        Expected.HELD_UP, {"": answers(mishaps.status(429, mishaps.PORTAL, Retry_After="1"), lookups)}, lasting=False
    ),
    "no single incident is found any more": Case(Expected.SUSPECTED, {"nor listed": nothing_left}),
    "a list without pagination": Case(Expected.COMPLETE, {"": answers(mishaps.without("pagination"), lists)}),
    "one record that is odd": Case(
        Expected.COMPLETE,
        {kind: poisoned(kind) for kind in READABLE},
    ),
    "one record that spoils its page": Case(
        Expected.COMPLETE,
        {kind: poisoned(kind) for kind in UNREADABLE},
    ),
    "bad records of eight kinds among good ones": Case(
        Expected.COMPLETE, {"": records(lambda data: [*BAD_RECORDS, *data])}, besides=all_were_skipped
    ),
    "a record that can be read nowhere any more": Case(Expected.COMPLETE, {"": unreadable}, besides=one_was_skipped),
    "a body of 50 MB": Case(
        Expected.FAILS, {"": answers(mishaps.too_large(50 * MEGABYTE))}, lasting=False, besides=little_was_read
    ),
    "a small body that unpacks to a very large one": Case(
        Expected.FAILS,
        {"once": answers(mishaps.bomb(300)), "twice over": answers(mishaps.bomb(1000, layers=2))},
    ),
    "a connection that is reset": Case(
        Expected.FAILS,
        {
            "before the request is read": reset(Reset.ON_REQUEST),
            "instead of an answer": reset(Reset.ON_ANSWER),
            "in the middle of an answer": reset(Reset.IN_ANSWER),
        },
    ),
    "a connection on which nothing comes": Case(Expected.FAILS, {"": slow(answers(Hang()))}, lasting=False),
    "a single incident on which nothing comes": Case(
        Expected.SET_ASIDE, {"": slow(answers(Hang(), lookups))}, lasting=False
    ),
    "headers that come a byte at a time": Case(
        Expected.RECORDS_COUNT, {"": slow(answers(Drip(Part.HEAD, PER_BYTE), lists))}, lasting=False
    ),
    "a body that comes a byte at a time": Case(
        Expected.RECORDS_COUNT, {"": slow(answers(Drip(Part.BODY, PER_BYTE), lists))}, lasting=False
    ),
    "a page that repeats for ever": Case(
        Expected.ALL_COUNTS, {"": answers(mishaps.endless())}, besides=few_pages_were_asked_for
    ),
    "a next page on another host": Case(
        Expected.COMPLETE, {"": answers(foreign_next, lists)}, besides=every_page_was_asked_for
    ),
    "pages that shift while they are read": Case(
        Expected.COMPLETE,
        {
            "an entry is skipped": answers(lambda scene: in_turn(paged(scene, 2), mishaps.slid_up()), lists),
            "an entry comes twice": answers(lambda scene: in_turn(paged(scene, 2), mishaps.slid_down()), lists),
            "because one ended": torn(resolve_begun, lists, size=2),
        },
    ),
    "an id that comes twice": Case(
        Expected.COMPLETE,
        {
            "on one page": records(lambda data: [*data, *data]),
            "on every page": answers(lambda scene: in_turn(paged(scene, 1), mishaps.with_record(shown(scene)))),
            "first open, then over, on one page": stale_beside_true(stale_first=True),
            "first open, then over, in the next list": torn(resolve_begun, lists),
            "first open, then over, on a later page": torn(push_down, sweeps, size=2),
        },
    ),
    "an id that comes twice on one page, first over, then open": Case(
        Expected.NEXT_ROUND, {"": stale_beside_true(stale_first=False)}, lasting=False
    ),
    "an incident that is deleted": Case(Expected.TWICE_PROVEN, {"": deleted}, lasting=False),
    "an incident that is reopened": Case(
        Expected.COMPLETE,
        {
            "with its old times": reopened(keep_times=True, seen=True),
            "with its old times, between two rounds": reopened(keep_times=True, seen=False),
        },
    ),
    "an incident that is reopened, which clears its times": Case(
        Expected.TWICE_READ, {"": reopened(keep_times=False, seen=True)}, lasting=False
    ),
    "an incident that is reopened between two rounds, which clears its times": Case(
        Expected.COMPLETE,
        {"": reopened(keep_times=False, seen=False)},
    ),
    "times in the future": Case(
        Expected.COMPLETE,
        {
            "of beginning and end": both(
                shown_as(lambda scene: scene.begun, started_at=TOMORROW),
                shown_as(lambda scene: scene.ended, resolved_at=TOMORROW),
            ),
            "of the reopening": both(
                reopened(keep_times=True, seen=True), shown_as(lambda scene: scene.ended, reopened_at=TOMORROW)
            ),
        },
    ),
    "times in another spelling": Case(
        Expected.COMPLETE,
        {
            "without a fraction": respelled(lambda text: f"{text[:19]}Z"),
            "with microseconds": respelled(lambda text: f"{text[:-1]}000Z"),
            "without a zone": respelled(lambda text: text[:-1]),
            "with an offset": respelled(in_an_offset),
        },
    ),
    "times that cannot be read": Case(Expected.COMPLETE, {"": answers(each_record(without_readable_times))}),
}


def check_what_was_told(scene: Scene, case: Case) -> None:
    """What is told, and due to be, after a round under the fault."""
    scene.drain_for(seconds=10)
    effect, told = EFFECTS[case.expected], scene.told_so_far
    is_behind = case.expected in {Expected.NEXT_ROUND, Expected.TWICE_READ}
    right = {of: kinds[:-1] if is_behind else kinds for of, kinds in scene.right.items()}
    assert told[scene.stays] == [NEW]
    assert told[scene.other] == scene.right[scene.other][: len(told[scene.other])]
    ended = right if case.expected is Expected.TWICE_READ else scene.right
    begun = right if case.expected is Expected.NEXT_ROUND else scene.right
    assert told[scene.ended] == (ended[scene.ended] if effect.ended else [NEW])
    assert told.get(scene.begun, []) == (begun[scene.begun] if effect.begun else [])
    scene.check_that_no_end_was_invented()


def play(scene: Scene, case: Case, *, sweep: bool = False) -> BetterStackError | None:
    """A round under the fault, which must be as complete as the table says."""
    effect, before = EFFECTS[case.expected], scene.store.progress()
    asked, error = len(scene.asked), None
    try:
        scene.poll.round(sweep=sweep)
    except BetterStackError as failed:
        error = failed
    progress = scene.store.progress()
    assert (error is None) is effect.complete, error
    assert effect.names in str(error)
    assert not effect.ends_there or len(scene.asked) == asked + 1
    assert progress.last_round_error == (None if error is None else str(error))
    assert (progress.last_complete_round_at != before.last_complete_round_at) is effect.complete
    scene.check_that_nothing_leaked(str(error), *scene.warnings)
    return error


def wait_as_long_as_asked(scene: Scene, case: Case, error: BetterStackError | None) -> None:
    """Nothing is asked meanwhile, though everything works again."""
    assert error is not None
    assert error.retry_after is not None
    assert timedelta(seconds=case.hold - 1) < error.retry_after <= timedelta(seconds=case.hold)
    asked = len(scene.asked)
    scene.clock.pass_(seconds=case.hold - 15)
    with pytest.raises(BetterStackError, match="asked to be left alone"):
        scene.round()
    assert len(scene.asked) == asked == 1
    scene.clock.pass_(seconds=10)


@pytest.mark.parametrize(("case", "arms"), spread(CASES, in_one=lambda case: case.expected in INERT))
def test_each_fault_ends_as_the_table_says(scene: Scene, case: Case, arms: Mapping[str, Arm]) -> None:
    error = None
    for form, arm in arms.items():
        with about(form):
            arm(scene)
            error = play(scene, case, sweep=True)
            case.besides(scene)
            check_what_was_told(scene, case)
            if case.lasting and not case.hold and len(arms) == 1:
                scene.clock.pass_(seconds=70)
                play(scene, case)
                check_what_was_told(scene, case)
            scene.release()
    if case.hold:
        wait_as_long_as_asked(scene, case, error)
    if case.expected is Expected.LEFTOVERS:
        clear_the_line(scene)
    check_that_everything_is_told_now(scene, case)


def clear_the_line(scene: Scene) -> None:
    """The round after the fault may trip over what was left on the line."""
    try:
        scene.round()
    except BetterStackError:
        check_what_was_told(scene, Case(Expected.RECORDS_COUNT, {}))


def check_that_everything_is_told_now(scene: Scene, case: Case) -> None:
    scene.round()
    scene.drain_for(seconds=10)
    if case.expected is Expected.TWICE_PROVEN:
        scene.clock.pass_(seconds=60)
        scene.round()
        scene.drain_for(seconds=10)
    assert scene.told_so_far == scene.right
    scene.clock.pass_(seconds=60)
    scene.round(sweep=True)
    scene.drain_for(seconds=10)
    assert scene.told_so_far == scene.right
    scene.check_that_no_end_was_invented()
    assert {state for (state,) in scene.outbox("state")} == {"delivered"}
    notes = [event.payload.get("Note") for event in scene.sandbox.signl4.events]
    assert notes.count(DELETED_NOTE) == (case.expected is Expected.TWICE_PROVEN)


def test_a_suspicion_of_the_token_lasts_an_hour(scene: Scene) -> None:
    """The other end of what the table says: in the end deletions are believed."""
    suspected = Case(Expected.SUSPECTED, {})
    nothing_left(scene)
    for _ in range(int(SUSPICION_LASTS / timedelta(minutes=5))):
        play(scene, suspected)
        check_what_was_told(scene, suspected)
        scene.clock.pass_(minutes=4, seconds=45)
    for _ in range(3):
        scene.clock.pass_(minutes=2)
        scene.round()
    scene.drain_for(seconds=10)
    assert scene.told_so_far == {one: [NEW, RESOLVED] for one in (scene.ended, scene.stays, scene.other)}


@pytest.mark.parametrize("form", CASES["a small body that unpacks to a very large one"].arms)
def test_what_unpacks_to_a_very_large_body_takes_little_memory(scene: Scene, form: str) -> None:
    CASES["a small body that unpacks to a very large one"].arms[form](scene)
    tracemalloc.start()
    try:
        with pytest.raises(BetterStackError):
            scene.round(sweep=True)
        assert tracemalloc.get_traced_memory()[1] < 45 * MEGABYTE
    finally:
        tracemalloc.stop()
