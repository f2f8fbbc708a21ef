#!/usr/bin/env bash
# Builds wsmd if needed and starts it for development: run.sh [options of wsmd]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build

"$root/tools/packages.sh" build

log=$(mktemp)
quietly() {
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "run.sh: failed: $*" >&2
        rm -f "$log"
        exit 1
    fi
}

if [ ! -f "$build/build.ninja" ]; then
    echo "run.sh: first build, into build/: about a minute"
    # A compiler that was chosen may come without what its linker needs for it.
    lto=${CC+false}
    quietly meson setup "$build" "$root" -Dtests=false -Db_lto="${lto:-true}"
fi
quietly ninja -C "$build" wsmd wsmctl wsmbench
rm -f "$log"

exec "$build/wsmd" --dev "$@"
