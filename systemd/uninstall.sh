#!/bin/sh
# Removes what install.sh put there: `make uninstall`. Configuration, state and the user stay.
set -eu
cd "$(dirname "$0")/.."
. systemd/places.sh
check_user uninstall

if is_running_system; then
    systemctl stop 'betterstack-signl4*'
    # What has failed and will not run again: its alert in SIGNL4 is closed.
    for mark in /var/lib/betterstack-signl4-failed/*; do
        [ ! -e "$mark" ] || systemctl start "betterstack-signl4-recovered@$(basename "$mark").service" ||
            echo "SIGNL4 was not told: close the alert of the failure of $(basename "$mark") by hand" >&2
    done
    systemctl stop 'betterstack-signl4*'
    for unit in $services betterstack-signl4-backup@.timer; do
        [ ! -e "$units/$unit" ] || systemctl disable --quiet "$unit"
    done
fi
rm -rf "$root$opt" "$old" "$new" "$kept"
remove_files
if is_running_system; then
    systemctl daemon-reload
    systemctl reset-failed 'betterstack-signl4*'
fi
echo "Removed. Left as they are: $etc, what is in /var/lib, drop-ins of yours, and the user betterstack-signl4."
