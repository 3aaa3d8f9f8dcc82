"""`NO_PROXY` is read as curl reads it: one table, tried with the service's own reading and with a real curl."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

import pytest

from daemon.clients.proxy import bypassed, proxy_for
from daemon.config.settings import HttpSection
from daemon.model.secret import Secret
from tests.support.each import each
from tests.support.listener import Listener, after_request, answering, listening, ok, says
from tests.support.no_proxy_cases import ADDRESS, BLANK_CASES, NAME, NO_PROXY_CASES

PROXY = "http://proxy.test:3128"
VARIABLES = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@each(("no_proxy", "host", "expected"), NO_PROXY_CASES + BLANK_CASES)
def test_the_service_reads_it_as_the_table_says(no_proxy: str, host: str, expected: bool) -> None:
    assert bypassed(urlsplit(f"https://{host}").hostname or "", no_proxy) is expected


@pytest.fixture(scope="module")
def direct() -> Iterator[Listener]:
    with listening(answering(ok(b"direct", b"Connection: close"))) as server:
        yield server


@pytest.fixture(scope="module")
def refusing() -> Iterator[Listener]:
    with listening(
        after_request(says(b"HTTP/1.1 503 No\r\nContent-Length: 5\r\nConnection: close\r\n\r\nproxy"))
    ) as proxy:
        yield proxy


def curl_goes_direct(url: str, direct: Listener, **environment: str) -> bool:
    """Whether the curl that is installed takes no proxy to the URL. Wherever that leads, loopback is connected to."""
    if (curl := shutil.which("curl")) is None:
        pytest.skip("there is no curl")
    to = f"::127.0.0.1:{direct.port}"
    line = [curl, "--disable", "--silent", "--max-time", "10", "--connect-to", to, url]
    done = subprocess.run(
        line, env={"PATH": os.environ["PATH"], **environment}, check=False, capture_output=True, text=True
    )
    assert done.returncode in {0, 5, 7, 56}, done  # a proxy that opens no tunnel is 56, and 7 in newer ones
    return done.stdout == "direct"


@cache
def curl_version() -> tuple[int, ...]:
    if (curl := shutil.which("curl")) is None:
        return ()
    said = subprocess.run([curl, "--version"], check=True, capture_output=True, text=True).stdout
    return tuple(map(int, re.findall(r"\d+", said.split()[1])[:2]))


OF_CURL = [case for case in NO_PROXY_CASES if case[1] == NAME or curl_version() <= (8, 14)]
"""The curl of Debian 12 and 13 is the measure. A newer one compares addresses in another way (seen in 8.23)."""


@each(("no_proxy", "host", "expected"), OF_CURL + (BLANK_CASES if curl_version() < (8,) else []))
def test_so_does_curl(direct: Listener, refusing: Listener, no_proxy: str, host: str, expected: bool) -> None:
    environment = {"http_proxy": refusing.url, "NO_PROXY": no_proxy}
    assert curl_goes_direct(f"http://{host}/", direct, **environment) is expected


ENVIRONMENTS: list[tuple[dict[str, str], str | None]] = [
    ({}, None),
    ({"http_proxy": PROXY}, "http_proxy"),
    ({"HTTP_PROXY": PROXY}, None),
    ({"https_proxy": PROXY}, None),
    ({"all_proxy": PROXY}, "all_proxy"),
    ({"ALL_PROXY": PROXY}, "ALL_PROXY"),
    ({"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, "ALL_PROXY"),
    ({"http_proxy": "", "all_proxy": PROXY}, "all_proxy"),
    ({"http_proxy": PROXY, "all_proxy": "http://other.test"}, "http_proxy"),
    ({"all_proxy": PROXY, "ALL_PROXY": "http://other.test"}, "all_proxy"),
    ({"Http_Proxy": PROXY}, None),
    ({"http_proxy": PROXY, "no_proxy": "example.com"}, None),
    ({"http_proxy": PROXY, "NO_PROXY": "example.com"}, None),
    ({"http_proxy": PROXY, "no_proxy": "other", "NO_PROXY": "example.com"}, "http_proxy"),
    ({"http_proxy": PROXY, "no_proxy": "", "NO_PROXY": "example.com"}, None),
    ({"http_proxy": PROXY, "No_Proxy": "example.com"}, "http_proxy"),
]
"""Variables, and which of them names the proxy to a service that is reached without TLS."""


@pytest.mark.parametrize(("environment", "named_by"), ENVIRONMENTS, ids=repr)
def test_the_variables_are_those_of_curl(
    monkeypatch: pytest.MonkeyPatch,
    direct: Listener,
    refusing: Listener,
    environment: dict[str, str],
    named_by: str | None,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for(f"http://{NAME}", HttpSection())
    assert (proxy.named_by if proxy else None) == named_by
    at = {name: value.replace(PROXY, refusing.url) for name, value in environment.items()}
    assert curl_goes_direct(f"http://{NAME}/", direct, **at) is (named_by is None)


@pytest.mark.parametrize(
    ("environment", "named_by"),
    [
        ({"HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other.test"}, "https_proxy"),
        ({"https_proxy": "", "HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"http_proxy": PROXY}, None),
    ],
    ids=repr,
)
def test_over_tls_there_is_one_in_capitals_too(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named_by: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for(f"https://{NAME}", HttpSection())
    assert (proxy.named_by if proxy else None) == named_by


def test_the_setting_is_bypassed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")
    assert proxy_for(f"https://{ADDRESS}", HttpSection(proxy=Secret(PROXY))) is None
