"""wsmctl tap: what is shown of a user's or a connection's frames, to whom, and how it ends."""

import base64
import json
import os
import re
import signal
import subprocess

import rawws
import runner
import wsmd

MAX_TAPS = 4  # of server/server.h
SHOWN = 512  # bytes of a payload


class Tap(wsmd.Control):
    """A session that has begun to tap."""

    def __init__(self, server, target, **arguments):
        super().__init__(server.control_path)
        self.begun = self.ask("tap", target=target, **arguments)

    def next(self, kind=None):
        """The next event, or the next of that kind."""
        while True:
            event = self.answer()
            if kind in (None, event["event"]):
                return event

    def ended(self):
        """Is there nothing behind the last event?"""
        return self.lines.readline() == b""


class TapTest(wsmd.WsmdTest):
    def tap(self, server, target, **arguments):
        return self.keep(Tap(server, target, **arguments))

    def id_of(self, server, user):
        (row,) = server.ctl("show", target=user)["connections"]
        return row["id"]


class Frames(TapTest):
    def test_both_directions(self):
        server = self.wsmd(workers=2)
        client = rawws.RawClient(server, "anna")
        other = rawws.RawClient(server, "bob")
        tap = self.tap(server, "anna")
        self.assertEqual(tap.begun, {"connections": 1, "payload": False})
        other.echo("not for us")
        client.echo("hello")
        come, gone = tap.next(), tap.next()
        self.assertRegex(come["at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        for event, direction in [(come, "in"), (gone, "out")]:
            del event["at"]
            self.assertEqual(
                event,
                {
                    "event": direction,
                    "connection": self.id_of(server, "anna"),
                    "opcode": "text",
                    "bytes": 5,
                },
            )
        server.ctl("send", user="anna", binary=base64.b64encode(b"\x00\xff").decode())
        self.assertEqual(client.read_frame(), (rawws.BINARY, b"\x00\xff"))
        event = tap.next()
        self.assertEqual((event["event"], event["opcode"], event["bytes"]), ("out", "binary", 2))
        client.send(b"?", rawws.PING)
        self.assertEqual(client.read_frame()[0], rawws.PONG)
        self.assertEqual([tap.next()["opcode"] for _ in range(2)], ["ping", "pong"])
        client.write(rawws.close_frame(1000, b"bye"))
        event = tap.next()
        self.assertEqual((event["event"], event["opcode"], event["code"]), ("in", "close", 1000))
        event = tap.next()
        self.assertEqual((event["event"], event["reason"], event["code"]),
                         ("closed", "peer_close", 1000))  # fmt: skip
        self.assertNotIn("text", event)

    def test_large_messages_that_are_passed_on_where_they_lie(self):
        server = self.wsmd(limits__max_message_bytes=2 << 20)
        client = rawws.RawClient(server, "anna")
        tap = self.tap(server, "anna", payload=True)
        for n in (100_000, 1_500_000):
            text = "".join(chr(ord("a") + i % 26) for i in range(n))
            client.echo(text)
            for direction in ("in", "out"):
                event = tap.next()
                self.assertEqual((event["event"], event["bytes"]), (direction, n))
                self.assertEqual(event["text"], text[:SHOWN])

    def test_payload_only_when_asked_for(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "anna")
        plain, tap = self.tap(server, "anna"), self.tap(server, "anna", payload=True)
        self.assertTrue(tap.begun["payload"])
        for text in ["hello", "\u00e4" * 300, "a" + "\u20ac" * 300, "x" * 5000, "\u0000\u001b[2J"]:
            client.echo(text)
            size = len(text.encode())
            for direction in ["in", "out"]:
                event = tap.next()
                self.assertEqual((event["event"], event["bytes"]), (direction, size))
                self.assertTrue(text.startswith(event["text"]))
                self.assertGreater(len(event["text"].encode()), min(SHOWN, size) - 4)
                self.assertLessEqual(len(event["text"].encode()), SHOWN)
                self.assertEqual(event.get("cut", False), size > SHOWN)
                event = plain.next()
                self.assertEqual(event["bytes"], size)
                self.assertFalse({"text", "binary", "cut"} & set(event), event)
        data = bytes(range(256)) * 3
        client.send(data)
        event = tap.next()
        self.assertEqual(base64.b64decode(event["binary"]), data[:SHOWN])
        self.assertTrue(event["cut"])

    def test_connections_that_come_later(self):
        server = self.wsmd(workers=2)
        tap = self.tap(server, "anna", hub="one")
        self.assertEqual(tap.begun["connections"], 0)
        rawws.RawClient(server, "anna", hub="two").echo("elsewhere")
        rawws.RawClient(server, "ann", hub="one").echo("somebody else")
        first = rawws.RawClient(server, "anna", hub="one")
        opened = tap.next()
        self.assertEqual(opened["event"], "opened")
        first.echo("x")
        self.assertEqual([tap.next()["event"] for _ in range(2)], ["in", "out"])
        second = rawws.RawClient(server, "anna", hub="one")
        self.assertNotEqual(tap.next()["connection"], opened["connection"])
        server.ctl("kick", target=opened["connection"])
        closed = tap.next("closed")
        self.assertEqual(closed["connection"], opened["connection"])
        self.assertEqual(closed["reason"], "kicked")
        second.echo("y")
        self.assertEqual(tap.next()["event"], "in")

    def test_one_connection_of_a_user(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "anna")
        tap = self.tap(server, self.id_of(server, "anna"))
        rawws.RawClient(server, "anna").echo("of the other")
        client.echo("x")
        self.assertEqual(tap.next()["event"], "in")

    def test_who_has_left_the_tap_is_as_before(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "anna")
        first, second = self.tap(server, "anna"), self.tap(server, self.id_of(server, "anna"))
        first.close()
        self.eventually(lambda: server.log("tap_ended"))
        client.echo("x")
        self.assertEqual(second.next()["event"], "in")
        second.close()
        self.eventually(lambda: len(server.log("tap_ended")) == 2)
        client.echo("y")


class Ends(TapTest):
    def test_with_the_connection(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "anna")
        tap = self.tap(server, self.id_of(server, "anna"))
        server.ctl("kick", target="anna", reason="enough")
        with self.assertRaises(rawws.Closed):
            client.read_frame()
        self.assertEqual(tap.next()["event"], "closed")
        end = tap.next()
        self.assertEqual((end["event"], end["reason"]), ("end", "the connection has ended"))
        self.assertTrue(tap.ended())
        self.eventually(lambda: server.log("tap_ended"))

    def test_with_the_server(self):
        for target in ["anna", None]:
            with self.subTest(target):
                server = self.wsmd(workers=2)
                client = rawws.RawClient(server, "anna")
                tap = self.tap(server, target or self.id_of(server, "anna"))
                idle = self.tap(server, "nobody")
                server.signal(signal.SIGTERM)
                with self.assertRaises(rawws.Closed):
                    client.read_frame()
                client.close()
                self.assertEqual(tap.next("closed")["reason"], "server_stop")
                self.assertEqual(tap.next()["event"], "end")
                self.assertTrue(tap.ended())
                end = idle.next()
                self.assertEqual(end["reason"], "the server has stopped")
                self.assertTrue(idle.ended())
                self.assertEqual(server.exit_code(), 0)

    def test_stop_with_a_tap_that_nobody_reads(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "anna")
        self.tap(server, "anna", payload=True)
        self.flood(client, 3000)
        server.signal(signal.SIGTERM)
        client.close()
        self.assertEqual(server.exit_code(), 0)

    def flood(self, client, n, text="x" * 400):
        for _ in range(n):
            client.echo(text)

    def test_nobody_waits_for_a_tap_that_is_not_read(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "anna")
        tap = self.tap(server, "anna", payload=True)
        self.flood(client, 3000)
        # Everything arrived; what the session had no room for is counted with the next.
        seen, missed = 0, 0
        client.echo("last")
        while seen + missed < 6000:
            event = tap.next()
            seen, missed = seen + 1, missed + event.get("missed", 0)
            if seen + missed < 6002 and not missed:
                client.echo("more")
        self.assertGreater(missed, 0)
        tap.close()
        (row,) = self.eventually(lambda: server.log("tap_ended"))
        self.assertGreaterEqual(int(row["missed"]), missed)

    def test_the_client_may_go_at_any_moment(self):
        server = self.wsmd(workers=2)
        clients = [rawws.RawClient(server, "anna") for _ in range(3)]
        for i in range(60):
            session = wsmd.Control(server.control_path)
            request = {"version": 1, "command": "tap", "arguments": {"target": "anna"}}
            session.send(json.dumps(request).encode() + b"\n")
            if i % 2:
                session.answer()
            clients[i % 3].echo("x")
            session.close()
        # Each gave its place back.
        self.eventually(lambda: self.taps_fit(server))

    def taps_fit(self, server):
        taps = []
        try:
            for _ in range(MAX_TAPS):
                taps.append(Tap(server, "anna"))
            return True
        except wsmd.Refused:
            return False
        finally:
            for tap in taps:
                tap.close()


class Rules(TapTest):
    def test_four_at_once(self):
        server = self.wsmd()
        taps = [self.tap(server, f"u{i}") for i in range(MAX_TAPS)]
        with self.assertRaises(wsmd.Refused) as refused:
            server.ctl("tap", target="anna")
        self.assertEqual(refused.exception.error["code"], "busy")
        self.assertIn("4 taps", refused.exception.error["message"])
        self.assertIn("basic", server.ctl("stats"))
        taps[0].close()
        self.eventually(lambda: server.log("tap_ended"))
        self.tap(server, "anna")

    def test_mistakes(self):
        server = self.wsmd()
        for arguments, code, word in [
            ({}, "bad_request", "target"),
            ({"target": 5}, "bad_request", "target"),
            ({"target": "u" * 256}, "bad_request", "target"),
            ({"target": "a", "payload": "yes"}, "bad_request", "payload"),
            ({"target": "a", "hub": "-"}, "bad_request", "hub"),
            ({"target": "a" * 26}, "not_found", "no such connection"),
        ]:
            with self.subTest(arguments), self.assertRaises(wsmd.Refused) as refused:
                server.ctl("tap", **arguments)
            self.assertEqual(refused.exception.error["code"], code)
            self.assertIn(word, refused.exception.error["message"])
        self.assertEqual(server.log("tap"), [])

    def test_the_log_says_who_taps_whom(self):
        server = self.wsmd()
        rawws.RawClient(server, "anna")
        conn = self.id_of(server, "anna")
        tap = self.tap(server, "anna", payload=True)
        (row,) = server.log("tap")
        self.assertEqual((row["uid"], row["hub"], row["user"], row["payload"]),
                         (str(os.getuid()), "default", "anna", "shown"))  # fmt: skip
        self.tap(server, conn)
        (row,) = server.log("tap", conn=conn)
        self.assertEqual(row["payload"], "hidden")
        tap.close()
        (row,) = self.eventually(lambda: server.log("tap_ended", user="anna"))
        self.assertEqual((row["uid"], row["shown"], row["missed"]), (str(os.getuid()), "0", "0"))


class Wsmctl(TapTest):
    def start(self, server, *args):
        process = subprocess.Popen(
            [wsmd.WSMCTL, "--control", server.control_path, "tap", *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.eventually(lambda: server.log("tap"))
        return process

    def test_lines(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "anna")
        conn = self.id_of(server, "anna")
        process = self.start(server, "anna", "--payload")
        self.assertIn("following 1 connection; ", process.stderr.readline())
        client.echo("a\x1b[2Jb")
        pattern = rf"^\S+Z  {conn}  (in |out) {{5}}text {{10}}6  a\\x1b\[2Jb$"
        self.assertRegex(process.stdout.readline().rstrip("\n"), pattern)
        self.assertRegex(process.stdout.readline().rstrip("\n"), pattern)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(wsmd.PATIENCE_S), 0)

    def test_json_and_the_end(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "anna")
        process = self.start(server, self.id_of(server, "anna"), "--json")
        self.assertEqual(json.loads(process.stdout.readline())["connections"], 1)
        client.echo("hello")
        client.close()
        events = [json.loads(line)["event"] for line in process.stdout]
        self.assertEqual(events, ["in", "out", "closed", "end"])
        self.assertEqual(process.wait(wsmd.PATIENCE_S), 0)

    def test_daemon_gone(self):
        server = self.wsmd(code=-signal.SIGKILL)
        process = self.start(server, "anna")
        server.signal(signal.SIGKILL)
        self.assertEqual(process.wait(wsmd.PATIENCE_S), 3)
        self.assertIn("went away", process.stderr.read())

    def test_mistakes(self):
        server = self.wsmd()
        self.assertEqual(server.wsmctl("tap", code=2), "")
        self.assertEqual(server.wsmctl("tap", "a" * 26, code=4), "")
        self.assertEqual(server.wsmctl("send", "--payload", "a", "b", code=2), "")


if __name__ == "__main__":
    runner.main()
