"""The tables of docs/reliability.md. `python -m tests.support.reliability_page` writes them."""

import re
from collections.abc import Mapping
from typing import Any

from tests.e2e import test_clock, test_machine, test_reload
from tests.faults import (
    test_betterstack_faults,
    test_look_up_faults,
    test_monitor_faults,
    test_network_faults,
    test_page_faults,
    test_signl4_faults,
    test_two_way_faults,
)
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "reliability.md"
TABLES: dict[str, Mapping[str, Any]] = {
    "betterstack": test_betterstack_faults.CASES,
    "signl4": test_signl4_faults.CASES,
    "pages": test_page_faults.CASES,
    "look-ups": test_look_up_faults.CASES,
    "two-way": test_two_way_faults.CASES,
    "monitors": test_monitor_faults.CASES,
    "network": test_network_faults.CASES,
    "machine": test_machine.CASES,
    "clock": test_clock.CASES,
    "reload": test_reload.CASES,
}
PLACE = r"(?s)<!-- {name} -->.*?<!-- end -->"


def table(name: str) -> str:
    """One table: each fault, and what happens then."""
    rows = [f"| {fault} | {case.expected} |" for fault, case in TABLES[name].items()]
    return "\n".join(["| fault | what happens |", "|---|---|", *rows])


def written(page: str) -> str:
    """The page with all tables made anew."""
    for name in TABLES:
        before, after = re.split(PLACE.format(name=name), page, maxsplit=1)
        page = f"{before}<!-- {name} -->\n\n{table(name)}\n\n<!-- end -->{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
