#!/bin/sh
# Installs the program and its service, or brings them up to date: `make install`. Honours DESTDIR, PREFIX, PYTHON, and
# WHEELS: a directory with the packages, from which they are then installed without a network. EXTRAS=postgresql installs
# the driver for a database on a server, too, which stays from then on; EXTRAS= takes it away.
set -eu
cd "$(dirname "$0")/.."
. systemd/places.sh
# The service runs as another user, who must be able to read all this.
umask 022
python=${PYTHON:-python3}

# systemd-sysusers does not change an existing user. Its home was once the state directory, which its group can write.
mend_home() {
    case $(getent passwd betterstack-signl4) in
    *:/var/lib/betterstack-signl4*)
        # usermod refuses while the user has processes. Here it sees none; a running process does not use its home.
        unshare --mount --pid --fork --mount-proc usermod --home /nonexistent betterstack-signl4 ||
            echo 'stop the service, run: usermod --home /nonexistent betterstack-signl4' >&2
        ;;
    esac
}

check_machine() {
    check_user install
    command -v curl >/dev/null || [ -n "$root" ] ||
        fail 'curl is missing, which tells SIGNL4 when the service has failed: install it first'
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$python is not Python 3.11 or later: name one that is, for instance make install PYTHON=python3.13"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail 'the module venv of Python is missing: install it first, on Debian with apt install python3-venv'
}

# The file in requirements/ with all that is installed.
choose_packages() {
    extras=${EXTRAS-}
    if [ -z "${EXTRAS+given}" ]; then
        for package in "$root$opt"/lib/python*/site-packages/psycopg; do
            [ ! -d "$package" ] || extras=postgresql
        done
    fi
    case $extras in
    '') packages=run ;;
    postgresql) packages=postgresql ;;
    *) fail "EXTRAS=$extras is not known: it is postgresql, or nothing" ;;
    esac
}

version_of() {
    "$1/bin/python" -I -m daemon --version 2>/dev/null | awk 'BEGIN { found = "unknown" } { found = $NF } END { print found }'
}

# Only what was tested, by its hash, is installed or run here. The tools that build the wheel are not left there.
pip() {
    "$new/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir "$@"
}
install_verified() {
    [ -z "${WHEELS:-}" ] || set -- --no-index --find-links "$WHEELS" "$@"
    pip install --root-user-action ignore --require-hashes --only-binary :all: "$@"
}

