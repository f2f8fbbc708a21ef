#!/usr/bin/python3
"""Sums what the test programs of one meson run counted: count_tests.py BUILD_DIRECTORY

Prints one line for each suite, the end of the output of each program that failed, and last
"N passed, N failed, N skipped". A program that failed without saying how often counts as one
failure, one that passed without counting as one success.
"""
import collections
import json
import pathlib
import re
import sys

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
CRITERION = re.compile(r"Synthesis: Tested: (\d+) \| Passing: (\d+)")
OWN_LINE = re.compile(r"^(\d+) passed, (\d+) failed\s*$", re.MULTILINE)
SKIPPED_LINE = re.compile(r"^(\d+) skipped\s*$", re.MULTILINE)
TAIL_LINES = 40

Counts = collections.namedtuple("Counts", "passed failed skipped")


def reported(output):
    """What the program itself said, or None."""
    lines = OWN_LINE.findall(output)
    if lines:
        skipped = SKIPPED_LINE.findall(output)
        return Counts(int(lines[-1][0]), int(lines[-1][1]), int(skipped[-1]) if skipped else 0)
    synthesis = CRITERION.findall(output)
    if synthesis:
        tested, passing = (int(n) for n in synthesis[-1])
        # A crash is counted in neither place by some versions, so it is what is left.
        return Counts(passing, tested - passing, 0)
    return None


def judge(row):
    """The counts of one program, from its own and from what meson saw of its end."""
    output = ANSI.sub("", row.get("stdout") or "") + "\n" + ANSI.sub("", row.get("stderr") or "")
    counts = reported(output)
    if row["result"] == "SKIP":
        return Counts(0, 0, 1)
    if row["result"] in ("OK", "EXPECTEDFAIL"):
        if counts is None:
            return Counts(1, 0, 0)
        # To have run nothing is no success.
        return counts if sum(counts) > 0 else Counts(0, 1, 0)
    passed, failed, skipped = counts or Counts(0, 0, 0)
    return Counts(passed, max(failed, 1), skipped)


def tail(row):
    text = ANSI.sub("", (row.get("stdout") or "") + (row.get("stderr") or ""))
    return "\n".join("    | " + line for line in text.splitlines()[-TAIL_LINES:])


def split_name(full):
    """Suite and name from "project:suite+other / name"; the unit tests name no suite."""
    suites, _, name = full.rpartition(" / ")
    return suites.partition(":")[2].split("+")[0] or "unit", name


def main(build_dir):
    log = pathlib.Path(build_dir) / "meson-logs" / "testlog.json"
    suites = collections.defaultdict(lambda: [0, 0, 0, 0, 0.0])
    total = Counts(0, 0, 0)
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    for row in map(json.loads, lines):
        suite, name = split_name(row["name"])
        counts = judge(row)
        total = Counts(*(a + b for a, b in zip(total, counts)))
        sums = suites[suite]
        for i, n in enumerate((*counts, 1, row["duration"])):
            sums[i] += n
        if counts.failed > 0:
            print(f"  FAILED {suite}/{name}: {row['result']}, exit code {row['returncode']}")
            print(tail(row))
    for suite, (passed, failed, skipped, programs, seconds) in sorted(suites.items()):
        print(f"  {suite:8} {passed:5} passed, {failed} failed, {skipped} skipped"
              f"  ({programs} programs, {seconds:.0f} s)")
    if not lines:
        print("  FAILED: no test was run")
        total = Counts(0, 1, 0)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed > 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
