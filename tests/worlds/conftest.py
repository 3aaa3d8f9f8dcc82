"""In these worlds a few deliveries make a storm, so that what is done only in storms is done here, too."""

import pytest

from daemon import due_list


@pytest.fixture(autouse=True)
def _stormy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_list, "MANY", 2)
