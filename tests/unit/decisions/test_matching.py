"""Which matches an incident meets: all at once, beside one pattern after the other in the standard library."""

from collections.abc import Sequence
from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.match import Condition, Match, read_match
from daemon.decisions.facts import Facts
from daemon.decisions.matching import Matching, mismatch
from tests.support.each import each
from tests.support.matches import REGULAR, SHELL, meets

PATTERN = st.sampled_from([*SHELL, *REGULAR])
CONDITION = st.builds(Condition, st.lists(PATTERN, min_size=1, max_size=3).map(tuple), st.booleans())
FIELDS = ["name", "cause", "metadata.Owner"]
MATCH = st.dictionaries(st.sampled_from(FIELDS), CONDITION, max_size=3).map(lambda given: Match(tuple(given.items())))
TEXT = st.text("abB-d\n", min_size=1, max_size=6)
FACTS = st.fixed_dictionaries(
    {"name": st.lists(TEXT, max_size=1)},
    optional={"cause": st.lists(TEXT, max_size=1), "metadata.Owner": st.lists(TEXT, max_size=3)},
)


def positions(mask: int) -> list[int]:
    """Of the bits that are set."""
    return [position for position in range(mask.bit_length()) if mask >> position & 1]


def met_by(facts: Facts, *tables: dict[str, Any]) -> list[int]:
    """The positions of the tables that are met."""
    return positions(Matching([read_match(table) for table in tables]).which(facts))


@given(st.lists(MATCH, max_size=8), FACTS)
def test_all_at_once_is_the_same_as_one_after_the_other(matches: Sequence[Match], facts: Facts) -> None:
    expected = [position for position, match in enumerate(matches) if meets(match, facts)]
    assert positions(Matching(matches).which(facts)) == expected
    assert [position for position, match in enumerate(matches) if mismatch(match, facts) is None] == expected


CASES: list[tuple[dict[str, Any], dict[str, list[str]], bool]] = [
    ({}, {}, True),
    ({"name": "db-*"}, {}, False),
    ({"name": {"not": "db-*"}}, {}, True),
    ({"name": "*"}, {"name": []}, False),
    ({"name": {"not": "*"}}, {"name": []}, True),
    ({"name": "db-*", "cause": "*"}, {"name": ["db-1"]}, False),
    ({"name": ["web-*", "db-*"]}, {"name": ["DB-1"]}, True),
    ({"name": {"not": ["web-*", "db-*"]}}, {"name": ["db-1"]}, False),
    ({"call": True}, {"call": ["true"]}, True),
    ({"call": False}, {"call": ["true"]}, False),
    ({"source_id": 77}, {"source_id": ["77"]}, True),
    ({"source_id": 77}, {"source_id": ["177"]}, False),
    ({"metadata": {"Owner": "jane"}}, {"metadata.Owner": ["joe", "jane"]}, True),
    ({"metadata": {"Owner": {"not": "jane"}}}, {"metadata.Owner": ["joe", "jane"]}, False),
    ({"name": "/^half \\?$/"}, {"name": ["half \ud800"]}, True),
]


@each(("table", "facts", "met"), CASES)
def test_which_incident_meets_a_match(table: dict[str, Any], facts: Facts, met: bool) -> None:
    never = {"url": "nowhere"}
    assert met_by(facts, table, never, table) == ([0, 2] if met else [])
    assert (mismatch(read_match(table), facts) is None) is met


def test_patterns_that_are_too_large_for_one_set_are_found_as_well() -> None:
    large = r"/^\p{L}{150}$/"  # is understood by itself, but not in a set
    several = [rf"/^{letter}\p{{L}}{{70}}$/" for letter in "abc"]  # fit into a set, but no two into the same
    matching = Matching([read_match({"name": pattern}) for pattern in (*several, large, "db")])
    for text, met in (("a" * 71, [0]), ("b" * 71, [1]), ("c" * 71, [2]), ("x" * 150, [3]), ("db", [4]), ("d" * 71, [])):
        assert positions(matching.which({"name": [text]})) == met, text


def test_a_set_that_gives_up_is_not_taken_for_one_in_which_nothing_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(re2.Set, "Match", lambda *_: None)
    assert met_by({"name": ["db-1"]}, {"name": "db-*"}, {"name": "web-*"}, {"name": {"not": "web-*"}}) == [0, 2]


def test_no_pattern_is_searched_by_itself_where_nothing_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.decisions.matching.found", pytest.fail)
    assert met_by({"name": ["mail"]}, {"name": "db-*"}, {"name": "web-*"}) == []


def test_thousands_of_matches_cost_one_search_of_each_text(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[bytes] = []
    search = re2.Set.Match

    def counted(one: re2.Set, text: bytes) -> Any:
        searched.append(text)
        return search(one, text)

    monkeypatch.setattr(re2.Set, "Match", counted)
    tables = [{"name": f"db-{number}-*", "cause": {"not": f"*{number}*"}} for number in range(3000)]
    assert met_by({"name": ["db-2999-1"], "cause": ["Status 503"]}, *tables) == [2999]
    assert searched == [b"db-2999-1", b"Status 503"]


PHRASES: list[tuple[dict[str, Any], dict[str, list[str]], str | None]] = [
    ({"name": "db-*"}, {"name": ["db-1"]}, None),
    ({"name": "db-*"}, {"name": ["web-1"]}, 'name is "web-1", not "db-*"'),
    ({"name": "db-*"}, {}, 'name is empty, not "db-*"'),
    ({"name": ["a", "/b/"]}, {"name": ["c"]}, 'name is "c", not "a" or "/b/"'),
    ({"name": [*"abcde"]}, {"name": ["x"]}, 'name is "x", not "a" or "b" or "c" or 2 more'),
    ({"name": {"not": "db-*"}}, {"name": ["db-1"]}, 'name is "db-1", which must not be "db-*"'),
    ({"call": True}, {"call": ["false"]}, 'call is "false", not "true"'),
    ({"metadata": {"Owner": "x"}}, {"metadata.Owner": ["a", "b"]}, 'metadata.Owner is "a" and "b", not "x"'),
    ({"name": "*", "cause": "a", "url": "b"}, {"name": ["n"]}, 'cause is empty, not "a"'),
    (
        {"name": "a"},
        {"name": ["b\n\x1b[2J"]},
        'name is "b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[2J", not "a"',
    ),
    ({"name": "db-*"}, {"name": ["w" * 81]}, f'name is "{"w" * 79}…", not "db-*"'),
]


@each(("table", "facts", "phrase"), PHRASES)
def test_a_mismatch_names_the_first_field_that_differs(table: dict[str, Any], facts: Facts, phrase: str | None) -> None:
    assert mismatch(read_match(table), facts) == phrase
