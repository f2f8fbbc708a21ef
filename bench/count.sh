#!/usr/bin/env bash
# Counts what one echoed message costs the server: system calls (strace), instructions
# (callgrind) and heap allocations (memcheck): count.sh [BYTES]
#
# Each count is the difference of two runs that differ in nothing but the number of messages,
# so start-up, handshakes and the end are not in it. Times mean nothing under these tools.
set -euo pipefail
shopt -s inherit_errexit

usage="Usage: count.sh [BYTES]: bytes of a message, 20 if not given.
BUILD=DIR names the build directory, PORT=N the port, CONNECTIONS=N how many share the
messages (1), WORKERS=N the threads of the server that serve them (1)."
number=20
source "$(dirname "${BASH_SOURCE[0]}")/server.sh"
size=$number
connections=${CONNECTIONS:-1}
workers=${WORKERS:-1}
few=1000
many=11000

for tool in strace valgrind; do
    if ! command -v "$tool" >/dev/null; then
        echo "count.sh: $tool is not installed" >&2
        exit 2
    fi
done

# load MESSAGES DEPTH
load() {
    "$wsmbench" echo "$url" -c "$connections" -s "$size" --messages "$1" -d "$2" \
        >"$scratch/report" || {
        cat "$scratch/report" >&2
        stop_server # this may be a subshell, which has no trap of its own
        exit 1
    }
}

# syscalls MESSAGES DEPTH: lines "name calls"
syscalls() {
    start_server strace -c -f -o "$scratch/strace"
    load "$1" "$2"
    stop_server
    awk '$4 ~ /^[0-9]+$/ && $NF != "total" { print $NF, $4 }' "$scratch/strace"
}

# instructions MESSAGES DEPTH
instructions() {
    start_server valgrind --quiet --tool=callgrind --callgrind-out-file="$scratch/callgrind"
    load "$1" "$2"
    stop_server
    awk '/^(summary|totals):/ { n = $2 } END { print n }' "$scratch/callgrind"
}

# allocations MESSAGES DEPTH
allocations() {
    start_server valgrind --tool=memcheck --log-file="$scratch/memcheck"
    load "$1" "$2"
    stop_server
    awk '/total heap usage/ {
            gsub(",", "")
            for (i = 1; i < NF; i++)
                if ($(i + 1) == "allocs")
                    print $i
        }' "$scratch/memcheck"
}

per_message() {
    awk -v n=$((many - few)) '
        NR == FNR { before[$1] = $2; next }
        { d = ($2 - before[$1]) / n; sum += d; if (d >= 0.005) printf "    %-24s %8.3f\n", $1, d }
        END { printf "    %-24s %8.3f\n", "all", sum }' "$1" "$2"
}

for depth in 1 16; do
    echo "$size-byte messages, connections: $connections, workers: $workers, depth $depth"
    echo "  system calls per message"
    syscalls "$few" "$depth" >"$scratch/few"
    syscalls "$many" "$depth" >"$scratch/many"
    per_message "$scratch/few" "$scratch/many"
    before=$(instructions "$few" "$depth")
    after=$(instructions "$many" "$depth")
    echo "  instructions per message, user space"
    printf '    %-24s %8d\n' all $(((after - before) / (many - few)))
    before=$(allocations "$few" "$depth")
    after=$(allocations "$many" "$depth")
    echo "  heap allocations, all $((many - few)) messages together"
    printf '    %-24s %8d\n' all $((after - before))
done
