"""wsmbench storm: everybody is cut off, comes back, and is counted."""

import collections
import json
import signal
import struct
import subprocess
import threading
import time

import runner
import wsmd
from test_wsmbench import WSMBENCH, BenchTest, run
from ws_peer import CLOSE, TEXT, Server, answer, echo

BUSY = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n"


class Storm(BenchTest):
    def storm(self, server, *options, code=0):
        return self.bench("storm", server.url, *options, code=code)

    def by_attempt(self, *behaviours):
        """What meets a user's first connection, his second, ...; the last one all that follow."""
        attempts = collections.Counter()
        lock = threading.Lock()

        def behaviour(peer):
            if len(behaviours) > 1:
                peer.take_head = remember(peer.take_head())
                with lock:
                    n = attempts[peer.target]
                    attempts[peer.target] += 1
            else:
                n = 0
            behaviours[min(n, len(behaviours) - 1)](peer)

        return Server(behaviour)

    def results(self, report, cut, restored):
        results = report["results"]
        self.assertEqual(results["connections_cut"], cut)
        self.assertEqual(results["connections_restored"], restored)
        self.assertEqual(report["timings_us"]["outage"]["count"], restored)
        self.assertEqual(results["attempts"] - results["attempts_refused"], restored)
        self.assertEqual(sum(results["refusals"].values()), results["attempts_refused"])
        return results

    def test_at_once(self):
        with Server(echo) as server:
            results = self.results(self.storm(server, "-c", 40, "-T", 3), 40, 40)
            self.assertEqual(len(server.peers), 80)
        self.assertEqual(results["cuts"], {"reset by wsmbench": 40})
        self.assertEqual((results["refusals"], results["cut_again"]), ({}, 0))
        times = [results[f"restored_{share}_s"] for share in (50, 99, "all")]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[0], 0)

    def test_jitter_spreads_them(self):
        with Server(echo) as server:
            report = self.storm(server, "-c", 200, "--jitter", 2)
        results = self.results(report, 200, 200)
        # The median of 200 uniform times has a deviation of 0.07 s, and the machine may be late.
        self.assertGreater(results["restored_50_s"], 0.6)
        self.assertLess(results["restored_50_s"], 1.6)
        self.assertGreater(results["restored_all_s"], 1.6)
        self.assertLess(report["timings_us"]["outage"]["min"], 500_000)

    def test_a_refusal_says_when(self):
        later = answer(BUSY + "Retry-After: 2\r\n\r\n")
        with self.by_attempt(echo, later, echo) as server:
            report = self.storm(server, "-c", 5)
        results = self.results(report, 5, 5)
        self.assertEqual(results["refusals"], {"503": 5})
        self.assertGreaterEqual(report["timings_us"]["outage"]["min"], 2_000_000)

    def test_a_refusal_that_does_not(self):
        with self.by_attempt(echo, answer(BUSY + "\r\n"), lambda peer: None, echo) as server:
            report = self.storm(server, "-c", 5)
        results = self.results(report, 5, 5)
        # Who closes the door without a word is a refusal too.
        self.assertEqual(results["refusals"], {"503": 5, "handshake": 5})
        self.assertGreaterEqual(report["timings_us"]["outage"]["min"], 2_000_000)

    def test_the_first_handshakes_are_patient_too(self):
        later = answer(BUSY + "Retry-After: 1\r\n\r\n")
        with self.by_attempt(later, echo) as server:
            report = self.storm(server, "-c", 5)
        self.assertEqual(report["results"]["connections_open"], 5)
        self.assertEqual(self.results(report, 5, 5)["refusals"], {})

    def test_a_first_handshake_that_is_refused_is_an_error(self):
        def picky(peer):
            (answer(BUSY + "\r\n") if peer.number == 0 else echo)(peer)

        with Server(picky) as server:
            report = self.storm(server, "-c", 5, code=1)
        self.assertEqual(self.errors(report), {"status": 1})
        self.results(report, 4, 4)

    def test_the_server_cuts(self):
        cut = threading.Event()

        def leave(peer):
            peer.accept()
            cut.wait(30)
            reason = b"on its way down [retry_ms=1500 id=abcdefgh]"
            if peer.number % 2:
                peer.send(CLOSE, struct.pack("!H", 1012) + reason)
                peer.receive()

        threading.Timer(2, cut.set).start()
        with self.by_attempt(leave, echo) as server:
            report = self.storm(server, "-c", 8, "--server-cuts")
        results = self.results(report, 8, 8)
        self.assertEqual(results["cuts"], {"1012": 4, "lost": 4})
        outage = report["timings_us"]["outage"]
        self.assertLess(outage["min"], 1_000_000)
        self.assertGreaterEqual(outage["max"], 1_500_000)

    def test_lost_again(self):
        def hasty(peer):
            peer.accept()
            peer.send(*peer.receive())

        with self.by_attempt(echo, hasty, echo) as server:
            report = self.storm(server, "-c", 4, "--jitter", 0.5)
        results = report["results"]
        self.assertEqual(results["connections_restored"], 4)
        # Who is lost behind the last one's echo is lost when nobody counts any more.
        self.assertLessEqual(results["cut_again"], 4)
        self.assertEqual(results["cuts"].get("lost", 0), results["cut_again"])

    def test_no_service_again(self):
        def silent(peer):
            peer.accept()
            list(peer.messages())

        with self.by_attempt(echo, silent) as server:
            report = self.storm(server, "-c", 3, "-t", 1.5, code=1)
        self.assertEqual(self.errors(report), {"outage": 3})
        self.assertIn("3 of 3 connections that were cut had no echo", report["first_error"])
        results = report["results"]
        self.assertEqual((results["connections_restored"], results["attempts"]), (0, 3))
        self.assertNotIn("restored_50_s", results)

    def test_some_have_no_service_again(self):
        def picky(peer):
            (answer(BUSY + "\r\n") if peer.number == 15 else echo)(peer)

        with Server(picky) as server:
            report = self.storm(server, "-c", 10, "-t", 0.7, code=1)
        self.assertEqual(self.errors(report), {"outage": 1})
        results = self.results(report, 10, 9)
        self.assertGreater(results["restored_50_s"], 0)
        self.assertNotIn("restored_99_s", results)

    def test_no_cut(self):
        with Server(echo) as server:
            report = self.storm(server, "-c", 3, "-t", 0.5, "--server-cuts", code=1)
        self.assertEqual(self.errors(report), {"outage": 1})
        self.assertIn("no connection was cut within 0.5 s", report["first_error"])

    def test_wrong_echo(self):
        def lie(peer):
            peer.accept()
            for _, data in peer.messages():
                peer.send(TEXT, data[:15] + b"!" + data[16:])

        with self.by_attempt(echo, lie, echo) as server:
            report = self.storm(server, "-c", 2, code=1)
        self.assertEqual(self.errors(report), {"content": 2})
        results = report["results"]
        self.assertEqual((results["connections_restored"], results["attempts"]), (2, 4))

    def test_interrupt(self):
        with self.by_attempt(echo, lambda peer: peer.take(1 << 20)) as server:
            bench = subprocess.Popen(
                [WSMBENCH, "storm", server.url, "-c", "3", "--json"],
                stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            while len(server.peers) < 6:
                time.sleep(0.05)
            bench.send_signal(signal.SIGINT)
            report = json.loads(bench.communicate(timeout=30)[0])
        self.assertTrue(report["interrupted"])
        self.assertEqual((bench.returncode, self.errors(report)), (0, {}))
        self.assertEqual(report["results"]["connections_restored"], 0)

    def test_text(self):
        with Server(echo) as server:
            done = run("storm", server.url, "-c", 3)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"all of them after +[\d.]+ s\n")
        self.assertRegex(done.stdout, r"cut by +reset by wsmbench: 3\n")
        self.assertRegex(done.stdout, r"refused with +none\n")
        self.assertRegex(done.stdout, r"from its cut to its echo +[\d.]+")


