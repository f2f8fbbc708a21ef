"""bench/compare.sh on wsmd and the bound alone, so short that it shows only that it works."""

import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import runner
from test_fanout import unused_port

RAWECHO = pathlib.Path(runner.program("RAWECHO", "bench/micro/rawecho"))
BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
LOADS = ("echo-20,echo-512,echo-deep,echo-16k,echo-16k-mixed,half,connect,fanout-1000,"
         "fanout-deep,idle,idle-after")  # fmt: skip
# A server that a busy machine held up is not asked for half of what the bound did.
STEADY = [load for load in LOADS.split(",") if load != "half"]
SHORT = {"ROUNDS": "2", "SECONDS_EACH": "0.5", "STEPS": "20,40,60", "SERVERS": "raw,wsmd",
         "LOADS": LOADS}  # fmt: skip


def compare(*arguments, **env):
    """stdout and stderr of a run that has no faults."""
    env = {**os.environ, "BUILD": str(RAWECHO.parents[2]), "PORT": str(unused_port()), **env}
    done = subprocess.run([BENCH / "compare.sh", *arguments], env=env, capture_output=True,
                          text=True, timeout=280)  # fmt: skip
    if "there is nothing to measure" in done.stdout:
        raise unittest.SkipTest("the machine is too busy for measurements so short")
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


@unittest.skipIf(os.cpu_count() < 2, "needs a core for the server and one for the load")
class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text, said = compare(**SHORT)
        cls.path = BENCH.parent / re.search(r"results: (\S+\.json)", said)[1]
        cls.addClassCleanup(cls.path.unlink)
        cls.results = json.loads(cls.path.read_text(encoding="utf-8"))
        sys.path.insert(0, str(BENCH / "compare"))
        cls.addClassCleanup(sys.path.remove, str(BENCH / "compare"))

    def test_every_load_was_run_on_both_in_every_round(self):
        runs = {(r["round"], r["server"], r["load"]) for r in self.results["runs"]}
        for load in STEADY:
            for server in ("raw", "wsmd"):
                self.assertIn((1, server, load), runs)
                self.assertEqual((2, server, load) in runs, not load.startswith("idle"))

    def test_each_goal_has_a_result(self):
        goals = [line.split(" | ") for line in self.text.splitlines() if "| ≤ " in line]
        self.assertEqual(len(goals), len(LOADS.split(",")))
        for title, reached, _, verdict, _ in goals:
            if "half load" in title and reached == "–":
                continue
            number = float(reached.removesuffix(" B").replace(" ", ""))
            if "after 64 KiB" not in title:  # of a few connections nothing may be left
                self.assertGreater(number, 0, title)
            self.assertIn(verdict, ("yes", "no"))

    def test_raw_is_relative_to_itself(self):
        ratios = self.text.split("### The same, relative to raw")[1].split("###")[0]
        rows = [line.split(" | ") for line in ratios.strip().splitlines()[2:]]
        self.assertEqual({row[1] for row in rows}, {"1"})
        for row in rows:
            self.assertRegex(row[2], r"^\d+\.\d\d \|$|^– \|$")

    def test_what_was_measured_is_shown_again(self):
        again, _ = compare(str(self.path), BUILD="/nonexistent")
        self.assertEqual(again, self.text)

    def test_documents(self):
        tables, plots = (importlib.import_module(name) for name in ("tables", "plots"))
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.md")
            page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n", encoding="utf-8")
            tables.write_into(page, self.text)
            written = page.read_text(encoding="utf-8")
            self.assertTrue(written.startswith("before\n") and written.endswith("\nafter\n"))
            self.assertIn(self.text.strip(), written)
            self.assertNotIn("old", written)
            page.write_text("no marks\n", encoding="utf-8")
            with self.assertRaises(SystemExit):
                tables.write_into(page, self.text)
            titles = plots.write_all(self.results, pathlib.Path(folder))
            drawn = list(pathlib.Path(folder).glob("*.svg"))
            self.assertEqual({path.stem for path in drawn},
                             {"fanout", "latency", "latency-full", "memory", "throughput"})
            self.assertEqual(set(titles), {path.name for path in drawn})
            for path in drawn:
                lines = [e for e in xml.etree.ElementTree.parse(path).iter()
                         if e.tag.endswith("polyline")]  # fmt: skip
                self.assertGreaterEqual(len(lines), 2)

    def test_the_page_has_its_marks(self):
        tables = importlib.import_module("tables")
        page = (BENCH.parent / "docs/performance.md").read_text(encoding="utf-8")
        self.assertLess(page.index(tables.BEGIN), page.index(tables.END))


@unittest.skipIf(os.cpu_count() < 2, "needs a core for the server and one for the load")
class Faults(unittest.TestCase):
    def test_a_server_that_fails_is_told_and_left_out(self):
        with self.assertRaises(AssertionError) as caught:
            compare(**{**SHORT, "ROUNDS": "1", "LOADS": "echo-20", "PEER": "broken=false"})
        said = str(caught.exception)
        self.assertIn("exit code 1", said)
        self.assertIn("- broken, echo-20, round 1: did not start", said)
        self.assertRegex(said, r"\| echo 20 B \| [\d.]+ \| ≤ 1.03")
        (BENCH.parent / re.search(r"results: (\S+\.json)", said)[1]).unlink()

    def test_a_server_of_ones_own(self):
        text, said = compare(**{**SHORT, "ROUNDS": "1", "LOADS": "echo-20", "SERVERS": "raw",
                                "PEER": f"mine=sh -c 'exec {RAWECHO} $0 20'"})  # fmt: skip
        self.assertRegex(text, r"\| echo 20 B \| – \| ≤ 1.03 \| – \| mine [\d.]+ \|")
        (BENCH.parent / re.search(r"results: (\S+\.json)", said)[1]).unlink()


if __name__ == "__main__":
    runner.main()