# The new environment is made beside the old one, so that a failed upgrade leaves the old one in use.
make_new() {
    rm -rf "$new"
    mkdir -p "$(dirname "$new")"
    "$python" -m venv "$new"
    install_verified --requirement "requirements/$packages.txt"
    install_verified --requirement requirements/build.txt --target "$new/build"
    PYTHONPATH="$new/build" pip install --root-user-action ignore --no-deps --no-build-isolation .
    rm -rf "$new/build"
    install -D -m 755 systemd/tell-signl4 "$new/libexec/tell-signl4"
    install -D -m 755 systemd/back-up "$new/libexec/back-up"
    # Where Documentation= of the units leads; a private host may reach no other.
    for page in *.md docs/*.md docs/monitoring/* systemd/*.md; do
        install -D -m 644 "$page" "$new/share/doc/$page"
    done
    install -D -m 644 docs/betterstack-signl4.1 "$new/share/man/betterstack-signl4.1"
    install -d "$new/share/completion"
    for shell in bash zsh fish; do
        "$new/bin/python" -I -m daemon completion "$shell" >"$new/share/completion/$shell"
    done
    # Scripts name the place where they were made.
    place=$(printf '%s\n' "$new" | sed 's/[][\\.*^$|]/\\&/g')
    find "$new/bin" "$new/pyvenv.cfg" -type f -exec sed -i "s|$place|$opt|g" {} +
}

put_files() {
    install -D -m 755 systemd/betterstack-signl4 "$root$command"
    install -D -m 644 systemd/sysusers.conf "$root$sysusers"
    install -D -m 644 systemd/tmpfiles.conf "$root$tmpfiles"
    install -D -m 644 "$root$opt/share/man/betterstack-signl4.1" "$root$man_page"
    install -D -m 644 "$root$opt/share/completion/bash" "$root$for_bash"
    install -D -m 644 "$root$opt/share/completion/zsh" "$root$for_zsh"
    install -D -m 644 "$root$opt/share/completion/fish" "$root$for_fish"
    install -d "$root$units"
    # shellcheck disable=SC2086
    install -m 644 $unit_files "$root$units"
    # Their names end with the version of systemd from which on they are understood.
    for drop_in in restart-254.conf reload-260.conf; do
        since=${drop_in#*-}
        [ -n "$root" ] || [ "$(systemctl --version | awk 'NR == 1 { print int($2) }')" -ge "${since%.conf}" ] || continue
        for service in $services; do
            install -D -m 644 "systemd/$drop_in" "$root$units/$service.d/$drop_in"
        done
    done
}

put_configuration() {
    install -d -m 755 "$root$etc"
    install -d -m 700 "$root$etc/config"
    if [ ! -e "$root$etc/config.toml" ]; then
        sed 's|"sqlite:///state.db"|"sqlite:////var/lib/betterstack-signl4/state.db"|' config.toml |
            install -m 640 /dev/stdin "$root$etc/config.toml"
    fi
    if [ ! -e "$root$etc/environment" ]; then
        install -m 600 systemd/environment "$root$etc/environment"
    fi
    for secret in betterstack.token signl4.secret; do
        [ -e "$root$etc/config/$secret" ] || install -m 600 /dev/null "$root$etc/config/$secret"
    done
}

keep_files() {
    (cd "$root/" && find ".$command" ".$sysusers" ".$tmpfiles" ".$units" ".$man_page" ".$for_bash" ".$for_zsh" \
        ".$for_fish" -path '*betterstack-signl4*' 2>/dev/null |
        tar --create --file "$kept" --no-recursion --files-from -)
}

# After a failure everything is as it was before.
undo() {
    rm -rf "$new"
    if [ -e "$kept" ]; then
        remove_files
        tar --extract --file "$kept" --directory "$root/"
        rm -rf "$root$opt" "$kept"
        [ ! -e "$old" ] || mv "$old" "$root$opt"
        [ -n "$had_configuration" ] || rm -rf "$root$etc"
    fi
    echo "The installation failed. Nothing has changed${before:+: version $before is still installed}." >&2
}

# $@: what of the service, as systemctl takes it.
restart() {
    list='systemctl list-units --plain --no-legend'
    broken=''
    for unit in $($list --state=active,activating,reloading "$@" | awk '{ print $1 }'); do
        echo "Restarting $unit."
        systemctl restart "$unit" || broken="$broken $unit"
    done
    [ -z "$broken" ] || fail "Installed, but this does not start again:$broken. See: systemctl status$broken"
}

check_machine
# One that was ended between its two renames.
[ -e "$root$opt" ] || [ ! -e "$old" ] || mv "$old" "$root$opt"
before=''
[ ! -e "$root$opt" ] || before=$(version_of "$root$opt")
choose_packages
had_configuration=''
[ ! -e "$root$etc" ] || had_configuration=yes
rm -rf "$old" "$kept"
trap undo EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

echo "Installing into $root$opt: about half a minute${WHEELS:+, with the packages of $WHEELS}."
make_new
keep_files
[ ! -e "$root$opt" ] || mv "$root$opt" "$old"
mv "$new" "$root$opt"
put_files
put_configuration
trap - EXIT
rm -rf "$old" "$kept"

after=$(version_of "$root$opt")
[ -z "$before" ] || echo "Version $after is installed; before it was $before."
if is_running_system; then
    systemd-sysusers "$sysusers"
    mend_home
    systemd-tmpfiles --create "$tmpfiles"
    systemctl daemon-reload
    restart betterstack-signl4.service 'betterstack-signl4@*.service'
fi
[ -n "$before" ] || cat systemd/next-steps
