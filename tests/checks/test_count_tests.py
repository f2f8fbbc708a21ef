#!/usr/bin/python3
"""Whatever way a test program ends, tools/count_tests.py must not take it for a success."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True
import count_tests  # noqa: E402

GOOD = "[====] Synthesis: Tested: 5 | Passing: 5 | Failing: 0 | Crashing: 0 \n"
BAD = "\x1b[0;34mSynthesis: Tested: \x1b[0;1m5\x1b[0m | Passing: \x1b[0;32m3\x1b[0m | x"

# what it is, result and exit code as meson has them, stdout, stderr, passed, failed, skipped
TABLE = [
    ("criterion, all good", "OK", 0, "", GOOD, 5, 0, 0),
    ("criterion, in colour", "FAIL", 1, "", BAD, 3, 2, 0),
    ("criterion, a sanitizer's exit code", "FAIL", 1, "", GOOD, 5, 1, 0),
    ("criterion, ran nothing", "OK", 0, "", "Synthesis: Tested: 0 | Passing: 0", 0, 1, 0),
    ("own line", "OK", 0, "noise\n7 passed, 0 failed\n", "", 7, 0, 0),
    ("own line, failures", "FAIL", 1, "7 passed, 2 failed\n", "", 7, 2, 0),
    ("own line, the last one counts", "OK", 0, "1 passed, 0 failed\n2 passed, 0 failed\n", "",
     2, 0, 0),
    ("own line with skipped", "OK", 0, "2 skipped\n3 passed, 0 failed\n", "", 3, 0, 2),
    ("failures but exit code 0", "OK", 0, "7 passed, 2 failed\n", "", 7, 2, 0),
    ("own line, then thread sanitizer's code", "FAIL", 66, "7 passed, 0 failed\n", "", 7, 1, 0),
    ("own line, ran nothing", "OK", 0, "0 passed, 0 failed\n", "", 0, 1, 0),
    ("crash before any count", "FAIL", -11, "", "", 0, 1, 0),
    ("hangs", "TIMEOUT", -15, "partial", None, 0, 1, 0),
    ("cannot start", "ERROR", 99, None, None, 0, 1, 0),
    ("no counts, good", "OK", 0, "all fine\n", "", 1, 0, 0),
    ("skipped", "SKIP", 77, "no browser\n", "", 0, 0, 1),
]


def main():
    failed = 0
    for what, result, code, out, err, *expected in TABLE:
        row = {"result": result, "returncode": code, "stdout": out, "stderr": err}
        found = list(count_tests.judge(row))
        if found != expected:
            failed += 1
            print(f"{what}: {found}, expected {expected}")
    for full, expected in (("wsmd:system+smoke / a b", ("system", "a b")),
                           ("wsmd / net-wheel", ("unit", "net-wheel"))):
        if count_tests.split_name(full) != expected:
            failed += 1
            print(f"{full}: {count_tests.split_name(full)}")
    print(f"{len(TABLE) + 2 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
