#!/bin/sh
# Removes what install.sh put there: `make uninstall`. Configuration, state and the user stay.
set -eu
cd "$(dirname "$0")/.."
. systemd/places.sh

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemctl stop 'betterstack-signl4*'
    # shellcheck disable=SC2086
    systemctl disable --quiet $services 2>/dev/null || echo 'the services are not installed any more'
fi
rm -rf "$root$opt" "$new"
rm -f "$root$command" "$root$sysusers" "$root$tmpfiles"
for unit in $services betterstack-signl4-failed@.service betterstack-signl4-recovered@.service; do
    rm -rf "$root$units/$unit" "$root$units/$unit.d"
done
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl reset-failed 'betterstack-signl4*'
fi
echo "Removed. Left as they are: $etc, what is in /var/lib, drop-ins of yours, and the user betterstack-signl4."
