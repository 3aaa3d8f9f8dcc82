"""What can be typed into a running sandbox."""

import re

import pytest

from daemon.model.incident import Phase
from daemon.sandbox.commands import Commands
from daemon.sandbox.faults import Cut, Hang
from daemon.sandbox.history import Act
from daemon.sandbox.life import Life
from daemon.sandbox.server import Sandbox
from daemon.sandbox.troubles import WORDS
from tests.sandbox.conftest import tell
from tests.sandbox.rest import Rest
from tests.support.each import each


class Typist:
    """Types commands into a sandbox whose services are not started."""

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self.sandbox = sandbox or Sandbox()
        self.world = self.sandbox.world
        self.life = Life(self.sandbox.context, self.world, 0, 0)
        self.commands = Commands(self.sandbox, self.life, lambda: 7.0)

    def types(self, *lines: str) -> list[str]:
        return [reply for line in lines for reply in self.commands.obey(line)]

    @property
    def acts(self) -> list[Act]:
        return [one.act for one in self.world.history]


@pytest.fixture
def typist() -> Typist:
    return Typist()


def test_an_incident_goes_through_its_whole_life(typist: Typist) -> None:
    assert typist.types("open Payment provider", "ack", "resolve", "reopen", "res", "reopen cleared", "delete") == []
    assert typist.acts == ["opened", "acknowledged", "resolved", "reopened", "resolved", "reopened afresh", "deleted"]
    assert {one.name for one in typist.world.history} == {"Payment provider"}


def test_without_an_id_the_newest_is_meant_that_allows_it(typist: Typist) -> None:
    first, second, third = (typist.world.open(name) for name in ("first", "second", "third"))
    typist.types("ack", "ack", "resolve")
    phases = [typist.world.record(one).phase for one in (first, second, third)]
    assert phases == [Phase.OPEN, Phase.ACKNOWLEDGED, Phase.RESOLVED]
    typist.types("ack all", "resolve all")
    assert {record.phase for record in typist.world.records} == {Phase.RESOLVED}


@each(
    ("text", "reply"),
    [
        ("1030000003", None),
        ("003", None),
        ("3", "? 3 is the end of 2 ids: give more digits"),
        ("09", None),
        ("9", None),
        ("99", "? there is no incident '99'; list shows all"),
        ("0003 0004", "? acknowledge takes one ID"),
    ],
)
def test_an_id_may_be_its_end_if_that_is_clear(text: str, reply: str | None) -> None:
    typist = Typist()
    for number in range(13):  # ids end in 01 to 13
        typist.world.open(f"incident {number}")
    assert typist.types(f"ack {text}") == ([reply] if reply else [])
    assert ("acknowledged" in typist.acts) == (reply is None)


@each(
    ("line", "reply"),
    [
        ("ack", "? there is no incident to acknowledge"),
        ("resolve all", "? there is no incident to resolve"),
        ("delete 1", "? there is no incident '1'; list shows all"),
        ("frobnicate", "? there is no command 'frobnicate'; help lists all"),
        ("opne Shop", "? there is no command 'opne'; did you mean 'open'?"),
        ("re", "? 're' may be resolve or reopen"),
        ("fault", "? fault takes a service, what it does, and how often, such as: fault signl4 503 3"),
        ("fault opsgenie 503", "? there is no service 'opsgenie'; help lists all"),
        (
            "fault s 999",
            "? there is no fault '999': give a status such as 503, or limit, html, empty, slow, hang, cut, lost",
        ),
        ("fault s 503 often", "? 'often' is no number of requests"),
        (
            "signl4",
            "? signl4 takes what a person does, to which alert, and who, such as: signl4 ack Shop by Jo",
        ),
        ("signl4 open", "? there is no act in SIGNL4 'open'; help lists all"),
        ("signl4 ack", "? there is no alert in SIGNL4"),
        ("signl4 close Shop by Jo", "? there is no alert 'Shop' in SIGNL4"),
        ("every", "? every takes a number of seconds, at most 86400; 0: nothing changes by itself"),
        ("every -1", "? every takes a number of seconds, at most 86400; 0: nothing changes by itself"),
        ("every 1e12", "? every takes a number of seconds, at most 86400; 0: nothing changes by itself"),
        ("every nan", "? every takes a number of seconds, at most 86400; 0: nothing changes by itself"),
        ("\x1b[31m \ud800", "? there is no command '\\x1b[31m'; help lists all"),
    ],
)
def test_what_cannot_be_done_is_answered_with_a_sentence(line: str, reply: str) -> None:
    assert Typist().types(line) == [reply]


