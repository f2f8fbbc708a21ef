"""wsmbench push against a real wsmd, and against servers that send the wrong thing to a user."""

import contextlib
import json
import signal
import subprocess
import tempfile
import time

import runner
import wsmd
from test_fanout import Socket
from test_wsmbench import WSMBENCH, BenchTest, run
from ws_peer import BINARY, TEXT, Server

DELIVERED = b'{"version":1,"ok":true,"result":{"delivered":1,"dropped":0}}\n'


class Real(BenchTest, wsmd.WsmdTest):
    def push(self, server, *options, code=0):
        return self.bench(
            "push", f"ws://127.0.0.1:{server.port}/ws", "--control", server.control_path,
            *options, code=code,
        )  # fmt: skip

    def test_every_delivery_is_counted_and_timed(self):
        server = self.wsmd(workers=2)
        loops = (
            ["-c", 1],
            ["-c", 1, "-d", 50],
            ["-c", 7, "-d", 5, "-T", 3],
            ["-c", 30, "-d", 4, "-s", 12],
            ["-c", 3, "-d", 2, "-s", 100000],
            ["-c", 20, "--rate", 2000, "-T", 2],
            ["-c", 20, "--rate", 1000000, "-s", 2000],
        )
        for options in loops:
            with self.subTest(options=options):
                report = self.push(server, "--messages", 200, *options)
                results = report["results"]
                self.assertEqual(results["connections_open"], options[1])
                for name in ("messages_sent", "deliveries", "deliveries_measured"):
                    self.assertEqual(results[name], 200, name)
                self.assertEqual(report["timings_us"]["latency"]["count"], 200)
                self.assertGreater(report["timings_us"]["latency"]["min"], 0)
        self.assertEqual(server.stat("delivery.delivered"), 200 * len(loops))

    def test_users_take_turns(self):
        server = self.wsmd()
        report = self.push(server, "-c", 4, "--messages", 4, "--user-prefix", "guest")
        self.assertEqual(report["results"]["deliveries"], 4)
        for i in range(4):
            record = server.ctl("why", target=f"guest{i}")["ended"][0]
            self.assertEqual(record["messages_out"], 1)

    def test_rate_and_server_cpu(self):
        server = self.wsmd()
        report = self.push(
            server, "-c", 10, "--rate", 400, "-w", 0.2, "-t", 0.5, "--pid", server.pid
        )
        results = report["results"]
        self.assertEqual(results["messages_sent"], 280)
        self.assertEqual(report["timings_us"]["latency"]["count"], 200)
        self.assertEqual(report["timings_us"]["send_lag"]["count"], 200)
        self.assertGreater(results["server_cpu_us_per_delivery"], 0)
        self.assertGreater(results["client_cpu_us_per_delivery"], 0)

    def test_more_than_the_server_can_do(self):
        """What is due stays due: waiting is seen, and nothing is left out."""
        server = self.wsmd()
        server.signal(signal.SIGSTOP)
        bench = subprocess.Popen(
            [WSMBENCH, "push", f"ws://127.0.0.1:{server.port}/ws", "--control",
             server.control_path, "-c", "5", "-w", "0", "-t", "1", "--rate", "4000", "-s", "1000",
             "--json"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        server.signal(signal.SIGCONT)
        self.eventually(lambda: server.stat("delivery.delivered") > 5)
        server.signal(signal.SIGSTOP)
        time.sleep(0.5)
        server.signal(signal.SIGCONT)
        report = json.loads(bench.communicate(timeout=60)[0])
        results = report["results"]
        self.assertEqual(self.errors(report), {})
        self.assertEqual(results["deliveries"], 4000)
        # 4 MB of requests a second and a full socket: most of the half second is seen.
        self.assertGreater(results["backlog_max"], 100)
        self.assertGreater(results["waiting_max"], 1000)
        self.assertGreater(report["timings_us"]["latency"]["p90"], 100_000)

    def test_another_connection_of_the_user(self):
        server = self.wsmd()
        bench = [WSMBENCH, "idle", f"ws://127.0.0.1:{server.port}/ws", "-c", "1", "--hold", "30"]
        other = subprocess.Popen(bench, stdout=subprocess.DEVNULL)
        self.eventually(lambda: server.stat("basic.connections_active") == 1)
        report = self.push(server, "-c", 3, "--messages", 30, code=1)
        other.send_signal(signal.SIGINT)
        other.wait(30)
        self.assertEqual(self.errors(report), {"undelivered": 1})
        self.assertIn("delivered to 2 connections, not to one", report["first_error"])

    def test_refused_command(self):
        server = self.wsmd(limits__max_message_bytes=1000)
        report = self.push(server, "-c", 2, "-s", 100000, "-t", 0.2, code=1)
        self.assertEqual(self.errors(report), {"control": 2})
        self.assertIn("wsmd refused the command", report["first_error"])

    def test_no_control_socket(self):
        server = self.wsmd()
        report = self.bench(
            "push", f"ws://127.0.0.1:{server.port}/ws", "--control", "/nowhere/at/all", "-c", 2,
            "-T", 2, code=1,
        )  # fmt: skip
        self.assertEqual(self.errors(report), {"control": 2})
        self.assertIn("no wsmd answers on the control socket /nowhere/", report["first_error"])
        self.assertEqual(report["results"]["messages_sent"], 0)

    def test_interrupt(self):
        server = self.wsmd()
        bench = subprocess.Popen(
            [WSMBENCH, "push", f"ws://127.0.0.1:{server.port}/ws", "--control",
             server.control_path, "-c", "3", "-t", "60", "--json"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.eventually(lambda: server.stat("delivery.delivered") > 30)
        bench.send_signal(signal.SIGINT)
        report = json.loads(bench.communicate(timeout=30)[0])
        self.assertTrue(report["interrupted"])
        self.assertEqual((bench.returncode, self.errors(report)), (0, {}))

    def test_text(self):
        server = self.wsmd()
        done = run(
            "push", f"ws://127.0.0.1:{server.port}/ws", "--control", server.control_path,
            "-c", 2, "-w", 0, "-t", 0.3,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("100-byte messages to one user after the other, closed loop, 1", done.stdout)
        self.assertRegex(done.stdout, r"throughput +[\d.]+ deliveries/s")


class Lies(BenchTest):
    def push(self, lie, *options, at=5, code=1):
        """To three users in turn; number @at is handled by lie(peers, user, text) -> answer."""
        count = iter(range(1 << 20))

        def control(line):
            arguments = json.loads(line)["arguments"]
            text, user = arguments["text"].encode(), arguments["user"]
            peers = {peer.target.partition("user=")[2]: peer for peer in server.peers}
            if next(count) == at:
                return lie(peers, user, text) or DELIVERED
            with contextlib.suppress(OSError):  # he may have left because of the lie
                peers[user].send(TEXT, text)
            return DELIVERED

        def receiver(peer):
            peer.accept()
            list(peer.messages())

        path = f"{self.enterContext(tempfile.TemporaryDirectory())}/control"
        with Server(receiver) as server, Socket(path, control):
            return self.bench(
                "push", server.url, "--control", path, "-c", 3, "--messages", 60, *options,
                code=code,
            )  # fmt: skip

    def check(self, lie, cause, first, *options, **how):
        report = self.push(lie, *options, **how)
        self.assertEqual(self.errors(report), {cause: 1})
        self.assertIn(first, report["first_error"])
        return report

    def test_honest(self):
        report = self.push(lambda peers, user, text: peers[user].send(TEXT, text), code=0)
        self.assertEqual(report["results"]["deliveries"], 60)

    def test_changed_byte(self):
        def change(peers, user, text):
            peers[user].send(TEXT, text[:30] + b"!" + text[31:])

        report = self.check(change, "content", "message 1 has 0x21 at byte 30")
        # He is out after one good message, the others go on and get his turns as well.
        self.assertEqual(report["results"]["deliveries"], report["results"]["messages_sent"] - 1)

    def test_wrong_user(self):
        def confuse(peers, user, text):
            peers["bench0"].send(TEXT, text)

        # One got what is not his, the other misses it when the next one comes.
        report = self.push(confuse, "-d", 3)
        self.assertEqual(self.errors(report), {"order": 2})

    def test_wrong_user_who_waits_for_nothing(self):
        def confuse(peers, user, text):
            peers["bench0"].send(TEXT, text)
            peers[user].send(TEXT, text)

        self.check(confuse, "order", "user 0: a message of 100 bytes came unasked")

    def test_doubled(self):
        def double(peers, user, text):
            peers[user].send(TEXT, text)
            peers[user].send(TEXT, text)

        self.check(double, "order", "user 2")

    def test_other_type(self):
        self.check(
            lambda peers, user, text: peers[user].send(BINARY, text), "content", "is binary"
        )

    def test_dropped_at_the_end(self):
        self.check(
            lambda *_: None, "unanswered", "user 2: message 19 and 0 more did not come", "-t", 1,
            at=59,
        )  # fmt: skip

    def test_answers_of_the_control_socket(self):
        for answer, cause, said in (
            (b'{"version":1,"ok":false,"error":{"code":"busy","message":"no room"}}\n', "control",
             "wsmd refused the command: no room"),
            (b'{"version":1,"ok":true,"result":{"delivered":0,"reason":"no_such_user"}}\n',
             "undelivered", "delivered to 0 connections, not to one: no_such_user"),
            (b"nonsense\n", "control", "not wsmd's"),
        ):
            with self.subTest(said=said):
                report = self.push(lambda *_, answer=answer: answer)
                self.assertEqual(self.errors(report), {cause: 1})
                self.assertIn(said, report["first_error"])

    def test_the_session_fails(self):
        for answer, said in (
            (DELIVERED + DELIVERED, "the control socket failed"),
            (b"x" * 100000, "the control socket failed"),
        ):
            with self.subTest(said=said):
                report = self.push(lambda *_, answer=answer: answer, "-t", 5)
                self.assertIn("control", self.errors(report))
                self.assertIn(said, report["first_error"])


class Usage(BenchTest):
    def test_mistakes(self):
        url = "ws://127.0.0.1:1/ws"
        for arguments, said in (
            ([url, "-s", 11], "11 is not a whole number from 12"),
            ([url, "--user-prefix", ""], "each connection needs a user of its own"),
            ([url + "?user=me"], "each connection needs a user of its own"),
            ([url, "--rate", 5, "-d", 2], "-d has no meaning"),
            ([url, "-T", 16], "-T is too large"),
            ([url, "--binary"], "no such option in this mode"),
        ):
            with self.subTest(arguments=arguments):
                done = run("push", *arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    runner.main()
