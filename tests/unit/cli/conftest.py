"""Both services on loopback, for the commands that ask them."""

from collections.abc import Iterator

import pytest

from daemon.sandbox.server import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox
