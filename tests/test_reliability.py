"""The page on reliability says what the tests say."""

import pytest

from tests.reliability import PAGE, TABLES, table, written


def test_the_page_holds_the_tables_of_the_tests() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "write it anew with: python -m tests.reliability"


@pytest.mark.parametrize("name", TABLES)
def test_every_row_says_what_happens(name: str) -> None:
    assert table(name) in PAGE.read_text("utf-8")
    assert all(fault and case.expected for fault, case in TABLES[name].items())
