"""The browser that all of them share."""

from collections.abc import Iterator

import pytest

from tests.support.browser import CHROMIUM, Browser, opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with opened() as browser:
        yield browser
