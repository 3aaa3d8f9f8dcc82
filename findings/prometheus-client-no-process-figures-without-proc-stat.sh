#!/bin/sh
# prometheus-client 0.26.0: where /proc/stat cannot be read, its ProcessCollector yields nothing at all, without a word:
# not memory, CPU and descriptors either, which it reads from /proc/self. It takes the time of the boot from /proc/stat
# for one of its six figures, and `collect` returns an empty list if it has none. systemd hides that file from a unit
# with ProcSubset=pid, so the figures that were there in every trial are missing from the service.
#
# Seen: with `proc` that leads nowhere for `stat` alone no figure, otherwise six
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet prometheus-client==0.26.0
mkdir "$place/proc"
ln -s /proc/self "$place/proc/self"
PLACE=$place/proc "$place/venv/bin/python" - <<'PYTHON'
import os

from prometheus_client import ProcessCollector

with_stat = list(ProcessCollector(registry=None).collect())
without = list(ProcessCollector(registry=None, proc=os.environ["PLACE"], pid=lambda: "self").collect())
print(len(with_stat), "figures with /proc/stat,", len(without), "without it")
assert (len(with_stat), len(without)) == (6, 0)
PYTHON
