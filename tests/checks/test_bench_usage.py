#!/usr/bin/env python3
"""The scripts of bench/ measure only when they are asked for it in so many words."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"


class Usage(unittest.TestCase):
    def run_script(self, script, *args):
        # Nothing was built there: whoever takes the arguments says so and measures nothing.
        env = {**os.environ, "BUILD": "/nonexistent"}
        return subprocess.run([BENCH / script, *args], env=env, capture_output=True, text=True)

    def test_arguments(self):
        for script in (
            "bystander.sh", "count.sh", "drain.sh", "memory.sh", "pings.sh", "run.sh", "stuck.sh",
        ):  # fmt: skip
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

    def compare_pairs(self, p99_without, p99_with, *most, turns=None):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for kind, values in (("without", p99_without), ("with", p99_with)):
            for n, p99 in enumerate(values, 1):
                latency = {"p50": p99 / 2, "p99": p99, "p99_9": p99 * 2}
                report = {"timings_us": {"latency": latency}, "results": {"messages_per_s": 7}}
                (folder / f"{kind}-{n}.json").write_text(json.dumps(report))
                if turns:
                    worker = dict(zip(("turn_p50_us", "turn_p99_us"), turns))
                    stats = {"workers": {"each": [worker]}}
                    (folder / f"{kind}-{n}.stats").write_text(json.dumps(stats))
        return subprocess.run(
            ["/usr/bin/python3", BENCH / "pairs.py", folder, str(len(p99_with)), "a crowd", *most],
            capture_output=True, text=True,
        )  # fmt: skip

    def test_pairs(self):
        done = self.compare_pairs([100, 300, 200], [110, 390, 220], "1.2")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("median p99 us: without 200, with a crowd 220", done.stdout)
        self.assertIn("ratio of the median p99: 1.100", done.stdout)
        self.assertIn("ratios of the pairs: 1.100 1.100 1.300", done.stdout)
        self.assertNotIn("turn", done.stdout)

    def test_pairs_that_differ_too_much(self):
        done = self.compare_pairs([100], [121], "1.2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a crowd costs the others more than a factor of 1.2", done.stderr)
        self.assertEqual(self.compare_pairs([100], [121]).returncode, 0)

    def test_pairs_with_turns(self):
        done = self.compare_pairs([100], [100], turns=(5, 80))
        self.assertIn("median turn p99 us: without 80, with a crowd 80", done.stdout)


if __name__ == "__main__":
    unittest.main()
