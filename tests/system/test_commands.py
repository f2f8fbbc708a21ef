"""What the control commands do to connections: send, kick, ls, show."""

import base64
import threading

import crowd
import rawws
import runner
import wsmd


class Send(wsmd.WsmdTest):
    def test_every_device_of_a_user(self):
        server = self.wsmd()
        devices = [rawws.RawClient(server, "alice") for _ in range(3)]
        other = rawws.RawClient(server, "bob")
        self.assertEqual(
            server.ctl("send", user="alice", text="hello"),
            {"delivered": 3, "queued": 0, "dropped": 0, "user_seq": 1, "hub": "default"},
        )
        self.assertEqual([device.receive() for device in devices], ["hello"] * 3)
        other.echo("nothing came before this")

    def test_outcomes_without_a_target(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "alice", hub="chat")
        for arguments, reason in [
            ({"user": "nobody"}, "no_such_user"),
            ({"user": "alice"}, "no_such_user"),  # she is in another hub
            ({"connection": "a" * 26}, "no_such_connection"),
            ({"all": True}, "nobody_connected"),
            ({"all": True, "hub": "empty"}, "nobody_connected"),
        ]:
            result = server.ctl("send", text="x", **arguments)
            self.assertEqual((result["delivered"], result["reason"]), (0, reason))
            self.assertIn("hint", result)
        self.assertEqual(server.stat("delivery.no_such_target"), 5)
        self.assertEqual(server.ctl("send", user="alice", hub="chat", text="x")["delivered"], 1)
        self.assertEqual(client.receive(), "x")

    def test_payloads_arrive_as_they_are(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        for text in ("", "Grüße, 世界 🌍", '"\\\n\t\x00', "x" * (1 << 20)):
            server.ctl("send", user="a", text=text)
            self.assertEqual(client.receive(), text)
        for data in (b"", bytes(range(256)), b"\xff" * (1 << 20)):
            server.ctl("send", user="a", binary=base64.b64encode(data).decode())
            self.assertEqual(client.receive(), data)

    def test_one_connection_of_many(self):
        server = self.wsmd()
        clients = [rawws.RawClient(server, "a") for _ in range(4)]
        for i, row in enumerate(server.ctl("ls", user="a")["connections"]):
            self.assertEqual(server.ctl("send", connection=row["id"], text="x")["delivered"], 1)
        # Each got exactly one.
        for client in clients:
            self.assertEqual(client.receive(), "x")
            client.echo("end")

    def test_all_of_a_hub_and_nobody_else(self):
        server = self.wsmd()
        inside = self.keep(crowd.Crowd(server, 100, hub="in"))
        outside = self.keep(crowd.Crowd(server, 50, hub="out"))
        self.assertEqual(server.ctl("send", all=True, hub="in", text="x")["delivered"], 100)
        self.eventually(lambda: all(m.messages == [b"x"] for m in inside.members))
        self.assertEqual(sum(len(m.messages) for m in outside.members), 0)
        self.assertEqual(server.stat("basic.broadcasts"), 1)
        self.assertEqual(server.stat("delivery.delivered"), 100)

    def test_order_for_a_user(self):
        server = self.wsmd()
        devices = [rawws.RawClient(server, "a") for _ in range(3)]
        for i in range(500):
            server.ctl("send", user="a", text=str(i))
        for device in devices:
            self.assertEqual([device.receive() for _ in range(500)], [str(i) for i in range(500)])

    def test_outcome_is_true_while_clients_come_and_go(self):
        server = self.wsmd()
        over = threading.Event()

        def churn(number):
            while not over.is_set():
                client = rawws.RawClient(server, f"u{number}")
                client.goodbye()

        threads = [threading.Thread(target=churn, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        stays = rawws.RawClient(server, "stays")
        delivered = 0
        for i in range(300):
            result = server.ctl("send", user=f"u{i % 4}", text="x")
            self.assertEqual(result["dropped"], 0)
            self.assertEqual(result["delivered"] == 0, result.get("reason") == "no_such_user")
            delivered += result["delivered"]
            self.assertEqual(server.ctl("send", user="stays", text=str(i))["delivered"], 1)
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual([stays.receive() for _ in range(300)], [str(i) for i in range(300)])
        self.assertGreater(delivered, 0)
        stats = server.ctl("stats")["delivery"]
        self.assertEqual(stats["delivered"], delivered + 300)
        self.assertEqual(stats["isolation_violations"], 0)


class Kick(wsmd.WsmdTest):
    def test_closing_one_device_keeps_the_others(self):
        server = self.wsmd()
        devices = [rawws.RawClient(server, "alice") for _ in range(3)]
        rows = server.ctl("show", target="alice")["connections"]
        self.assertEqual(len(rows), 3)
        self.assertEqual(server.ctl("kick", target=rows[1]["id"])["closed"], 1)
        left = [row["id"] for row in server.ctl("show", target="alice")["connections"]]
        self.assertEqual(sorted(left), sorted([rows[0]["id"], rows[2]["id"]]))
        server.ctl("send", user="alice", text="two are left")
        ends = []
        for device in devices:
            try:
                self.assertEqual(device.receive(), "two are left")
            except rawws.Closed as closed:
                ends.append((closed.code, closed.reason))
        self.assertEqual(ends, [(1008, "kicked by the operator")])

    def test_closing_a_user_closes_all_his_devices(self):
        server = self.wsmd()
        devices = [rawws.RawClient(server, "alice") for _ in range(3)]
        bystander = rawws.RawClient(server, "bob")
        elsewhere = rawws.RawClient(server, "alice", hub="other")
        reason = "r" * 123
        self.assertEqual(server.ctl("kick", target="alice", reason=reason)["closed"], 3)
        for device in devices:
            closed = device.closing()
            self.assertEqual((closed.code, len(closed.text)), (1008, 123))
            self.assertEqual(closed.reason, "r" * 109, "as much as the recorder id leaves")
        self.assertEqual({line["text"] for line in server.log("closed")}, {reason})
        for device in devices:
            device.close()
        bystander.echo("hello")
        elsewhere.echo("hello")
        self.assertEqual(server.stat("basic.closes.kicked"), 3)
        with self.assertRaises(wsmd.Refused) as refused:
            server.ctl("kick", target="alice")
        self.assertEqual(refused.exception.error["code"], "not_found")

    def test_kick_storm(self):
        server = self.wsmd()
        clients = self.keep(crowd.Crowd(server, 200))
        for i in range(200):
            self.assertEqual(server.ctl("kick", target=f"user{i}")["closed"], 1)
        self.eventually(lambda: clients.count_open() == 0)
        self.assertEqual(clients.close_codes(), {1008: 200})


class List(wsmd.WsmdTest):
    def pages(self, server, **arguments):
        pages, cursor = [], 0
        while cursor is not None:
            result = server.ctl("ls", cursor=cursor, **arguments)
            pages.append(result["connections"])
            cursor = result.get("cursor")
        return pages

    def test_pages_show_everybody_once(self):
        server = self.wsmd("--workers", "3", limits__max_connections_per_user=2000)
        clients = self.keep(crowd.Crowd(server, 1500, user=lambda i: f"u{i}"))
        for limit in (7, 400, 999, 1000):
            with self.subTest(limit=limit):
                pages = self.pages(server, limit=limit)
                rows = [row for page in pages for row in page]
                self.assertEqual(len({row["id"] for row in rows}), 1500)
                self.assertEqual(len(rows), 1500)
                self.assertEqual({row["user"] for row in rows}, {f"u{i}" for i in range(1500)})
                self.assertTrue(all(len(page) == limit for page in pages[:-1]))
        self.assertEqual(len(server.ctl("ls")["connections"]), 1000, "the default")
        # All of them, as wsmctl pages through.
        out = server.wsmctl("ls", "--json")
        self.assertEqual(out.count('"id"'), 1500)
        workers = {row["worker"] for row in rows}
        self.assertEqual(workers, {0, 1, 2})
        self.assertEqual(clients.count_open(), 1500)

    def test_list_of_a_user_says_when_it_is_cut(self):
        server = self.wsmd("--workers", "2", limits__max_connections_per_user=2000)
        clients = self.keep(crowd.Crowd(server, 1000, user=lambda i: "a"))
        for arguments, rows, cut in [
            ({"limit": 999}, 999, True), ({"limit": 1}, 1, True), ({}, 1000, False),
        ]:  # fmt: skip
            with self.subTest(arguments):
                result = server.ctl("ls", user="a", **arguments)
                self.assertEqual(len(result["connections"]), rows)
                self.assertEqual(result.get("truncated", False), cut)
        self.assertNotIn("truncated", server.ctl("show", target="a"))
        one_more = rawws.RawClient(server, "a")
        for result in (server.ctl("ls", user="a"), server.ctl("show", target="a")):
            self.assertEqual(len({row["id"] for row in result["connections"]}), 1000)
            self.assertIs(result["truncated"], True)
        self.assertNotIn("truncated", server.ctl("ls"))
        self.assertEqual(clients.count_open(), 1000)
        one_more.goodbye()

    def test_filters(self):
        server = self.wsmd()
        a1, a2 = rawws.RawClient(server, "a", hub="one"), rawws.RawClient(server, "a", hub="two")
        b1, nobody = rawws.RawClient(server, "b", hub="one"), rawws.RawClient(server)
        whole = [(row["hub"], row["user"]) for row in server.ctl("ls")["connections"]]
        self.assertEqual(
            sorted(whole, key=str),
            [("default", None), ("one", "a"), ("one", "b"), ("two", "a")],
        )
        self.assertEqual(len(server.ctl("ls", hub="one")["connections"]), 2)
        self.assertEqual(len(server.ctl("ls", hub="none")["connections"]), 0)
        self.assertEqual(len(server.ctl("ls", user="a", hub="two")["connections"]), 1)
        self.assertEqual(len(server.ctl("ls", user="a")["connections"]), 0)

    def test_row_tells_the_truth(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "alice", hub="chat")
        client.echo("hello")
        client.write(rawws.frame(rawws.TEXT, "unfinished", fin=False))
        # Nothing answers an unfinished message, so wait until it is there.
        self.eventually(lambda: server.ctl("show", target="alice", hub="chat")
                        ["connections"][0]["incomplete_bytes"] == 10)  # fmt: skip
        (row,) = server.ctl("show", target="alice", hub="chat")["connections"]
        peer = "%s:%d" % client.sock.getsockname()
        expected = {
            "hub": "chat", "user": "alice", "peer": peer, "protocol": "websocket",
            "state": "open", "messages_in": 1, "messages_out": 1, "bytes_in": 11 + 16,
            "queue_bytes": 0, "pings_sent": 0, "pongs_received": 0, "rtt_ms": None,
            "srtt_ms": None, "rttvar_ms": None, "ping_pending": False, "missed": 0, "score": 100,
            "healthy": True, "suspect": False, "transport": "tcp",
        }  # fmt: skip
        self.assertEqual({key: row[key] for key in expected}, expected)
        self.assertRegex(row["id"], "^[a-z2-7]{26}$")
        self.assertRegex(row["connected_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertRegex(row["last_activity_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertGreaterEqual(row["last_activity_at"], row["connected_at"])
        self.assertLess(row["idle_ms"], row["age_ms"] + 1)
        self.assertEqual(row["bytes_out"], len(client.head) + 7)


if __name__ == "__main__":
    runner.main()
