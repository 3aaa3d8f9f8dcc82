"""A running sandbox, and a client that is let in at its Better Stack."""

from collections.abc import Iterator

import httpx
import pytest

from daemon.sandbox.server import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as client:
        yield client


def client_of(sandbox: Sandbox) -> httpx.Client:
    """Carries the token."""
    headers = {"Authorization": f"Bearer {sandbox.betterstack.token}"}
    return httpx.Client(base_url=sandbox.betterstack.url, headers=headers, timeout=5, verify=False)
