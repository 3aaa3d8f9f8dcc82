#!/bin/sh
# Removes what install.sh put there: `make uninstall`. Configuration, state and the user stay.
set -eu
cd "$(dirname "$0")/.."
. systemd/places.sh

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemctl stop 'betterstack-signl4*'
    for unit in $services betterstack-signl4-backup@.timer; do
        [ ! -e "$units/$unit" ] || systemctl disable --quiet "$unit"
    done
fi
rm -rf "$root$opt" "$root$opt.old" "$new"
rm -f "$root$command" "$root$sysusers" "$root$tmpfiles"
for unit in $services betterstack-signl4-backup@.service betterstack-signl4-backup@.timer \
    betterstack-signl4-failed@.service betterstack-signl4-recovered@.service; do
    rm -rf "$root$units/$unit" "$root$units/$unit.d"
done
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl reset-failed 'betterstack-signl4*'
fi
echo "Removed. Left as they are: $etc, what is in /var/lib, drop-ins of yours, and the user betterstack-signl4."
