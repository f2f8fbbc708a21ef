"""Who answers stays, who does not goes: pings, time-outs, stalls."""

import collections
import json
import signal
import time

import crowd
import rawws
import runner
import wsmd
from rawws import PING, PONG, TEXT, frame

QUICK = {"heartbeat__interval_s": 0.3, "heartbeat__timeout_s": 0.6}

# Shorter than the pauses of a talker, so that he is pinged between.
PROMPT = {"heartbeat__interval_s": 0.06, "heartbeat__timeout_s": 0.25}


class Heartbeat(wsmd.WsmdTest):
    def test_idle_client_that_answers_stays(self):
        server = self.wsmd(**QUICK)
        clients = self.keep(crowd.Crowd(server, 20))
        time.sleep(1.6)  # more than two time-outs
        self.assertEqual(clients.count_open(), 20)
        health = server.ctl("stats")["health"]
        self.assertGreaterEqual(health["pings_sent"], 20 * 3)
        self.assertEqual(health["pongs_missed"], 0)
        self.assertEqual(health["dropped_dead"], 0)
        row = server.ctl("show", target="user7")["connections"][0]
        self.assertGreaterEqual(row["pongs_received"], 3)
        self.assertEqual(row["missed"], 0)
        self.assertGreater(row["rtt_ms"], 0)
        self.assertGreater(row["srtt_ms"], 0)
        self.assertGreater(row["rtt_average_ms"], 0)
        self.assertEqual((row["score"], row["healthy"], row["suspect"]), (100, True, False))

    def test_client_that_never_answers_is_closed(self):
        server = self.wsmd(**QUICK)
        start = time.monotonic()
        client = rawws.RawClient(server, "silent")
        pings = 0
        try:
            while True:
                pings += client.read_frame()[0] == PING
        except rawws.Closed as end:
            closed = end
        lasted = time.monotonic() - start
        self.assertEqual((closed.code, closed.reason), (1001, "heartbeat timeout"))
        self.assertTrue(client.at_end())
        self.assertGreaterEqual(pings, 1)
        self.assertGreaterEqual(lasted, 0.6 * 1.2 - 0.02, "the time-out with its grace")
        self.assertLess(lasted, 10)
        stats = server.ctl("stats")
        self.assertEqual(stats["basic"]["closes"]["heartbeat_timeout"], 1)
        self.assertEqual(stats["health"]["dropped_dead"], 1)
        (line,) = server.log("closed")
        self.assertEqual((line["reason"], line["user"]), ("heartbeat_timeout", "silent"))
        self.assertGreaterEqual(int(line["silent_ms"]), 700)

    def chat_with_wrong_pongs(self, client, seconds):
        """Answer every ping wrongly, and say something now and then; the close frame, if any."""
        client.sock.settimeout(0.1)
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            try:
                opcode, payload = client.read_frame()
                if opcode == PING:
                    client.write(frame(PONG, payload[::-1]) + frame(PONG, b""))
            except rawws.socket.timeout:
                client.write(frame(TEXT, "I am here"))
            except rawws.Closed as closed:
                return closed
        return None

    def test_who_talks_is_alive_without_a_pong(self):
        server = self.wsmd(heartbeat__missed_limit=2, **PROMPT)
        client = rawws.RawClient(server, "talker")
        self.assertIsNone(self.chat_with_wrong_pongs(client, 1.5))
        health = server.ctl("stats")["health"]
        self.assertGreaterEqual(health["pongs_missed"], 3)
        self.assertGreaterEqual(health["pongs_unmatched"], 6)
        self.assertEqual(health["pongs_received"], 0)

    def test_traffic_postpones_pings(self):
        server = self.wsmd(heartbeat__interval_s=0.4, heartbeat__timeout_s=1)
        busy, idle = rawws.RawClient(server, "busy"), rawws.RawClient(server, "idle")
        start = time.monotonic()
        while time.monotonic() - start < 1.2:
            busy.echo("traffic")
            if busy.buffered:
                self.fail("it was pinged")
            time.sleep(0.1)
        self.assertEqual(server.ctl("show", target="busy")["connections"][0]["pings_sent"], 0)
        self.assertEqual(idle.read_frame()[0], PING)
        busy.goodbye()

    def test_first_pings_are_spread(self):
        server = self.wsmd(heartbeat__interval_s=2, heartbeat__timeout_s=4)
        clients = self.keep(crowd.Crowd(server, 400))
        joined = time.monotonic()
        self.eventually(lambda: all(m.ping_times for m in clients.members), timeout_s=10)
        # From half the interval to all of it: about 40 in each tenth of a second.
        tenths = collections.Counter(
            int((m.ping_times[0] - joined) * 10) for m in clients.members
        )  # fmt: skip
        self.assertGreaterEqual(len(tenths), 8, tenths)
        self.assertLess(max(tenths.values()), 160, tenths)
        self.assertGreater(min(tenths), 2, "joined in a moment, not pinged in the same")

    def test_profile_and_its_values(self):
        server = self.wsmd("--env", "testing")
        profile = server.ctl("stats")["heartbeat_config"]
        self.assertEqual(
            (profile["interval_s"], profile["timeout_s"], profile["missed_limit"]), (1, 3, 2)
        )
        client = rawws.RawClient(server)
        opcode, payload = client.read_frame()
        self.assertEqual((opcode, len(payload)), (PING, 8))
        client.send(payload, PONG)
        self.eventually(lambda: server.stat("health.pongs_received") == 1)
        client.goodbye()


