"""Frames, right and wrong, over a real socket: the answer, the close code, the sentence."""

import contextlib
import re

import rawws
import runner
import wsmd
from rawws import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_frame, frame, header

RULES = dict(
    re.findall(
        r'X\(WS_RULE_\w+, (\w+), \d+,\s*\\?\s*"([^"]*)"\)',
        (runner.REPO / "src/ws/rule.h").read_text(encoding="utf-8"),
    )
)
SETTINGS = {
    "limits__max_message_bytes": 5000,
    "limits__max_fragments": 10,
    "limits__control_frame_burst": 20,
    "limits__control_frames_per_s": 1,
}
BAD_TEXT = [
    b"\x80", b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf5", b"\xff",
    b"abc\xe4\xb8", b"\xf0\x9f\x8c",
]  # fmt: skip
UNKNOWN = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]

# rule, close code, bytes that break it
VIOLATIONS = [
    *[("rsv", 1002, frame(op, b"x", rsv=rsv)) for op in (TEXT, PING, CLOSE) for rsv in (1, 2, 4)],
    ("rsv", 1002, frame(TEXT, b"", rsv=4)),
    ("rsv", 1002, frame(TEXT, b"x", fin=False) + frame(CONT, b"x", rsv=4)),
    *[("opcode", 1002, frame(op, b"x")) for op in UNKNOWN],
    *[("unmasked", 1002, frame(op, b"xx", mask=False)) for op in (TEXT, BINARY, PING, CLOSE)],
    ("unmasked", 1002, frame(TEXT, b"", mask=False)),
    ("length_form", 1002, frame(TEXT, b"", form=16)),
    ("length_form", 1002, frame(TEXT, b"x" * 125, form=16)),
    ("length_form", 1002, frame(BINARY, b"x", form=64)),
    ("length_form", 1002, header(0x82, 65535, form=64)),
    ("length_sign", 1002, header(0x82, 1 << 63, form=64)),
    ("length_sign", 1002, header(0x82, (1 << 64) - 1, form=64)),
    ("control_length", 1002, header(0x89, 126)),
    ("control_length", 1002, header(0x8A, 200, form=16)),
    ("control_length", 1002, header(0x88, 70000, form=64)),
    ("control_fragment", 1002, frame(PING, b"", fin=False)),
    ("control_fragment", 1002, frame(CLOSE, b"\x03\xe8", fin=False)),
    ("continuation", 1002, frame(CONT, b"x")),
    ("continuation", 1002, frame(TEXT, b"x") + frame(CONT, b"x", fin=False)),
    ("interleaved", 1002, frame(TEXT, b"x", fin=False) + frame(TEXT, b"y")),
    ("interleaved", 1002, frame(TEXT, b"x", fin=False) + frame(BINARY, b"y", fin=False)),
    ("close_length", 1002, frame(CLOSE, b"x")),
    *[("close_code", 1002, close_frame(code)) for code in (
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)],
    *[("close_utf8", 1007, close_frame(1000, bad)) for bad in BAD_TEXT],
    *[("text_utf8", 1007, frame(TEXT, bad)) for bad in BAD_TEXT],
    ("text_utf8", 1007, frame(TEXT, b"\xe4\xb8", fin=False) + frame(CONT, b"x")),
    # At the first impossible byte: the rest of the frame is never sent.
    ("text_utf8", 1007, header(0x81, 100) + rawws.masked(b"abc\xff")),
    ("message_size", 1009, header(0x82, 5001)),
    ("message_size", 1009, header(0x82, (1 << 31) - 1)),
    ("message_size", 1009, header(0x81, 1 << 32)),
    ("message_size", 1009, header(0x82, (1 << 63) - 1)),
    ("message_size", 1009, frame(TEXT, b"x" * 4999, fin=False) + header(0x80, 2)),
    ("message_size", 1009, frame(TEXT, b"x" * 4999, fin=False) + header(0x80, (1 << 63) - 1)),
    ("fragments", 1008, frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * 10),
    ("fragments", 1008, frame(TEXT, b"x", fin=False) + frame(CONT, b"x", fin=False) * 10),
    ("control_rate", 1008, frame(PING, b"x") * 25),
    ("control_rate", 1008, frame(PONG, b"") * 25),
    ("control_rate", 1008, (frame(PING, b"x") + frame(PONG)) * 12),
]  # fmt: skip

UTF8 = "κόσμε 世界 🌍"


