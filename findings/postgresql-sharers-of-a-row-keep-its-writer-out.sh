#!/bin/bash
# PostgreSQL 15.18 (Debian): while some transaction at any time holds `FOR SHARE` on a row, an UPDATE of it never gets
# its turn: each new FOR SHARE passes by the UPDATE that waits. And its `lock_timeout` does not fire as long as no single
# one of them is waited for so long: it counts anew for each. `statement_timeout` ends it.
#
# So who fences writers by a row of theirs lets each of them queue for something else first (an advisory lock), and take
# FOR SHARE only when it is their turn.
#
# Seen, with sixteen clients of which each holds FOR SHARE for 50 ms: an UPDATE with a lock_timeout of 1 s ends after 5 s,
# by its statement_timeout. With the advisory lock before FOR SHARE it takes less than a second.
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
sql -c "CREATE TABLE fence (epoch int)" -c "INSERT INTO fence VALUES (1)"
share="SELECT FROM fence FOR SHARE"
printf 'BEGIN;\n%s;\nSELECT pg_sleep(0.05);\nCOMMIT;\n' "$share" >overlapping
printf 'BEGIN;\nSELECT pg_advisory_xact_lock(1);\n%s;\nSELECT pg_sleep(0.05);\nCOMMIT;\n' "$share" >in-turn
chmod a+r overlapping in-turn
for way in overlapping in-turn; do
    as "$bin/pgbench" -h "$place" -U postgres -n -c 16 -T 8 -f "$way" postgres >/dev/null 2>&1 &
    until [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'")" -ge 16 ]; do :; done
    begun=$(date +%s%N)
    said=$(sql -c "SET lock_timeout = '1s'; SET statement_timeout = '5s'; UPDATE fence SET epoch = epoch + 1" 2>&1 || true)
    echo "$way: $((($(date +%s%N) - begun) / 1000000)) ms ${said%%$'\n'*}"
    wait
done