class Health(wsmd.WsmdTest):
    def test_suspect_that_answers_late_is_resurrected(self):
        server = self.wsmd(heartbeat__interval_s=0.3, heartbeat__timeout_s=60)
        client = rawws.RawClient(server, "late")
        opcode, payload = client.read_frame()
        self.assertEqual(opcode, PING)
        client.send(payload, PONG)
        late = client.read_frame()[1]
        again = client.read_frame()[1]  # a suspect is asked again at once
        self.assertNotEqual(late, again)
        self.eventually(lambda: server.stat("health.suspects") == 1)
        (row,) = server.ctl("show", target="late")["connections"]
        self.assertEqual((row["suspect"], row["missed"], row["score"]), (True, 1, 75))
        self.assertEqual(server.stat("health.scores")[7], 1)
        client.send(late, PONG)
        self.eventually(lambda: server.stat("health.resurrections") == 1)
        (row,) = server.ctl("show", target="late")["connections"]
        self.assertEqual((row["suspect"], row["missed"]), (False, 0))
        self.assertGreaterEqual(row["score"], 77)
        self.assertEqual(server.stat("health.suspects"), 0)
        self.assertEqual(server.stat("health.dropped_dead"), 0)
        client.send(again, PONG)
        self.eventually(lambda: server.stat("health.pongs_received") >= 2)
        health = server.ctl("stats")["health"]
        self.assertGreaterEqual(health["rtt_max_us"], health["rtt_p99_us"])
        self.assertGreaterEqual(health["rtt_p50_us"], health["rtt_min_us"])
        client.goodbye()

    def test_unknown_connection_is_told(self):
        server = self.wsmd()
        for command, arguments in (
            ("show", {"target": "a" * 26}), ("ping", {"connection": "a" * 26}),
            ("heartbeat", {"connection": "a" * 26, "interval_s": 1}),
        ):  # fmt: skip
            with self.assertRaises(wsmd.Refused) as refused:
                server.ctl(command, **arguments)
            error = refused.exception.error
            self.assertEqual((error["code"], error["healthy"], error["reason"]),
                             ("not_found", False, "not_found"))  # fmt: skip


