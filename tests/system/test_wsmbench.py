"""wsmbench against servers that echo, lie, stall and misbehave."""

import collections
import json
import os
import re
import resource
import signal
import struct
import subprocess
import threading
import time
import unittest

import runner
from ws_peer import BINARY, CLOSE, PING, PONG, TEXT, Server, after, answer, echo

WSMBENCH = runner.program("WSMBENCH", "wsmbench")


def run(*arguments, timeout=60, **how):
    return subprocess.run(
        [WSMBENCH, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, **how
    )


class BenchTest(unittest.TestCase):
    def bench(self, *arguments, code=0):
        """The JSON report of a run that ends with @code."""
        done = run(*arguments, "--json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(code, 1 if report["errors_total"] else 0)
        return report

    def errors(self, report):
        return {cause: n for cause, n in report["errors"].items() if n}


class Echo(BenchTest):
    def test_every_reply_is_checked_and_counted(self):
        for options in (
            ["-c", 1],
            ["-c", 7, "-d", 5, "-T", 2],
            ["-c", 3, "-s", 12],
            ["-c", 3, "-s", 125, "--binary"],
            ["-c", 3, "-s", 126],
            ["-c", 3, "-s", 65535, "-d", 3],
            ["-c", 3, "-s", 65536, "-d", 3, "--binary"],
            ["-c", 2, "-s", 1000000, "-d", 2],
        ):
            with self.subTest(options=options), Server(echo) as server:
                report = self.bench("echo", server.url, "--messages", 200, *options)
                results = report["results"]
                self.assertEqual(results["messages_sent"], 200)
                self.assertEqual(results["messages_answered"], 200)
                self.assertEqual(results["messages_measured"], 200)
                self.assertEqual(report["timings_us"]["latency"]["count"], 200)
                self.assertEqual(len(server.peers), options[1])

    def test_more_connections_than_messages(self):
        with Server(echo) as server:
            report = self.bench("echo", server.url, "-c", 20, "--messages", 3)
            self.assertEqual(report["results"]["messages_answered"], 3)

    def test_contents_differ_and_text_is_ascii(self):
        seen = collections.Counter()

        def collect(peer):
            peer.accept()
            for opcode, data in peer.messages():
                self.assertEqual(opcode, TEXT)
                seen[data.decode("ascii")] += 1
                peer.send(opcode, data)

        with Server(collect) as server:
            self.bench("echo", server.url, "-c", 4, "-d", 4, "--messages", 1000)
        self.assertEqual(len(seen), 1000)

    def test_replies_in_any_pieces(self):
        def drip(peer):
            peer.accept()
            for opcode, data in peer.messages():
                frames = peer.frame(opcode, data[:5], fin=False)
                frames += peer.frame(PING, b"between") + peer.frame(0, data[5:])
                for i in range(len(frames)):
                    peer.sock.sendall(frames[i : i + 1])

        with Server(drip) as server:
            report = self.bench("echo", server.url, "-c", 2, "-d", 3, "--messages", 60)
            self.assertEqual(report["results"]["messages_answered"], 60)
            self.assertEqual(report["results"]["pings_answered"], 60)

    def test_first_message_with_the_handshake_answer(self):
        def eager(peer):
            peer.accept(extra="")
            peer.send(PING, b"at once")
            for opcode, data in peer.messages():
                peer.send(opcode, data)

        with Server(eager) as server:
            report = self.bench("echo", server.url, "-c", 3, "--messages", 30)
            self.assertEqual(report["results"]["pings_answered"], 3)

    def test_time_and_warmup(self):
        with Server(echo) as server:
            report = self.bench("echo", server.url, "-c", 2, "-w", 0.3, "-t", 0.5)
            results = report["results"]
            # A wake-up that is late takes its share of it.
            self.assertGreater(report["measured_s"], 0.25)
            self.assertLess(results["messages_measured"], results["messages_answered"])
            self.assertEqual(results["messages_sent"], results["messages_answered"])

    def test_users(self):
        for url, options, expected in (
            ("/ws", [], ["/ws?user=bench0", "/ws?user=bench1"]),
            ("/ws?hub=x", ["--user-prefix", "u"], ["/ws?hub=x&user=u0", "/ws?hub=x&user=u1"]),
            ("/ws?user=me", [], ["/ws?user=me"] * 2),
            ("/ws", ["--user-prefix", ""], ["/ws"] * 2),
            ("", [], ["/?user=bench0", "/?user=bench1"]),
        ):
            with self.subTest(url=url, options=options), Server(echo) as server:
                base = server.url.removesuffix("/ws")
                self.bench("echo", base + url, "-c", 2, "--messages", 2, *options)
                self.assertEqual(sorted(p.target for p in server.peers), expected)


class Lies(BenchTest):
    def check(self, wrong, cause, *options, first=None, at=10):
        with Server(after(at, wrong)) as server:
            report = self.bench(
                "echo", server.url, "-c", 2, "-w", 0, "-t", 0.5, *options, code=1
            )
        self.assertEqual(list(self.errors(report)), [cause], report["first_error"])
        if first:
            self.assertIn(first, report["first_error"])

    def test_changed_byte(self):
        def change(peer, opcode, data):
            peer.send(opcode, data[:15] + b"!" + data[16:])

        self.check(change, "content", first="reply to message 10 has 0x21 at byte 15")

    def test_changed_byte_in_the_numbers(self):
        def change(peer, opcode, data):
            peer.send(opcode, b"B" + data[1:])

        self.check(change, "content", first="at byte 0")

    def test_shorter(self):
        self.check(
            lambda peer, opcode, data: peer.send(opcode, data[:-1]), "content", first="19 bytes"
        )

    def test_other_type(self):
        self.check(lambda peer, opcode, data: peer.send(BINARY, data), "content", first="binary")

    def test_swapped(self):
        def swap(peer, opcode, data):
            _, behind = peer.receive()
            peer.send(opcode, behind)
            peer.send(opcode, data)

        self.check(swap, "order", "-d", 4, first="message 11 of connection 0 came")

    def test_doubled(self):
        def double(peer, opcode, data):
            peer.send(opcode, data)
            peer.send(opcode, data)

        self.check(double, "order", first="connection 0")

    def test_dropped_among_others(self):
        self.check(lambda *_: None, "order", "-d", 4, first="message 11 of connection 0 came")

    def test_dropped_alone(self):
        self.check(lambda *_: None, "unanswered", first="no reply to message 10")

    def test_other_connection(self):
        def mix(peer, opcode, data):
            peer.send(opcode, b"AAAB" + data[4:])

        self.check(mix, "content")

    def test_close_frame(self):
        def close(peer, *_):
            peer.send(CLOSE, struct.pack("!H", 1011) + b"out of\x1bluck")
            peer.receive()
            raise ConnectionError

        self.check(close, "closed", first=r"1011 (internal error): out of\x1bluck")

    def test_lost(self):
        def lose(*_):
            raise ConnectionError

        self.check(lose, "lost")

    def test_masked_frame(self):
        self.check(
            lambda peer, opcode, data: peer.send(opcode, data, masked=True),
            "protocol",
            first="masked",
        )

    def test_invalid_utf8(self):
        self.check(
            lambda peer, opcode, data: peer.send(opcode, b"\xff" * 20), "protocol", first="UTF-8"
        )

    def test_all_connections_end_the_run(self):
        def lose(peer):
            peer.accept()

        with Server(lose) as server:
            began = time.monotonic()
            report = self.bench("echo", server.url, "-c", 5, "-w", 0, "-t", 30, code=1)
        self.assertEqual(self.errors(report), {"lost": 5})
        self.assertLess(time.monotonic() - began, 15)


class Refusals(BenchTest):
    def check(self, behaviour, cause, first):
        for mode in (["echo", "-t", 0.3], ["idle", "--hold", 0], ["connect", "-t", 0.3]):
            with self.subTest(mode=mode[0]), Server(behaviour) as server:
                report = self.bench(mode[0], server.url, "-c", 2, *mode[1:], code=1)
                self.assertEqual(list(self.errors(report)), [cause])
                self.assertIn(first, report["first_error"])

    def test_status(self):
        self.check(
            answer("HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\n\r\nno such hub\r\nbye bye"),
            "status",
            "the server answered 404 Not Found: no such hub",
        )

    def test_status_in_pieces(self):
        def slow(peer):
            peer.take_head()
            for part in ("HTTP/1.1 500 Oo", "ps\r\nContent-Length: 9\r\n\r", "\nit ", "broke\n"):
                peer.sock.sendall(part.encode())
                time.sleep(0.02)

        self.check(slow, "status", "500 Internal Server Error: it broke")

    def test_status_chunked(self):
        self.check(
            answer("HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n0\r\n\r\n"),
            "status",
            "503 Service Unavailable: later",
        )

    def test_garbage(self):
        self.check(answer("SSH-2.0-OpenSSH_9.2\r\n"), "handshake", 'not HTTP/1.1: "SSH-2.0')

    def test_nothing(self):
        self.check(answer(""), "handshake", "without an answer")

    def test_wrong_accept(self):
        self.check(
            lambda peer: peer.accept(accept="AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            "handshake",
            "wrong Sec-WebSocket-Accept",
        )

    def test_extension_not_asked_for(self):
        self.check(
            lambda peer: peer.accept(extra="Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            "handshake",
            "extension",
        )

    def test_nobody_there(self):
        with Server(echo) as server:
            url = server.url
        for mode in ("echo", "idle", "connect"):
            with self.subTest(mode=mode):
                report = self.bench(mode, url, "-c", 3, code=1)
                self.assertEqual(list(self.errors(report)), ["refused"])
                self.assertIn("nobody listens on 127.0.0.1", report["first_error"])

    def test_silence(self):
        with Server(lambda peer: peer.take(1 << 20)) as server:
            report = self.bench("echo", server.url, "-c", 3, code=1)
        self.assertEqual(self.errors(report), {"timeout": 3})

    def test_some_refused(self):
        def picky(peer):
            if peer.number % 2:
                answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")(peer)
            else:
                echo(peer)

        with Server(picky) as server:
            report = self.bench("echo", server.url, "-c", 10, "-w", 0, "-t", 0.2, code=1)
        self.assertEqual(self.errors(report), {"status": 5})
        self.assertEqual(report["results"]["connections_open"], 5)
        self.assertGreater(report["results"]["messages_answered"], 0)


class OpenLoop(BenchTest):
    def test_rate_is_kept(self):
        with Server(echo) as server:
            report = self.bench(
                "echo", server.url, "-c", 3, "-T", 2, "--rate", 500, "--messages", 400
            )
        self.assertEqual(report["results"]["messages_answered"], 400)
        self.assertGreater(report["measured_s"], 0.4)
        self.assertLess(report["measured_s"], 1.6)

    def test_a_stall_is_seen_by_all_who_wait(self):
        def stall(peer, opcode, data):
            time.sleep(0.2)
            peer.send(opcode, data)

        with Server(after(200, stall)) as server:
            report = self.bench("echo", server.url, "-c", 1, "--rate", 400, "-w", 0, "-t", 1)
        latency = report["timings_us"]["latency"]
        self.assertEqual(latency["count"], 400)
        # 80 of 400 messages fell into the stall; a closed loop would have seen one of them
        self.assertGreater(latency["max"], 100_000)
        self.assertGreater(latency["p99_9"], 100_000)
        self.assertGreater(latency["p90"], 50_000)
        self.assertLess(latency["p50"], 100_000)
        self.assertGreater(report["results"]["waiting_max"], 40)

    def test_what_was_due_while_it_was_suspended_is_sent(self):
        """Across the end, so that the time is over before all messages are due."""
        for _ in range(4):  # which of its threads runs first is chance
            with Server(echo) as server:
                bench = subprocess.Popen(
                    [WSMBENCH, "echo", server.url, "-c", "1", "--rate", "400", "-w", "0",
                     "-t", "0.6", "--json"],
                    stdout=subprocess.PIPE, text=True,
                )  # fmt: skip
                time.sleep(0.4)
                bench.send_signal(signal.SIGSTOP)
                time.sleep(0.3)
                bench.send_signal(signal.SIGCONT)
                report = json.loads(bench.communicate(timeout=30)[0])
            self.assertEqual(report["results"]["messages_answered"], 240)

    def test_falling_behind_is_seen(self):
        def stall(peer, opcode, data):
            time.sleep(0.5)
            peer.send(opcode, data)

        with Server(after(5, stall)) as server:
            report = self.bench(
                "echo", server.url, "-c", 1, "--rate", 100, "-s", 1 << 20, "-w", 0, "-t", 0.6
            )
        self.assertEqual(report["results"]["messages_answered"], 60)
        self.assertGreater(report["results"]["backlog_max"], 0)
        self.assertGreater(report["results"]["late_sends"], 0)
        self.assertGreater(report["timings_us"]["send_lag"]["max"], 100_000)


class Idle(BenchTest):
    def test_holds_and_answers_pings(self):
        wrong = []

        def pinging(peer):
            peer.accept()
            peer.sock.settimeout(10)
            for i in range(5):
                peer.send(PING, b"nonce %d" % i)
                if peer.receive() != (PONG, b"nonce %d" % i):
                    wrong.append(peer.number)
            for _ in peer.messages():
                wrong.append(peer.number)

        with Server(pinging) as server:
            report = self.bench("idle", server.url, "-c", 50, "-T", 2, "--hold", 0.5)
            self.assertEqual(server.most_open, 50)
        self.assertEqual(wrong, [])
        self.assertEqual(report["results"]["connections_open"], 50)
        self.assertEqual(report["results"]["connections_held"], 50)
        self.assertEqual(report["results"]["pings_answered"], 250)

    def test_steps_and_memory(self):
        with Server(echo) as server:
            report = self.bench(
                "idle", server.url, "--steps", "20,40,60", "--hold", 0, "--pid", os.getpid()
            )
        self.assertEqual([s["connections"] for s in report["memory"]], [0, 20, 40, 60])
        for sample in report["memory"]:
            self.assertGreater(sample["server_private_dirty"], 0)
        fit = report["memory_fit"]["server_private_dirty"]
        xs = [s["connections"] for s in report["memory"][1:]]
        ys = [s["server_private_dirty"] for s in report["memory"][1:]]
        slope = (ys[2] - ys[0]) / (xs[2] - xs[0])  # of three points in equal steps
        self.assertAlmostEqual(fit["bytes_per_connection"], slope, delta=abs(slope) / 1e6 + 1e-3)
        self.assertIsNotNone(fit["residual_bytes"])
        self.assertIsNotNone(report["cpu"]["server"])

    def test_source_addresses(self):
        for options, expected in (
            ([], [f"127.0.0.{i}" for i in range(1, 9)]),
            (["--from", "127.0.0.3"], ["127.0.0.3"]),
            (["--from", "127.0.1.254-127.0.2.1"],
             ["127.0.1.254", "127.0.1.255", "127.0.2.0", "127.0.2.1"]),
        ):
            with self.subTest(options=options), Server(echo) as server:
                self.bench("idle", server.url, "-c", 16, "--hold", 0, *options)
                self.assertEqual(sorted(server.sources), sorted(expected))

    def test_handshakes_in_flight_are_bounded(self):
        gauge = {"now": 0, "most": 0}
        lock = threading.Lock()

        def slow(peer):
            with lock:
                gauge["now"] += 1
                gauge["most"] = max(gauge["most"], gauge["now"])
            time.sleep(0.01)
            with lock:
                gauge["now"] -= 1
            echo(peer)

        with Server(slow) as server:
            self.bench("idle", server.url, "-c", 40, "--in-flight", 4, "--hold", 0)
        self.assertLessEqual(gauge["most"], 4)

    def test_a_lost_connection_is_an_error(self):
        def leave(peer):
            peer.accept()
            if peer.number == 3:
                time.sleep(1.3)  # behind the settling, within the hold
            else:
                list(peer.messages())

        with Server(leave) as server:
            report = self.bench("idle", server.url, "-c", 10, "--hold", 1, code=1)
        self.assertEqual(self.errors(report), {"lost": 1})
        self.assertEqual(report["results"]["connections_held"], 9)


class Connect(BenchTest):
    def test_counts_and_leaves_nothing_behind(self):
        goodbyes = collections.Counter()

        def watch(peer):
            peer.accept()
            opcode, data = peer.receive()
            goodbyes[opcode, data] += 1
            peer.send(CLOSE, data)

        with Server(watch) as server:
            report = self.bench("connect", server.url, "-c", 4, "-t", 0.5)
            handshakes = report["results"]["handshakes"]
            self.assertGreater(handshakes, 0)
            self.assertEqual(report["timings_us"]["handshake"]["count"], handshakes)
            self.assertEqual(set(goodbyes), {(CLOSE, b"\x03\xe8")})
            self.assertGreaterEqual(goodbyes[CLOSE, b"\x03\xe8"], handshakes)
            self.assertLessEqual(goodbyes[CLOSE, b"\x03\xe8"], handshakes + 4)
            self.assertLessEqual(server.most_open, 4 + 4)  # a closed one may still be counted
            with open("/proc/net/tcp", encoding="ascii") as f:
                waiting = [line for line in f if f":{server.port:04X} " in line and " 06 " in line]
            self.assertEqual(waiting, [])


class Usage(BenchTest):
    def test_mistakes(self):
        url = "ws://127.0.0.1:1/ws"
        for arguments, said in (
            ([], "usage: wsmbench"),
            (["ecko", url], "the first argument is echo, idle, connect, "),
            (["echo"], "the URL is missing"),
            (["echo", url, url], "more than one URL"),
            (["echo", url, "--sise", 5], "did you mean --size?"),
            (["echo", url, "--hold", 5], "no such option in this mode"),
            (["idle", url, "-d", 20], "no such option in this mode"),
            (["echo", url, "-c"], "a value is missing"),
            (["echo", url, "-c", "many"], "many is not a whole number from 1 to 1000000"),
            (["echo", url, "-c", "1.5"], "1.5 is not a whole number"),
            (["echo", url, "-c", "0"], "0 is not a whole number from 1"),
            (["echo", url, "-c", "-5"], "-5 is not a whole number"),
            (["echo", url, "-s", "11"], "11 is not a whole number from 12"),
            (["echo", url, "-t", "0x10"], "0x10 is not a number"),
            (["echo", url, "--json=yes"], "this option has no value"),
            (["echo", url, "--rate", 5, "-d", 2], "-d has no meaning"),
            (["echo", "http://127.0.0.1/"], "must begin with ws://"),
            (["echo", "wss://127.0.0.1/"], "not supported"),
            (["echo", "ws://example.invalid/"], "an IP address or localhost"),
            (["echo", "ws://:x/"], "an IP address or localhost"),
            (["echo", "ws:///ws"], "no usable host"),
            (["echo", "ws://127.0.0.1:1/a b"], "has a space"),
            (["idle", url, "--from", "10.0.0.1-"], "one IPv4 address or a range"),
            (["idle", url, "--from", "10.0.0.9-10.0.0.1"], "one IPv4 address or a range"),
            (["idle", url, "--steps", "5,5"], "ascending numbers"),
            (["idle", url, "--steps", "5,"], "ascending numbers"),
            (["idle", url, "-c", 12001, "--from", "127.0.0.1"], "--from needs 2"),
            (["idle", url, "--user-prefix", "a&b"], "need no encoding"),
            (["idle", url, "--pid", 999999999], "no such process"),
        ):
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_descriptor_limit(self):
        done = run(
            "idle",
            "ws://127.0.0.1:1/ws",
            "-c",
            100,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        )
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"limit of open descriptors is 64, enough for \d+ conn")

    def test_help_names_every_setting(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        with Server(echo) as server:
            for mode in (["echo", "--messages", 1], ["idle", "--hold", 0], ["connect", "-t", 0.1]):
                settings = self.bench(mode[0], server.url, "-c", 1, *mode[1:])["settings"]
                for name in settings.keys() - {"url"}:
                    self.assertIn(f"--{name}", done.stdout)
        modes = ("echo", "idle", "connect", "fanout", "push", "slow", "storm")
        named = set(re.findall(r"--([a-z-]+)", done.stdout)) - {"help"}
        for name in named:
            with self.subTest(option=name):
                outputs = [run(mode, "--" + name).stderr for mode in modes]
                self.assertFalse(all("no such option" in text for text in outputs))

    def test_version(self):
        done = run("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^wsmbench \d+\.\d+\.\d+ \(.+\)\n$")


if __name__ == "__main__":
    runner.main()
