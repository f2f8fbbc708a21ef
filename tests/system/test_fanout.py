"""wsmbench fanout against a real wsmd, and against servers that lie to one receiver."""

import contextlib
import json
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import rawws
import runner
import wsmd
from test_wsmbench import WSMBENCH, BenchTest, run
from ws_peer import BINARY, CLOSE, TEXT, Server

SIZE = 40
FAST = ["-w", 0, "-t", 0.5, "--rate", 40]


class Real(BenchTest, wsmd.WsmdTest):
    def fanout(self, server, *options, code=0):
        return self.bench(
            "fanout", f"ws://127.0.0.1:{server.port}/ws", "--control", server.control_path,
            *FAST, *options, code=code,
        )  # fmt: skip

    def test_every_delivery_is_counted_and_timed(self):
        server = self.wsmd()
        for options in (
            ["-c", 1],
            ["-c", 30, "-T", 3],
            ["-c", 5, "-s", 23],
            ["-c", 3, "-s", 99999],
        ):
            with self.subTest(options=options):
                report = self.fanout(server, *options)
                self.assertEqual(report["results"]["messages_sent"], 20)
                self.assertEqual(report["results"]["deliveries"], 20 * options[1])
                self.assertEqual(report["results"]["dropped"], 0)
                self.assertEqual(report["timings_us"]["latency"]["count"], 20 * options[1])
                self.assertEqual(report["timings_us"]["send_lag"]["count"], 20)
                self.assertGreater(report["timings_us"]["latency"]["min"], 0)
        self.assertEqual(server.stat("delivery.delivered"), 20 * (1 + 30 + 5 + 3))

    def test_warmup_is_not_measured(self):
        report = self.fanout(self.wsmd(), "-c", 2, "-w", 0.5)
        self.assertEqual(report["results"]["deliveries"], 2 * 40)
        self.assertEqual(report["timings_us"]["latency"]["count"], 2 * 20)
        self.assertEqual(report["timings_us"]["send_lag"]["count"], 20)

    def test_a_group_is_sent_to_and_nobody_else(self):
        server = self.wsmd()
        stranger = rawws.RawClient(server, "stranger")
        report = self.fanout(server, "-c", 4, "--group", "room", "--user-prefix", "guest")
        self.assertEqual(report["results"]["deliveries"], 4 * 20)
        self.assertEqual(server.stat("delivery.delivered"), 4 * 20)
        stranger.echo("nothing came before this")

    def test_dropped_ones_are_errors(self):
        server = self.wsmd()
        path = f"{self.enterContext(tempfile.TemporaryDirectory())}/control"
        with Relay(path, server.control_path, lose=(7, 8)):
            report = self.bench(
                "fanout", f"ws://127.0.0.1:{server.port}/ws", "--control", path, *FAST,
                "-c", 3, code=1,
            )  # fmt: skip
        self.assertEqual(self.errors(report), {"order": 3})
        self.assertIn("message 9 of connection 0 came where message 7", report["first_error"])

    def test_refused_command(self):
        server = self.wsmd(limits__max_message_bytes=1000)
        report = self.fanout(server, "-c", 2, "-s", 100000, code=1)
        self.assertIn("control", self.errors(report))
        self.assertIn("wsmd refused the command", report["first_error"])

    def test_no_control_socket(self):
        server = self.wsmd()
        report = self.bench(
            "fanout", f"ws://127.0.0.1:{server.port}/ws", "--control", "/nowhere/at/all", *FAST,
            "-c", 2, code=1,
        )  # fmt: skip
        self.assertEqual(self.errors(report), {"control": 1})
        self.assertIn("no wsmd answers on the control socket /nowhere/", report["first_error"])
        self.assertEqual(report["results"]["messages_sent"], 0)

    def test_interrupt(self):
        server = self.wsmd()
        bench = subprocess.Popen(
            [WSMBENCH, "fanout", f"ws://127.0.0.1:{server.port}/ws", "--control",
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
            "fanout", f"ws://127.0.0.1:{server.port}/ws", "--control", server.control_path, *FAST,
            "-c", 2,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("100-byte messages to all, 40/s", done.stdout)
        self.assertRegex(done.stdout, r"throughput +[\d.]+ deliveries/s")
        self.assertRegex(done.stdout, r"sent to received +[\d.]+")


class Socket:
    """A control socket that answers each line with what answer(line) says."""

    def __init__(self, path, answer):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.answer = answer
        self.thread = threading.Thread(target=self.serve)

    def serve(self):
        sock, _ = self.listener.accept()
        with contextlib.suppress(OSError), sock, sock.makefile("rb") as lines:
            for line in lines:
                answer = self.answer(line)
                if answer is None:
                    return
                sock.sendall(answer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(10)


class Relay(Socket):
    """Passes on to a real one, and loses the commands with the numbers in @lose."""

    def __init__(self, path, real, lose):
        super().__init__(path, self.relay)
        self.control = wsmd.Control(real)
        self.lose, self.n = lose, -1

    def relay(self, line):
        self.n += 1
        if self.n in self.lose:
            return b'{"version":1,"ok":true,"result":{"delivered":3,"dropped":0}}\n'
        return json.dumps(self.control.ask_raw(line)).encode() + b"\n"

    def __exit__(self, *_):
        super().__exit__()
        self.control.close()


def receives(peer):
    peer.accept()
    list(peer.messages())


def tell(peer, text):
    peer.send(TEXT, text)


class Lies(BenchTest):
    def fanout(self, lie, *options, at=5, answer=None, code=1):
        """Broadcast to three receivers by a server that does lie(peer, text) with number @at."""
        count = iter(range(1 << 20))

        def control(line):
            text = json.loads(line)["arguments"]["text"].encode()
            wrong = next(count) == at
            for peer in list(server.peers):
                with contextlib.suppress(OSError):  # he may have left because of the lie
                    (lie if wrong and peer.number == 1 else tell)(peer, text)
            if wrong and answer is not None:
                return answer
            return b'{"version":1,"ok":true,"result":{"delivered":3,"dropped":0}}\n'

        path = f"{self.enterContext(tempfile.TemporaryDirectory())}/control"
        with Server(receives) as server, Socket(path, control):
            return self.bench(
                "fanout", server.url, "--control", path, "-c", 3, "-s", SIZE, *FAST, *options,
                code=code,
            )  # fmt: skip

    def check(self, lie, cause, first, n=1, **how):
        report = self.fanout(lie, **how)
        self.assertEqual(self.errors(report), {cause: n})
        self.assertIn(first, report["first_error"])
        return report

    def test_honest(self):
        report = self.fanout(tell, code=0)
        self.assertEqual(report["results"]["deliveries"], 60)

    def test_changed_byte(self):
        def change(peer, text):
            peer.send(TEXT, text[:30] + b"!" + text[31:])

        report = self.check(change, "content", "message 5 has 0x21 at byte 19")
        # He is out, the others go on.
        self.assertEqual(report["results"]["deliveries"], 2 * 20 + 5)

    def test_changed_time(self):
        def change(peer, text):
            peer.send(TEXT, text[:10] + (b"B" if text[10:11] == b"A" else b"A") + text[11:])

        self.check(change, "content", "message 5 carries another time")

    def test_shorter(self):
        self.check(lambda peer, text: peer.send(TEXT, text[:-1]), "content", "bytes, not 29")

    def test_too_short_for_anything(self):
        self.check(lambda peer, text: peer.send(TEXT, b"hi"), "content", "is too short")

    def test_other_type(self):
        self.check(lambda peer, text: peer.send(BINARY, text), "content", "is binary")

    def test_dropped_among_others(self):
        self.check(lambda *_: None, "order", "message 6 of connection 0 came where message 5")

    def test_dropped_at_the_end(self):
        self.check(lambda *_: None, "unanswered", "message 19 and 0 more did not come", at=19)

    def test_doubled(self):
        def double(peer, text):
            peer.send(TEXT, text)
            peer.send(TEXT, text)

        report = self.fanout(double)
        self.assertEqual(self.errors(report), {"order": 1})

    def test_closed(self):
        self.check(
            lambda peer, _: peer.send(CLOSE, struct.pack("!H", 1008) + b"slow consumer"),
            "closed", "1008 (policy violation): slow consumer",
        )  # fmt: skip

    def test_answers_of_the_control_socket(self):
        for answer, said in (
            (b'{"version":1,"ok":false,"error":{"code":"busy","message":"no room"}}\n',
             "wsmd refused the command: no room"),
            (b'{"version":1,"ok":true,"result":{}}\n', "does not say how many were dropped"),
            (b"nonsense\n", "not wsmd's"),
            (b"x" * 100000, "the control socket failed"),
        ):
            with self.subTest(said=said):
                report = self.fanout(tell, answer=answer)
                self.assertEqual(self.errors(report), {"control": 1})
                self.assertIn(said, report["first_error"])
                self.assertEqual(report["results"]["messages_sent"], 6)

    def test_answers_hold_nothing_back(self):
        """None comes before the last message."""
        answers = b'{"version":1,"ok":true,"result":{"delivered":2,"dropped":1}}\n' * 20
        count = iter(range(1, 1 << 20))

        def control(line):
            for peer in server.peers:
                tell(peer, json.loads(line)["arguments"]["text"].encode())
            return answers if next(count) == 20 else b""

        path = f"{self.enterContext(tempfile.TemporaryDirectory())}/control"
        with Server(receives) as server, Socket(path, control):
            report = self.bench(
                "fanout", server.url, "--control", path, "-c", 3, "-s", SIZE, *FAST
            )
        self.assertEqual(report["results"]["deliveries"], 60)
        self.assertEqual(report["results"]["dropped"], 20)

    def test_drops_are_told(self):
        report = self.fanout(
            tell, code=0,
            answer=b'{"version":1,"ok":true,"result":{"delivered":2,"dropped":7}}\n',
        )  # fmt: skip
        self.assertEqual(report["results"]["dropped"], 7)


class Usage(BenchTest):
    def test_mistakes(self):
        url = "ws://127.0.0.1:1/ws"
        for arguments, said in (
            (["-s", 22], "22 is not a whole number from 23"),
            (["--rate", 1001], "1001 is not a number from 0.01 to 1000"),
            (["--group", ""], "--group needs a name"),
            (["--group", "g", "--user-prefix", ""], "--group needs a name, and users"),
            (["--group", 'g"'], "need no encoding"),
            (["--mixed"], "no such option in this mode"),
        ):
            with self.subTest(arguments=arguments):
                done = run("fanout", url, *arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr)

    def test_nobody_there(self):
        report = self.bench("fanout", f"ws://127.0.0.1:{unused_port()}/ws", "-c", 3, code=1)
        self.assertEqual(self.errors(report), {"refused": 3})

    def test_a_path_too_long(self):
        with Server(receives) as server:
            report = self.bench(
                "fanout", server.url, "-c", 1, "--control", "/" + "x" * 200, code=1
            )
        self.assertIn("control socket is too long", report["first_error"])

    def test_help_names_every_setting(self):
        said = run("--help").stdout
        settings = self.bench(
            "fanout", f"ws://127.0.0.1:{unused_port()}/ws", "-c", 1, code=1
        )["settings"]
        for name in settings.keys() - {"url"}:
            self.assertIn(f"--{name}", said)


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


if __name__ == "__main__":
    runner.main()
