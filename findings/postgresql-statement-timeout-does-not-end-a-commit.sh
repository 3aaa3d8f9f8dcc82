#!/bin/bash
# PostgreSQL 15.18 (Debian): `statement_timeout` does not end a COMMIT that waits for a synchronous standby, nor do
# `lock_timeout` or `idle_in_transaction_session_timeout`; `finish_xact_command` in src/backend/tcop/postgres.c switches
# the timeout off before it commits. Such a COMMIT waits until the standby is back, and keeps its locks. A cancel ends
# it: then it has committed, with the warning 01000 that it is on one server alone.
#
# Seen: after 5 s the COMMIT still waits in SyncRep, with statement_timeout at 1 s; then the warning, and the row.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
place=$(mktemp -d)
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
if [ "$(id -u)" = 0 ]; then chown postgres "$place"; fi
cd "$place"
trap 'as "$bin/pg_ctl" -D "$place/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$place"' EXIT
as "$bin/initdb" -D data -U postgres >/dev/null 2>&1
start() { as "$bin/pg_ctl" -D data -w -l log -o "-c listen_addresses='' -k $place" start >/dev/null; }
sql() { as "$bin/psql" -h "$place" -U postgres -AtqX "$@"; }
start
sql -c "CREATE TABLE t (what text)"
sql -c "ALTER SYSTEM SET synchronous_standby_names = 'nobody'" -c "SELECT pg_reload_conf()" >/dev/null
{ echo "BEGIN; SET LOCAL statement_timeout = '1s'; SET LOCAL idle_in_transaction_session_timeout = '1s';"
  echo "INSERT INTO t VALUES ('here'); COMMIT;"; } | sql >said 2>&1 &
sleep 5
sql -c "SELECT wait_event, query FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
sql -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'" >/dev/null
wait
cat said
sql -c "SELECT what FROM t"
