"""What wsmbench writes for programs: the distribution of its latencies."""

import pathlib
import tempfile

import runner
from test_wsmbench import BenchTest, run
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
