"""The pages that speak of the tests say what the tests say."""

import re

import pytest

from tests.support.reliability_page import PAGE, TABLES, table, written

ROOT = PAGE.parent.parent


def test_the_page_holds_the_tables_of_the_tests() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "write it anew with: python -m tests.support.reliability_page"


@pytest.mark.parametrize("name", TABLES)
def test_every_row_says_what_happens(name: str) -> None:
    assert table(name) in PAGE.read_text("utf-8")
    assert all(fault and case.expected for fault, case in TABLES[name].items())


def test_every_mutation_tried_names_tests_that_there_are() -> None:
    page = (ROOT / "docs" / "mutations.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert len(named) > 30
    assert [(file, name) for file, name in named if f"def {name}" not in (ROOT / file).read_text("utf-8")] == []
