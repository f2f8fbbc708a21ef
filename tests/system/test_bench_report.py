"""What wsmbench writes: its report in both forms, its progress, the file of a distribution."""

import copy
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

import runner
import wsmd
from test_wsmbench import WSMBENCH, BenchTest, run
from ws_peer import Server, answer, echo

try:
    import jsonschema
except ImportError:
    jsonschema = None


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
    def test_numbers_fit_together(self):
        with Server(echo) as server:
            for mode, timings in (
                (["echo", "--messages", 50, "--rate", 500], {"latency", "send_lag"}),
                (["idle", "--hold", 0], {"handshake"}),
                (["connect", "-t", 0.2], {"handshake"}),
                (["storm"], {"outage"}),
            ):
                with self.subTest(mode=mode[0]):
                    report = self.bench(mode[0], server.url, "-c", 2, *mode[1:])
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


class Progress(BenchTest, wsmd.WsmdTest):
    def lines(self, *arguments, code=0):
        done = run(*arguments, "--progress", "--json")
        self.assertEqual(done.returncode, code, done.stderr)
        return [line for line in done.stderr.splitlines() if not line.startswith("wsmbench:")]

    def test_every_mode_says_what_it_counts(self):
        server = self.wsmd()
        control = ["--control", server.control_path]
        for mode, options, expected in (
            ("echo", ["-t", 1.2, "-w", 0, "-d", 50],
             r"2 open, [1-9]\d* replies/s, [1-9]\d+ waiting"),
            ("echo", ["-t", 1.2, "-w", 0, "--rate", 50], r"2 open, \d\d replies/s, \d waiting"),
            ("idle", ["--hold", 1.2], r"2 open, \d opened/s"),
            ("connect", ["-t", 1.2], r"\d open, [1-9]\d* handshakes/s"),
            ("fanout", [*control, "-t", 1.2, "-w", 0], r"2 open, [12]\d deliveries/s"),
            ("push", [*control, "-t", 1.2, "-w", 0],
             r"2 open, [1-9]\d* deliveries/s, \d under way"),
            ("slow", [*control, "-t", 1.2, "-w", 0], r"2 open, \d+ deliveries/s"),
            ("storm", ["--jitter", 0.1], r"\d open, \d back/s, \d without service"),
        ):  # fmt: skip
            with self.subTest(mode=mode, options=options):
                url = f"ws://127.0.0.1:{server.port}/ws"
                lines = self.lines(mode, url, "-c", 2, *options, "--pid", server.pid)
                server_part = r"; server \d+ % CPU, \d+\.\d MiB"
                self.assertRegex("\n".join(lines), rf"(?m)^{mode}: {expected}{server_part}$")

    def test_failed_connections(self):
        def picky(peer):
            (answer("HTTP/1.1 503 Busy\r\n\r\n") if peer.number % 2 else echo)(peer)

        with Server(picky) as server:
            lines = self.lines("echo", server.url, "-c", 6, "-t", 1.2, "-w", 0, code=1)
        self.assertRegex(lines[-1], r"^echo: 3 open, \d+ replies/s, \d+ waiting, 3 failed$")

    def test_nothing_is_said_unasked(self):
        with Server(echo) as server:
            self.assertEqual(run("echo", server.url, "-c", 2, "-t", 1.2, "-w", 0).stderr, "")


def closed(schema):
    """The schema of today: it knows every key there is. A published one must let new ones pass."""
    schema = copy.deepcopy(schema)
    for described in (schema, *schema["$defs"].values()):
        if "properties" in described:
            described["additionalProperties"] = False
    return schema


@unittest.skipUnless(hasattr(jsonschema, "Draft202012Validator"),
                     "python3-jsonschema is not there, or too old for draft 2020-12")  # fmt: skip
class Schema(BenchTest, wsmd.WsmdTest):
    MODES = {
        "echo": ["--messages", 50],
        "idle": ["--steps", "2,3", "--hold", 0],
        "connect": ["-t", 0.2],
        "fanout": ["-w", 0, "-t", 0.2, "--rate", 40],
        "push": ["--messages", 50],
        "storm": [],
        "slow": ["-w", 0, "-t", 0.2, "--rate", 40],
    }
    THROUGH_CONTROL = ("fanout", "push", "slow")

    @classmethod
    def setUpClass(cls):
        path = runner.REPO / "bench" / "wsmbench" / "report.schema.json"
        cls.schema = json.loads(path.read_text(encoding="utf-8"))

    def check(self, report):
        self.assertEqual(report["schema"], self.schema["properties"]["schema"]["const"])
        errors = jsonschema.Draft202012Validator(closed(self.schema)).iter_errors(report)
        self.assertEqual([f"{error.json_path}: {error.message}" for error in errors], [])

    def arguments(self, server, mode):
        control = ["--control", server.control_path] if mode in self.THROUGH_CONTROL else []
        return [mode, f"ws://127.0.0.1:{server.port}/ws", *control, "-c", 3, *self.MODES[mode]]

    def test_the_schema_is_one(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)
        said = run("--help").stdout
        for mode in self.schema["properties"]["mode"]["enum"]:
            self.assertRegex(said, rf"\n  {mode} ")
        self.assertEqual(set(self.MODES), set(self.schema["properties"]["mode"]["enum"]))

    def test_every_mode_keeps_it(self):
        server = self.wsmd()
        for mode in self.MODES:
            with self.subTest(mode=mode):
                self.check(self.bench(*self.arguments(server, mode)))

    def test_with_all_that_may_be_absent(self):
        server = self.wsmd()
        for mode, more in (
            ("echo", ["--rate", 100, "--hgrm", os.devnull]), ("idle", []), ("connect", []),
            ("fanout", ["--group", "g"]), ("push", ["--rate", 100]), ("storm", []), ("slow", []),
        ):  # fmt: skip
            with self.subTest(mode=mode):
                report = self.bench(*self.arguments(server, mode), *more, "--pid", server.pid)
                self.check(report)
                keys = self.schema["$defs"][f"{mode}_results"]["properties"].keys()
                self.assertEqual(keys - report["results"].keys(), set())

    def test_of_a_run_that_came_to_nothing(self):
        server = self.wsmd()
        server.stop()
        for mode in self.MODES:
            with self.subTest(mode=mode):
                report = self.bench(*self.arguments(server, mode), code=1)
                self.check(report)
                self.assertGreater(report["errors"]["refused"], 0)

    def test_it_notices_what_is_missing(self):
        report = self.bench(*self.arguments(self.wsmd(), "push"))
        validator = jsonschema.Draft202012Validator(self.schema)
        self.assertTrue(validator.is_valid({**report, "new": 1}))
        self.assertFalse(validator.is_valid({**report, "mode": "unknown"}))
        for key in report:
            less = {name: value for name, value in report.items() if name != key}
            self.assertFalse(validator.is_valid(less), key)
        for group, key in (
            ("results", "deliveries"), ("settings", "depth"), ("timings_us", "latency"),
            ("errors", "order"), ("cpu", "wsmbench"),
        ):  # fmt: skip
            less = {name: value for name, value in report[group].items() if name != key}
            self.assertFalse(validator.is_valid({**report, group: less}), key)


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
