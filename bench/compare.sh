#!/usr/bin/env bash
# Compares wsmd with other servers and with a bound: compare.sh [--docs] [RESULTS.json]
#
# Installs the servers that Debian and npm have, runs each and wsmd in turn on core 0 under the
# load of wsmbench on core 1, and prints medians, spreads and ratios. The reports of all runs are
# kept in bench/results/. --docs writes the tables of docs/performance.md and the plots of
# docs/plots/; with RESULTS.json nothing is measured, and what was measured then is shown.
set -euo pipefail

usage="Usage: compare.sh [--docs] [RESULTS.json]: measure, or show what was measured.
--docs writes the tables of docs/performance.md and the plots of docs/plots/.
BUILD=DIR names the build directory, PORT=N the port, ROUNDS=N how often (5), SECONDS_EACH=S the
length of each measurement (3), STEPS=N,N,... the numbers of idle connections (5000,10000,19000).
SERVERS=NAME,... and LOADS=NAME,... choose some (all of them; lists are in bench/compare/).
PEER='NAME=COMMAND' adds a server, run as COMMAND PORT; see bench/peers/README.md for what it does."
docs=
results=
for argument in "$@"; do
    case $argument in
    -h | --help)
        echo "$usage"
        exit 0
        ;;
    --docs) docs=--docs ;;
    *.json) results=${results:+wrong}$argument ;;
    *) results=wrong ;;
    esac
done
if [[ $results == wrong* ]]; then
    echo "$usage" >&2
    exit 2
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BUILD=${BUILD:-$root/build}

if [ -z "$results" ]; then
    for program in wsmd wsmbench bench/micro/rawecho; do
        if [ ! -x "$BUILD/$program" ]; then
            echo "compare.sh: $BUILD/$program is not there: build it, or name the build" \
                "directory with BUILD" >&2
            exit 2
        fi
    done
    "$root/bench/peers/install.sh" "${SERVERS-all}"
fi
exec /usr/bin/python3 "$root/bench/compare/main.py" ${docs:+"$docs"} ${results:+"$results"}
