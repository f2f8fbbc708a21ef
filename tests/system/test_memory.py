"""Memory of the whole process: what the limits promise is there, and is kept."""

import rawws
import runner
import wsmd

MIB = 1 << 20


class Plan(wsmd.WsmdTest):
    def test_plan_is_printed(self):
        done = wsmd.run("--dev", "--plan")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("Promised", "limits.buffered_bytes", "quiet", "at worst", "high water"):
            self.assertIn(word, done.stdout)
        half = wsmd.run("--dev", "--plan", "--set", f"limits.memory_bytes={300 * MIB}")
        self.assertIn("300.0 MiB", half.stdout)
        self.assertIn("75.0 MiB", half.stdout, "a quarter is the budget")

    def test_too_big_is_refused(self):
        settings = ("--set", f"limits.memory_bytes={64 * MIB}", "--set",
                    "limits.max_half_open=100", "--set", "limits.max_connections=15000",
                    "--set", f"limits.buffered_bytes={40 * MIB}")  # fmt: skip
        for option in ((), ("--plan",)):
            done = wsmd.run("--dev", *option, "--listen", "127.0.0.1:0", *settings)
            self.assertEqual(done.returncode, 1)
            for word in ("limits.max_connections is 15000", "limits.when_too_big=lower", "MiB"):
                self.assertIn(word, done.stderr)
        self.assertIn("at worst", done.stdout, "the plan is printed all the same")

    def test_too_big_is_lowered_when_told_to(self):
        server = self.wsmd(
            limits__memory_bytes=64 * MIB, limits__buffered_bytes=40 * MIB,
            limits__max_half_open=100, limits__max_connections=15000,
            limits__when_too_big="lower", limits__memory_high_water=0.85,
        )  # fmt: skip
        limit = server.ctl("stats")["limits"]["max_connections"]
        self.assertTrue(100 < limit < 15000, limit)
        (line,) = server.log("memory")
        self.assertIn(f"room for {limit} connections, not for 15000", line["text"])

    def test_few_places(self):
        """The lowered limit is enforced."""
        server = self.wsmd(
            "--workers", "1", limits__memory_bytes=16 * MIB, limits__max_half_open=100,
            limits__buffered_bytes=int(1.1 * MIB), limits__memory_high_water=0.85,
            limits__max_connections=15000, limits__when_too_big="lower",
        )  # fmt: skip
        limit = server.ctl("stats")["limits"]["max_connections"]
        self.assertLess(limit, 2000)
        clients = [rawws.RawClient(server) for _ in range(limit)]
        status, headers, _ = wsmd.parse_answer(server.exchange(rawws.request()))
        self.assertEqual(status, 503)
        self.assertTrue(1 <= int(headers["retry-after"]) <= 10)
        clients.pop().goodbye()
        self.eventually(lambda: server.stat("basic.connections_active") == limit - 1)
        rawws.RawClient(server).goodbye()

    def test_no_room_at_all(self):
        done = wsmd.run("--dev", "--listen", "127.0.0.1:0", "--set", "limits.memory_bytes=1000000")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no room for connections", done.stderr)

    def test_small_machines_are_served(self):
        server = self.wsmd(limits__memory_bytes=128 * MIB)
        self.assertGreater(server.ctl("stats")["limits"]["max_connections"], 1000)
        rawws.RawClient(server).goodbye()

    def test_ranges(self):
        for setting in ("memory_bytes=-1", "memory_high_water=0", "memory_high_water=1.1",
                        "buffered_bytes=1.5", "when_too_big=perhaps"):  # fmt: skip
            done = wsmd.run("--dev", "--set", f"limits.{setting}")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"limits.{setting.partition('=')[0]}", done.stderr)


if __name__ == "__main__":
    runner.main()
