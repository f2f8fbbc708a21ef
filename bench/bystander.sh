#!/usr/bin/env bash
# How long do others wait while a crowd is told something? bystander.sh [RECEIVERS]
#
# An echo in open loop on 100 connections, in turn without and with broadcasts to RECEIVERS beside
# it; all on one worker, which has core 0, the loads core 1. The receivers' program is the nicer one
# of the two, so that the echo is not late because it shares a core with it.
# PAIRS says how often, SECONDS_EACH how long each, RATE how many broadcasts a second.
set -euo pipefail
shopt -s inherit_errexit

usage="Usage: bystander.sh [RECEIVERS]: of each broadcast, 10000 if not given.
BUILD=DIR names the build directory, PORT=N the port, PAIRS=N how many pairs of runs (5),
SECONDS_EACH=S the length of each (6), RATE=N broadcasts a second (2)."
number=10000
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
control=$scratch/control.sock
pairs=${PAIRS:-5}
seconds=${SECONDS_EACH:-6}
rate=${RATE:-2}
warmup=2

# echo_run NAME
echo_run() {
    taskset -c 1 "$wsmbench" echo "$url" -s 20 -c 100 --rate 500 -w 1 -t "$seconds" --json \
        >"$scratch/$1.json" 2>"$scratch/echo.log" || {
        cat "$scratch/echo.log" >&2
        exit 1
    }
}

run_without() {
    echo_run "without-$1"
}

run_with() {
    nice -n 19 taskset -c 1 "$wsmbench" fanout "$url" --control "$control" --group crowd -s 128 \
        -c "$number" --in-flight 100 --rate "$rate" -w "$warmup" -t $((seconds + 6)) --json \
        >"$scratch/fanout-$1.json" 2>"$scratch/bench.log" &
    bench_job=$!
    wait_for_connections
    sleep "$warmup"
    echo_run "with-$1"
    wait "$bench_job" && return
    cat "$scratch/bench.log" >&2
    exit 1
}

start_server taskset -c 0
for pair in $(seq "$pairs"); do
    if [ $((pair % 2)) -eq 1 ]; then
        run_without "$pair"
        run_with "$pair"
    else
        run_with "$pair"
        run_without "$pair"
    fi
done
"$build/wsmctl" --control "$control" stats --json >"$scratch/stats.json"
stop_server
/usr/bin/python3 - "$scratch" "$pairs" <<'END'
import json, pathlib, statistics, sys

folder, pairs = pathlib.Path(sys.argv[1]), int(sys.argv[2])
p99 = {"without": [], "with": []}
print(f"{'pair':<10} {'p50 us':>10} {'p99 us':>10} {'p99.9 us':>10}")
for pair in range(1, pairs + 1):
    for kind, values in p99.items():
        report = json.loads((folder / f"{kind}-{pair}.json").read_text(encoding="utf-8"))
        latency = report["timings_us"]["latency"]
        values.append(latency["p99"])
        print(f"{pair} {kind:<8} {latency['p50']:>10.0f} {latency['p99']:>10.0f} "
              f"{latency['p99_9']:>10.0f}")
without, beside = (statistics.median(values) for values in p99.values())
(worker,) = json.loads((folder / "stats.json").read_text(encoding="utf-8"))["workers"]["each"]
print(f"median p99 of the echo: {without:.0f} us without, {beside:.0f} us beside broadcasts")
print(f"turns of the worker in all: p50 {worker['turn_p50_us']} us, p99 {worker['turn_p99_us']} us")
END
