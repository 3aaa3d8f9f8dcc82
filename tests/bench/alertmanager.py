"""Prometheus Alertmanager as a process: the program that most people would take for such a storm.

It is not the same work. It writes no notification to disk: what it has been told and has not sent yet is gone when it
is killed. It groups: here each alert is a group of its own, so that there is one request for each, and all requests go
at the same time, while a delivery waits for one of four threads. It is handed its alerts in one request, while the
incidents are found in pages of 50 by a poll a second.
"""

import http.client
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.program import Server, running

COMMAND = "prometheus-alertmanager"
MISSING = f"beside Alertmanager: skipped, since {COMMAND} is not installed: apt-get install {COMMAND}"
BEGINS = 30.0
"""Seconds within which it answers after its start."""


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One that runs."""

    pid: int
    port: int

    def fire(self, count: int) -> None:
        """Hands it so many alerts at once, each with what the stand-in says of an incident."""
        now = datetime.now(UTC).isoformat()
        alerts = [
            {
                "labels": {"alertname": f"Shop front page {index}", "incident": str(index), "team": "Shop"},
                "annotations": {"cause": "Status 503", "response_content": "Service unavailable. " * 20},
                "startsAt": now,
                "generatorURL": "https://shop.example.com/",
            }
            for index in range(count)
        ]
        status = self.ask("POST", "/api/v2/alerts", json.dumps(alerts))
        if status != http.client.OK:
            raise RuntimeError(f"Alertmanager answered HTTP {status}")

    def ask(self, method: str, target: str, body: str | None = None) -> int:
        """The status of its answer. Raises `OSError`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, target, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()


def is_installed() -> bool:
    """Whether there is one."""
    return shutil.which(COMMAND) is not None


@contextmanager
def started(directory: Path, server: Server) -> Iterator[Alertmanager]:
    """One that tells the stand-in of each alert at once, alone on this machine, for as long as the block lasts."""
    (directory / "alertmanager.yml").write_text(json.dumps(_configuration(server)))  # JSON is YAML, too
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [COMMAND, "--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address="]
    command.append(f"--web.listen-address=127.0.0.1:{port}")
    with (directory / "log").open("ab") as log, running(command, os.environ, cwd=directory, stderr=log) as process:
        found = Alertmanager(process.pid, port)
        _wait_for(found)
        yield found


def _configuration(server: Server) -> dict[str, object]:
    route = {"receiver": "signl4", "group_by": ["..."], "group_wait": "0s"}
    hook = {"url": f"{server.url}/webhook/secret", "send_resolved": True}
    return {"route": route, "receivers": [{"name": "signl4", "webhook_configs": [hook]}]}


def _wait_for(found: Alertmanager) -> None:
    until = time.monotonic() + BEGINS
    while True:
        try:
            if found.ask("GET", "/-/ready") == http.client.OK:
                return
        except ConnectionRefusedError:
            pass
        if time.monotonic() > until:
            raise TimeoutError(f"{COMMAND} does not answer after {BEGINS:g} s")
        time.sleep(0.05)
