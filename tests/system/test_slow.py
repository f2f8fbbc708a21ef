"""wsmbench slow against a real wsmd: what becomes of readers that stall, under each policy."""

import runner
import wsmd
from test_wsmbench import BenchTest, run

SIZE = 1000000
SENT = 20


class Slow(BenchTest, wsmd.WsmdTest):
    def slow(self, server, *options, code=0):
        return self.bench(
            "slow", f"ws://127.0.0.1:{server.port}/ws", "--control", server.control_path,
            "-w", 0, "-t", 0.5, "--rate", 40, "-s", SIZE, *options, code=code,
        )  # fmt: skip

    def policy(self, policy, **settings):
        return self.wsmd(
            limits__send_queue_bytes=1 << 20, limits__slow_consumer=policy,
            limits__close_timeout_s=0.1, **settings,
        )  # fmt: skip

    def check(self, report, stalled, readers):
        """What holds whatever the policy: the readers have everything, and the server says so."""
        results = report["results"]
        self.assertEqual(results["connections_open"], stalled + readers)
        self.assertEqual(results["connections_stalled"], stalled)
        self.assertEqual(results["messages_sent"], SENT)
        self.assertEqual(results["deliveries"], readers * SENT)
        self.assertEqual(report["timings_us"]["latency"]["count"], readers * SENT)
        self.assertEqual(sum(results["stalled_ends"].values()), stalled)
        # One message is more than half of the queue, so it holds one, or none if it is closed.
        self.assertGreaterEqual(results["stalled_queue_max_bytes"], SIZE // 2)
        return results

    def test_closed(self):
        server = self.policy("close")
        results = self.check(self.slow(server, "-c", 6, "--stalled", 2, "-T", 2), 2, 4)
        self.assertEqual(results["stalled_ends"], {"queue_full": 2})
        self.assertEqual(results["stalled_codes"], {"1008": 2})
        self.assertEqual(server.stat("basic.closes.queue_full"), 2)
        # The kernel takes a few of them, and not all.
        self.assertTrue(2 <= results["stalled_delivered"] < 2 * SENT, results)
        self.assertEqual(results["dropped"], 2)  # the copies that did not fit

    def test_newest_dropped(self):
        server = self.policy("drop_newest")
        results = self.check(self.slow(server, "-c", 5, "--stalled", 2), 2, 3)
        self.assertEqual((results["stalled_ends"], results["stalled_codes"]), ({"open": 2}, {}))
        self.assertGreater(results["stalled_skipped"], 2)
        self.assertEqual(results["stalled_delivered"] + results["stalled_skipped"], 2 * SENT)
        self.assertEqual(results["dropped"], results["stalled_skipped"])
        self.assertEqual(results["dropped"], server.stat("delivery.dropped"))

    def test_newest_kept(self):
        results = self.check(self.slow(self.policy("keep_newest"), "-c", 4), 1, 3)
        self.assertEqual(results["stalled_ends"], {"open": 1})
        # All were queued, and some of them given up again.
        self.assertEqual(results["stalled_delivered"], SENT)
        self.assertGreater(results["stalled_skipped"], 0)
        self.assertEqual(results["dropped"], 0)

    def test_memory_at_the_peak(self):
        server = self.policy("drop_newest", recorder__closed_bytes=0)
        report = self.slow(server, "-c", 21, "--stalled", 20, "--pid", server.pid, "-s", 1000000)
        before = report["results"]["server_rss_before_bytes"]
        peak = report["results"]["server_rss_peak_bytes"]
        # The copies are shared, so the twenty cost little more than one message.
        self.assertGreater(peak - before, SIZE)
        if wsmd.SIZES_MEAN_SOMETHING:
            self.assertLess(peak - before, 10 * SIZE)
        self.assertGreater(report["results"]["server_cpu_us_per_delivery"], 0)

    def test_forgotten(self):
        """Nobody is left to tell how they ended, and the run says so."""
        server = self.policy("close", recorder__closed_bytes=0)
        report = self.slow(server, "-c", 2, code=1)
        self.assertEqual(self.errors(report), {"control": 1})
        self.assertIn("wsmd refused the command: nothing is known", report["first_error"])

    def test_text(self):
        server = self.policy("close")
        done = run(
            "slow", f"ws://127.0.0.1:{server.port}/ws", "--control", server.control_path,
            "-c", 2, "-w", 0, "-t", 0.5, "--rate", 40, "-s", SIZE,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"the stalled ended by +queue_full: 1\n")
        self.assertRegex(done.stdout, r"and were told +1008: 1\n")


class Usage(BenchTest):
    def test_mistakes(self):
        url = "ws://127.0.0.1:1/ws"
        for arguments, said in (
            ([url, "--stalled", 5, "-c", 5], "leaves nobody who reads"),
            ([url, "--stalled", 0], "0 is not a whole number from 1"),
            ([url, "--user-prefix", ""], "each connection needs a user of its own"),
            ([url + "?user=me"], "each connection needs a user of its own"),
            ([url, "--group", "g"], "no such option in this mode"),
        ):
            with self.subTest(arguments=arguments):
                done = run("slow", *arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    runner.main()
