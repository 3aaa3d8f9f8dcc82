"""A year of history, up to `NOW`, in a database of PostgreSQL, so that its plans are those of a large one."""

from typing import LiteralString

import psycopg

from tests.support.values import NOW

INCIDENTS = 8_000
_OPEN = 10
"""So many of the latest are open, and their messages wait."""
_STEPS: tuple[LiteralString, ...] = (
    """
    INSERT INTO incidents (id, external_id, generation, phase, told, status, name, cause, url, started_at, resolved_at,
        is_alarm, first_seen_at, changed_at)
    SELECT (1000000 + n)::text, (1000000 + n)::text, 1, CASE WHEN n < {all} - {open} THEN 'resolved' ELSE 'open' END,
        true, '', 'Shop front page', 'Status 503', '', at, CASE WHEN n < {all} - {open} THEN at + interval '1 hour' END,
        false, at, at + interval '1 hour'
    FROM generate_series(1, {all}) n, LATERAL (SELECT '{now}'::timestamp - ({all} - n) * interval '1 hour' AS at) began
    """,
    """
    INSERT INTO deliveries (incident_id, destination, generation, kind, state, reason, external_id, payload, attempts,
        occurred_at, created_at, due_at, attempted_at, delivered_at, event_id)
    SELECT id, 'default', 1, kind, CASE WHEN phase = 'open' THEN 'pending' ELSE 'delivered' END, '', id,
        '{{"Title": "Shop front page", "Cause": "Status 503"}}', 1, changed_at, changed_at, changed_at, changed_at,
        CASE WHEN phase <> 'open' THEN changed_at END, md5(id || kind)
    FROM incidents, (VALUES ('new'), ('acknowledged'), ('resolved')) kinds (kind) ORDER BY changed_at, kind
    """,
    """
    INSERT INTO history (incident_id, generation, delivery_id, at, what, why, seconds)
    SELECT incident_id, 1, id, created_at, 'attempt', 'accepted', 0.2 FROM deliveries
    """,
    """
    INSERT INTO alerts (id, incident_id, generation, destination, phase, acknowledged, looked_at)
    SELECT 'alert ' || id, id, 1, 'default', 'closed', true, changed_at FROM incidents
    """,
    """
    INSERT INTO page_proofs (delivery_id, incident_id, generation, asked, due_at, verdict, why)
    SELECT id, incident_id, 1, 1, created_at, 'paged', '' FROM deliveries WHERE kind = 'new'
    """,
    """
    INSERT INTO silences (match, starts_at, ends_at, comment, created_by, created_at)
    SELECT '{{}}', first_seen_at, changed_at, '', '', first_seen_at FROM incidents
    """,
    """
    INSERT INTO monitors (kind, id, name, url, team_name, status, status_since, configuration)
    SELECT 'monitor', n::text, '', '', '', 'up', '{now}'::timestamp, '{{}}' FROM generate_series(1, 500) n
    """,
    """
    INSERT INTO monitor_changes (kind, id, what, at, detail, seen_at)
    SELECT 'monitor', (1 + n % 500)::text, 'paused', at, '', at
    FROM (SELECT n, '{now}'::timestamp - ({all} - n) * interval '1 hour' AS at FROM generate_series(1, {all}) n) changed
    """,
    "ANALYZE",
)


def fill_with_years(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Fills a new database."""
    for step in _STEPS:
        connection.execute(step.format(all=INCIDENTS, open=_OPEN, now=f"{NOW:%Y-%m-%d %H:%M:%S}"))
