"""Clients that others wrote for the two services, as they are, against the sandbox as a process of its own.

Each has a public place for the address: the base URL that `betterstack-uptime` is given, and `notify_url` of a
notification of Apprise, of which only the host is replaced. Its path, with a slash at the end, is its own.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from apprise.plugins.signl4 import NotifySIGNL4
from betterstack.uptime.api import PaginatedAPI
from betterstack.uptime.auth import BearerAuth
from betterstack.uptime.exceptions import APIError, AuthenticationError, NotFoundError
from betterstack.uptime.objects.incident import Incident

from tests.sandbox.alone import Alone, alone


@pytest.fixture(autouse=True)
def _what_they_log_is_their_own(caplog: pytest.LogCaptureFixture) -> None:
    """Apprise logs the secret at level debug."""
    for name in ("apprise", "urllib3"):
        caplog.set_level(logging.WARNING, name)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Alone]:
    with alone(tmp_path, "--every", "0") as sandbox:
        yield sandbox
        assert sandbox.end()[-1] == "stopped"


@pytest.fixture
def api(sandbox: Alone) -> Iterator[PaginatedAPI]:
    yield from _api(sandbox, sandbox.variables["BETTERSTACK__TOKEN"])


def _api(sandbox: Alone, token: str) -> Iterator[PaginatedAPI]:
    api = PaginatedAPI(f"{sandbox.variables['BETTERSTACK__BASE_URL']}/api/v2/", BearerAuth(token), retries=0)
    with closing(api.session):
        yield api


def test_betterstack_uptime_lists_acknowledges_and_resolves(sandbox: Alone, api: PaginatedAPI) -> None:
    sandbox.types("open Shop front page", "open Mail relay")
    sandbox.until(lambda line: "Mail relay" in line)
    relay, shop = Incident.filter(api, resolved="false")
    assert (relay.name, shop.name, shop.status) == ("Mail relay", "Shop front page", "Started")
    shop.acknowledge(acknowledged_by="jane@example.com")
    assert shop.is_acknowledged
    assert (shop.status, shop.acknowledged_by, shop.is_resolved) == ("Acknowledged", "jane@example.com", False)
    relay.acknowledge()
    shop.resolve(resolved_by="jane@example.com")
    assert shop.is_resolved
    assert [one.id for one in Incident.filter(api, resolved="false")] == [relay.id]
    relay.fetch_data()
    assert relay.status == "Acknowledged"
    line = sandbox.until(lambda line: "resolved" in line)[-1]
    assert line.endswith(f"resolved      {shop.id}  Shop front page  by jane@example.com")


def test_betterstack_uptime_reads_many_pages_at_once(sandbox: Alone, api: PaginatedAPI) -> None:
    sandbox.types(*(f"open incident {number}" for number in range(35)))
    sandbox.until(lambda line: "incident 34" in line)
    assert [one.name for one in Incident.get_all_instances(api)] == [f"incident {n}" for n in reversed(range(35))]


def test_betterstack_uptime_opens_and_deletes(sandbox: Alone, api: PaginatedAPI) -> None:
    incident = Incident.new(api, summary="Disk full", requester_email="jane@example.com")
    assert incident.name == "Disk full"
    incident.delete()
    assert list(Incident.get_all_instances(api)) == []
    with pytest.raises(NotFoundError):
        incident.acknowledge()


def test_betterstack_uptime_understands_the_errors(sandbox: Alone, api: PaginatedAPI) -> None:
    sandbox.types("open Shop", "resolve")
    sandbox.until(lambda line: "resolved" in line)
    [shop] = Incident.get_all_instances(api)
    with pytest.raises(APIError) as conflict:
        shop.resolve()
    assert (conflict.value.status_code, conflict.value.response_body) == (
        409,
        {"errors": "Incident was already resolved"},
    )
    for stranger in _api(sandbox, "another token"):
        with pytest.raises(AuthenticationError):
            list(Incident.get_all_instances(stranger))


def notified(sandbox: Alone, url: str) -> bool:
    """Sends what Apprise makes of a URL of its own kind."""
    parsed = NotifySIGNL4.parse_url(url)
    assert parsed is not None
    sender = NotifySIGNL4(**parsed)
    sender.notify_url = sender.notify_url.replace("https://connect.signl4.com", sandbox.variables["SIGNL4__BASE_URL"])
    assert sender.notify_url.endswith("/webhook/{secret}/")
    return bool(sender.send(body="It does not answer.", title="Shop front page"))


def test_apprise_sends_new_acknowledged_and_resolved(sandbox: Alone) -> None:
    secret = sandbox.variables["SIGNL4__SECRET"]
    for status, more in (("new", "status=new"), ("acknowledged", "action=acknowledge"), ("resolved", "action=resolve")):
        assert notified(sandbox, f"signl4://{secret}/?external_id=7&{more}")
        lines = sandbox.until(lambda line: "eventId" in line)
        assert lines[0].endswith(f"  SIGNL4        {status:<12}  7  Shop front page")
        assert f"  > POST /webhook/{secret}/" in lines
        body = lines[lines.index("  > {") : lines.index("  > }") + 1]
        assert json.loads("".join(line[4:] for line in body))["X-S4-Status"] == status


def test_apprise_is_told_of_a_wrong_secret_and_of_a_fault(sandbox: Alone) -> None:
    assert not notified(sandbox, "signl4://wrong123/")
    assert any("refused: 404" in line for line in sandbox.until(lambda line: "not found" in line))
    sandbox.types("fault signl4 503 1")
    sandbox.until(lambda line: line.startswith("signl4 answers"))
    secret = sandbox.variables["SIGNL4__SECRET"]
    assert [notified(sandbox, f"signl4://{secret}/") for _ in range(2)] == [False, True]
