#!/usr/bin/env bash
# Are pings a flat line after a mass connect? pings.sh [CONNECTIONS]
#
# Opens them at once, with the heartbeat of production, waits for the interval in which everybody
# is pinged for the first time, and then counts pings for two more.
set -euo pipefail

usage="Usage: pings.sh [CONNECTIONS]: to open at once, 19000 if not given.
BUILD=DIR names the build directory, PORT=N the port."
number=19000
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
interval=25

start_server env WSMD_ENV=production
"$wsmbench" idle "$url" -c "$number" --in-flight 1000 --hold $((4 * interval)) \
    >"$scratch/bench.log" 2>&1 &
bench_job=$!
wait_for_connections
sleep "$interval"
/usr/bin/python3 "$root/bench/rates.py" "$scratch/control.sock" health.pings_sent $((2 * interval))
kill "$bench_job" 2>/dev/null || true
wait "$bench_job" || true
stop_server
