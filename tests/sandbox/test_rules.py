"""The rules of a script: who is told by them, and how the daemon reads them."""

import tomllib
from datetime import timedelta

from daemon.config.validate import validated
from daemon.sandbox.expectation import SOON
from daemon.sandbox.rules import Silence, Silenced, Team, configuration, team_of
from daemon.sandbox.verdict import Flaw
from tests.sandbox.tale import NOON, Tale
from tests.support.each import each

DBA, NIGHT = Team("dba", "4dmsbk8x", "Database*"), Team("night", "n1ghtn1g", "*")
LOST, ORDER, UNFOUNDED = Flaw.LOST, Flaw.OUT_OF_ORDER, Flaw.UNFOUNDED


def test_the_first_team_that_wants_an_incident_is_told() -> None:
    assert [team_of(name, [DBA, NIGHT]) for name in ("database 2", "Old database")] == ["dba", "night"]
    assert team_of("Old database", [DBA]) == "default"


def test_the_daemon_takes_the_configuration() -> None:
    document = tomllib.loads(configuration([DBA, NIGHT]))
    document |= {"betterstack": {"token": "a-token-of-better-stack"}}
    document["signl4"]["secret"] = "96sbq49u"
    # A route for everything hides those behind it, so each team has to be the first that wants something.
    document["route"] = document["route"][:-1]
    held = validated(document, {})
    assert [(route.name, route.teams) for route in held.route] == [("dba", ["dba"]), ("night", ["night"])]
    assert configuration([]) == ""


def test_a_silence_is_made_by_a_command() -> None:
    words = "silence add --match name=CI* --for 17s --comment"
    assert Silence("CI*", 17, "new disks").command == (*words.split(), "new disks")


# A word of a tale lasts ten seconds; a silence is given by its begin and its end, in seconds, and its latest end.
SILENCED = [
    # opened and over inside
    ((0, 60, 60), "start open show resolve show", []),
    ((0, 60, 60), "start open show resolve show NEW RES", [UNFOUNDED, UNFOUNDED]),
    ((0, 60, 60), "start open show ack show resolve show", []),
    # opened inside and still open at the end
    ((0, 35, 35), "start open show NEW", []),
    ((0, 35, 35), "start open show NEW ack show ACK resolve show RES", []),
    ((0, 45, 45), "start open show NEW", [ORDER]),
    ((0, 35, 35), "start open show", [LOST]),
    # over so close to the end that either is right
    ((0, 41, 41), "start open show resolve show", []),
    ((0, 41, 41), "start open show resolve show NEW RES", []),
    ((0, 35, 45), "start open show resolve show", []),
    ((0, 35, 45), "start open show resolve show NEW RES", []),
    ((0, 35, 36), "start open show resolve show", [LOST, LOST]),
    # opened before, or after
    ((25, 90, 90), "start open show NEW resolve show RES", []),
    ((25, 90, 90), "start open show NEW resolve show", [LOST]),
    ((0, 15, 15), "start open show resolve show", [LOST, LOST]),
    # reopened inside
    ((55, 95, 95), "start open show NEW resolve show RES reopen show resolve show", [LOST, LOST]),
    ((75, 130, 130), "start open show NEW resolve show RES reopen show resolve show", []),
]


@each(("times", "tale", "flaws"), SILENCED)
def test_a_silence_holds_what_opens_inside_and_nothing_else(
    times: tuple[int, int, int], tale: str, flaws: list[Flaw]
) -> None:
    verdict = silenced("sh*", times, tale).verdict()
    assert [finding.flaw for case in verdict.cases for finding in case.findings] == flaws


def silenced(pattern: str, times: tuple[int, int, int], tale: str) -> Tale:
    since, until, latest = (NOON + timedelta(seconds=second) for second in times)
    told = Tale().tell(tale)
    told.silences = [Silenced(pattern, since, until, latest)]
    return told


def test_a_silence_is_about_incidents_of_its_name_only() -> None:
    for pattern, good in (("SHOP", True), ("CI*", False)):
        assert silenced(pattern, (0, 60, 60), "start open show resolve show").verdict().good is good, pattern


def test_what_a_silence_held_is_timed_from_the_fact() -> None:
    tale = silenced("*", (0, 35, 35), "start open show NEW")
    [case] = tale.verdict().cases
    assert (case.silenced, [told.took for told in case.told]) == (True, [timedelta(seconds=20)])
    assert timedelta(seconds=5) > SOON, "the cases above count on it"


@each(
    ("teams", "flaws"),
    [
        (["dba"], []),
        (["default"], [LOST, UNFOUNDED]),
        (["dba", "default"], [UNFOUNDED]),
        (["dba", "night"], [UNFOUNDED]),
        ([], [LOST]),
    ],
)
def test_only_the_team_that_wants_an_incident_is_told(teams: list[str], flaws: list[Flaw]) -> None:
    tale = Tale().tell("start open show")
    tale.teams = [Team("dba", "4dmsbk8x", "shop")]
    for team in teams:
        tale.tell(f"NEW@{team}")
    verdict = tale.verdict()
    assert [finding.flaw for case in verdict.cases for finding in case.findings] == flaws
    assert verdict.cases[0].team == "dba"