def test_what_the_incident_does_not_allow_is_said_in_better_stacks_words(typist: Typist) -> None:
    typist.types("open Shop", "resolve")
    assert typist.types("ack 01") == ["? Incident was already resolved"]
    assert typist.types("reopen", "reopen 01") == ["? Incident is not resolved"]


def test_an_empty_line_and_a_comment_are_no_commands(typist: Typist) -> None:
    assert typist.types("", "   ", "# open Shop") == []
    assert typist.acts == []


def test_the_list_shows_incidents_and_services(typist: Typist) -> None:
    typist.types("open Shop\x1b[2J", "ack", "fault sig 503 2")
    incident, signl4, betterstack = typist.types("list")
    assert re.fullmatch(r"1030000001  acknowledged  \d\d:\d\d:\d\d UTC  Shop\ufffd\[2J", incident)
    assert (signl4, betterstack) == ("signl4      answers 503 (for the next 2)", "betterstack  works")


def test_a_fault_lasts_for_so_many_requests(sandbox: Sandbox) -> None:
    typist = Typist(sandbox)
    assert typist.types("fault signl4 503 2") == ["signl4 answers 503 (for the next 2)"]
    assert [tell(sandbox).status_code for _ in range(3)] == [503, 503, 201]
    assert typist.types("list")[-2] == "signl4      works"


def test_a_fault_lasts_until_it_is_mended_and_a_new_one_takes_its_place(sandbox: Sandbox) -> None:
    typist = Typist(sandbox)
    typist.types("fault s 503", "fault s limit")
    answer = tell(sandbox)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "20")
    assert typist.types("mend") == ["signl4 works", "betterstack works"]
    assert tell(sandbox).status_code == 201


@each("word", WORDS)
def test_every_fault_of_the_help_is_there(word: str) -> None:
    typist = Typist()
    assert typist.types(f"fault b {word}") == [f"betterstack {WORDS[word][0]} (until it is mended)"]
    assert any(line.split()[0] == word for line in typist.types("help") if line.startswith("  "))


def test_a_person_acknowledges_and_closes_alerts_in_signl4(sandbox: Sandbox) -> None:
    typist = Typist(sandbox)
    for external_id in ("1", "2", "3"):
        tell(sandbox, external_id)
    assert (
        typist.types("signl4 ack", "signl4 ack shop by Jo Doe", "signl4 close 3 by Jo Doe", "sig acknowledge 1") == []
    )
    assert [(one.alert.external_id, one.alert.state, one.by) for one in sandbox.signl4.account.changes] == [
        ("3", "acknowledged", "Jane"),
        ("2", "acknowledged", "Jo Doe"),
        ("3", "closed", "Jo Doe"),
        ("1", "acknowledged", "Jane"),
    ]
    assert typist.types("signl4 ack shop", "signl4 close 3") == [
        "? The alert is closed already.",
        "? The alert is closed already.",
    ]


def test_the_rest_side_of_signl4_fails_by_itself_and_is_listed_while_it_does(sandbox: Sandbox) -> None:
    typist = Typist(sandbox)
    assert typist.types("fault signl4-api 401 1") == ["signl4-api answers 401 (for the next 1)"]
    assert tell(sandbox).status_code == 201
    assert typist.types("list")[-1] == "signl4-api  answers 401 (for the next 1)"
    assert [Rest(sandbox).page("v3").status_code for _ in range(2)] == [401, 200]
    assert typist.types("list")[-1] == "betterstack  works"
    typist.types("fault signl4-api hang")
    assert typist.types("mend")[-1] == "signl4-api works"
    assert Rest(sandbox).page("v3").status_code == 200


def test_lost_means_taken_and_cut_means_not() -> None:
    assert (WORDS["lost"][1](), WORDS["cut"][1](), WORDS["hang"][1]()) == (Cut(taken=True), Cut(), Hang())


def test_the_pace_of_changes_by_themselves_can_be_set(typist: Typist) -> None:
    assert typist.types("every 5") == ["a change comes every 5 s"]
    assert typist.life.until_due(7.0) == 5
    assert typist.types("every 0") == ["nothing changes by itself"]
    assert typist.life.until_due(7.0) is None


def test_the_help_names_every_command_and_fits_a_terminal(typist: Typist) -> None:
    lines = typist.types("help")
    words = {line.split()[0] for line in lines if line.startswith("  ")}
    assert {"open", "acknowledge", "resolve", "reopen", "delete", "list", "fault", "mend", "every", "quit"} <= words
    assert max(map(len, lines)) <= 79
    assert len(lines) <= 23


def test_only_quit_ends_it(typist: Typist) -> None:
    typist.types("help", "open", "nonsense")
    assert not typist.commands.over
    typist.types("quit")
    assert typist.commands.over
