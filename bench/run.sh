#!/usr/bin/env bash
# Measures wsmd on this machine and prints a table: run.sh [SECONDS for each measurement]
#
# The server has core 0 and one worker, the load core 1. Each report is kept as
# bench/results/<time>/<name>.json. BUILD names the build directory, PORT the port,
# STEPS the numbers of connections at which memory is measured.
set -euo pipefail

usage="Usage: run.sh [SECONDS]: seconds for each measurement, 10 if not given.
BUILD=DIR names the build directory, PORT=N the port, STEPS=N,N... the numbers of idle connections."
number=10
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
seconds=$number
control=$scratch/control.sock
steps=${STEPS:-5000,10000,19000}
failed=0
results=$root/bench/results/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$results"

fail() {
    echo "$1: there were errors" >&2
    failed=1
}

# measure NAME MODE OPTION...: a failed run is shown and the others still run
measure() {
    local name=$1 mode=$2
    shift 2
    echo "$name ..." >&2
    start_server taskset -c 0
    taskset -c 1 "$wsmbench" "$mode" "$url" --pid "$(server_pid)" --json "$@" \
        >"$results/$name.json" || fail "$name"
    stop_server || fail "$name"
}

measure echo-depth-1 echo -s 20 -c 100 -d 1 -t "$seconds"
measure echo-depth-16 echo -s 20 -c 100 -d 16 -t "$seconds"
measure echo-open-loop echo -s 20 -c 100 --rate 10000 -t "$seconds"
measure connect connect -c 32 -t "$seconds"
measure push-closed push --control "$control" -c 100 -d 16 -t "$seconds"
measure push-open-loop push --control "$control" -c 100 --rate 2000 -t "$seconds"
measure storm storm -c 5000
measure fanout fanout --control "$control" -c 1000 -s 10000 --rate 5 -t "$seconds"
measure slow slow --control "$control" -c 1020 --stalled 20 -s 10000 --rate 5 -t "$seconds"
measure idle idle --steps "$steps" --hold "$seconds"

/usr/bin/python3 "$root/bench/table.py" "$results"
echo "reports: ${results#"$root"/}"
exit "$failed"
