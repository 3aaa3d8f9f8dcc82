#!/bin/sh
# Installs the program and its service, or brings them up to date: `make install`. Honours DESTDIR, PREFIX and PYTHON.
set -eu
cd "$(dirname "$0")/.."
. systemd/places.sh
# The service runs as another user, who must be able to read all this.
umask 022

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

command -v curl >/dev/null || [ -n "$root" ] || {
    echo 'curl is missing, which tells SIGNL4 when the service has failed: install it first' >&2
    exit 1
}

# The new environment is made beside the old one, so that a failed upgrade leaves the old one in use.
rm -rf "$new"
mkdir -p "$(dirname "$new")"
"${PYTHON:-python3}" -m venv "$new"
PIP_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    "$new/bin/python" -m pip install --quiet --no-cache-dir .
grep -lI "^#!$new/" "$new"/bin/* | xargs sed -i "1s|^#!$new/|#!$opt/|"
install -D -m 755 systemd/tell-signl4 "$new/libexec/tell-signl4"
install -D -m 755 systemd/back-up "$new/libexec/back-up"
# Where Documentation= of the units leads; a private host may reach no other.
for page in *.md docs/*.md systemd/*.md; do
    install -D -m 644 "$page" "$new/share/doc/$page"
done
rm -rf "$root$opt.old"
[ ! -e "$root$opt" ] || mv "$root$opt" "$root$opt.old"
mv "$new" "$root$opt"
rm -rf "$root$opt.old"

install -D -m 755 systemd/betterstack-signl4 "$root$command"
install -D -m 644 systemd/sysusers.conf "$root$sysusers"
install -D -m 644 systemd/tmpfiles.conf "$root$tmpfiles"
install -d "$root$units"
install -m 644 systemd/*.service systemd/*.timer "$root$units"
# Their names end with the version of systemd from which on they are understood.
for drop_in in restart-254.conf reload-260.conf; do
    since=${drop_in#*-}
    [ -n "$root" ] || [ "$(systemctl --version | awk 'NR == 1 { print int($2) }')" -ge "${since%.conf}" ] || continue
    for service in $services; do
        install -D -m 644 "systemd/$drop_in" "$root$units/$service.d/$drop_in"
    done
done

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

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemd-sysusers "$sysusers"
    mend_home
    systemd-tmpfiles --create "$tmpfiles"
    systemctl daemon-reload
    systemctl try-restart betterstack-signl4.service 'betterstack-signl4@*.service'
fi
cat systemd/next-steps
