# shellcheck shell=sh disable=SC2034
# Where things are, for install.sh and uninstall.sh, and who may change them.
root=${DESTDIR:-}
case $root in
'' | /*) ;;
*) root=$PWD/$root ;;
esac
while [ "$root" != "${root%/}" ]; do root=${root%/}; done
prefix=${PREFIX:-/usr/local}
opt=/opt/betterstack-signl4
new=$root$opt.new
old=$root$opt.old
kept=$root$opt.kept.tar
etc=/etc/betterstack-signl4
command=$prefix/bin/betterstack-signl4
units=$prefix/lib/systemd/system
sysusers=$prefix/lib/sysusers.d/betterstack-signl4.conf
tmpfiles=$prefix/lib/tmpfiles.d/betterstack-signl4.conf
man_page=$prefix/share/man/man1/betterstack-signl4.1
for_bash=$prefix/share/bash-completion/completions/betterstack-signl4
for_zsh=$prefix/share/zsh/site-functions/_betterstack-signl4
for_fish=$prefix/share/fish/vendor_completions.d/betterstack-signl4.fish
services='betterstack-signl4.service betterstack-signl4@.service'
unit_files='systemd/betterstack-signl4*.*'

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

# $1: what make was called for.
check_user() {
    [ -n "$root" ] || [ "$(id -u)" = 0 ] ||
        fail "make $1 changes /opt, /etc and $prefix, which only root may: run it as root, for instance sudo make $1"
}

is_running_system() {
    [ -z "$root" ] && [ -d /run/systemd/system ]
}

# All but the program itself, the configuration and the state.
remove_files() {
    rm -f "$root$command" "$root$sysusers" "$root$tmpfiles"
    rm -f "$root$man_page" "$root$for_bash" "$root$for_zsh" "$root$for_fish"
    for unit in $unit_files; do
        unit=$root$units/$(basename "$unit")
        rm -rf "$unit" "$unit.d"
    done
}
