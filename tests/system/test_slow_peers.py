"""Peers that are slow, by nature or on purpose: they go alone, and with a reason."""

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
        server = self.wsmd(limits__write_timeout_s=0.4, **PATIENT)
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
