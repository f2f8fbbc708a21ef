#!/usr/bin/env python3
"""The scripts of bench/ measure only when they are asked for it in so many words."""
import os
import pathlib
import subprocess
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"


class Usage(unittest.TestCase):
    def run_script(self, script, *args):
        # Nothing was built there: whoever takes the arguments says so and measures nothing.
        env = {**os.environ, "BUILD": "/nonexistent"}
        return subprocess.run([BENCH / script, *args], env=env, capture_output=True, text=True)

    def test_arguments(self):
        for script in ("run.sh", "count.sh", "drain.sh", "memory.sh", "pings.sh"):
            for option in ("-h", "--help"):
                done = self.run_script(script, option)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout.startswith(f"Usage: {script} ["), done.stdout)
            for wrong in (["x"], ["0"], ["-5"], ["1.5"], [""], ["10s"], ["--hlep"], ["1", "2"]):
                done = self.run_script(script, *wrong)
                self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)
                self.assertTrue(done.stderr.startswith(f"Usage: {script} ["), done.stderr)
            for right in ([], ["1"], ["120"]):
                done = self.run_script(script, *right)
                self.assertIn("/nonexistent/wsmd is not there", done.stderr)

    def test_arguments_of_compare(self):
        for option in ("-h", "--help"):
            done = self.run_script("compare.sh", option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith("Usage: compare.sh ["), done.stdout)
        for wrong in (["x"], ["5"], ["--doc"], ["a.json", "b.json"], [""]):
            done = self.run_script("compare.sh", *wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)
            self.assertTrue(done.stderr.startswith("Usage: compare.sh ["), done.stderr)
        for right in ([], ["--docs"]):
            done = self.run_script("compare.sh", *right)
            self.assertIn("/nonexistent/wsmd is not there", done.stderr)


if __name__ == "__main__":
    unittest.main()
