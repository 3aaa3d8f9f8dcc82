"""The whole table, by subject."""

from tests.mutations import (
    clients,
    copies,
    decisions,
    dry_run,
    flows,
    history,
    host,
    listings,
    rules,
    runtime,
    sandbox,
    silences,
    storage,
    systemd,
    telling,
    windows,
)

TABLES = {
    "The flows": flows.ROWS,
    "The decisions": decisions.ROWS,
    "Who is told, and what waits": telling.ROWS,
    "Times and windows": windows.ROWS,
    "The rules": rules.ROWS,
    "The database": storage.ROWS,
    "The listings": listings.ROWS,
    "The silences": silences.ROWS,
    "The history of incidents": history.ROWS,
    "Copies and the log of the database": copies.ROWS,
    "The services and the way to them": clients.ROWS,
    "The machine and the configuration": host.ROWS,
    "The life of the process": runtime.ROWS,
    "The dry run": dry_run.ROWS,
    "The units": systemd.ROWS,
    "The sandbox and the demo": sandbox.ROWS,
}
ALL = tuple(one for rows in TABLES.values() for one in rows)
