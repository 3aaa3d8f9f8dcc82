"""What of the listings is shown: options, order, what the limit leaves out, and why nobody was told."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.decisions.untold import UNKNOWN
from daemon.model.incident import Phase, Unreadable, Untold
from tests.support.outbox import DEAD, DELIVERED, NEW, PENDING, RESOLVED, SUPERSEDED, put, tell
from tests.support.store import Store
from tests.support.terminal import assert_sentence, command


def now() -> datetime:
    return datetime.now(UTC)


def listed(database: Path, *line: str) -> list[Any]:
    """The ids, of programs and of people: these see the newest last."""
    said = command(database, "", *line, "--json")
    assert (said.exit_code, said.exception) == (0, None)
    found = [str(row["id"]) for row in json.loads(said.stdout)]
    lines = command(database, "", *line).stdout.splitlines()[1:]
    assert [text.split()[0] for text in lines] == found[::-1]
    return found


def three(store: Store) -> None:
    """Incidents of the last hours, each with a delivery."""
    for hours, name in ((5, "Shop front page"), (3, "shop: Zürich [EU]"), (1, "Depot")):
        tell(store, f"{hours}h", NEW, name=name, at=now() - timedelta(hours=hours))


def test_people_see_the_newest_last_and_programs_first(database: Path, store: Store) -> None:
    three(store)
    assert listed(database, "incidents") == ["1h", "3h", "5h"]
    assert listed(database, "deliveries") == ["3", "2", "1"]


NAMES = [
    ("shop", ["3h", "5h"]),
    ("SHOP", ["3h", "5h"]),
    ("front", ["5h"]),
    ("shop*", ["3h", "5h"]),
    ("front*", []),
    ("*FRONT*", ["5h"]),
    ("depo?", ["1h"]),
    ("[c-e]epot", ["1h"]),
    ("ZÜRICH", ["3h"]),
    ("*[[]eu]", ["3h"]),
    ("", ["1h", "3h", "5h"]),
    ("*", ["1h", "3h", "5h"]),
    ("[", []),
    (".", []),
    ("%", []),
    ("\udcff", []),
]


@pytest.mark.parametrize(("pattern", "expected"), NAMES)
def test_a_name_is_a_word_anywhere_or_a_pattern_of_the_shell(
    database: Path, store: Store, pattern: str, expected: list[str]
) -> None:
    three(store)
    found = json.loads(command(database, "incidents --json --name", pattern).stdout)
    assert [row["id"] for row in found] == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [("2h", ["1h"]), ("4h", ["1h", "3h"]), ("250m", ["1h", "3h"]), ("7d", ["1h", "3h", "5h"]), ("0s", [])],
)
def test_since_is_a_span_in_the_form_of_the_configuration(
    database: Path, store: Store, since: str, expected: list[str]
) -> None:
    three(store)
    for line, key in (("incidents --json --since", "id"), ("deliveries --json --since", "incident_id")):
        assert [row[key] for row in json.loads(command(database, line, since).stdout)] == expected, line


def test_a_span_from_before_all_time_is_no_limit(database: Path, store: Store) -> None:
    three(store)
    for line in ("incidents", "deliveries"):
        assert len(listed(database, line, "--since", "900000d")) == 3


def test_what_is_wrong_with_an_option_is_said_with_the_way_to_put_it_right(database: Path) -> None:
    said = command(database, "incidents --since 2w")
    assert said.stderr.splitlines()[-1] == (
        "Error: Invalid value for '--since': '2w' is not a duration; "
        'write it like "30s", "5m", "6h", "90d" or a number of seconds'
    )


@pytest.mark.parametrize("line", ["incidents", "deliveries", "incidents --json", "deliveries --json"])
def test_of_many_the_newest_fifty_are_shown_and_that_there_are_more_is_said(
    database: Path, store: Store, line: str
) -> None:
    for n in range(53):
        tell(store, f"{n:02}", NEW, at=now() + timedelta(seconds=n))
    said = command(database, line)
    assert said.exit_code == 0
    assert_sentence(said.stderr, "these are the newest 50; 3 older ones are left out, --limit 0 shows all")
    shown = json.loads(said.stdout) if "--json" in line else said.stdout.splitlines()[1:]
    assert len(shown) == 50
    assert command(database, f"{line} --limit 53").stderr == ""
    assert len(listed(database, line.split(maxsplit=1)[0], "--limit", "0")) == 53


def test_those_of_one_incident_are_listed_by_its_id(database: Path, store: Store) -> None:
    three(store)
    tell(store, "1h", RESOLVED)
    assert listed(database, "deliveries", "--incident", "1h") == ["4", "3"]
    assert listed(database, "deliveries", "--incident", "1h", "--state", "pending", "--limit", "1") == ["4"]


# -- why nobody was told ----------------------------------------------------------------------------------------------


def test_an_incident_that_was_never_told_has_its_reason_for_people_and_programs(database: Path, store: Store) -> None:
    for number, reason in enumerate(Untold):
        tell(store, str(number), alerted=False, phase=Phase.RESOLVED, silent_because=reason)
    tell(store, "old", alerted=False)
    put(store, "told", DELIVERED, NEW)
    put(store, "waits", PENDING, NEW)
    put(store, "given up", SUPERSEDED, NEW)
    put(store, "dead", DEAD, NEW)
    expected = {str(number): str(reason) for number, reason in enumerate(Untold)} | {
        "old": UNKNOWN,
        "told": None,
        "waits": "not delivered yet",
        "given up": "nobody needs it",
        "dead": "refused by SIGNL4 (400: a field is missing)",
    }
    rows = json.loads(command(database, "incidents --json").stdout)
    assert {row["id"]: row["silent_because"] for row in rows} == expected
    assert {row["id"] for row in rows if row["told"]} == {"told"}
    lines = command(database, "incidents").stdout.splitlines()
    for incident_id, why in expected.items():
        (line,) = (line for line in lines if line.startswith(f"{incident_id} "))
        assert line.endswith("  yes" if why is None else f"  no: {why}")


def test_of_an_incident_without_a_delivery_the_listing_of_deliveries_says_why(database: Path, store: Store) -> None:
    tell(store, "1", alerted=False, silent_because=Untold.OVER_AT_FIRST_START)
    store.put_aside([Unreadable("3", now(), 1, now(), "HTTP 500")])
    for line, sentence in (
        ("deliveries --incident 1", "nobody was told of incident 1: over at the first start\n"),
        ("deliveries --incident 2", "there is no incident 2 here; `incidents` lists those there are\n"),
        ("deliveries --incident 3", "nothing is known of incident 3: its record cannot be read (HTTP 500)\n"),
        ("deliveries --incident 1 --state dead", ""),
        ("deliveries --incident 1 --since 0s", ""),
    ):
        said = command(database, line)
        assert (said.exit_code, said.stdout, said.stderr) == (0, "none\n", sentence), line
        assert command(database, f"{line} --json").stdout == "[]\n"


@pytest.mark.parametrize("name", ["\udcff", "'; DROP TABLE incidents; --", "%", "1\n2"])
def test_an_odd_incident_id_is_a_sentence_too(database: Path, name: str) -> None:
    said = command(database, "deliveries --incident", name)
    assert (said.exit_code, said.stdout) == (0, "none\n")
    assert_sentence(said.stderr, "there is no incident ")
