"""Peers that are slow, by nature or on purpose: they go alone, and with a reason."""

import json
import os
import socket
import subprocess
import tempfile
import time
import types

import rawws
import runner
import wsmd
from rawws import BINARY, CONT, PING, TEXT, frame, header

SMALL_BUFFER = 4096
MIB = 1 << 20
PATIENT = {"limits__max_message_bytes": 64 * MIB, "limits__send_queue_bytes": 64 * MIB}


class SlowSenders(wsmd.WsmdTest):
    def test_unfinished_messages_end_at_the_deadline(self):
        server = self.wsmd(limits__message_timeout_s=0.5)
        beginnings = [
            b"\x81",  # of a header
            header(0x82, 100),
            header(0x81, 100) + rawws.masked(b"x" * 99),
            header(0x82, MIB) + b"x" * 1000,
            frame(TEXT, b"never ", fin=False),
            frame(PING, b"never")[:-1],
        ]
        start = time.monotonic()
        clients = [rawws.RawClient(server) for _ in beginnings]
        for client, data in zip(clients, beginnings):
            client.write(data)
        # Going on slowly does not extend it, and neither do whole control frames between.
        slow = rawws.RawClient(server)
        slow.write(frame(TEXT, b"slow", fin=False))
        while time.monotonic() - start < 0.4:
            slow.write(frame(CONT, b"er", fin=False) + frame(PING))
            time.sleep(0.05)
        for client in [*clients, slow]:
            closed = client.closing()
            self.assertEqual(closed.code, 1008)
            self.assertIn("message not completed within", closed.reason)
        self.assertGreaterEqual(time.monotonic() - start, 0.45)
        self.assertEqual(server.stat("basic.closes.message_timeout"), len(clients) + 1)

    def test_one_message_after_the_other_is_no_offence(self):
        server = self.wsmd(limits__message_timeout_s=0.3)
        client = rawws.RawClient(server)
        # Always in the middle of some message, for longer than any of them may take.
        start = time.monotonic()
        client.write(frame(TEXT, b"0")[:3])
        for i in range(12):
            client.write(frame(TEXT, str(i % 10))[3:] + frame(TEXT, b"0")[:3])
            self.assertIn(client.receive(), "0123456789")
            time.sleep(0.05)
        self.assertGreater(time.monotonic() - start, 0.5)
        client.write(frame(TEXT, b"x")[3:])
        client.receive()
        client.goodbye()


