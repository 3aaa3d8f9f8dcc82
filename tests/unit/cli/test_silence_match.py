"""`--match`: what is made of it, what is refused, and how people read it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cli.silence_match import as_table, described
from daemon.config.match import FIELDS, read_match
from tests.support.each import each

POLL = "betterstack-signl4-alarm-poll"

TABLES: list[tuple[list[str], dict[str, Any], str]] = [
    (["name=db-*"], {"name": "db-*"}, 'name "db-*"'),
    (["name=db-*", "cause=*503*"], {"name": "db-*", "cause": "*503*"}, 'name "db-*", cause "*503*"'),
    (["name=a", "url=x", "name=b"], {"name": ["a", "b"], "url": "x"}, 'name "a" or "b", url "x"'),
    (["name!=a"], {"name": {"not": "a"}}, 'name not "a"'),
    (["name!=a", "name!=b"], {"name": {"not": ["a", "b"]}}, 'name not "a" nor "b"'),
    (["name=a=b!=c"], {"name": "a=b!=c"}, 'name "a=b!=c"'),
    (["cause=/^(4|5)../"], {"cause": "/^(4|5)../"}, 'cause "/^(4|5)../"'),
    (["metadata.Region=eu"], {"metadata": {"Region": "eu"}}, 'metadata.Region "eu"'),
    (
        ["metadata.a.b c=1", "name=x", "metadata.Region!=eu"],
        {"metadata": {"a.b c": "1", "Region": {"not": "eu"}}, "name": "x"},
        'metadata.a.b c "1", metadata.Region not "eu", name "x"',
    ),
    (["call=true", "email!=false"], {"call": True, "email": {"not": False}}, "call true, email not false"),
    (["source_id=17", "source=monitor"], {"source_id": "17", "source": "monitor"}, 'source_id "17", source "monitor"'),
    ([f"alarm={POLL}"], {"alarm": POLL}, f'alarm "{POLL}"'),
]


@each(("conditions", "table", "words"), TABLES)
def test_it_becomes_the_match_of_a_route(conditions: list[str], table: dict[str, Any], words: str) -> None:
    assert as_table(conditions) == table
    assert described(table) == words
    if "alarm" not in table:
        read_match(json.loads(json.dumps(table)))


REFUSED: list[tuple[list[str], str]] = [
    ([], "needs a --match, like --match name='db-*'; --match name='*' silences all"),
    (["db-*"], "'db-*' is no condition; write it like name='db-*'"),
    (["=db-*"], "is no condition"),
    (["!=db-*"], "is no condition"),
    (["name=a", "name!=b"], "name is given with = and with !=; keep one of them"),
    (["nmae=a"], "match.nmae is not a known key; the nearest is match.name"),
    (["name.first=a"], "match.name.first is not a known key"),
    (["metadata=a"], "metadata needs a key, as in metadata.Region=eu"),
    (["metadata.=a"], "metadata needs a key"),
    (["call=yes"], "call is either true or false, as in call=true"),
    (["name=/(/"], "match.name"),
    (["alarm=poll"], f"alarm stands alone and is the whole id of one alarm, one of {POLL}"),
    ([f"alarm={POLL}*"], "alarm stands alone"),
    ([f"alarm!={POLL}"], "alarm stands alone"),
    (["alarm=betterstack-signl4-alarm-state"], "alarm stands alone"),
    ([f"alarm={POLL}", f"alarm={POLL}"], "alarm stands alone"),
    ([f"alarm={POLL}", "name=*"], "alarm stands alone"),
]


@each(("conditions", "sentence"), REFUSED)
def test_what_is_no_match_is_refused_with_the_mend(conditions: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        as_table(conditions)
    assert sentence in str(refused.value)


CONDITION = st.builds(
    "{}{}{}".format, st.sampled_from([*FIELDS, "metadata.Region", "alarm"]), st.sampled_from(["=", "!="]), st.text()
)


@given(st.lists(st.one_of(CONDITION, st.text()), max_size=4))
def test_whatever_is_given_is_a_match_or_a_sentence(conditions: list[str]) -> None:
    try:
        table = as_table(conditions)
    except ValueError:
        return
    assert json.loads(json.dumps(table)) == table
    assert described(table)
    assert table.keys() == {"alarm"} or read_match(table).conditions
