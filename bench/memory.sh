#!/usr/bin/env bash
# What a quiet connection costs in user space, and what a peak leaves: memory.sh [CONNECTIONS]
#
# The line through 5000, 10 000 and 19 000 connections with a user each, with the flight recorder
# and without; then CONNECTIONS that are all in the middle of a message of 64 KiB, and leave.
set -euo pipefail

usage="Usage: memory.sh [CONNECTIONS]: of the peak, 19000 if not given.
BUILD=DIR names the build directory, PORT=N the port, STEPS=N,N... the numbers of idle connections."
number=19000
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
steps=${STEPS:-5000,10000,19000}

idle() {
    start_server
    "$wsmbench" idle "$url" --steps "$steps" --hold 1 --pid "$(server_pid)" --json \
        >"$scratch/idle.json"
    stop_server
    /usr/bin/python3 -c '
import json, sys
fit = json.load(open(sys.argv[1]))["memory_fit"]["server_private_dirty"]
each, residual = fit["bytes_per_connection"], fit["residual_bytes"]
print(f"{sys.argv[2]:36} {each:8.0f} B for each, residual {residual / 1e3:.0f} kB")
' "$scratch/idle.json" "$1"
}

idle "idle, with recorder"
settings=(--set recorder.events=0)
idle "idle, recorder.events=0"
settings=()
start_server
/usr/bin/python3 "$root/bench/peak.py" "$port" "$(server_pid)" "$number"
stop_server
