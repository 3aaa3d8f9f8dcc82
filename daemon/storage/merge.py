"""Merges one database into another, so that nothing already delivered is sent again.

1. Of an incident the row that changed last wins. A delivery that either side counts as delivered is delivered.
2. What is known of the present (the progress of polling, the destinations) is that of the later complete round.
3. If that is the source's, an incident that it does not know is over: it was pruned, or over before the source began.
   Nobody is woken for it. Of several accounts that are polled, that goes by the rounds of the one that tracks it.
4. What SIGNL4 said of an alert is what it said last; whether somebody was paged is what was settled last.
5. The silences of both sides are there. One that either side has made to expire is expired.
6. The history of an incident is that of both sides, each entry once; so are the changes of monitors.
7. Of a monitor that both sides know, that of the later complete round counts.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from sqlalchemy import Table

from daemon.storage.monitor_schema import MONITOR_CHANGES, MONITOR_LOOKS, MONITORS
from daemon.storage.schema import ACCOUNTS, DELIVERIES, DESTINATIONS, INCIDENTS, SILENCES
from daemon.storage.source_schema import PROGRESS, UNREADABLE
from daemon.storage.two_way_schema import ALERTS, TWO_WAY

_CHANGED_LATER = "excluded.changed_at >= incidents.changed_at"
_MORE_ADVANCED = (
    "deliveries.state <> 'delivered' AND (excluded.state = 'delivered' OR "
    "coalesce(excluded.attempted_at, '') >= coalesce(deliveries.attempted_at, ''))"
)
_LOOKED_AT_LATER = "excluded.looked_at >= alerts.looked_at"
_OF_THE_PRESENT = (
    (DESTINATIONS, ("name",)),
    (ACCOUNTS, ("name",)),
    (UNREADABLE, ("source", "id")),
    (TWO_WAY, ("id",)),
    (MONITOR_LOOKS, ("id",)),
)
_ROUNDS = "SELECT source, coalesce(last_complete_round_at, '') FROM progress"
_WAITING = """
SELECT DISTINCT incident_id, polled_from, is_alarm FROM deliveries JOIN incidents ON incidents.id = incident_id
WHERE deliveries.state = 'pending'
"""
_OVER = "over, by what was known before the restore"
_GIVE_UP = """
UPDATE deliveries SET state = 'superseded', reason = ?
WHERE state = 'pending' AND incident_id = ? AND (kind <> 'resolved' OR destination = 'Better Stack' OR EXISTS (
    SELECT 1 FROM deliveries AS began WHERE began.kind = 'new' AND began.attempts = 0
    AND began.incident_id = deliveries.incident_id AND began.generation = deliveries.generation
    AND began.destination = deliveries.destination))
RETURNING incident_id, generation, id
"""
"""A team is told of an end all the same, if the beginning may have been told."""
_GIVEN_UP = """
INSERT INTO history (incident_id, generation, delivery_id, at, what, why)
VALUES (?, ?, ?, strftime('%Y-%m-%d %H:%M:%f000', 'now'), 'superseded', ?)
"""
# Each file numbers its deliveries by itself, so an entry is about the one with the same key.
_ENTRIES = """
SELECT history.incident_id, history.generation, kind, destination, at, what, why, seconds
FROM history LEFT JOIN deliveries ON deliveries.id = delivery_id ORDER BY history.id
"""
_ADD_ENTRY = """
WITH entry (incident_id, generation, kind, destination, at, what, why, seconds) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?)),
found AS (
    SELECT entry.*, (SELECT id FROM deliveries WHERE deliveries.incident_id = entry.incident_id
        AND deliveries.generation = entry.generation AND deliveries.kind = entry.kind
        AND deliveries.destination = entry.destination) AS delivery_id
    FROM entry)
INSERT INTO history (incident_id, generation, delivery_id, at, what, why, seconds)
SELECT incident_id, generation, delivery_id, at, what, why, seconds FROM found
WHERE NOT EXISTS (SELECT 1 FROM history WHERE history.incident_id = found.incident_id
    AND history.delivery_id IS found.delivery_id AND history.at = found.at
    AND history.what = found.what AND history.why = found.why)
"""

_CHANGE = ", ".join(column.name for column in MONITOR_CHANGES.columns if column.name != "number")
_CHANGES = f"SELECT {_CHANGE} FROM monitor_changes ORDER BY number"  # noqa: S608 - names of ours
_ADD_CHANGE = f"""
WITH change ({_CHANGE}) AS (VALUES ({", ".join("?" * len(_CHANGE.split()))}))
INSERT INTO monitor_changes ({_CHANGE}) SELECT * FROM change
WHERE NOT EXISTS (SELECT 1 FROM monitor_changes AS known
    WHERE (known.kind, known.id, known.what, known.at, known.detail)
    = (change.kind, change.id, change.what, change.at, change.detail))
