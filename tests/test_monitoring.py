"""docs/monitoring: the rules, their tests, the runbook and the dashboard fit what is really exported."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Semaphore
from typing import Any
from urllib.parse import urlencode

import pytest

from daemon.host import metrics_server
from daemon.host.exposition import CONTENT_TYPE, text_of_process
from daemon.host.listening import bound
from daemon.host.metrics_server import MetricsServer, Reading
from tests.support.fakes import LONG
from tests.support.metrics import samples, whole
from tests.support.paths import ROOT
from tests.support.promtool import complaints, needs_promtool

HERE = ROOT / "docs" / "monitoring"
RULES = (HERE / "rules.yml").read_text("utf-8")
TESTS = (HERE / "rules-test.yml").read_text("utf-8")
DASHBOARD: dict[str, Any] = json.loads((HERE / "dashboard.json").read_text("utf-8"))
ALERTS = re.findall(r"(?m)^      - alert: (\w+)$", RULES)
OTHERS = {"up", "node_textfile_mtime_seconds"}
"""Figures of Prometheus and of node_exporter."""
ADDED = {"job", "instance", "le"}
"""Labels that Prometheus adds, or that belong to the format."""


def exported() -> dict[str, set[str]]:
    """The labels of each name that is exported."""
    found: dict[str, set[str]] = {}
    for text in (whole(), text_of_process()):
        for name, labels in samples(text):
            found.setdefault(name, set()).update(label for label, _ in labels)
    return found


def queries() -> dict[str, str]:
    """Each query of the dashboard, by its panel and number."""
    return {
        f"{panel['title']}, {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    }


def expressions() -> dict[str, str]:
    """Those of the rules."""
    parts = re.split(r"(?m)^      - alert: ", RULES)[1:]
    return {part.partition("\n")[0]: part.partition("expr: ")[2].partition("\n        for:")[0] for part in parts}


def unknown(query: str) -> set[str]:
    """The names and labels that a query uses and nobody exports."""
    names, found = exported(), set[str]()
    for name, selected in re.findall(r"\b((?:betterstack_signl4|process|node|up)\w*)\b(?:\{([^}]*)\})?", query):
        short = name.removeprefix("betterstack_signl4_")
        if name in OTHERS:
            continue
        if short not in names or (name == short) is not name.startswith("process"):
            found.add(name)
            continue
        labels = set(re.findall(r"(\w+)\s*[=!]", selected))
        grouped = {label for group in re.findall(r"\bby \(([^)]*)\)", query) for label in re.findall(r"\w+", group)}
        found |= {f"{name}{{{label}}}" for label in (labels | grouped) - names[short] - ADDED}
    return found


@pytest.mark.parametrize("where", [*expressions(), *queries()])
def test_every_name_and_label_of_a_query_is_exported(where: str) -> None:
    assert unknown((expressions() | queries())[where]) == set()


def test_a_name_or_a_label_that_is_not_exported_is_noticed() -> None:
    assert unknown("rate(betterstack_signl4_rounds_total[5m])") == {"betterstack_signl4_rounds_total"}
    assert unknown('betterstack_signl4_open_incidents{team="x"}') == {"betterstack_signl4_open_incidents{team}"}
    assert unknown("sum by (kind) (betterstack_signl4_healthy)") == {"betterstack_signl4_healthy{kind}"}
    assert unknown("process_nothing_bytes") == {"process_nothing_bytes"}


def test_the_labels_of_legends_and_sentences_are_those_of_their_queries() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert re.search(rf"by \([^)]*\b{label}\b", target["expr"]), (panel["title"], label)


@needs_promtool
def test_promtool_has_nothing_to_say_against_the_rules() -> None:
    assert complaints("check", "rules", "--lint-fatal", HERE / "rules.yml") == ""


@needs_promtool
def test_the_rules_fire_when_they_should_and_only_then() -> None:
    assert complaints("test", "rules", HERE / "rules-test.yml") == ""


def test_each_rule_is_tested_both_ways_and_has_its_section() -> None:
    runbook = (HERE / "runbook.md").read_text("utf-8")
    assert len(ALERTS) == RULES.count("alert:")
    for alert in ALERTS:
        for what in ("fires", "is quiet"):
            assert f"name: {alert} {what}\n" in TESTS, f"{alert} {what}"
        assert f"\n## {alert}\n" in runbook, alert
        assert f"runbook.md#{alert.lower()}\n" in RULES, alert
    assert re.findall(r"(?m)^## (\w+)$", runbook) == ALERTS


def test_the_page_names_every_figure_and_its_labels() -> None:
    page = (HERE / "README.md").read_text("utf-8").partition("## What there is")[2]
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    told = {name: set(re.findall(r"`(\w+)`", row[2])) for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    ours = {
        re.sub("_(bucket|sum|count)$", "", name): labels - ADDED
        for name, labels in exported().items()
        if not name.startswith("process")
    }
    assert told == ours


def test_the_panels_lie_beside_each_other() -> None:
    taken = set[tuple[int, int]]()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


# -- through a real Prometheus ----------------------------------------------------------------------------------------


@contextmanager
def prometheus(directory: Path, scraped: str) -> Iterator[int]:
    """One that reads this address every 100 ms; its port."""
    config = directory / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "100ms", "scrape_timeout": "100ms"},
                "scrape_configs": [
                    {"job_name": "betterstack-signl4", "static_configs": [{"targets": [scraped]}]},
                ],
                "rule_files": [str(HERE / "rules.yml")],
            }
        )
    )
    listener = bound("127.0.0.1:0")
    port: int = listener.getsockname()[1]
    listener.close()
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
        try:
            yield port
        finally:
            process.terminate()
            process.wait(LONG)


def asked(port: int, query: str) -> list[Any]:
    """The results of a query."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        connection.request("GET", f"/api/v1/query?{urlencode({'query': query})}")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert answer["status"] == "success", (query, answer)
    found: list[Any] = answer["data"]["result"]
    return found


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is missing: apt install prometheus")
def test_every_query_has_an_answer_in_a_real_prometheus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "FRESH", -1.0)  # each time that it reads counts
    text = whole() + text_of_process()
    often = Semaphore(0)

    def read() -> Reading:
        often.release()
        return Reading(text, CONTENT_TYPE, ())

    server = MetricsServer(bound("127.0.0.1:0"), read)
    server.start()
    try:
        with prometheus(tmp_path, server.address) as port:
            for _ in range(8):  # a rate needs two
                assert often.acquire(timeout=LONG), (tmp_path / "log").read_text()
            told = {"$job": "betterstack-signl4", "$instance": ".*", "$__rate_interval": "5m"}
            for where, query in queries().items():
                for name, stands_for in told.items():
                    query = query.replace(name, stands_for)  # noqa: PLW2901 - as Grafana does
                assert asked(port, query), where
    finally:
        server.close()
