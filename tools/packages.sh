#!/usr/bin/env bash
# Installs what is missing of the Debian or Ubuntu packages wsmd needs: packages.sh build | test
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=(gcc libc6-dev meson ninja-build pkg-config libmbedtls-dev libjansson-dev liburcu-dev
    zlib1g-dev)
test=("${build[@]}" libcriterion-dev clang clang-format clang-tidy python3-websockets curl)
# Some releases lack one of these. The tests that need it are then skipped, and say so.
optional=(valgrind strace abigail-tools python3-jsonschema)

case "${1:-}" in
build) wanted=("${build[@]}") optional=() ;;
test) wanted=("${test[@]}") ;;
*) echo "usage: packages.sh build | test" >&2; exit 2 ;;
esac
set_name=$1

has() { command -v "$1" >/dev/null; }

if ! has apt-get || ! has dpkg-query; then
    echo "packages.sh: not Debian or Ubuntu, so nothing is installed; wsmd needs what these" \
        "packages hold there: ${wanted[*]} ${optional[*]}" >&2
    exit 0
fi

# What may also have come from elsewhere is looked for itself, not by its package.
if [ "$set_name" = test ]; then
    compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-*.a' >/dev/null ||
        optional+=(libclang-rt-dev)
    has node || optional+=(nodejs)
    has npm || optional+=(npm)
    # Ubuntu has it only as a snap, behind a package of another name.
    has chromium || has google-chrome || grep -q '^ID=ubuntu' /etc/os-release ||
        optional+=(chromium)
fi

not_installed() {
    [ $# -gt 0 ] || return 0
    comm -23 <(printf '%s\n' "$@" | sort) \
        <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
            sed -n 's/^installed //p' | sort -u)
}
mapfile -t missing < <(not_installed "${wanted[@]}")
mapfile -t missing_optional < <(not_installed "${optional[@]}")

# Its package would start a server at every boot, so only the program is taken out of it.
need_promtool=false
if [ "$set_name" = test ] && ! has promtool && [ ! -x "$root/build-test-tools/promtool" ]; then
    need_promtool=true
fi

if [ ${#missing[@]} -eq 0 ] && [ ${#missing_optional[@]} -eq 0 ] && ! $need_promtool; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! has sudo; then
        echo "packages.sh: neither root nor sudo; ask an administrator to install:" \
            "${missing[*]} ${missing_optional[*]}" >&2
        [ ${#missing[@]} -eq 0 ] && exit 0
        exit 1
    fi
    as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -rf "$log" "${unpacked:-}"' EXIT

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1
}

# One unreachable source need not matter: the install decides.
apt update || echo "packages.sh: apt-get update had errors, going on with the lists there are" >&2

for package in "${missing_optional[@]}"; do
    if [ -n "$(apt-cache madison "$package")" ]; then
        missing+=("$package")
    else
        echo "packages.sh: $package is not to be had here, what needs it will be skipped" >&2
    fi
done

# Debian 13 has a package of it alone.
if $need_promtool && [ -n "$(apt-cache madison promtool)" ]; then
    missing+=(promtool)
    need_promtool=false
fi

if [ ${#missing[@]} -gt 0 ]; then
    echo "packages.sh: installing ${missing[*]}"
    if ! apt install -y --no-install-recommends "${missing[@]}"; then
        tail -n 30 "$log" >&2
        echo "packages.sh: apt-get could not install them" >&2
        exit 1
    fi
fi

if $need_promtool; then
    echo "packages.sh: unpacking promtool into build-test-tools/"
    unpacked=$(mktemp -d)
    if (cd "$unpacked" && apt-get -qq download prometheus && dpkg -x prometheus_*.deb .) \
        >>"$log" 2>&1; then
        mkdir -p "$root/build-test-tools"
        mv "$unpacked/usr/bin/promtool" "$root/build-test-tools/promtool"
    else
        echo "packages.sh: promtool is not to be had here, what needs it will be skipped" >&2
    fi
fi