"""  # noqa: S608 - names of ours
_PROOFS = """
SELECT page_proofs.incident_id, page_proofs.generation, destination, asked, page_proofs.due_at, verdict, why
FROM page_proofs JOIN deliveries ON deliveries.id = delivery_id ORDER BY delivery_id
"""
_PUT_PROOF = """
WITH proof (incident_id, generation, destination, asked, due_at, verdict, why) AS (VALUES (?, ?, ?, ?, ?, ?, ?))
INSERT INTO page_proofs (delivery_id, incident_id, generation, asked, due_at, verdict, why)
SELECT deliveries.id, proof.incident_id, proof.generation, asked, proof.due_at, verdict, why
FROM proof JOIN deliveries ON deliveries.incident_id = proof.incident_id AND deliveries.kind = 'new'
    AND deliveries.generation = proof.generation AND deliveries.destination = proof.destination
WHERE true
ON CONFLICT (delivery_id) DO UPDATE
SET asked = excluded.asked, due_at = excluded.due_at, verdict = excluded.verdict, why = excluded.why
WHERE (excluded.verdict IS NOT NULL, excluded.due_at) >= (page_proofs.verdict IS NOT NULL, page_proofs.due_at)
"""
"""What is settled counts for more than what is not."""

_EXPIRE = "UPDATE silences SET expired_at = coalesce(expired_at, :expired_at) WHERE created_at = :created_at"
_PUT_SILENCE = """
INSERT INTO silences (id, match, starts_at, ends_at, comment, created_by, created_at, expired_at)
VALUES ((SELECT :id WHERE NOT EXISTS (SELECT 1 FROM silences WHERE id = :id)), :match, :starts_at, :ends_at, :comment,
    :created_by, :created_at, :expired_at)
"""
"""Under its number, if that is free."""


def merge(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Merges all or nothing, from a database of the same schema. Raises SQLite's errors of either side."""
    target.execute("BEGIN IMMEDIATE")
    try:
        is_later = _last_round(source) > _last_round(target)
        if is_later:
            _give_up_what_is_over(source, target)
            target.execute("DELETE FROM unreadable")
            for table, key in _OF_THE_PRESENT:
                _put(source, target, table, key, "true")
        # An account that only one side knows is there afterwards: its rounds go on at once.
        _put(source, target, PROGRESS, ["source"], "true" if is_later else "false")
        _put(source, target, INCIDENTS, ["id"], _CHANGED_LATER)
        _put(source, target, DELIVERIES, ["incident_id", "generation", "kind", "destination"], _MORE_ADVANCED)
        _put(source, target, ALERTS, ["id"], _LOOKED_AT_LATER)
        target.executemany(_PUT_PROOF, source.execute(_PROOFS))
        _put_silences(source, target)
        _put(source, target, MONITORS, ["kind", "id"], "true" if is_later else "false")
        target.executemany(_ADD_CHANGE, source.execute(_CHANGES))
        target.executemany(_ADD_ENTRY, source.execute(_ENTRIES))
        target.execute("COMMIT")
    except sqlite3.Error:
        target.execute("ROLLBACK")
        raise


def _last_round(database: sqlite3.Connection) -> str:
    """The time of the last complete round; empty if there was none."""
    return str(database.execute("SELECT coalesce(max(last_complete_round_at), '') FROM progress").fetchone()[0])


def _give_up_what_is_over(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    there, here = dict(source.execute(_ROUNDS)), dict(target.execute(_ROUNDS))
    for incident_id, polled_from, is_alarm in target.execute(_WAITING).fetchall():
        is_later = is_alarm or there.get(polled_from, "") > here.get(polled_from, "")
        if is_later and source.execute("SELECT 1 FROM incidents WHERE id = ?", (incident_id,)).fetchone() is None:
            given_up = target.execute(_GIVE_UP, (_OVER, incident_id)).fetchall()
            target.executemany(_GIVEN_UP, [(*which, _OVER) for which in given_up])


def _put(
    source: sqlite3.Connection, target: sqlite3.Connection, table: Table, key: Sequence[str], condition: str
) -> None:
    columns = [column.name for column in table.columns if not (table is DELIVERIES and column.name == "id")]
    target.executemany(_upsert(table, columns, key, condition), _rows(source, table, columns))


def _put_silences(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """The same number may be another silence there, so they are told apart by when they were made."""
    columns = [column.name for column in SILENCES.columns]
    # The highest first, so that a new number is that of no other.
    for row in reversed(_rows(source, SILENCES, columns).fetchall()):
        silence = dict(zip(columns, row, strict=True))
        known = target.execute(_EXPIRE, silence)
        if not known.rowcount:
            target.execute(_PUT_SILENCE, silence)


def _rows(source: sqlite3.Connection, table: Table, columns: Iterable[str]) -> sqlite3.Cursor:
    # Ids give the order of delivery, so it is kept.
    return source.execute(f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY rowid")  # noqa: S608 - names of ours


def _upsert(table: Table, columns: Sequence[str], key: Sequence[str], condition: str) -> str:
    changed = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed} WHERE {condition}"
    )
