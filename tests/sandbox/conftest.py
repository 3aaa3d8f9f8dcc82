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


def tell(sandbox: Sandbox, external_id: str = "1", status: str = "new", *, timeout: float = 5.0) -> httpx.Response:
    url = f"{sandbox.signl4.url}/webhook/{sandbox.signl4.secret}"
    payload = {"Title": "Shop", "X-S4-ExternalID": external_id, "X-S4-Status": status}
    return httpx.post(url, json=payload, timeout=timeout, verify=False)
