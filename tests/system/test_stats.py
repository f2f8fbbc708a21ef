"""Statistics of the real daemon: what they say of workers, pools and frames, in each form."""

import re
import shutil
import subprocess
import time

import rawws
import runner
import wsmd

SETTINGS = {"workers": 2}
RULES = runner.REPO / "docs" / "wsmd.rules.yml"


class Stats(wsmd.WsmdTest):
    def rows(self, server, pool):
        return [r for r in server.ctl("stats")["pool"]["each"] if r["pool"] == pool]

    def total(self, server, pool, what):
        return sum(row[what] for row in self.rows(server, pool))

    def test_pools_are_used_again(self):
        server = self.wsmd(**SETTINGS)
        for turn in range(2):
            clients = [rawws.RawClient(server, f"u{i}") for i in range(60)]
            for pool in ["conns", "sessions"]:
                self.assertEqual(self.total(server, pool, "in_use"), 60)
                self.assertGreaterEqual(self.total(server, pool, "room"), 60)
                # The memory that was given back last is taken first.
                self.assertEqual(self.total(server, pool, "reused"), 60 * turn)
            for client in clients:
                client.close()
            self.eventually(lambda: self.total(server, "conns", "in_use") == 0)
        self.assertEqual(self.total(server, "send_nodes", "in_use"), 0)
        client = rawws.RawClient(server, "a")
        for n in range(3):
            server.ctl("send", user="a", text="x")
            self.assertEqual(client.receive(), "x")
        self.assertGreaterEqual(self.total(server, "send_nodes", "room"), 1)
        self.assertEqual(self.total(server, "send_nodes", "reused"), 2)

    def test_connections_and_their_limit(self):
        server = self.wsmd(limits__max_connections=8, **SETTINGS)
        clients = [rawws.RawClient(server, f"u{i}") for i in range(4)]
        stats = server.ctl("stats")
        self.assertEqual(
            {k: v for k, v in stats["pool"].items() if k != "each"},
            {"connections": 4, "connections_limit": 8, "connections_used": 0.5},
        )
        self.assertEqual(stats["limits"]["max_connections"], 8)
        each = stats["workers"]["each"]
        self.assertEqual([row["worker"] for row in each], [0, 1])
        self.assertEqual(sum(row["connections"] for row in each), len(clients))
        for row in each:
            self.assertAlmostEqual(row["share"], row["connections"] / 4)

    def test_turns_and_inboxes(self):
        server = self.wsmd(**SETTINGS)
        client = rawws.RawClient(server, "a")
        for _ in range(200):
            client.echo("x")
        each = server.ctl("stats")["workers"]["each"]
        busy = max(each, key=lambda row: row["turns"])
        self.assertGreaterEqual(busy["turns"], 200)
        self.assertGreaterEqual(busy["inbox_high"], 1, "its hand-off")
        self.assertGreater(busy["turn_mean_us"], 0)
        self.assertLessEqual(busy["turn_p50_us"], busy["turn_p99_us"])
        self.assertLessEqual(busy["turn_p99_us"], busy["turn_max_us"])
        # A turn is not the sleep before it.
        self.assertLess(busy["turn_max_us"], 1e6 * (time.monotonic() - self.began))
        metrics = self.eventually(lambda: self.with_turns(server, busy["turns"]))
        label = f'worker="{busy["worker"]}"'
        buckets = [
            value for name, value in metrics.items()
            if re.match(rf"wsmd_worker_turn_seconds_bucket{{{label}", name)
        ]  # fmt: skip
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], metrics[f"wsmd_worker_turn_seconds_count{{{label}}}"])
        self.assertGreater(metrics[f"wsmd_worker_turn_seconds_sum{{{label}}}"], 0)
        self.assertGreater(metrics[f"wsmd_worker_turn_max_seconds{{{label}}}"], 0)

    def test_what_a_turn_and_a_write_carry(self):
        server = self.wsmd(**SETTINGS)
        before = server.ctl("stats")
        self.assertEqual(before["workers"]["bytes_per_write"], 0, "nothing was written yet")
        client = rawws.RawClient(server, "a")
        for _ in range(50):
            client.write(rawws.frame(rawws.TEXT, "x" * 1000) * 16)
            for _ in range(16):
                self.assertEqual(client.receive(), "x" * 1000)
        stats = server.ctl("stats")
        workers = stats["workers"]
        for mean, of, by in (
            ("reads_per_turn", workers["reads"], workers["turns"]),
            ("writes_per_turn", workers["writes"], workers["turns"]),
            ("bytes_per_write", stats["basic"]["bytes_out"], workers["writes"]),
        ):  # fmt: skip
            self.assertAlmostEqual(workers[mean], of / by)
        self.assertGreater(workers["bytes_per_write"], 1004, "replies leave together")

    def with_turns(self, server, n):
        """/metrics, which is up to a second old, once it knows of so many."""
        metrics = server.metrics()
        return metrics if metrics.get("wsmd_turns_total", 0) >= n else None

    def setUp(self):
        self.began = time.monotonic()

    def test_frames_both_ways(self):
        server = self.wsmd(**SETTINGS)
        client = rawws.RawClient(server, "a")
        client.write(
            rawws.frame(rawws.TEXT, "a", fin=False) + rawws.frame(rawws.PING)
            + rawws.frame(rawws.CONT, "b", fin=False) + rawws.frame(rawws.CONT, "c")
        )  # fmt: skip
        self.assertEqual(client.read_frame()[0], rawws.PONG)
        self.assertEqual(client.receive(), "abc")
        client.echo("x")
        server.ctl("send", user="a", text="y")
        self.assertEqual(client.receive(), "y")
        basic = server.ctl("stats")["basic"]
        self.assertEqual((basic["messages_in"], basic["messages_out"]), (2, 3))
        self.assertEqual((basic["control_frames_in"], basic["control_frames_out"]), (1, 1))
        self.assertEqual(basic["continuations_in"], 2)
        self.assertEqual((basic["frames_in"], basic["frames_out"]), (5, 4))
        client.send(b"", rawws.CLOSE)
        client.closing()
        basic = server.ctl("stats")["basic"]
        self.assertEqual((basic["frames_in"], basic["frames_out"]), (6, 5))

    def test_alerts_name_what_there_is(self):
        metrics = self.eventually(lambda: self.with_turns(self.wsmd(**SETTINGS), 0))
        text = RULES.read_text(encoding="utf-8")
        names = set(re.findall(r"wsmd_\w+", re.sub("(?m)^#.*", "", text)))
        self.assertGreater(len(names), 5)
        self.assertEqual(names - set(metrics), set())
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "rules", RULES], check=True)

    def test_the_table_has_every_member(self):
        """But for causes that never occurred, and lists of rows, which are tables of their own."""
        server = self.wsmd(**SETTINGS)
        rawws.RawClient(server, "a")
        text = server.wsmctl("stats")
        stats = server.ctl("stats")
        for group, members in stats.items():
            self.assertIn(f"\n{group}\n" if group != "basic" else f"{group}\n", text)
            for name, value in members.items():
                if isinstance(value, (int, float, str)):
                    word = re.sub("(?<!_per)_(us|ms|s|bytes)$", "", name)
                    self.assertRegex(text, rf"(?m)^  {word} ", name)
        for title in ["workers.each", "pool.each"]:
            self.assertIn(f"\n{title}\n", text)


if __name__ == "__main__":
    runner.main()
