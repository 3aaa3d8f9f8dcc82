#!/bin/bash
# psycopg 3.3.9 on PostgreSQL 15.18 (Debian): within a transaction, `executemany` switches the server's
# `idle_in_transaction_session_timeout` off until the next statement. It works in pipeline mode, and the last thing that
# it sends is Sync and then Flush. At Sync the server begins to count how long the transaction is idle; the message after
# that, Flush, ends the counting, and is no reason to begin anew. The session is shown as "idle in transaction" for as
# long as the client is silent. Amid `executemany` no timeout counts either: `statement_timeout` ends with each statement,
# and Sync has not come yet; that is shown as "active", waiting for "ClientRead".
#
# So a client that is frozen or lost there keeps its locks, whatever it has set. An empty statement after `executemany`
# begins the counting anew; what stands still amid one needs `pg_terminate_backend` (or, from PostgreSQL 17 on,
# `transaction_timeout`).
#
# Seen, with both timeouts at 1 s and after 5 s: the session is gone after one statement, and after an empty one behind
# `executemany`; it is there after `executemany`, and amid one.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
place=$(mktemp -d)
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
if [ "$(id -u)" = 0 ]; then chown postgres "$place"; fi
cd "$place"
trap 'as "$bin/pg_ctl" -D "$place/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$place"' EXIT
as "$bin/initdb" -D data -U postgres >/dev/null 2>&1
as "$bin/pg_ctl" -D data -w -l log -o "-c listen_addresses='' -k $place" start >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet 'psycopg[binary]==3.3.9'
venv/bin/python - "$place" <<'PYTHON'
import sys
import time
from contextlib import closing

import psycopg

address = f"host={sys.argv[1]} user=postgres dbname=postgres"
INSERT = "INSERT INTO t VALUES (%s)"
GUARDS = "BEGIN; SET LOCAL statement_timeout = '1s'; SET LOCAL idle_in_transaction_session_timeout = '1s'"
ROWS = [(1,), (2,)]
IDLE, AMID = ("idle in transaction", "ClientRead"), ("active", "ClientRead")


def look(client, when, expected):
    until = time.monotonic() + 5
    while time.monotonic() < until:
        time.sleep(0.1)
    asked = "SELECT state, wait_event FROM pg_stat_activity WHERE pid = %s"
    seen = watcher.execute(asked, (client.info.backend_pid,)).fetchone()
    print(f"{when}: {seen or 'no session'}")
    assert seen == expected


def begun():
    client = psycopg.connect(address, autocommit=True)
    client.execute(GUARDS)
    return client


def slowly(client):
    yield ROWS[0]
    look(client, "amid executemany", AMID)
    yield ROWS[1]


with psycopg.connect(address, autocommit=True) as watcher:
    print("psycopg", psycopg.__version__, "PostgreSQL", watcher.info.parameter_status("server_version"))
    watcher.execute("CREATE TABLE t (v int)")
    with closing(begun()) as client:
        client.execute(INSERT, ROWS[0])
        look(client, "after one statement", None)
    with closing(begun()) as client:
        client.cursor().executemany(INSERT, ROWS)
        look(client, "after executemany", IDLE)
    with closing(begun()) as client:
        client.cursor().executemany(INSERT, ROWS)
        client.execute("")
        look(client, "after executemany and an empty statement", None)
    with closing(begun()) as client:
        client.cursor().executemany(INSERT, slowly(client))
PYTHON
