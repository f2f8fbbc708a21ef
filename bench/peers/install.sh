#!/usr/bin/env bash
# Makes the servers of this folder runnable: install.sh all | NAME,...
#
# Asks for nothing. What cannot be had is told and left out, and bench/compare.sh goes on without.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
to=$here/../../build-peers
log=$(mktemp)
trap 'rm -f "$log"' EXIT
updated=

wanted() {
    [[ $names == all || ,$names, == *,$1,* ]]
}

missing() {
    echo "install.sh: $1 is left out: $2" >&2
}

has_packages() {
    [ "$(dpkg-query -W -f='${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed)" -eq $# ]
}

as_root() {
    local how=()
    [ "$(id -u)" -eq 0 ] || how=(sudo -n)
    "${how[@]}" "$@"
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1
}

update_lists() {
    [ -n "$updated" ] || apt update
    updated=yes
}

# packages SERVER NAME...: installed, or the server is left out
packages() {
    local server=$1
    shift
    has_packages "$@" && return
    update_lists
    apt install -y --no-install-recommends "$@" && return
    missing "$server" "apt-get cannot install $* ($(tail -n 1 "$log"))"
    return 1
}

lws() {
    packages lws gcc libc6-dev libwebsockets-dev || return
    if [ ! "$to/lws" -nt "$here/lws.c" ]; then
        gcc -O2 -Wall -o "$to/lws" "$here/lws.c" -lwebsockets >>"$log" 2>&1 ||
            missing lws "$(tail -n 1 "$log")"
    fi
}

node_ws() {
    command -v npm >/dev/null || packages node nodejs npm || return
    [ -d "$here/node/node_modules/ws" ] ||
        (cd "$here/node" && npm ci --silent --no-audit --no-fund >>"$log" 2>&1) ||
        missing node "npm ci failed ($(tail -n 1 "$log"))"
}

# Unpacked and not installed: the package would start a server at every boot.
nchan() {
    local packages=(nginx libnginx-mod-nchan) libraries
    # Which it makes folders in that it does not use, whatever its configuration says.
    as_root mkdir -p /var/lib/nginx || missing nchan "/var/lib/nginx cannot be made"
    [ -x "$to/nchan/usr/sbin/nginx" ] && return
    update_lists
    mapfile -t libraries < <(apt-cache depends "${packages[@]}" |
        sed -n 's/^ *Depends: \(lib[a-z].*\)/\1/p' | sort -u)
    packages nchan "${libraries[@]}" || return
    rm -rf "$to/nchan.new"
    mkdir "$to/nchan.new"
    if (cd "$to/nchan.new" && apt-get -qq download "${packages[@]}" &&
        for deb in *.deb; do dpkg -x "$deb" . || exit; done &&
        dpkg-deb -f libnginx-mod-nchan_*.deb Version | sed 's/^[0-9]*://' >version) \
        >>"$log" 2>&1; then
        mv "$to/nchan.new" "$to/nchan"
    else
        missing nchan "apt-get cannot download ${packages[*]} ($(tail -n 1 "$log"))"
    fi
}

names=${1:?usage: install.sh all | NAME,...}
mkdir -p "$to"
wanted lws && lws
wanted node && node_ws
wanted websockets && packages websockets python3-websockets
wanted fastapi &&
    packages fastapi python3-fastapi python3-uvicorn python3-uvloop python3-httptools \
        python3-websockets
wanted nchan && nchan
exit 0
