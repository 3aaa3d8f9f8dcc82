"""Metadata of any size and depth: what one incident carries costs neither the memory nor the alerts of the others."""

import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.payload import Templates
from daemon.model.errors import ConfigError
from daemon.model.incident import Kind
from tests.support.values import incident, settings

FEW = st.text("aA b-$N.", max_size=5)


def rendered(text: str, metadata: Any) -> str:
    templates = Templates(settings(payload={"new": {"Title": "x", "Text": f"| {text}"}}))
    body = templates.payload(Kind.NEW, incident(name="Shop", metadata=metadata), "7")
    return str(body["Text"]).removeprefix("| ")


@pytest.mark.parametrize(("text", "shown"), [("$METADATA.Key 49999 of many!", "x!"), ("$METADATA.no-such-key.", ".")])
def test_fifty_thousand_keys_take_no_memory(text: str, shown: str) -> None:
    metadata = {f"Key {number} of many": [{"type": "String", "value": "x"}] for number in range(50_000)}
    templates = Templates(settings(payload={"new": {"Title": "$NAME", "Text": f"on {text}"}}))
    one = incident(metadata=metadata)
    tracemalloc.start()
    try:
        body = templates.payload(Kind.NEW, one, "7")
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert body["Text"] == f"on {shown}"


@given(st.dictionaries(FEW, st.just("x"), max_size=4), st.lists(FEW | st.just("$METADATA.") | st.just("$NAME")))
def test_the_key_is_the_longest_one_whatever_keys_and_texts_look_like(
    metadata: dict[str, str], parts: list[str]
) -> None:
    """The rule, said as a pattern of all keys."""
    text = "".join(parts)
    try:
        shown = rendered(text, metadata)
    except ConfigError:
        told = r"\$METADATA\.(?![\w-])|\$NAME(?=[AN]+(?![ANab]))"
        assert re.search(told, text), "a key is missing, or a name is misspelt: told where templates are read"
        return
    keys = [re.escape(key) for key in sorted(metadata, key=len, reverse=True) if key]
    pattern = rf"\$(?:METADATA\.({'|'.join([*keys, '[A-Za-z0-9_-]+'])})|NAME(?![AN]+(?![ANab])))"
    assert shown == re.sub(pattern, lambda found: metadata.get(found[1], "") if found[1] else "Shop", f"| {text}")[2:]


EMPTY = '> [{"key":"deep","values":[{"type":"String","value":""}]}]'


@pytest.mark.parametrize(
    ("placeholder", "shown"), [("$METADATA_ARRAY", EMPTY), ("$METADATA.deep", "> "), ("$RESPONSE_CONTENT", "> ")]
)
def test_what_is_nested_too_deeply_to_be_written_is_left_out(placeholder: str, shown: str) -> None:
    deep: list[Any] = []
    for _ in range(100_000):  # how deep Python goes differs from one version to the next
        deep = [deep]
    templates = Templates(settings(payload={"new": {"Title": "$NAME", "Text": f"> {placeholder}"}}))
    body = templates.payload(Kind.NEW, incident(metadata={"deep": [deep]}, response_content=deep), "7")
    assert (body["Title"], body["Text"]) == ("Shop front page", shown)
