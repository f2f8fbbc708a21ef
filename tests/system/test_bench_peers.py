"""What wsmbench needs to measure any server: other text, other processes."""

import collections
import subprocess
import time

import runner
from test_wsmbench import BenchTest, run
from ws_peer import TEXT, Server, echo


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


if __name__ == "__main__":
    runner.main()
