"""Whether a match leaves anything for those that come after it."""

from itertools import combinations, product
from typing import Any

from daemon.config.hidden import hides, matches_all
from daemon.config.match import Condition, Match, read_match
from tests.support.each import each
from tests.support.matches import meets


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
