"""The table `match`: what it may hold, what is said of anything else, and how it is written again."""

import json
import pickle
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.match import FIELDS, FLAGS, Condition, Match, as_table, read_match
from tests.support.each import each

READ: list[tuple[dict[str, Any], list[tuple[str, Condition]]]] = [
    ({}, []),
    ({"name": "db-*"}, [("name", Condition(("db-*",)))]),
    ({"name": ["db-*", "/^web/"]}, [("name", Condition(("db-*", "/^web/")))]),
    ({"name": {"not": "db-*"}}, [("name", Condition(("db-*",), negated=True))]),
    ({"name": {"not": ["a", "b"]}}, [("name", Condition(("a", "b"), negated=True))]),
    ({"call": True, "push": False}, [("call", Condition(("true",))), ("push", Condition(("false",)))]),
    ({"sms": {"not": True}}, [("sms", Condition(("true",), negated=True))]),
    ({"kind": ["monitor", "h*"]}, [("kind", Condition(("monitor", "h*")))]),
    ({"source": "Heart*", "source_id": 77}, [("source", Condition(("Heart*",))), ("source_id", Condition(("77",)))]),
    ({"escalation_policy_id": [12, "13"]}, [("escalation_policy_id", Condition(("12", "13")))]),
    ({"metadata": {"Response code": "5*", "not": "a"}, "url": "*"}, [
        ("metadata.Response code", Condition(("5*",))), ("metadata.not", Condition(("a",))), ("url", Condition(("*",))),
    ]),
]  # fmt: skip


@each(("table", "conditions"), READ)
def test_what_a_match_is_read_as(table: dict[str, Any], conditions: list[tuple[str, Condition]]) -> None:
    assert read_match(table) == Match(tuple(conditions))


MISTAKES: list[tuple[object, str]] = [
    ("db-*", "match is not a table; write it like match = {"),
    ({"nme": "a"}, "match.nme is not a known key; the nearest is match.name"),
    ({"Name": "a"}, "match.Name is not a known key; the nearest is match.name"),
    ({"metadat": {}}, "match.metadat is not a known key; the nearest is match.metadata"),
    ({"xyzq": "a"}, "match.xyzq is not a known key; the keys of match are kind, name, "),
    ({"name": ""}, "match.name ('') is empty; "),
    ({"name": 3}, "match.name ('3') is not a text; "),
    ({"name": True}, "match.name ('True') is not a text; "),
    ({"source_id": True}, "match.source_id ('True') is not a text; "),
    ({"name": ["a", "/(/"]}, "match.name ('/(/') is not understood: 'missing ): ('; "),
    ({"name": [["a"]]}, "match.name (\"['a']\") is not a text; "),
    ({"name": []}, "match.name is an empty list, which nothing matches; "),
    ({"name": {"not": []}}, "match.name is an empty list, which nothing matches; "),
    ({"name": {}}, "match.name is a table without not, or with more; "),
    ({"name": {"no": "a"}}, "match.name is a table without not, or with more; "),
    ({"name": {"not": "a", "or": "b"}}, "match.name is a table without not, or with more; "),
    ({"name": {"not": {"not": "a"}}}, "match.name (\"{'not': 'a'}\") is not a text; "),
    ({"call": "true"}, "match.call ('true') is neither true nor false; "),
    ({"call": [True]}, "match.call ('[True]') is neither true nor false; "),
    ({"call": {"not": 1}}, "match.call ('1') is neither true nor false; "),
    ({"source": "monitr"}, "match.source ('monitr') is no source; take monitor, heartbeat or integration"),
    ({"kind": "monitors"}, "match.kind ('monitors') is no kind; take incident, monitor or heartbeat"),
    ({"kind": {"not": "x*"}}, "match.kind ('x*') is no kind; take incident, monitor or heartbeat"),
    ({"metadata": {}}, "match.metadata names no key; "),
    ({"metadata": "eu"}, "match.metadata names no key; "),
    ({"metadata": {"Region": ""}}, "match.metadata.Region ('') is empty; "),
]


@each(("table", "sentence"), MISTAKES)
def test_what_is_no_match_is_refused_with_the_fix(table: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        read_match(table)
    assert str(caught.value).startswith(sentence)


def or_not(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Such a value as it is, and in its negated form."""
    return values | st.fixed_dictionaries({"not": values})


PATTERN = st.sampled_from(["db-*", "*", "/^db/", "[!a]", "7", "[/]x"])
VALUE = or_not(PATTERN | st.lists(PATTERN, min_size=1, max_size=3))
TABLES = st.fixed_dictionaries(
    {},
    optional={
        **{
            field: or_not(st.booleans()) if field in FLAGS else VALUE
            for field in FIELDS
            if field not in {"kind", "source"}
        },
        "source": or_not(st.sampled_from(["monitor", "*b*", "/^integration$/"])),
        "kind": or_not(st.sampled_from(["incident", "*t*", "/^(monitor|heartbeat)$/"])),
        "metadata": st.dictionaries(st.sampled_from(["Region", "a.b", "not", ""]), VALUE, min_size=1),
    },
)


@given(TABLES)
def test_a_match_survives_being_written_and_being_handed_over(table: dict[str, Any]) -> None:
    match = read_match(table)
    assert read_match(json.loads(json.dumps(as_table(match)))) == match
    assert pickle.loads(pickle.dumps(match)) == match
    assert hash(match) == hash(read_match(table))
