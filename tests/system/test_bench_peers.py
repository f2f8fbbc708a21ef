"""What wsmbench needs to measure any server: other text, other ways in, other processes."""

import collections
import contextlib
import socket
import subprocess
import time

import runner
import wsmd
from test_wsmbench import BenchTest, run
from ws_peer import TEXT, Server, echo

RAWECHO = runner.program("RAWECHO", "bench/micro/rawecho")
SIZE = 40


class Mixed(BenchTest):
    def test_half_of_the_bytes_are_in_wide_characters(self):
        seen = collections.Counter()

        def collect(peer):
            peer.accept()
            for opcode, data in peer.messages():
                self.assertEqual((opcode, len(data)), (TEXT, 3012))
                seen.update(len(c.encode()) for c in data[12:].decode("utf-8"))
                peer.send(opcode, data)

        with Server(collect) as server:
            report = self.bench("echo", server.url, "-s", 3012, "--mixed", "-c", 2,
                                "--messages", 100)  # fmt: skip
        self.assertEqual(report["results"]["messages_answered"], 100)
        self.assertEqual(set(seen), {1, 3})
        self.assertAlmostEqual(3 * seen[3] / (3 * seen[3] + seen[1]), 0.5, delta=0.05)

    def test_sizes_that_end_within_a_character(self):
        for options in (["-s", 3013], ["-s", 20], ["--binary", "-s", 3012]):
            done = run("echo", "ws://127.0.0.1:1/", "--mixed", *options)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("--mixed", done.stderr)


class IdleSize(BenchTest):
    def test_each_has_its_message_before_memory_is_measured(self):
        received = collections.Counter()

        def count(peer):
            peer.accept()
            for opcode, data in peer.messages():
                received[len(data)] += 1
                time.sleep(1.5 if peer.number == 6 else 0)  # memory would not wait so long
                peer.send(opcode, data)

        with Server(count) as server:
            report = self.bench("idle", server.url, "--steps", "3,7", "-s", 70000, "--hold", 0)
        self.assertEqual(dict(received), {70000: 7})
        self.assertEqual(report["results"]["messages_received"], 7)
        self.assertEqual([s["connections"] for s in report["memory"]], [0, 3, 7])

    def test_nothing_is_sent_unless_asked_for(self):
        with Server(echo) as server:
            report = self.bench("idle", server.url, "-c", 3, "--hold", 0)
        self.assertEqual(report["results"]["messages_received"], 0)

    def test_a_wrong_reply(self):
        def lie(peer):
            peer.accept()
            for opcode, data in peer.messages():
                peer.send(opcode, data[:-1] + b"!")

        with Server(lie) as server:
            report = self.bench("idle", server.url, "-c", 2, "-s", 100, "--hold", 0, code=1)
        self.assertEqual(self.errors(report), {"content": 2})


class Processes(BenchTest):
    def test_children_are_part_of_the_server(self):
        # The first shell waits for the second, which works.
        parent = subprocess.Popen(["sh", "-c", "sh -c 'while :; do :; done'; true"],
                                  start_new_session=True)  # fmt: skip
        with parent, Server(echo) as server:
            try:
                time.sleep(0.3)
                report = self.bench("echo", server.url, "-c", 1, "-w", 0, "-t", 0.5,
                                    "--pid", parent.pid)  # fmt: skip
            finally:
                subprocess.run(["kill", "--", f"-{parent.pid}"], check=True)
        self.assertGreater(report["cpu"]["server"]["total_s"], 0.02)


class ClosedLoop(BenchTest, wsmd.WsmdTest):
    def rawecho(self):
        """A URL without path of one that takes messages of SIZE bytes."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen([RAWECHO, str(port), str(SIZE)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        url = f"ws://127.0.0.1:{port}"
        one = ["echo", url, "-s", SIZE, "-c", 1, "--messages", 1]
        self.eventually(lambda: run(*one).returncode == 0)
        return url

    def fanout(self, url, *options, code=0):
        return self.bench("fanout", url, "-s", SIZE, "-w", 0, "-t", 0.5, *options, code=code)

    def settled(self, report, receivers):
        results = report["results"]
        self.assertGreater(results["messages_sent"], 2)
        self.assertEqual(results["deliveries"], results["messages_sent"] * receivers)

    def test_published_on_a_connection(self):
        url = self.rawecho()
        for depth in (1, 8):
            for threads in (1, 3):
                report = self.fanout(f"{url}/sub", "-c", 30, "-d", depth, "-T", threads,
                                     "--publish", f"{url}/pub")  # fmt: skip
                self.settled(report, 30)

    def test_no_more_in_flight_than_asked_for(self):
        behind = []  # bytes of further messages, when one has had time to be followed

        def spread(peer):
            peer.accept()
            for opcode, data in peer.messages():
                time.sleep(0.02)
                peer.sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    peer.buffered += peer.sock.recv(1 << 20)
                peer.sock.setblocking(True)
                behind.append(len(peer.buffered))
                for subscriber in server.peers:
                    if subscriber.target.startswith("/sub"):
                        subscriber.send(opcode, data)

        for depth in (1, 4):
            behind.clear()
            with Server(spread) as server:
                base = server.url.removesuffix("/ws")
                report = self.fanout(f"{base}/sub", "-c", 3, "-d", depth,
                                     "--publish", f"{base}/pub")  # fmt: skip
            self.settled(report, 3)
            self.assertEqual(max(behind), (depth - 1) * (SIZE + 6))

    def test_through_the_control_socket(self):
        server = self.wsmd()
        url = f"ws://127.0.0.1:{server.port}/ws"
        for depth in (1, 8):
            report = self.fanout(url, "-c", 20, "-d", depth, "--control", server.control_path)
            self.settled(report, 20)
            self.assertGreater(report["results"]["messages_sent"], 100)

    def test_nobody_to_publish_to(self):
        with Server(echo) as server:
            report = self.fanout(server.url, "-c", 2, "-d", 1,
                                 "--publish", "ws://127.0.0.1:1/pub", code=1)  # fmt: skip
        self.assertIn("no publisher on 127.0.0.1:1/pub", report["first_error"])

    def test_usage(self):
        for options, why in (
            (["-d", 1, "--rate", 5], "--rate decides"),
            (["--publish", "http://x"], "--publish needs a URL"),
            (["--publish", "ws://127.0.0.1:1/", "--group", "g"], "no meaning"),
        ):
            done = run("fanout", "ws://127.0.0.1:1/", *options)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    runner.main()