class Violations(wsmd.WsmdTest):
    def check(self, server, rule, code, data, drip):
        client = rawws.RawClient(server)
        if drip:
            for i in range(len(data)):
                try:
                    client.write(data[i : i + 1])
                except OSError:
                    break  # it was closed before the last byte
        else:
            client.write(data)
        closed = client.closing()
        self.assertEqual((closed.code, closed.reason), (code, RULES[rule]))
        self.assertTrue(client.at_end(), "its FIN follows the close frame")
        client.close()

    def test_each_rule(self):
        # "masked" is for clients: a server's frame that is masked.
        self.assertEqual({rule for rule, _, _ in VIOLATIONS}, set(RULES) - {"masked"})
        server = self.wsmd(**SETTINGS)
        for rule, code, data in VIOLATIONS:
            with self.subTest(rule=rule, data=data[:20]):
                self.check(server, rule, code, data, drip=False)
        errors = server.stat("basic.errors")
        for rule in RULES:
            broken = sum(name == rule for name, _, _ in VIOLATIONS)
            self.assertEqual(errors[rule], broken, rule)
        closes = server.stat("basic.closes")
        self.assertEqual(sum(closes.values()), len(VIOLATIONS))
        self.assertEqual(closes["too_big"], sum(code == 1009 for _, code, _ in VIOLATIONS))
        self.assertEqual(closes["bad_utf8"], sum(code == 1007 for _, code, _ in VIOLATIONS))

    def test_each_rule_byte_by_byte(self):
        server = self.wsmd(**SETTINGS)
        for rule, code, data in VIOLATIONS:
            if len(data) < 400:
                with self.subTest(rule=rule, data=data[:20]):
                    self.check(server, rule, code, data, drip=True)

    def test_bystander_feels_nothing(self):
        server = self.wsmd(**SETTINGS)
        bystander = rawws.RawClient(server, "bystander")
        for i, (_, _, data) in enumerate(VIOLATIONS):
            offender = rawws.RawClient(server)
            offender.write(data)
            bystander.echo(f"number {i}")
            offender.closing()
            offender.close()
        self.assertEqual(bystander.goodbye(), 1000)


class Messages(wsmd.WsmdTest):
    def test_sizes_at_the_edges_of_the_length_forms(self):
        client = rawws.RawClient(self.wsmd())
        for size in (0, 1, 125, 126, 127, 65535, 65536, 1 << 20):
            client.echo(b"\xa5" * size)
            client.echo("x" * size)
        client.goodbye()

    def test_fragments_with_pings_between(self):
        client = rawws.RawClient(self.wsmd())
        client.write(frame(TEXT, "one ", fin=False) + frame(PING, b"first"))
        self.assertEqual(client.read_frame(), (PONG, b"first"))
        client.write(frame(CONT, b"", fin=False) + frame(PING, b"") + frame(PONG, b"unasked"))
        self.assertEqual(client.read_frame(), (PONG, b""))
        client.write(frame(CONT, "two", fin=False) + frame(PING, b"x" * 125) + frame(CONT, ""))
        self.assertEqual(client.read_frame(), (PONG, b"x" * 125))
        self.assertEqual(client.read_frame(), (TEXT, b"one two"))
        client.goodbye()

    def test_utf8_split_at_every_place(self):
        client = rawws.RawClient(self.wsmd())
        data = UTF8.encode()
        for at in range(len(data) + 1):
            head, tail = data[:at], data[at:]
            client.write(frame(TEXT, head, fin=False) + frame(CONT, tail))
            self.assertEqual(client.receive(), UTF8)
            # ... and one frame in two segments.
            whole = frame(TEXT, data)
            client.write(whole[: 6 + at])
            client.write(whole[6 + at :])
            self.assertEqual(client.receive(), UTF8)
        client.goodbye()

    def test_one_byte_in_each_segment(self):
        client = rawws.RawClient(self.wsmd())
        stream = (
            frame(TEXT, UTF8, fin=False) + frame(PING, b"between") + frame(CONT, UTF8)
            + frame(BINARY, bytes(range(256))) + frame(TEXT, "")
        )  # fmt: skip
        client.dribble(stream)
        self.assertEqual(client.read_frame(), (PONG, b"between"))
        self.assertEqual(client.receive(), UTF8 * 2)
        self.assertEqual(client.receive(), bytes(range(256)))
        self.assertEqual(client.receive(), "")
        client.goodbye()

    def test_unsolicited_pongs_are_ignored_and_counted(self):
        server = self.wsmd()
        client = rawws.RawClient(server)
        client.write(frame(PONG, b"") + frame(PONG, b"12345678"))
        client.echo("still here")
        self.assertEqual(server.stat("health.pongs_unmatched"), 2)
        self.assertEqual(server.stat("health.pongs_received"), 0)
        client.goodbye()

    def test_many_fragments_cost_little(self):
        server = self.wsmd()
        client = rawws.RawClient(server)
        n = 262144  # limits.max_fragments
        before = server.cpu_s()
        client.write(frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * (n - 2))
        client.write(frame(CONT, b"end"))
        self.assertEqual(client.receive(), "end")
        self.assertLess(server.cpu_s() - before, 5)
        client.goodbye()

    def test_declared_lengths_reserve_nothing(self):
        server = self.wsmd()
        before = server.memory_bytes()
        clients = [rawws.RawClient(server) for _ in range(200)]
        for client in clients:
            client.write(header(0x82, 1 << 20) + b"xx")
        rows = self.eventually(lambda: all(
            row["bytes_in"] == 16 for row in server.ctl("ls")["connections"]))  # fmt: skip
        self.assertTrue(rows)
        self.assert_grew_less(server, before, 200 * 65536)


