"""A secret shows itself only to who asks for it by name."""

import json
import pickle
from dataclasses import asdict, dataclass

import pytest

from daemon.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Holder:
    secret: Secret


def test_it_shows_only_when_it_is_asked_for() -> None:
    secret = Secret("hunter2")
    shown = [str(secret), repr(secret), f"{secret}", str([secret]), str(Holder(secret)), str(asdict(Holder(secret)))]
    assert not [text for text in shown if "hunter2" in text]
    assert secret.reveal() == "hunter2"


def test_it_is_no_json() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret("hunter2"))


def test_two_are_equal_if_their_texts_are() -> None:
    assert Secret("one") == pickle.loads(pickle.dumps(Secret("one")))
    assert Secret("one") != Secret("two")
    assert Secret("one") != "one"
    assert len({Secret("one"), Secret("one"), Secret("two")}) == 2
