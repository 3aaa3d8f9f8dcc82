# shellcheck shell=sh disable=SC2034
# Where things are, for install.sh and uninstall.sh.
root=${DESTDIR:-}
prefix=${PREFIX:-/usr/local}
opt=/opt/betterstack-signl4
new=$root$opt.new
etc=/etc/betterstack-signl4
command=$prefix/bin/betterstack-signl4
units=$prefix/lib/systemd/system
sysusers=$prefix/lib/sysusers.d/betterstack-signl4.conf
tmpfiles=$prefix/lib/tmpfiles.d/betterstack-signl4.conf
services='betterstack-signl4.service betterstack-signl4@.service'
