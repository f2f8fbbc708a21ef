"""Memory of the whole process: what the limits promise is there, and is kept."""

import json
import tempfile

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
        settings = ("--set", f"limits.memory_bytes={80 * MIB}", "--set",
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
            limits__memory_bytes=80 * MIB, limits__buffered_bytes=40 * MIB,
            limits__max_half_open=100, limits__max_connections=15000,
            limits__when_too_big="lower", limits__memory_high_water=0.85,
        )  # fmt: skip
        limit = server.ctl("stats")["limits"]["max_connections"]
        self.assertTrue(100 < limit < 15000, limit)
        (line,) = server.log("memory")
        self.assertIn(f"room for {limit} connections, not for 15000", line["text"])

    def test_a_reload_cannot_promise_more(self):
        file = f"{self.enterContext(tempfile.TemporaryDirectory())}/wsmd.json"
        limits = {
            "memory_bytes": 80 * MIB, "buffered_bytes": 40 * MIB, "max_half_open": 100,
            "memory_high_water": 0.85, "max_connections": 50,
        }  # fmt: skip

        def write(n):
            with open(file, "w", encoding="ascii") as out:
                json.dump({"limits": {**limits, "max_connections": n}}, out)

        write(50)
        server = self.wsmd("--config", file)
        write(60)
        self.assertNotIn("hint", server.ctl("reload"))
        self.assertEqual(server.log("memory"), [])
        write(1000000)
        hint = server.ctl("reload")["hint"]
        limit = server.ctl("stats")["limits"]["max_connections"]
        self.assertTrue(60 < limit < 1000000, limit)
        self.assertIn(f"is 1000000, but the memory has room for {limit} connections", hint)
        (line,) = server.log("memory")
        self.assertEqual(line["text"], hint)

    def test_few_places(self):
        """The lowered limit is enforced."""
        if not wsmd.SIZES_MEAN_SOMETHING:
            self.skipTest("the sanitizer alone is above the high water")
        server = self.wsmd(
            "--workers", "1", limits__memory_bytes=26 * MIB, limits__max_half_open=100,
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


class Pressure(wsmd.WsmdTest):
    """A budget of 24 MiB, and readers who do not read."""

    BUDGET = 24 * MIB

    def start(self):
        return self.wsmd(
            limits__buffered_bytes=self.BUDGET, limits__send_queue_bytes=16 * MIB,
            limits__max_message_bytes=16 * MIB, limits__memory_high_water=0.85,
        )  # fmt: skip

    def readyz(self, server):
        status, _, body = server.get("/readyz")
        return status, body.strip()

    def test_who_reads_nothing_is_let_go(self):
        server = self.start()
        server.get("/readyz")
        before = server.memory_bytes()
        stuck = [rawws.RawClient(server, f"s{i}", rcvbuf=4096) for i in range(30)]
        fine = rawws.RawClient(server, "fine")
        sent = 0
        while server.stat("basic.closes.shed") == 0:
            for i in range(len(stuck)):
                # Each of its own: shared by nobody.
                server.ctl("send", user=f"s{i}", text=f"{i}" + "x" * MIB)
            fine.echo("undisturbed")
            sent += len(stuck)
            self.assertLess(sent * MIB, 1 << 30)
        self.assertGreaterEqual(server.stat("basic.memory_full"), 1)
        self.assertGreaterEqual(server.stat("basic.shed_rounds"), 1)
        self.assert_grew_less(server, before, self.BUDGET + 200 * MIB)
        fine.echo("undisturbed")
        if not wsmd.SIZES_MEAN_SOMETHING:
            return  # what was freed stays resident, so it never comes to rest
        # It comes to rest by itself, and the healthy one has noticed nothing.
        self.eventually(lambda: self.readyz(server) == (200, "ready"))
        self.assertTrue(server.log("memory_full"))
        self.assertTrue(server.log("memory_calm"))
        self.assertGreater(len(server.log("closed", reason="shed")), 0)
        self.assertFalse(server.log("closed", reason="shed", user="fine"))
        fine.echo("undisturbed")
        rawws.RawClient(server, "new").echo("welcome again")

    def test_unfinished_messages_count(self):
        server = self.start()
        fine = rawws.RawClient(server, "fine")
        senders = [rawws.RawClient(server, f"s{i}") for i in range(12)]
        for sender in senders:
            # Eight MiB of sixteen, and then nothing.
            sender.sock.settimeout(0.5)
            try:
                sender.write(rawws.header(0x82, 16 * MIB) + b"x" * (8 * MIB))
            except OSError:
                pass  # let go in the middle of it
        self.eventually(lambda: server.stat("basic.closes.shed") > 0)
        fine.echo("undisturbed")
        closed = []
        for sender in senders:
            try:
                closed.append(sender.closing())
            except OSError:
                pass
        told = [c for c in closed if c.code == 1013]
        for reason in (c.reason for c in told):
            self.assertIn("short of memory", reason)
        self.assertTrue(all(1000 <= c.retry_ms <= 10000 for c in told), told)
        if wsmd.SIZES_MEAN_SOMETHING:
            self.eventually(lambda: self.readyz(server)[0] == 200)

    def test_newcomers_are_refused_first(self):
        """Where nothing can be let go: groups count, and nobody is closed for being in many."""
        server = self.wsmd(
            "--workers", "1", limits__buffered_bytes=100000,
            limits__max_groups_per_connection=10000,
        )  # fmt: skip
        server.get("/readyz")
        kept = rawws.RawClient(server, "kept")
        # Ten times the budget and more.
        for i in range(10000):
            if i % 100 == 0 and server.stat("basic.memory_full"):
                break
            server.ctl("join", group=f"{i:04}".ljust(100, "g"), target="kept")
        self.eventually(lambda: server.stat("basic.memory_full") == 1)
        status, headers, body = wsmd.parse_answer(server.exchange(rawws.request()))
        self.assertEqual(status, 503)
        self.assertIn("high water", body)
        self.assertTrue(1 <= int(headers["retry-after"]) <= 10)
        self.assertEqual(self.readyz(server), (503, "short of memory"))
        self.assertGreaterEqual(server.stat("basic.refusals.memory_full"), 1)
        self.assertEqual(server.stat("basic.closes.shed"), 0)
        kept.echo("those who are there stay")


if __name__ == "__main__":
    runner.main()
