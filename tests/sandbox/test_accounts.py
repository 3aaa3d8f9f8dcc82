"""Further accounts of Better Stack: each token sees the incidents of its own team, and no other does."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from daemon.sandbox.betterstack import LIST, TOKEN
from daemon.sandbox.server import Sandbox
from tests.sandbox.test_commands import Typist

TEAMS = ("Operations", "acme", "globex")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=("acme", "globex")) as sandbox:
        yield sandbox


def ask(sandbox: Sandbox, token: str, path: str = LIST, method: str = "GET") -> httpx.Response:
    address, headers = f"{sandbox.betterstack.url}{path}", {"Authorization": f"Bearer {token}"}
    return httpx.request(method, address, headers=headers, verify=False)


def ids(answer: httpx.Response) -> list[str]:
    data: list[dict[str, Any]] = answer.json()["data"]
    return [one["id"] for one in data]


def test_each_token_sees_its_own_team(sandbox: Sandbox) -> None:
    opened = [sandbox.world.open("Shop", team_name=team) for team in TEAMS]
    tokens = [TOKEN, f"{TOKEN}-acme", f"{TOKEN}-globex"]
    for number, token in enumerate(tokens):
        assert ids(ask(sandbox, token)) == [opened[number]]
        found = [ask(sandbox, token, f"{LIST}/{one}").status_code for one in opened]
        assert found == [200 if other == number else 404 for other in range(3)]
    assert ask(sandbox, f"{TOKEN}-acme", f"{LIST}/{opened[2]}/resolve", "POST").status_code == 404
    assert ask(sandbox, f"{TOKEN}-acme", f"{LIST}/{opened[1]}/resolve", "POST").status_code == 200
    assert ask(sandbox, f"{TOKEN}-initech").status_code == 401


def test_without_further_accounts_the_token_sees_all() -> None:
    with Sandbox() as sandbox:
        opened = [sandbox.world.open("Shop", team_name=team) for team in TEAMS]
        assert sorted(ids(ask(sandbox, TOKEN))) == sorted(opened)


def test_the_daemon_is_pointed_at_each(sandbox: Sandbox) -> None:
    given = sandbox.environment()
    assert given["SOURCE__ACME__TOKEN"] == f"{TOKEN}-acme"
    assert given["SOURCE__GLOBEX__BASE_URL"] == sandbox.betterstack.url


def test_who_types_opens_an_incident_of_any(sandbox: Sandbox) -> None:
    typist = Typist(sandbox)
    typist.types("open Shop @acme", "open Mail", "open @nobody")
    found = {one.attributes["name"]: one.team_name for one in sandbox.world.records_as_of(None)}
    assert found == {"Shop": "acme", "Mail": "Operations", "@nobody": "Operations"}
