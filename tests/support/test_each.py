"""A loop in place of parametrized cases leaves none of them out, and says which one fails."""

import pytest

from tests.support.each import each


def test_every_case_is_tried_once_and_what_fixtures_give_is_passed_on() -> None:
    tried = []

    @each("letter", "ab")
    @each(("number", "text"), [(1, "one"), (2, "two")])
    def product(fixture: int, letter: str, number: int, text: str) -> None:
        tried.append((fixture, letter, number, text))

    product(fixture=7)
    assert tried == [(7, "a", 1, "one"), (7, "a", 2, "two"), (7, "b", 1, "one"), (7, "b", 2, "two")]


def test_the_case_that_fails_is_named() -> None:
    @each("letter", "ab")
    @each("number", [1, 2], ids=["first", "second"])
    def broken(letter: str, number: int) -> None:
        if (letter, number) == ("b", 2):
            pytest.fail("it did not raise")

    with pytest.raises(pytest.fail.Exception) as caught:
        broken()
    assert caught.value.__notes__ == ["the case: second", "the case: {'letter': 'b'}"]


def test_a_loop_without_cases_or_without_a_use_for_them_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="without a case"):
        each("letter", [])
    with pytest.raises(AssertionError, match="takes each of them"):
        each("letter", "ab")(lambda number: None)
