#!/bin/bash
# PostgreSQL 15.18 (Debian): `pg_xact_status` answers what became of a transaction whose answer to COMMIT was lost. A
# server that crashes forgets transactions of which nothing had reached its disk, and gives their numbers anew: then it
# says "committed" of a transaction that was lost, and means another one. The timeline stays the same. What does show
# it: recovery ends with a checkpoint, so that `checkpoint_lsn` of `pg_control_checkpoint()` is not below what
# `pg_current_wal_flush_lsn()` was in the transaction.
#
# Seen: the number of the lost transaction, then "committed" and 0 rows of it.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
place=$(mktemp -d)
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
if [ "$(id -u)" = 0 ]; then chown postgres "$place"; fi
cd "$place"
trap 'as "$bin/pg_ctl" -D "$place/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$place"' EXIT
as "$bin/initdb" -D data -U postgres >/dev/null 2>&1
start() { as "$bin/pg_ctl" -D data -w -l log -o "-c listen_addresses='' -k $place -c wal_writer_delay=10s" start >/dev/null; }
sql() { as "$bin/psql" -h "$place" -U postgres -AtqX "$@"; }
start
sql -c "CREATE TABLE t (what text)"
mkfifo into
as "$bin/psql" -h "$place" -U postgres -AtqX <into >number &
exec 3>into
echo "BEGIN; INSERT INTO t VALUES ('lost'); SELECT pg_current_xact_id();" >&3
until [ -s number ]; do :; done
lost=$(cat number)
as "$bin/pg_ctl" -D data kill KILL "$(head -n 1 data/postmaster.pid)"
exec 3>&-
wait || true
until start; do :; done 2>/dev/null
until [ "$(sql -c "INSERT INTO t VALUES ('another') RETURNING pg_current_xact_id()")" -ge "$lost" ]; do :; done
echo "$lost: $(sql -c "SELECT pg_xact_status('$lost')"), $(sql -c "SELECT count(*) FROM t WHERE what = 'lost'") rows of it"