def remember(head):
    """The head was read to choose a behaviour, which asks for it again."""
    return lambda: head


class Real(BenchTest, wsmd.WsmdTest):
    def url(self, server):
        return f"ws://127.0.0.1:{server.port}/ws"

    def test_limit_of_the_rate(self):
        server = self.wsmd(limits__connections_per_s=20)
        report = self.bench("storm", self.url(server), "-c", 40, "--pid", server.pid)
        results = report["results"]
        self.assertEqual(results["connections_cut"], 40)
        self.assertEqual(results["connections_restored"], 40)
        self.assertGreater(results["refusals"]["503"], 0)
        self.assertGreater(results["restored_all_s"], 0.9)
        self.assertGreater(results["server_cpu_us_per_restored"], 0)
        self.assertGreaterEqual(
            results["server_rss_peak_bytes"], results["server_rss_before_bytes"]
        )

    def test_restart(self):
        first = self.wsmd(code=-9)
        bench = subprocess.Popen(
            [WSMBENCH, "storm", self.url(first), "-c", "20", "--server-cuts", "--json"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.eventually(lambda: first.stat("basic.connections_active") == 20)
        time.sleep(1.5)  # behind the settling
        first.signal(signal.SIGKILL)
        first.exit_code()
        time.sleep(0.5)
        self.wsmd("--listen", first.address)
        report = json.loads(bench.communicate(timeout=60)[0])
        results = report["results"]
        self.assertEqual(self.errors(report), {})
        self.assertEqual(results["connections_cut"], 20)
        self.assertEqual(results["connections_restored"], 20)
        # The first to come back may still meet what is left of the old one.
        self.assertGreater(results["refusals"]["refused"], 0)
        self.assertGreaterEqual(results["attempts_refused"], 15)
        self.assertGreater(results["restored_50_s"], 0.5)


class Usage(BenchTest):
    def test_mistakes(self):
        for arguments, said in (
            (["--jitter", "-1"], "-1 is not a number from 0"),
            (["--rate", 5], "no such option in this mode"),
            (["--server-cuts=yes"], "this option has no value"),
        ):
            with self.subTest(arguments=arguments):
                done = run("storm", "ws://127.0.0.1:1/ws", *arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    runner.main()
