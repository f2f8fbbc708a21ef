"""What every system test shares: where the programs are, and how a run is reported.

A system test is one file, run as `python3 tests/system/test_x.py [-v] [name ...]`. It needs
nothing but Python and the programs under test, ends with the line "N passed, N failed", and
exits with 1 when anything failed or nothing ran.
"""

import os
import pathlib
import sys
import unittest

REPO = pathlib.Path(__file__).resolve().parent.parent.parent


def program(variable, default):
    """Path of a program under test: from the environment, or from build/ in the repository."""
    path = pathlib.Path(os.environ.get(variable) or REPO / "build" / default)
    if not os.access(path, os.X_OK):
        sys.exit(f"{path} is not there: build it, or name it with {variable}")
    return str(path.resolve())


class Result(unittest.TextTestResult):
    """Counts tests, not failures: a test with three bad sub-tests is one failed test."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.red = set()

    def addError(self, test, err):
        super().addError(test, err)
        self.red.add(test.id())

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.red.add(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.red.add(test.id())

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.red.add(test.id())


class Runner(unittest.TextTestRunner):
    resultclass = Result

    def __init__(self, **kwargs):
        super().__init__(stream=sys.stdout, **kwargs)


def main():
    """Run the calling file's tests and leave with its verdict."""
    done = unittest.main(exit=False, testRunner=Runner).result
    # A class or module that cannot be set up is red without having run a test.
    failed = len(done.red)
    passed = max(done.testsRun - failed - len(done.skipped), 0)
    if done.skipped:
        print(f"{len(done.skipped)} skipped")
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(0 if passed > 0 and failed == 0 else 1)