class Closing(wsmd.WsmdTest):
    def test_legal_codes_come_back(self):
        server = self.wsmd()
        codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                 3000, 3999, 4000, 4999]  # fmt: skip
        for code in codes:
            for reason in (b"", b"why", "世界".encode(), b"x" * 123):
                client = rawws.RawClient(server)
                client.write(close_frame(code, reason))
                self.assertEqual(client.closing().code, code)
                self.assertTrue(client.at_end())
        self.assertEqual(server.stat("basic.closes.peer_close"), 4 * len(codes))

    def test_no_code_is_answered_with_none(self):
        client = rawws.RawClient(self.wsmd())
        client.write(close_frame())
        self.assertEqual(client.take(2), b"\x88\x00")
        self.assertTrue(client.at_end())

    def test_what_follows_a_close_is_ignored(self):
        server = self.wsmd()
        for behind in (
            frame(TEXT, "late"), close_frame(1001), frame(PING), b"\xff" * 100, frame(3)
        ):  # fmt: skip
            client = rawws.RawClient(server)
            client.write(frame(TEXT, "before") + close_frame(1000) + behind)
            self.assertEqual(client.receive(), "before")
            self.assertEqual(client.closing().code, 1000)
            # The server is through with him: its FIN, or a reset of what is too late.
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                client.write(behind)
            with self.assertRaises(rawws.Closed):
                client.more()
        self.assertEqual(server.stat("basic.messages_in"), 5)
        self.assertEqual(server.stat("basic.closes.peer_close"), 5)

    def test_close_inside_a_message(self):
        client = rawws.RawClient(self.wsmd())
        client.write(frame(TEXT, "begun", fin=False) + close_frame(1000))
        self.assertEqual(client.closing().code, 1000)
        client = rawws.RawClient(self.wsmd())
        client.write(header(0x81, 100) + b"half" + close_frame(1000))
        client.close()  # the close frame was payload: it ends by FIN

    def test_half_close_and_reset(self):
        server = self.wsmd()
        client = rawws.RawClient(server)
        client.echo("hello")
        client.sock.shutdown(rawws.socket.SHUT_WR)
        self.assertTrue(client.at_end())
        client = rawws.RawClient(server)
        client.echo("hello")
        client.reset()
        self.eventually(lambda: server.stat("basic.connections_active") == 0)
        closes = server.stat("basic.closes")
        self.assertEqual((closes["peer_fin"], closes["peer_reset"]), (1, 1))

    def test_peer_that_never_finishes_is_let_go(self):
        server = self.wsmd(limits__close_timeout_s=0.3)
        # One was kicked and says nothing, one broke the rules: neither hangs up.
        kicked, rude = (rawws.RawClient(server, name) for name in ("a", "b"))
        server.ctl("kick", target="a")
        rude.write(frame(3))
        server.is_quiet()
        self.assertEqual(kicked.closing().code, 1008)
        self.assertEqual(rude.closing().code, 1002)
        self.assertEqual(server.stat("basic.close_timeouts"), 2)
        hits = {row["limit"]: row["hits"] for row in server.ctl("limits")["limits"]}
        self.assertEqual(hits["close_timeout_s"], 2)

    def test_the_server_closes_first(self):
        # Both close frames are through: the server does not wait for the peer to hang up.
        server = self.wsmd(limits__close_timeout_s=60)
        asking, asked = (rawws.RawClient(server, name) for name in ("a", "b"))
        asking.write(close_frame(1000))
        self.assertEqual(asking.closing().code, 1000)
        server.ctl("kick", target="b")
        self.assertEqual(asked.closing().code, 1008)
        asked.write(close_frame(1008))
        server.is_quiet()
        self.assertTrue(asking.at_end() and asked.at_end())
        self.assertEqual(server.stat("basic.close_timeouts"), 0)

    def test_kicked_client_finishes_the_handshake(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        server.ctl("kick", target="a", reason="enough")
        closed = client.closing()
        self.assertEqual((closed.code, closed.reason), (1008, "enough"))
        # It may still send, which nobody listens to, until it answers.
        client.write(frame(TEXT, "late") + frame(PING, b"late"))
        client.write(close_frame(closed.code))
        self.assertTrue(client.at_end())
        self.assertEqual(server.stat("basic.messages_in"), 0)


if __name__ == "__main__":
    runner.main()
