"""Which matches an incident meets: all at once, beside one pattern after the other in the standard library."""

import fnmatch
import re
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.hidden import hides, matches_all
from daemon.config.match import Condition, Match, read_match
from daemon.decisions.facts import Facts
from daemon.decisions.matching import Matching, mismatch
from tests.support.each import each

SHELL = ["db-*", "*-db", "*b*", "?", "a*b", "[ab]", "[!ab]*", "*", "ab", "AB", "b\n"]
REGULAR = {"/b$/": r"b\Z", "/^a/": "^a", "/a.b/": "a.b", "/(?i)AB/": "(?i)AB", "/^$/": r"^\Z", "/B/": "B"}
"""Regular expressions, and the same for the standard library, where `$` also stands before a last line break."""
PATTERN = st.sampled_from([*SHELL, *REGULAR])
CONDITION = st.builds(Condition, st.lists(PATTERN, min_size=1, max_size=3).map(tuple), st.booleans())
FIELDS = ["name", "cause", "metadata.Owner"]
MATCH = st.dictionaries(st.sampled_from(FIELDS), CONDITION, max_size=3).map(lambda given: Match(tuple(given.items())))
TEXT = st.text("abB-d\n", min_size=1, max_size=6)
FACTS = st.fixed_dictionaries(
    {"name": st.lists(TEXT, max_size=1)},
    optional={"cause": st.lists(TEXT, max_size=1), "metadata.Owner": st.lists(TEXT, max_size=3)},
)


def meets(match: Match, facts: Facts) -> bool:
    """The slow and obvious answer."""
    return all(
        any(found(pattern, text) for pattern in condition.patterns for text in facts.get(field, []))
        is not condition.negated
        for field, condition in match.conditions
    )


def found(pattern: str, text: str) -> bool:
    """As above, of one pattern."""
    if pattern in REGULAR:
        return re.search(REGULAR[pattern], text) is not None
    return re.fullmatch(fnmatch.translate(pattern), text, re.IGNORECASE) is not None


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


def test_what_is_hidden_is_never_reached() -> None:
    patterns = ["ab", "A*", "*", "b", "[ab]", "/b$/", "/^a/"]
    lists = [*((one,) for one in patterns), *combinations(patterns, 2)]
    matches = [Match((("name", Condition(given, negated)),)) for given in lists for negated in (False, True)]
    matches.append(Match())
    facts = [{"name": texts} for texts in ([], ["ab"], ["AB"], ["a"], ["b"], ["x"], ["a", "b"], ["ab", "x"])]
    met = {match: [meets(match, given) for given in facts] for match in matches}
    for earlier, later in product(matches, repeat=2):
        escapes = [
            given for given, first, second in zip(facts, met[earlier], met[later], strict=True) if second > first
        ]
        assert not hides(earlier, later) or escapes == [], (earlier, later)


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


HIDING: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({}, {"name": "a"}, True),
    ({"name": "a"}, {}, False),
    ({"name": "db-*"}, {"name": "db-*", "cause": "x"}, True),
    ({"name": "db-*", "cause": "x"}, {"name": "db-*"}, False),
    ({"name": ["a", "b"]}, {"name": "b"}, True),
    ({"name": "b"}, {"name": ["a", "b"]}, False),
    ({"name": "db-*"}, {"name": "DB-1"}, True),
    ({"name": "db-*"}, {"name": ["db-1", "web-1"]}, False),
    ({"name": "*"}, {"name": "/^web/"}, True),
    ({"name": "*"}, {"name": {"not": "x"}}, False),
    ({"name": "/^db/"}, {"name": "db-1"}, False),
    ({"name": "[dw]b*"}, {"name": "db-[0-9]"}, False),
    ({"name": {"not": "db-1"}}, {"name": {"not": "db-*"}}, True),
    ({"name": {"not": "db-*"}}, {"name": {"not": "db-1"}}, False),
    ({"name": {"not": "a"}}, {"name": {"not": ["a", "b"]}}, True),
    ({"name": {"not": "a"}}, {"name": "b"}, False),
    ({"call": True}, {"call": True, "name": "a"}, True),
    ({"call": True}, {"call": False}, False),
]


@each(("earlier", "later", "hidden"), HIDING)
def test_whether_an_earlier_match_hides_a_later_one(
    earlier: dict[str, Any], later: dict[str, Any], hidden: bool
) -> None:
    assert hides(read_match(earlier), read_match(later)) is hidden


def test_only_a_match_without_conditions_matches_all() -> None:
    assert matches_all(Match())
    assert not matches_all(read_match({"name": "*"}))