class SlowReaders(wsmd.WsmdTest):
    def fill(self, server, user, limit=2000):
        """Send to a user who does not read until wsmd has had enough."""
        text = "x" * 60000
        for n in range(limit):
            result = server.ctl("send", user=user, text=text)
            if result["delivered"] == 0:
                return n, result
        self.fail("the queue never was full")

    def overfill(self, server, **target):
        """Send more than the kernel holds for one socket, so that some of it waits."""
        for _ in range(3):
            server.ctl("send", text="x" * (4 * MIB - 200), **target)
        self.assertGreater(server.stat("delivery.queue_bytes"), 0)

    def test_slow_consumer_is_closed_and_nobody_else(self):
        server = self.wsmd(limits__send_queue_bytes=256 * 1024)
        bystander = rawws.RawClient(server, "bystander")
        before = server.memory_bytes()
        victims = [rawws.RawClient(server, f"v{i}", rcvbuf=SMALL_BUFFER) for i in range(5)]
        for i, victim in enumerate(victims):
            n, result = self.fill(server, f"v{i}")
            self.assertGreater(n, 4)
            self.assertEqual((result["dropped"], result["reason"]), (1, "queue_full"))
            bystander.echo(f"number {i}")
            # From then on he is not there, and the sender is told so.
            result = server.ctl("send", user=f"v{i}", text="x")
            self.assertEqual(result["reason"], "no_such_user")
            # What arrives is whole frames, and the last one says why.
            closed = victim.closing()
            self.assertEqual(closed.code, 1008)
            self.assertIn("limits.send_queue_bytes", closed.reason)
            self.assertTrue(victim.at_end())
        self.assert_grew_less(server, before, 16 * MIB)
        stats = server.ctl("stats")
        self.assertEqual(stats["basic"]["closes"]["queue_full"], 5)
        self.assertEqual(stats["delivery"]["dropped"], 5)
        self.assertGreaterEqual(stats["delivery"]["unsent"], 5)
        bystander.goodbye()

    def receive_until(self, client, last):
        """Numbers of the messages that arrive, until the one that is numbered @last."""
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        got = []
        while not got or got[-1] != last:
            got.append(int(client.receive().split(" ")[0]))
        return got

    def test_reason_says_size_limit_and_policy(self):
        server = self.wsmd(limits__send_queue_bytes=65536, limits__slow_consumer="close")
        client = rawws.RawClient(server, "v", rcvbuf=SMALL_BUFFER)
        self.fill(server, "v")
        self.assertRegex(
            client.closing().reason,
            r"slow consumer: \d+ bytes wait, limits.send_queue_bytes is 65536, "
            r"slow_consumer is close",
        )

    def test_drop_newest(self):
        server = self.wsmd(limits__send_queue_bytes=256 * 1024, limits__slow_consumer="drop_newest")
        client = rawws.RawClient(server, "v", rcvbuf=SMALL_BUFFER)
        delivered, dropped, in_a_row, n = [], 0, 0, 0
        while in_a_row < 6:  # the kernel may still find room after the first
            result = server.ctl("send", user="v", text=f"{n} " + "x" * 60000)
            if result["delivered"] == 1:
                delivered.append(n)
                in_a_row = 0
            else:
                self.assertEqual((result["dropped"], result["reason"]), (1, "policy"))
                dropped += 1
                in_a_row += 1
            n += 1
        self.assertLessEqual(server.stat("delivery.queue_bytes"), 256 * 1024)
        self.assertEqual(server.stat("delivery.queue_full"), dropped)
        (row,) = server.ctl("show", target="v")["connections"]
        self.assertEqual(row["skipped_messages"], dropped)
        # What was said to be delivered arrives, in order, and so does what comes later.
        self.assertEqual(self.receive_until(client, delivered[-1]), delivered)
        self.eventually(lambda: server.stat("delivery.queue_bytes") == 0)
        self.assertEqual(server.ctl("send", user="v", text="7 later")["delivered"], 1)
        self.assertEqual(self.receive_until(client, 7), [7])
        client.echo("still there")

    def test_keep_newest(self):
        server = self.wsmd(limits__send_queue_bytes=256 * 1024, limits__slow_consumer="keep_newest")
        client = rawws.RawClient(server, "v", rcvbuf=SMALL_BUFFER)
        n = 0
        while server.stat("delivery.skipped") < 20:
            self.assertLess(n, 2000)
            size = 1000 if n % 3 else 100000
            result = server.ctl("send", user="v", text=f"{n} " + "x" * size)
            self.assertEqual(result["delivered"], 1)
            self.assertLessEqual(server.stat("delivery.queue_bytes"), 256 * 1024)
            n += 1
        (row,) = server.ctl("show", target="v")["connections"]
        skipped = row["skipped_messages"]
        self.assertEqual(server.stat("delivery.skipped"), skipped)
        # Whole frames in order, the newest at the end, and only those missing that are counted.
        got = self.receive_until(client, n - 1)
        self.assertEqual(got, sorted(set(got)))
        self.assertEqual(len(got), n - skipped)
        client.echo("still there")

    def test_keep_newest_ends_at_the_write_deadline(self):
        server = self.wsmd(
            limits__send_queue_bytes=65536, limits__slow_consumer="keep_newest",
            limits__write_timeout_s=0.4,
        )  # fmt: skip
        client = rawws.RawClient(server, "v", rcvbuf=SMALL_BUFFER)
        deadline = time.monotonic() + wsmd.PATIENCE_S
        while server.stat("basic.closes.write_timeout") == 0:
            self.assertLess(time.monotonic(), deadline)
            server.ctl("send", user="v", text="x" * 60000)
        self.assertEqual(client.closing().code, 1008)

    def test_reload_changes_the_policy(self):
        file = f"{self.enterContext(tempfile.TemporaryDirectory())}/wsmd.json"

        def write(policy):
            with open(file, "w", encoding="ascii") as out:
                json.dump({"limits": {"send_queue_bytes": 65536, "slow_consumer": policy}}, out)

        write("drop_newest")
        server = self.wsmd("--config", file)
        client = rawws.RawClient(server, "v", rcvbuf=SMALL_BUFFER)
        self.assertEqual(self.fill(server, "v")[1]["reason"], "policy")
        for word in ("keep_oldest", "close"):
            write(word)
            server.wsmctl("reload", code=word == "keep_oldest")
            if word == "keep_oldest":
                # Refused, so the old one is still in force.
                answer = server.ctl("send", user="v", text="x" * 60000)
                self.assertEqual(answer["reason"], "policy")
        self.eventually(
            lambda: server.ctl("send", user="v", text="x" * 60000).get("reason") == "queue_full"
        )
        closed = client.closing()
        self.assertEqual(closed.code, 1008)
        self.assertIn("slow_consumer is close", closed.reason)
        self.assertEqual(server.stat("basic.closes.queue_full"), 1)

    def test_unknown_policy_is_refused(self):
        answer = wsmd.run("--dev", "--set", "limits.slow_consumer=keep_oldest")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("limits.slow_consumer", answer.stderr)
        self.assertIn("keep_newest", answer.stderr)

    def test_broadcast_reaches_the_fast_in_spite_of_the_slow(self):
        server = self.wsmd(limits__send_queue_bytes=65536, limits__close_timeout_s=0.5)
        slow = [rawws.RawClient(server, f"s{i}", rcvbuf=SMALL_BUFFER) for i in range(20)]
        fast = rawws.RawClient(server, "fast")
        n = 0
        while server.stat("basic.closes.queue_full") < len(slow):
            self.assertLess(n, 3000)
            server.ctl("send", all=True, text=f"{n} " + "x" * 30000)
            self.assertEqual(fast.receive().split(" ")[0], str(n))
            n += 1
        fast.goodbye()

    def test_reader_that_stopped_ends_at_the_deadline(self):
        # Time to read the close frame, however busy the machine is.
        server = self.wsmd(limits__write_timeout_s=0.4, limits__close_timeout_s=60, **PATIENT)
        clients = [rawws.RawClient(server, hub="h", rcvbuf=SMALL_BUFFER) for _ in range(3)]
        self.overfill(server, all=True, hub="h")
        self.eventually(lambda: server.stat("basic.closes.write_timeout") == 3)
        for client in clients:
            closed = client.closing()
            self.assertEqual(closed.code, 1008)
            self.assertIn("no byte was taken within limits.write_timeout_s", closed.reason)

    def test_echo_of_a_slow_reader_is_paced_not_cut(self):
        server = self.wsmd()
        client = rawws.RawClient(server, rcvbuf=SMALL_BUFFER)
        # The first echo fills the queue, the others come right behind it.
        big = bytes(MIB)
        client.write(frame(BINARY, big) + frame(TEXT, "small") * 5)
        self.assertEqual(client.receive(), big)
        self.assertEqual([client.receive() for _ in range(5)], ["small"] * 5)
        self.assertEqual(client.goodbye(), 1000)

    def test_flood_of_one_who_never_reads_is_bounded(self):
        server = self.wsmd(limits__write_timeout_s=0.5, limits__send_queue_bytes=256 * 1024)
        bystander = rawws.RawClient(server, "bystander")
        before = server.memory_bytes()
        client = rawws.RawClient(server, rcvbuf=SMALL_BUFFER)
        client.sock.settimeout(0.2)
        flood = frame(BINARY, bytes(60000)) * 10
        sent = 0
        try:
            for _ in range(200):
                client.write(flood)
                sent += len(flood)
        except OSError:
            pass  # it is no longer read from, or has been closed
        self.assertLess(sent, 64 * MIB)
        self.assert_grew_less(server, before, 8 * MIB)
        bystander.echo("hello")
        self.eventually(lambda: server.stat("basic.closes.write_timeout") == 1)
        bystander.goodbye()

    def test_pings_of_one_who_never_reads_cost_one_pong(self):
        server = self.wsmd(limits__control_frames_per_s=0, **PATIENT)
        client = rawws.RawClient(server, "a", rcvbuf=SMALL_BUFFER)
        self.overfill(server, user="a")
        memory, waiting = server.memory_bytes(), server.stat("delivery.queue_bytes")
        pings = frame(PING, b"x" * 125) * 1000
        for _ in range(20):
            client.write(pings)
        self.eventually(lambda: server.stat("basic.control_frames_in") == 20000)
        self.assertLess(server.stat("delivery.queue_bytes"), waiting + 200)
        self.assert_grew_less(server, memory, 4 * MIB)
        for _ in range(3):
            self.assertEqual(len(client.receive()), 4 * MIB - 200)
        self.assertEqual(client.read_frame(), (rawws.PONG, b"x" * 125))
        client.echo("hello")
        client.goodbye()


class SlowLog(wsmd.WsmdTest):
    def test_a_log_that_nobody_reads_stops_nobody(self):
        """As with a hung collector: the lines of closed connections fill the pipe, and
        everybody is served all the same."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        control = f"{self.enterContext(tempfile.TemporaryDirectory())}/control"
        out, into = os.pipe()
        daemon = subprocess.Popen(
            [wsmd.WSMD, "--dev", "--listen", f"127.0.0.1:{port}", "--control", control],
            stderr=into,
        )
        self.addCleanup(daemon.kill)
        self.addCleanup(os.close, out)
        os.close(into)
        self.eventually(lambda: os.path.exists(control))
        server = types.SimpleNamespace(port=port, sockets=[])
        for _ in range(600):  # at 250 bytes a line, twice what a pipe holds
            client = rawws.RawClient(server)
            client.send("still there?")
            self.assertEqual(client.read_frame(), (TEXT, b"still there?"))
            client.sock.close()
        daemon.terminate()
        self.assertEqual(daemon.wait(wsmd.PATIENCE_S), 0)


if __name__ == "__main__":
    runner.main()
