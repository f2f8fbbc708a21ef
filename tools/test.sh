#!/usr/bin/env bash
# Builds wsmd in every way the tests need and runs them all: test.sh [--quick]
# --quick is the gcc build alone. The last line is the sum: "N passed, N failed".
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
export PATH="$root/build-test-tools:$PATH"
total_passed=0
total_failed=0

quick=false
case "${1:-}" in
'') ;;
--quick) quick=true ;;
*) echo "usage: test.sh [--quick]" >&2; exit 2 ;;
esac

fail() {
    echo "  FAILED: $1"
    total_failed=$((total_failed + 1))
}

finish() {
    echo "$total_passed passed, $total_failed failed"
    [ "$total_failed" -eq 0 ]
    exit
}

# configure_and_compile DIRECTORY MESON_OPTION...: as much as compiles; false if not all did
configure_and_compile() {
    local dir=$1 setup=(meson setup)
    shift
    [ -f "$dir/build.ninja" ] && setup+=(--reconfigure)
    mkdir -p "$dir"
    if ! "${setup[@]}" "$dir" --werror "$@" >"$dir/setup.log" 2>&1; then
        grep ERROR "$dir/setup.log" || tail -n 20 "$dir/setup.log"
        fail "meson setup $dir"
        return 1
    fi
    if ! ninja -C "$dir" -k 0 >"$dir/compile.log" 2>&1; then
        grep -E '(error|warning):|^FAILED|undefined reference' "$dir/compile.log" | head -n 40
        fail "compile $dir"
        return 1
    fi
}

# run_suites DIRECTORY MESON_TEST_OPTION...: adds to the totals
run_suites() {
    local dir=$1 summary passed failed
    shift
    rm -f "$dir/meson-logs/testlog.json"
    "${runner[@]}" meson test -C "$dir" --no-rebuild "$@" >"$dir/test.log" 2>&1
    summary=$(/usr/bin/python3 tools/count_tests.py "$dir")
    sed '$d' <<<"$summary"
    read -r passed failed < <(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' \
        <<<"$summary")
    total_passed=$((total_passed + ${passed:-0}))
    total_failed=$((total_failed + ${failed:-1}))
}

# Reports go to files because Criterion's exit code and killed children hide them otherwise.
judge_reports() {
    local report
    for report in "$1"/*; do
        [ -f "$report" ] || continue
        head -n 30 "$report" | sed 's/^/    | /'
        fail "sanitizer report $report"
    done
}

# sanitizer_works SANITIZERS COMMAND...: the runtime can start, several times in a row
sanitizer_works() {
    local sanitizers=$1 dir status=0
    shift
    dir=$(mktemp -d)
    echo 'int main(void) { return 0; }' >"$dir/empty.c"
    "$CC" "-fsanitize=$sanitizers" -o "$dir/empty" "$dir/empty.c" 2>/dev/null
    for _ in {1..10}; do
        "$@" "$dir/empty" >/dev/null 2>&1 || status=1
    done
    rm -rf "$dir"
    return $status
}

# Old runtimes cannot start where the kernel shuffles addresses more than they know of.
choose_runner() {
    runner=()
    sanitizer_works "$1" && return
    runner=(setarch -R)
    sanitizer_works "$1" setarch -R && return
    fail "$CC -fsanitize=$1 does not work on this machine"
    return 1
}

stage() {
    echo "== $1 ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
}

runner=()
if ! tools/packages.sh test; then
    fail "packages"
    finish
fi

stage "gcc: everything"
export CC=gcc
configure_and_compile build-test-gcc
run_suites build-test-gcc
if $quick; then
    finish
fi

stage "clang with thread roles: unit abi"
export CC=clang
configure_and_compile build-test-clang
run_suites build-test-clang --no-suite fuzz --no-suite race --no-suite sim --no-suite system \
    --no-suite checks

stage "address and undefined behaviour sanitizers: unit fuzz sim system"
# clang, because gcc's runtime ignores UBSAN_OPTIONS=log_path when both are linked.
export CC=clang
reports=$root/build-test-asan/reports
rm -rf "$reports"
if choose_runner address,undefined; then
    configure_and_compile build-test-asan -Db_sanitize=address,undefined \
        -Db_lundef=false -Dc_args=-DWSMD_DEBUG_ASSERT
    mkdir -p "$reports"
    ASAN_OPTIONS=log_path=$reports/asan:detect_stack_use_after_return=1 \
        UBSAN_OPTIONS=log_path=$reports/ubsan:print_stacktrace=1 \
        run_suites build-test-asan --no-suite race --no-suite checks --no-suite bench \
        --timeout-multiplier 3
    judge_reports "$reports"
fi

stage "thread sanitizer: race smoke"
export CC=gcc
reports=$root/build-test-tsan/reports
rm -rf "$reports"
if choose_runner thread; then
    configure_and_compile build-test-tsan -Db_sanitize=thread
    mkdir -p "$reports"
    TSAN_OPTIONS=log_path=$reports/tsan:halt_on_error=0:exitcode=66 \
        run_suites build-test-tsan --suite race --suite smoke --timeout-multiplier 5
    judge_reports "$reports"
fi

stage "done"
finish
