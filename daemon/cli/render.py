"""Output for people. Loads Rich, which `run` never does.

Text from outside is printed without control characters, and never interpreted as markup.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.decisions.health import TOLERATED_SKEW, Health, age
from daemon.model.printable import printable
from daemon.model.snapshot import Holder

_STYLES = {"pending": "yellow", "dead": "bold red", "delivered": "green", "open": "bold", "acknowledged": "cyan"}


def spelled_as_json(value: object) -> str:
    """JSON for programs: times in ISO 8601, and only ASCII, which any pipe can encode."""
    return json.dumps(value, indent=2, default=_spelled)


def _spelled(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def show_status(report: Health) -> None:
    """`status` for people."""
    console = Console(highlight=False, soft_wrap=True)
    healthy = report.healthy
    console.print(Text("healthy" if healthy else "NOT HEALTHY", "bold green" if healthy else "bold red"))
    for problem in report.problems:
        console.print(plain(f"  - {problem}"))
    console.print(plain(f"process               {_process(report.process)}"))
    last = report.last_complete_round_at
    oldest = report.oldest_pending_seconds
    console.print(plain(f"last complete round   {_when(last)}"))
    console.print(plain(f"last round error      {report.last_round_error or 'none'}"))
    console.print(plain(f"open incidents        {report.open_incidents}"))
    waiting = "" if oldest is None else f", the oldest for {oldest} s"
    queue = report.queue_seconds
    lasts = f"; at SIGNL4's limit they need {_span(queue)}" if queue else ""
    console.print(plain(f"pending deliveries    {report.pending_deliveries}{waiting}{lasts}"))
    console.print(plain(f"dead deliveries       {report.dead_deliveries}"))
    skew = report.clock_ahead_seconds or 0
    if abs(skew) > TOLERATED_SKEW.total_seconds():
        ahead = "ahead of" if skew > 0 else "behind"
        console.print(plain(f"clock                 {_span(abs(skew))} {ahead} Better Stack's; look at: timedatectl"))


def _process(holder: Holder | None) -> str:
    if holder is None:
        return "none"
    version = "" if holder.version is None else f", version {holder.version}"
    since = holder.since
    began = "" if since is None else f", since {since:%Y-%m-%d %H:%M:%S} UTC ({_when(since)})"
    return f"{holder.pid}{version}{began}"


def show_incidents(rows: Iterable[Mapping[str, Any]]) -> None:
    """`incidents` for people."""
    table = _table("incident", "phase", "gen.", "name", "cause", "started", "changed")
    for row in rows:
        phase = Text(row["phase"], _STYLES.get(row["phase"], ""))
        generation = str(row["generation"]) if row["told"] else f"{row['generation']} (silent)"
        times = (_when(row["started_at"]), _when(row["changed_at"]))
        table.add_row(plain(row["id"]), phase, generation, plain(row["name"]), plain(row["cause"]), *times)
    _print(table)


def show_deliveries(rows: Iterable[Mapping[str, Any]]) -> None:
    """`deliveries` for people."""
    table = _table("id", "incident", "kind", "state", "tries", "created", "SIGNL4's event", "why, and last error")
    for row in rows:
        state = Text(row["state"], _STYLES.get(row["state"], ""))
        remark = "; ".join(filter(None, [row["reason"], row["last_error"]]))
        event_id = plain((row["event_id"] or "")[-12:])
        table.add_row(
            str(row["id"]),
            plain(row["incident_id"]),
            row["kind"],
            state,
            str(row["attempts"]),
            _when(row["created_at"]),
            event_id,
            plain(remark),
        )
    _print(table)


def plain(text: str) -> Text:
    """Text from outside, safe for a terminal and never interpreted as markup."""
    return Text(printable(text))


def _when(moment: datetime | None) -> str:
    return "never" if moment is None else f"{age(moment, datetime.now(UTC))} ago"


def _span(seconds: int) -> str:
    now = datetime.now(UTC)
    return age(now - timedelta(seconds=seconds), now)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _print(table: Table) -> None:
    if table.row_count:
        Console(highlight=False).print(table)
    else:
        Console(highlight=False).print("none")
