#!/usr/bin/env bash
# Does one stuck reader slow the others down? stuck.sh [RECEIVERS]
#
# Broadcasts to them, in turn without and with one more who never reads and whose queue is full
# from before the measurement to its end; all on one server, which has core 0, the load core 1.
# PAIRS says how often, SECONDS how long each, RATE how many messages a second.
set -euo pipefail
shopt -s inherit_errexit

usage="Usage: stuck.sh [RECEIVERS]: of each broadcast, 10000 if not given.
BUILD=DIR names the build directory, PORT=N the port, PAIRS=N how many pairs of runs (5),
SECONDS_EACH=S the length of each (6), RATE=N messages a second (5)."
number=10000
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
source "$root/bench/pairs.sh"
control=$scratch/control.sock
seconds=${SECONDS_EACH:-6}
rate=${RATE:-5}
warmup=15 # in which the queue is filled, also on a machine that is busy

wsmctl() {
    "$build/wsmctl" --control "$control" "$@"
}

waiting_bytes() {
    wsmctl show bench0 --json | /usr/bin/python3 -c \
        'import json, sys; print(json.load(sys.stdin)["connections"][0]["queue_bytes"])'
}

waiting_at_the_end() {
    wsmctl why bench0 --json | /usr/bin/python3 -c \
        'import json, sys; print(json.load(sys.stdin)["ended"][0]["queue_bytes"])'
}

# More than the kernel takes for him, so that the rest waits and he is stuck.
fill_queue() {
    head -c 1000000 /dev/zero | tr '\0' x >"$scratch/filling"
    until [ "$(waiting_bytes)" -gt 2000000 ]; do
        for _ in 1 2 3 4; do
            wsmctl send bench0 - <"$scratch/filling" >/dev/null
        done
    done
}

# broadcast NAME MODE RECEIVERS: in the background; one of them is stuck in the mode slow
broadcast() {
    taskset -c 1 "$wsmbench" "$2" "$url" --control "$control" --pid "$(server_pid)" --json \
        -c "$3" --in-flight 500 --rate "$rate" -w "$warmup" -t "$seconds" \
        >"$scratch/$1.json" 2>"$scratch/bench.log" &
    bench_job=$!
}

finish() {
    wait "$bench_job" && return
    cat "$scratch/bench.log" >&2
    exit 1
}

run_without() {
    broadcast "without-$1" fanout "$receivers"
    finish
}

run_with() {
    local began
    broadcast "with-$1" slow "$number"
    wait_for_connections
    began=$(date +%s)
    fill_queue
    if [ $(($(date +%s) - began)) -ge $((warmup - 1)) ]; then
        echo "stuck.sh: the queue was not full in time: the machine is too busy" >&2
        exit 1
    fi
    finish
    if [ "$(waiting_at_the_end)" -eq 0 ]; then
        echo "stuck.sh: the reader was not stuck to the end" >&2
        exit 1
    fi
}

# Big enough to wait in, and nothing ends him before the measurement does.
settings=(--set limits.send_queue_bytes=64000000 --set limits.write_timeout_s=3600)
receivers=$number
number=$((receivers + 1)) # those that wait_for_connections waits for
start_server taskset -c 0
run_pairs
stop_server
print_pairs "one stuck" 1.2
