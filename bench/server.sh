# Sourced by the other scripts, which set $usage and the default of $number: reads their one
# argument into $number, and gives them a wsmd of their own, away from every other one.

case ${1-} in
-h | --help)
    echo "$usage"
    exit 0
    ;;
esac
number=${1-$number}
if [ $# -gt 1 ] || ! [[ $number =~ ^[1-9][0-9]*$ ]]; then
    echo "$usage" >&2
    exit 2
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$root/build}
wsmd=$build/wsmd
wsmbench=$build/wsmbench
port=${PORT:-18080}
url=ws://127.0.0.1:$port/ws
scratch=$(mktemp -d)
server_job=
workers=1
settings=() # more options of wsmd

for program in "$wsmd" "$wsmbench"; do
    if [ ! -x "$program" ]; then
        echo "${0##*/}: $program is not there: build it, or name the build directory with BUILD" >&2
        exit 2
    fi
done

listening() {
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

# start_server COMMAND...: runs COMMAND... wsmd, returns when it listens
start_server() {
    if listening; then
        echo "${0##*/}: port $port is taken: choose another with PORT" >&2
        exit 2
    fi
    "$@" "$wsmd" --dev --listen "127.0.0.1:$port" --control "$scratch/control.sock" \
        --workers "$workers" --set log.level=warning \
        --set limits.connections_per_s=0 "${settings[@]}" >"$scratch/wsmd.log" 2>&1 &
    server_job=$!
    for _ in {1..300}; do
        listening && return
        kill -0 "$server_job" 2>/dev/null || break
        sleep 0.1
    done
    cat "$scratch/wsmd.log" >&2
    echo "${0##*/}: wsmd did not start" >&2
    exit 1
}

# A tracer is the parent of the server, a wrapper has become it.
server_pid() {
    pgrep -P "$server_job" -x wsmd || echo "$server_job"
}

stop_server() {
    local job=$server_job code=0
    [ -n "$job" ] || return 0
    kill -TERM "$(server_pid)" 2>/dev/null || true
    server_job=
    wait "$job" 2>/dev/null || code=$?
    [ "$code" -eq 0 ] && return
    echo "${0##*/}: wsmd ended with code $code" >&2
    return 1
}

connections() {
    "$build/wsmctl" --control "$scratch/control.sock" stats --json |
        /usr/bin/python3 -c \
            'import json, sys; print(json.load(sys.stdin)["basic"]["connections_active"])'
}

# Until the load of $bench_job has opened $number connections.
wait_for_connections() {
    until [ "$(connections)" -ge "$number" ]; do
        if ! kill -0 "$bench_job" 2>/dev/null; then
            cat "$scratch/bench.log" >&2
            exit 1
        fi
        sleep 0.2
    done
    echo "$number connections are open" >&2
}

trap 'stop_server || true; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
