"""Why a connection ended: for each death the sentence, the code and the evidence."""

import asyncio
import os
import pwd
import socket
import struct
import threading
import time

import rawws
import runner
import websockets
import wsmd
from rawws import PING, TEXT, close_frame, frame


class Why(wsmd.WsmdTest):
    def record(self, server, target="a", **how):
        """The latest record of an ended connection, once there is one."""

        def ask():
            try:
                return server.ctl("why", target=target, events=True, **how)["ended"]
            except wsmd.Refused:
                return None

        records = wsmd.eventually(ask)
        self.assertTrue(records, f"no record of {target}")
        return records[0]

    def check(self, record, reason, by, *words, **members):
        self.assertEqual((record["reason"], record["by"]), (reason, by), record)
        for word in words:
            self.assertIn(word, record["why"])
        self.assertTrue(record["hint"])
        for name, value in members.items():
            self.assertEqual(record[name], value, record)

    def answer_ping(self, client):
        opcode, data = client.read_frame()
        self.assertEqual(opcode, PING)
        client.write(frame(rawws.PONG, data))

    def test_who_closed_first(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        client.echo("hello")
        client.write(close_frame(4001, b"\x1b[31mbye \"now\""))
        self.assertEqual(client.closing().code, 4001)
        record = self.record(server)
        self.check(record, "peer_close", "peer", "4001", 'saying "\\x1b[31mbye \\"now\\""',
                   code_received=4001, text='\x1b[31mbye "now"', messages_in=1, user="a",
                   hub="default")  # fmt: skip
        self.assertEqual(record["tcp"]["state"], "established")
        kinds = [event["event"] for event in record["events"]]
        self.assertEqual(kinds, ["handshake", "auth", "first_message"])
        shown = server.wsmctl("why", "a", "--events")
        self.assertNotIn("\x1b", shown)
        self.assertIn("first_message", shown)

        rawws.RawClient(server, "b").close()
        self.check(self.record(server, "b"), "peer_fin", "peer", "FIN without a close frame")
        self.assertEqual(self.record(server, "b")["tcp"]["state"], "close_wait")
        rawws.RawClient(server, "c").reset()
        self.check(self.record(server, "c"), "peer_reset", "peer", "RST",
                   error="Connection reset by peer")  # fmt: skip

    def test_what_we_do(self):
        server = self.wsmd(
            heartbeat__interval_s=0.2, heartbeat__timeout_s=0.6, limits__control_frame_burst=4,
            limits__message_timeout_s=1, limits__max_message_bytes=1000,
            limits__messages_per_s=5, limits__message_burst=5, limits__max_fragments=3,
        )  # fmt: skip
        rawws.RawClient(server, "silent")
        cases = [
            ("rude", frame(TEXT, "ok") + frame(3), "protocol_error", 1002,
             "unknown opcode (rule opcode), at byte 8 of its stream, behind 1 whole message"),
            ("liar", frame(TEXT, b"good \xff"), "bad_utf8", 1007, "at byte 11 of its stream"),
            ("big", frame(2, b"x" * 1001), "too_big", 1009,
             "1001 bytes or more, and limits.max_message_bytes is 1000"),
            ("pinger", frame(PING) * 99, "rate_limit", 1008, "limits.control_frames_per_s, 32"),
            ("busy", frame(TEXT, "x") * 99, "message_rate", 1008, "limits.messages_per_s, 5"),
            ("pieces", frame(TEXT, "x", fin=False) + frame(0, "x", fin=False) * 9,
             "too_many_fragments", 1008, "limits.max_fragments, 3"),
        ]  # fmt: skip
        for user, data, reason, code, words in cases:
            with self.subTest(user):
                client = rawws.RawClient(server, user)
                client.write(data)
                closed = client.closing()
                self.assertEqual(closed.code, code)
                record = self.record(server, closed.id)
                self.check(record, reason, "server", words, code_sent=code, user=user)
                client.close()
        client = rawws.RawClient(server, "half")
        client.write(frame(TEXT, "x", fin=False))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not server.log("closed", user="half"):
            client.write(frame(rawws.PONG))  # heard from, and still not done
            time.sleep(0.05)
        self.check(self.record(server, "half"), "message_timeout", "server",
                   "message 1 was begun and not completed within 1.0 s")  # fmt: skip
        record = self.record(server, "silent")
        self.check(record, "heartbeat_timeout", "server", "no sign of life for", "the limit is",
                   code_sent=1001)  # fmt: skip
        self.assertGreaterEqual(record["silent_ms"], 600)
        self.assertGreaterEqual(record["missed"], 1)
        self.assertIn("pong_missed", [event["event"] for event in record["events"]])

    def test_what_the_operator_does(self):
        me = pwd.getpwuid(os.geteuid()).pw_name
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        row = server.ctl("show", target="a")["connections"][0]
        (live,) = server.ctl("why", target="a")["live"]
        self.assertIn("is connected since", live["why"])
        self.assertNotIn("ended_at", live)
        server.ctl("kick", target="a", reason="that is all")
        closed = client.closing()
        client.write(close_frame(closed.code))
        self.assertTrue(client.at_end())
        for target in ("a", row["id"], closed.id):
            self.check(self.record(server, target), "kicked", "server",
                       f"the operator (uid {os.geteuid()}, {me}) kicked it, "
                       'saying "that is all"', code_sent=1008, id=closed.id,
                       connection=row["id"], kicked_by="operator", uid=os.geteuid(),
                       uid_name=me)  # fmt: skip
        wsmd.eventually(lambda: self.record(server).get("code_received"))
        self.assertEqual(self.record(server)["code_received"], 1008, "his answer")
        (line,) = server.log("closed")
        self.assertEqual((line["id"], line["uid"]), (closed.id, str(os.geteuid())))

        client = rawws.RawClient(server, "b")
        server.ctl("drain")
        self.assertEqual(client.closing().code, 1012)
        self.check(self.record(server, "b"), "drain", "server", "draining")

    def event(self, record, kind):
        (event,) = [e for e in record["events"] if e["event"] == kind]
        return event

    def test_times_of_its_own(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        row = server.ctl("show", target="a")["connections"][0]
        server.ctl("heartbeat", connection=row["id"])
        (live,) = server.ctl("why", target="a", events=True)["live"]
        kinds = [event["event"] for event in live["events"]]
        self.assertNotIn("heartbeat_override", kinds, "asking changes nothing")
        server.ctl("heartbeat", connection=row["id"], interval_s=5, timeout_s=20)
        (live,) = server.ctl("why", target="a", events=True)["live"]
        event = self.event(live, "heartbeat_override")
        self.assertEqual((event["interval_ms"], event["timeout_ms"]), (5000, 20000))
        client.close()

    def test_who_gives_way_to_a_newer_one(self):
        server = self.wsmd(
            limits__max_connections_per_user=2, limits__user_policy="close_oldest"
        )  # fmt: skip
        first = rawws.RawClient(server, "a")
        others = [rawws.RawClient(server, "a") for _ in range(2)]
        closed = first.closing()
        record = self.record(server, closed.id)
        self.check(record, "replaced", "server",
                   "a newer connection of this user took the place: "
                   "limits.max_connections_per_user, 2", limit=2, id=closed.id)  # fmt: skip
        self.assertIn("raise limits.max_connections_per_user", record["hint"])
        self.assertEqual(self.event(record, "replaced")["connections"], 2)
        for client in others:
            client.echo("undisturbed")

    def test_a_ghost_gives_way(self):
        server = self.wsmd(limits__max_connections_per_user=1)
        ghost = rawws.RawClient(server, "a")

        def gets_in():
            try:
                return rawws.RawClient(server, "a")
            except ConnectionError:
                return None

        self.assertTrue(wsmd.eventually(gets_in))
        record = self.record(server)
        self.check(record, "evicted", "server", "no answer to a ping",
                   "limits.max_connections_per_user is 1", limit=1)  # fmt: skip
        self.assertIn("most likely dead", record["hint"])
        event = self.event(record, "evicted")
        self.assertEqual(event["connections"], 1)
        self.assertGreaterEqual(event["silent_ms"], 2000)
        ghost.close()

    def test_short_of_memory(self):
        budget = 24 << 20
        server = self.wsmd(
            limits__buffered_bytes=budget, limits__send_queue_bytes=16 << 20,
            limits__max_message_bytes=16 << 20, limits__memory_high_water=0.85,
        )  # fmt: skip
        stuck = [rawws.RawClient(server, f"s{i}", rcvbuf=4096) for i in range(30)]
        while server.stat("basic.closes.shed") == 0:
            for i in range(len(stuck)):
                server.ctl("send", user=f"s{i}", text=f"{i}" + "x" * (1 << 20))
        (line, *_) = wsmd.eventually(lambda: server.log("closed", reason="shed"))
        record = self.record(server, line["id"])
        self.check(record, "shed", "server", "the server was short of memory",
                   f"limits.buffered_bytes is {budget}",
                   f"held {record['held_bytes']} bytes", limit=budget)  # fmt: skip
        self.assertGreaterEqual(record["held_bytes"], record["queue_bytes"])
        self.assertGreater(record["held_bytes"], 1 << 18)
        self.assertIn("raise limits.buffered_bytes", record["hint"])
        event = self.event(record, "shed")
        self.assertEqual((event["bytes"], event["score"]),
                         (record["held_bytes"], record["score"]))  # fmt: skip
        for client in stuck:
            client.close()

    def test_slow_consumers(self):
        server = self.wsmd(limits__send_queue_bytes=65536)
        client = rawws.RawClient(server, "a", rcvbuf=4096)
        result = {"dropped": 0}
        while result["dropped"] == 0:
            result = server.ctl("send", user="a", text="x" * 50000)
        record = self.record(server)
        self.check(record, "queue_full", "server", "limits.send_queue_bytes, 65536", limit=65536,
                   code_sent=1008)  # fmt: skip
        self.assertGreater(record["queue_bytes"], 10000)
        self.assertGreaterEqual(record["queue_high_bytes"], record["queue_bytes"])
        client.close()

        server = self.wsmd(limits__send_queue_bytes=64 << 20, limits__write_timeout_s=0.5)
        client = rawws.RawClient(server, "b", rcvbuf=4096)
        for _ in range(10):
            server.ctl("send", user="b", text="x" * (1 << 20))
        record = self.record(server, "b")
        self.check(record, "write_timeout", "server", "no byte was taken for", limit=500)
        self.assertGreaterEqual(record["blocked_ms"], 500)
        client.close()

    def test_events_of_limits_and_of_the_operator(self):
        server = self.wsmd(
            limits__send_queue_bytes=65536, limits__slow_consumer="drop_newest",
            limits__max_groups_per_connection=1,
        )  # fmt: skip
        client = rawws.RawClient(server, "a", rcvbuf=4096)
        row = server.ctl("show", target="a")["connections"][0]
        server.ctl("join", target="a", group="one")
        with self.assertRaises(wsmd.Refused):
            server.ctl("join", target="a", group="two")
        thread = threading.Thread(target=self.answer_ping, args=(client,))
        thread.start()
        server.ctl("ping", connection=row["id"])
        thread.join()
        while server.ctl("send", user="a", text="x" * 50000)["dropped"] == 0:
            pass
        (live,) = server.ctl("why", target="a", events=True)["live"]
        kinds = [event["event"] for event in live["events"]]
        for kind in ("group_limit", "operator_ping", "pong", "queue_high_water"):
            self.assertIn(kind, kinds)
        self.assertEqual(live["events"][-1]["event"], "messages_skipped")
        self.assertEqual(live["messages_skipped"], 1)
        client.close()

    def test_a_suspect_and_a_probe(self):
        server = self.wsmd(
            heartbeat__interval_s=0.3, heartbeat__timeout_s=60, heartbeat__missed_limit=10,
            limits__max_connections_per_user=1,
        )  # fmt: skip
        client = rawws.RawClient(server, "a")

        def kinds():
            (live,) = server.ctl("why", target="a", events=True)["live"]
            return [event["event"] for event in live["events"]]

        def is_probed():
            with self.assertRaises(ConnectionError):
                rawws.RawClient(server, "a")
            return "probed" in kinds()

        self.assertTrue(wsmd.eventually(lambda: "pong_missed" in kinds()))
        client.write(frame(TEXT, "here I am"))
        self.assertTrue(wsmd.eventually(lambda: "resurrected" in kinds()))
        self.assertTrue(wsmd.eventually(is_probed))
        client.close()

    def test_clients_that_nobody_here_wrote(self):
        server = self.wsmd()

        async def work():
            url = f"ws://127.0.0.1:{server.port}/ws?user="
            polite = await websockets.connect(url + "polite")
            await polite.close(1001, "page left")
            rude = await websockets.connect(url + "rude")
            rude.transport.abort()

        asyncio.run(work())
        self.check(self.record(server, "polite"), "peer_close", "peer",
                   '1001 (going away), saying "page left"')  # fmt: skip
        self.assertIn(self.record(server, "rude")["reason"], ("peer_fin", "peer_reset"))

    def test_bad_requests(self):
        server = self.wsmd()
        for arguments, code in [
            ({"target": "nobody"}, "not_found"),
            ({"target": "abcdefgh"}, "not_found"),
            ({"target": "a" * 26}, "not_found"),
            ({"target": "a", "limit": 0}, "bad_request"),
            ({"target": "a", "limit": 101}, "bad_request"),
            ({"target": "a", "limit": "1"}, "bad_request"),
            ({"target": "a", "events": 1}, "bad_request"),
            ({}, "bad_request"),
        ]:
            with self.subTest(arguments), self.assertRaises(wsmd.Refused) as refused:
                server.ctl("why", **arguments)
            self.assertEqual(refused.exception.error["code"], code)
        server.wsmctl("why", "nobody", code=4)
        server.wsmctl("why", "a", "--limit", "0", code=2)

    def test_recorder_off(self):
        server = self.wsmd(recorder__events=0, recorder__closed_bytes=0)
        client = rawws.RawClient(server, "a")
        client.echo("hello")
        (live,) = server.ctl("why", target="a", events=True)["live"]
        self.assertEqual(live["events"], [])
        client.goodbye()
        server.is_quiet()
        with self.assertRaises(wsmd.Refused) as refused:
            server.ctl("why", target="a")
        self.assertIn("recorder.closed_bytes is 0", refused.exception.error["hint"])

    def test_a_flood_takes_no_more_memory_than_allowed(self):
        server = self.wsmd(
            workers=2, recorder__closed_bytes=1 << 20, limits__connections_per_s=0,
            limits__max_connections_per_address=0,
        )  # fmt: skip
        data = rawws.request("/ws?user=a") + close_frame(1000, b"bye")
        reset = struct.pack("ii", 1, 0)

        def churn(n):
            for _ in range(n):
                with socket.create_connection(("127.0.0.1", server.port), 20) as sock:
                    sock.sendall(data)
                    while sock.recv(4096):
                        pass
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

        churn(5000)
        before, held = server.memory_bytes(), server.ctl("why", target="a")["held"]
        self.assertTrue(500 < held < (1 << 20) / 240, held)
        churn(15000)
        answer = server.ctl("why", target="a", limit=100)
        self.assertLess(answer["held"], 1.2 * held)
        self.assertEqual(len(answer["ended"]), 100)
        ended = [record["ended_at"] for record in answer["ended"]]
        self.assertEqual(ended, sorted(ended, reverse=True), "newest first")
        self.assert_grew_less(server, before, 1 << 20)


if __name__ == "__main__":
    runner.main()
