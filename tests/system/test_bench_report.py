"""What wsmbench writes: its report in both forms, its progress, the file of a distribution."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import runner
from test_wsmbench import WSMBENCH, BenchTest, run
from ws_peer import Server, echo


def parse_hgrm(text):
    """([(value, share, count)], {name in the footer: number}), of a file without faults."""
    lines = text.splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"], lines[0]
    rows, footer = [], {}
    for line in filter(None, lines[1:]):
        if line.startswith("#["):
            for field in line.removeprefix("#[").removesuffix("]").split(", "):
                name, _, value = field.partition("=")
                footer[name.strip()] = float(value)
            continue
        value, share, count, *tail = line.split()
        rows.append((float(value), float(share), int(count)))
        if float(share) < 1:
            assert abs(float(tail[0]) - 1 / (1 - float(share))) < 0.01 * float(tail[0]), line
        else:
            assert tail == [], line
    return rows, footer


class Report(BenchTest):
    COMMON = {
        "schema": int,
        "program": str,
        "version": str,
        "commit": str,
        "mode": str,
        "started_ms": int,
        "interrupted": bool,
        "settings": dict,
        "measured_s": float,
        "results": dict,
        "timings_us": dict,
        "cpu": dict,
        "errors_total": int,
        "errors": dict,
        "first_error": type(None),
    }

    def test_schema(self):
        with Server(echo) as server:
            for mode, more, timings in (
                (["echo", "--messages", 50, "--rate", 500], set(), {"latency", "send_lag"}),
                (["idle", "--hold", 0], {"memory", "memory_fit"}, {"handshake"}),
                (["connect", "-t", 0.2], set(), {"handshake"}),
            ):
                with self.subTest(mode=mode[0]):
                    report = self.bench(mode[0], server.url, "-c", 2, *mode[1:])
                    self.assertEqual(set(report), set(self.COMMON) | more)
                    for key, kind in self.COMMON.items():
                        self.assertIsInstance(report[key], kind, key)
                    self.assertEqual(report["schema"], 1)
                    self.assertEqual(report["mode"], mode[0])
                    self.assertEqual(report["settings"]["connections"], 2)
                    self.assertEqual(set(report["timings_us"]), timings)
                    for timing in report["timings_us"].values():
                        order = ["min", "p50", "p90", "p99", "p99_9", "max"]
                        values = [timing[key] for key in order]
                        self.assertEqual(values, sorted(values))
                    self.assertIsNone(report["cpu"]["server"])
                    self.assertGreaterEqual(report["cpu"]["wsmbench"]["total_s"], 0)

    def test_server_cpu(self):
        with Server(echo) as server:
            report = self.bench("echo", server.url, "-c", 2, "-t", 0.3, "--pid", os.getpid())
        self.assertGreater(report["cpu"]["server"]["total_s"], 0)
        self.assertGreater(report["results"]["server_cpu_us_per_message"], 0)

    def test_text(self):
        with Server(echo) as server:
            done = run("echo", server.url, "-c", 2, "-t", 0.2, "-w", 0, "--progress")
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, r"throughput +[\d.]+ messages/s")
            self.assertRegex(done.stdout, r"latency +[\d.]+")
            self.assertIn("no errors", done.stdout)

    def test_progress(self):
        with Server(echo) as server:
            done = run("echo", server.url, "-c", 2, "-t", 1.2, "-w", 0, "--progress")
            self.assertRegex(done.stderr, r"echo: 2 open, \d+/s\n")
            quiet = run("echo", server.url, "-c", 2, "-t", 1.2, "-w", 0)
            self.assertEqual(quiet.stderr, "")

    def test_interrupt(self):
        for mode in (["echo", "-w", 0], ["echo", "-w", 30], ["idle", "--hold", 30], ["connect"]):
            with self.subTest(mode=mode), Server(echo) as server:
                bench = subprocess.Popen(
                    [WSMBENCH, mode[0], server.url, "-c", "3", "--json", *map(str, mode[1:])],
                    stdout=subprocess.PIPE,
                    text=True,
                )
                time.sleep(1.5)
                bench.send_signal(signal.SIGINT)
                out, _ = bench.communicate(timeout=15)
                report = json.loads(out)
                self.assertTrue(report["interrupted"])
                self.assertEqual(self.errors(report), {})
                self.assertEqual(bench.returncode, 0)
                self.assertLess(report["measured_s"], 10)


class Hgrm(BenchTest):
    def setUp(self):
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "run.hgrm")

    def test_it_is_the_distribution_of_the_report(self):
        with Server(echo) as server:
            report = self.bench(
                "echo", server.url, "-c", 5, "-d", 4, "--messages", 3000, "--hgrm", self.path
            )
        latency = report["timings_us"]["latency"]
        rows, footer = parse_hgrm(self.path.read_text())
        for column in zip(*rows):
            self.assertEqual(list(column), sorted(column))
        self.assertEqual(rows[0][1], 0)
        self.assertAlmostEqual(rows[0][0] * 1e3, latency["min"], delta=latency["min"] / 32)
        for key, share in (("p50", 0.5), ("p90", 0.9)):
            value = next(value for value, at, _ in rows if at == share)
            self.assertAlmostEqual(value * 1e3, latency[key], places=2)
        self.assertEqual(rows[-1], (round(latency["max"] / 1e3, 6), 1, 3000))
        self.assertEqual(footer["Total count"], 3000)
        self.assertEqual(footer["Max"], rows[-1][0])
        self.assertAlmostEqual(footer["Mean"] * 1e3, latency["mean"], places=2)
        self.assertGreater(footer["StdDeviation"], 0)
        self.assertLess(footer["StdDeviation"], footer["Max"])
        # Each line says how many are not above its value, so never less than its share.
        for _, share, count in rows:
            self.assertGreaterEqual(count, int(share * 3000))

    def test_each_mode_writes_what_it_is_about(self):
        with Server(echo) as server:
            for mode, timing in (
                (["idle", "--hold", 0], "handshake"), (["connect", "-t", 0.2], "handshake"),
            ):  # fmt: skip
                with self.subTest(mode=mode[0]):
                    mode = [mode[0], server.url, *mode[1:], "-c", 3]
                    report = self.bench(*mode, "--hgrm", self.path)
                    _, footer = parse_hgrm(self.path.read_text())
                    count = report["timings_us"][timing]["count"]
                    self.assertEqual(footer["Total count"], count)
                    self.assertGreater(count, 0)

    def test_nothing_was_measured(self):
        with Server(echo) as server:
            url = server.url
        self.bench("echo", url, "-c", 1, "--hgrm", self.path, code=1)
        rows, footer = parse_hgrm(self.path.read_text())
        self.assertEqual((rows, footer["Total count"]), ([], 0))

    def test_a_file_that_cannot_be(self):
        done = run("echo", "ws://127.0.0.1:1/ws", "--hgrm", "/nowhere/at/all")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--hgrm /nowhere/at/all: No such file or directory", done.stderr)
        with Server(echo) as server:
            done = run("echo", server.url, "-c", 1, "--messages", 1, "--hgrm", "/dev/full")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--hgrm /dev/full: could not be written", done.stderr)


if __name__ == "__main__":
    runner.main()
