#!/usr/bin/env bash
# Does a drain keep its pace? drain.sh [CONNECTIONS]
#
# Opens them on two workers, drains at drain.rate_per_s, and counts who was closed in each second.
set -euo pipefail

usage="Usage: drain.sh [CONNECTIONS]: to drain at 1000 a second, 10000 if not given.
BUILD=DIR names the build directory, PORT=N the port."
number=10000
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
control=$scratch/control.sock

workers=2
start_server env WSMD_ENV=production
"$wsmbench" idle "$url" -c "$number" --in-flight 1000 --hold 3600 \
    >"$scratch/bench.log" 2>&1 &
bench_job=$!
wait_for_connections
"$build/wsmctl" --control "$control" drain >&2
/usr/bin/python3 "$root/bench/rates.py" "$control" basic.closes.drain 120 "$number"
kill "$bench_job" 2>/dev/null || true
wait "$bench_job" || true
stop_server
