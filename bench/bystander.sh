#!/usr/bin/env bash
# How long do others wait while a crowd is told something? bystander.sh [RECEIVERS]
#
# An echo in open loop on 100 connections, in turn without and with broadcasts to RECEIVERS beside
# it; all on one worker, which has core 0, the loads core 1. The receivers' program is the nicer one
# of the two, so that the echo is hardly late because it shares a core with it; the times of the
# server's turns have nothing to do with that.
# PAIRS says how often, SECONDS_EACH how long each, RATE how many broadcasts a second.
set -euo pipefail
shopt -s inherit_errexit

usage="Usage: bystander.sh [RECEIVERS]: of each broadcast, 10000 if not given.
BUILD=DIR names the build directory, PORT=N the port, PAIRS=N how many pairs of runs (5),
SECONDS_EACH=S the length of each (6), RATE=N broadcasts a second (2)."
number=10000
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
source "$root/bench/pairs.sh"
control=$scratch/control.sock
seconds=${SECONDS_EACH:-6}
rate=${RATE:-2}
warmup=2

# Each run has a server of its own, so that the times of its turns are those of the run.
begin() {
    start_server taskset -c 0
}

# end NAME: an echo, and what the server has to say
end() {
    taskset -c 1 "$wsmbench" echo "$url" -s 20 -c 100 --rate 500 -w 1 -t "$seconds" --json \
        >"$scratch/$1.json" 2>"$scratch/echo.log" || {
        cat "$scratch/echo.log" >&2
        exit 1
    }
    "$build/wsmctl" --control "$control" stats --json >"$scratch/$1.stats"
}

run_without() {
    begin
    end "without-$1"
    stop_server
}

run_with() {
    begin
    nice -n 19 taskset -c 1 "$wsmbench" fanout "$url" --control "$control" --group crowd -s 128 \
        -c "$number" --in-flight 100 --rate "$rate" -w "$warmup" -t $((seconds + 6)) --json \
        >"$scratch/fanout-$1.json" 2>"$scratch/bench.log" &
    bench_job=$!
    wait_for_connections
    sleep "$warmup"
    end "with-$1"
    if ! wait "$bench_job"; then
        cat "$scratch/bench.log" >&2
        exit 1
    fi
    stop_server
}

run_pairs
print_pairs broadcasts
