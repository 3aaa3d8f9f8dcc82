"""A client that is let in at the sandbox's REST API of SIGNL4."""

from typing import Any

import httpx

from daemon.sandbox.server import Sandbox

LISTS = {"v2": "/api/v2/alerts/paged", "v3": "/api/v3/signls/paged"}


class Rest:
    """Calls the REST API."""

    def __init__(self, sandbox: Sandbox, key: str | None = None) -> None:
        self._url = sandbox.signl4.url
        self._headers = {"X-S4-Api-Key": sandbox.signl4.api.key if key is None else key}

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self._url}{path}", headers=self._headers, verify=False)

    def post(self, path: str, body: object = None) -> httpx.Response:
        return httpx.post(f"{self._url}{path}", headers=self._headers, json=body, verify=False)

    def page(self, version: str, body: object = None, most: int = 100) -> httpx.Response:
        return self.post(f"{LISTS[version]}?userId=1&maxResults={most}", body)

    def ids(self, version: str, **filters: Any) -> list[str]:
        """The external ids of a page."""
        answer = self.page(version, filters)
        return [] if answer.status_code == 204 else [one["externalId"] for one in answer.json()["results"]]
