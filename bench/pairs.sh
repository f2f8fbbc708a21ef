# Sourced behind server.sh by scripts that compare pairs of runs. Their run_without N and run_with N
# leave reports of wsmbench in $scratch/without-N.json and with-N.json, and what stats says of the
# server, if it was started for that run alone, in without-N.stats and with-N.stats.

pairs=${PAIRS:-5}

# Each comes first as often as the other.
run_pairs() {
    local pair
    for pair in $(seq "$pairs"); do
        if [ $((pair % 2)) -eq 1 ]; then
            run_without "$pair"
            run_with "$pair"
        else
            run_with "$pair"
            run_without "$pair"
        fi
    done
}

# print_pairs WITH [MOST]: what they were with, and the largest ratio that is no failure
print_pairs() {
    /usr/bin/python3 "$root/bench/pairs.py" "$scratch" "$pairs" "$@"
}
