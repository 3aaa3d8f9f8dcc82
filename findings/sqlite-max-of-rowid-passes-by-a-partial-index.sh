#!/bin/sh
# SQLite 3.54.1 (as apsw 3.54.1.0 brings it): `SELECT max(id) FROM t WHERE state = 'dead'`, with id the rowid and a
# partial index of the dead rows by another column, walks the table backwards from the newest row until it meets a dead
# one, and passes by the index, unless ANALYZE has been run. `SELECT count(*)` with the same condition uses it, and so
# does `max(id + 0)`. In an outbox in which the dead ones are few and old, or none, the walk is the whole table each
# time. EXPLAIN QUERY PLAN calls it a SEARCH, without the word SCAN that one would look for.
#
# Seen, with 50,000 rows and none dead: max(id) takes over 100,000 instructions of the virtual machine ("SEARCH t"),
# count(*) and max(id + 0) take fewer than 100.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet apsw==3.54.1.0
"$place/venv/bin/python" - <<'PYTHON'
import apsw

db = apsw.Connection(":memory:")
db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, incident TEXT NOT NULL, state TEXT NOT NULL)")
db.execute("CREATE INDEX dead ON t (incident) WHERE state = 'dead'")
db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
           "INSERT INTO t SELECT i, i, 'delivered' FROM n")


def cost(query):
    """Instructions, and the plan."""
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        return False

    plan = "; ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}"))
    db.set_progress_handler(step, 1)
    assert db.execute(query).fetchone()[0] in (None, 0)
    db.set_progress_handler(None)
    return steps, plan


print("SQLite", apsw.sqlite_lib_version())
walks, plan = cost("SELECT max(id) FROM t WHERE state = 'dead'")
print(f"max(id): {walks} instructions, {plan}")
assert walks > 100_000 and plan == "SEARCH t", plan
counts, plan = cost("SELECT count(*) FROM t WHERE state = 'dead'")
print(f"count(*): {counts} instructions, {plan}")
assert counts < 100 and "INDEX dead" in plan, plan
looks, plan = cost("SELECT max(id + 0) FROM t WHERE state = 'dead'")
print(f"max(id + 0): {looks} instructions, {plan}")
assert looks < 100 and "INDEX dead" in plan, plan
PYTHON