class Override(wsmd.WsmdTest):
    def test_times_of_one_connection(self):
        server = self.wsmd(heartbeat__interval_s=1000, heartbeat__timeout_s=2000)
        one, other = rawws.RawClient(server, "one"), rawws.RawClient(server, "other")
        (row,) = server.ctl("show", target="one")["connections"]
        configured = {"interval_s": 1000, "timeout_s": 2000, "own": False}
        self.assertEqual(row["heartbeat"], configured)
        self.assertEqual(server.ctl("heartbeat", connection=row["id"]), configured)
        said = server.wsmctl("heartbeat", row["id"], "--interval", "0.2", "--timeout", "0.5")
        self.assertEqual(said, "interval 0.2 s, timeout 0.5 s, its own\n")
        # At once: it is asked, does not answer, and is closed; the other is left alone.
        with self.assertRaises(rawws.Closed) as closed:
            while True:
                self.assertEqual(one.read_frame()[0], PING)
        self.assertEqual(closed.exception.code, 1001)
        (row,) = server.ctl("show", target="other")["connections"]
        self.assertEqual((row["pings_sent"], row["heartbeat"]), (0, configured))
        server.ctl("heartbeat", connection=row["id"], interval_s=500)
        said = json.loads(server.wsmctl("heartbeat", row["id"], "--json"))
        self.assertEqual(said, {"interval_s": 500, "timeout_s": 2000, "own": True})
        said = json.loads(server.wsmctl("heartbeat", row["id"], "--reset", "--json"))
        self.assertEqual(said, configured)
        other.goodbye()

    def test_what_is_refused(self):
        server = self.wsmd(heartbeat__interval_s=10, heartbeat__timeout_s=20)
        client = rawws.RawClient(server, "a")
        (row,) = server.ctl("show", target="a")["connections"]
        cases = [
            ({"interval_s": 20}, "20 s is not more than 20 s"),
            ({"timeout_s": 10}, "10 s is not more than 10 s"),
            ({"interval_s": 0.01}, '"interval_s" must be a number of seconds from 0.05 to 86400'),
            ({"timeout_s": 86401}, '"timeout_s" must be a number of seconds from 0.05 to 86400'),
            ({"timeout_s": "5"}, '"timeout_s" must be a number of seconds from 0.05 to 86400'),
            ({"reset": 1}, '"reset" must be true or false'),
            ({"reset": True, "interval_s": 5}, '"reset" goes without'),
        ]
        for arguments, message in cases:
            with self.assertRaises(wsmd.Refused) as refused:
                server.ctl("heartbeat", connection=row["id"], **arguments)
            self.assertEqual(refused.exception.error["code"], "bad_request")
            self.assertIn(message, refused.exception.error["message"])
        with self.assertRaises(wsmd.Refused) as refused:
            server.ctl("heartbeat", connection="alice")
        self.assertIn('"connection" must be', refused.exception.error["message"])
        now = server.ctl("heartbeat", connection=row["id"])
        self.assertEqual(now, {"interval_s": 10, "timeout_s": 20, "own": False})
        client.goodbye()


class Stalls(wsmd.WsmdTest):
    def stall(self, server, seconds):
        """The server sleeps as long as a machine that was suspended."""
        server.signal(signal.SIGSTOP)
        time.sleep(seconds)
        server.signal(signal.SIGCONT)

    def test_nobody_who_answers_is_dropped_after_a_stall(self):
        server = self.wsmd(**QUICK)
        clients = self.keep(crowd.Crowd(server, 300))
        self.stall(server, 1.6)  # more than two time-outs
        time.sleep(1)
        self.assertEqual(clients.count_open(), 300, clients.close_codes())
        self.assertEqual(server.stat("health.dropped_dead"), 0)

    def test_the_dead_are_still_found_after_a_stall(self):
        server = self.wsmd(**QUICK)
        living = self.keep(crowd.Crowd(server, 30, user=lambda i: f"l{i}"))
        dead = self.keep(crowd.Crowd(server, 30, user=lambda i: f"d{i}", answers=False))
        self.stall(server, 1)
        self.eventually(lambda: dead.count_open() == 0, timeout_s=10)
        self.assertEqual(dead.close_codes(), {1001: 30})
        self.assertEqual(living.count_open(), 30)

    def test_half_written_message_survives_a_stall(self):
        server = self.wsmd(limits__message_timeout_s=0.5, limits__handshake_timeout_s=0.5)
        client = rawws.RawClient(server, "a")
        late = server.connect()
        late.sendall(rawws.request()[:20])
        client.write(frame(TEXT, "half")[:6])
        self.eventually(lambda: server.ctl("show", target="a")["connections"][0]["bytes_in"] == 6)
        server.signal(signal.SIGSTOP)
        client.write(frame(TEXT, "half")[6:])
        late.sendall(rawws.request()[20:])
        time.sleep(1)
        server.signal(signal.SIGCONT)
        self.assertEqual(client.receive(), "half")
        self.assertTrue(late.recv(100).startswith(b"HTTP/1.1 101 "))
        client.goodbye()


class PingCommand(wsmd.WsmdTest):
    def test_ping_measures(self):
        server = self.wsmd()
        clients = self.keep(crowd.Crowd(server, 3))
        for row in server.ctl("ls")["connections"]:
            rtt = server.ctl("ping", connection=row["id"])["rtt_us"]
            self.assertGreater(rtt, 0)
            self.assertLess(rtt, 5_000_000)
        self.assertEqual([len(m.ping_times) for m in clients.members], [1, 1, 1])
        out = server.wsmctl("ping", row["id"], "--json")
        self.assertIn("rtt_us", json.loads(out))


if __name__ == "__main__":
    runner.main()
