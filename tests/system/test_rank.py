"""ls with "sort": those that come first by a key, over all workers, without a walk in one turn."""

import json

import rawws
import runner
import wsmd

SETTINGS = {"workers": 2, "limits__send_queue_bytes": 8 << 20}


class Rank(wsmd.WsmdTest):
    def users(self, server, **arguments):
        return [row["user"] for row in server.ctl("ls", **arguments)["connections"]]

    def test_rate(self):
        server = self.wsmd(**SETTINGS)
        clients = {f"u{i}": rawws.RawClient(server, f"u{i}") for i in range(8)}
        for n, client in enumerate(clients.values()):
            for _ in range(10 * n):
                client.echo("x")
        # Nobody has looked before: a whole life has to do.
        self.assertEqual(self.users(server, sort="rate", limit=2)[0], "u7")
        # From here on, only what is new counts.
        self.eventually(lambda: self.is_first_after(server, clients["u0"], "u0"))
        (row,) = server.ctl("ls", sort="rate", limit=1)["connections"]
        self.assertGreater(row["rate_per_s"], 0)
        last = server.ctl("ls", sort="rate", reverse=True)["connections"][0]
        self.assertLessEqual(last["rate_per_s"], row["rate_per_s"])

    def is_first_after(self, server, client, user):
        for _ in range(100):
            client.echo("y")
        return self.users(server, sort="rate", limit=1) == [user]

    def test_rtt_score_idle_and_queue(self):
        server = self.wsmd(**SETTINGS)
        clients = {name: rawws.RawClient(server, name) for name in ["a", "b", "c"]}
        (row,) = server.ctl("show", target="b")["connections"]
        session = self.keep(wsmd.Control(server.control_path))
        request = {"version": 1, "command": "ping", "arguments": {"connection": row["id"]}}
        session.send(json.dumps(request).encode() + b"\n")
        opcode, nonce = clients["b"].read_frame()
        clients["b"].send(nonce, rawws.PONG)
        self.assertTrue(session.answer()["ok"])
        self.assertEqual(self.users(server, sort="rtt", limit=1), ["b"])
        self.assertEqual(set(self.users(server, sort="score")), {"a", "b", "c"})
        self.eventually(lambda: clients["a"].echo("x") or self.last_idle(server) == "a")
        text = "x" * (1 << 20)
        for _ in range(6):
            server.ctl("send", user="c", text=text)
        rows = server.ctl("ls", sort="queue")["connections"]
        self.assertEqual(rows[0]["user"], "c")
        self.assertGreater(rows[0]["queue_bytes"], rows[1]["queue_bytes"])
        self.assertEqual(self.users(server, sort="queue", reverse=True)[-1], "c")
        clients["c"].close()

    def last_idle(self, server):
        return self.users(server, sort="idle")[-1]

    def test_of_whom(self):
        server = self.wsmd(**SETTINGS)
        for hub, user in [("one", "anna"), ("one", "hanna"), ("two", "anna"), ("two", "bob")]:
            rawws.RawClient(server, user, hub=hub)
        self.assertEqual(len(self.users(server, sort="idle")), 4)
        self.assertEqual(server.ctl("ls", sort="idle", limit=1)["matched"], 4)
        self.assertEqual(sorted(self.users(server, sort="idle", hub="one")), ["anna", "hanna"])
        self.assertEqual(self.users(server, sort="idle", hub="two", user="bob"), ["bob"])
        self.assertEqual(self.users(server, sort="idle", hub="none"), [])
        found = self.users(server, sort="idle", match="anna")
        self.assertEqual(sorted(found), ["anna", "anna", "hanna"])
        self.assertEqual(self.users(server, sort="idle", match="ANNA"), [])

    def test_mistakes(self):
        server = self.wsmd()
        for arguments, word in [
            ({"sort": "speed"}, "rate"), ({"sort": 5}, "rate"),
            ({"sort": "rtt", "limit": 0}, "limit"), ({"sort": "rtt", "limit": 1001}, "limit"),
            ({"sort": "rtt", "cursor": 0}, "cursor"), ({"sort": "rtt", "match": ""}, "match"),
            ({"sort": "rtt", "match": "m" * 124}, "match"), ({"sort": "rtt", "hub": "-"}, "hub"),
        ]:  # fmt: skip
            with self.subTest(arguments), self.assertRaises(wsmd.Refused) as refused:
                server.ctl("ls", **arguments)
            self.assertEqual(refused.exception.error["code"], "bad_request")
            self.assertIn(word, refused.exception.error["message"])

    def test_wsmctl(self):
        server = self.wsmd(**SETTINGS)
        clients = {name: rawws.RawClient(server, name) for name in ["anna", "bob", "hanna"]}
        for _ in range(20):
            clients["bob"].echo("x")
        head, first, *_ = server.wsmctl("ls", "--sort", "rate").splitlines()
        self.assertRegex(head, "SCORE +RTT +RATE$")
        self.assertIn(" bob ", first)
        self.assertNotIn("RATE", server.wsmctl("ls"))
        out = server.wsmctl("ls", "--sort", "rate", "--reverse", "--match", "nn", "--json")
        self.assertEqual({r["user"] for r in json.loads(out)["connections"]}, {"anna", "hanna"})
        self.assertEqual(server.wsmctl("ls", "--reverse", code=2), "")
        self.assertEqual(server.wsmctl("ls", "--match", "a", code=2), "")
        self.assertEqual(server.wsmctl("ls", "--sort", "speed", code=1), "")

    def test_many_take_several_turns(self):
        server = self.wsmd(workers=1)
        clients = [rawws.RawClient(server, f"u{i % 300}") for i in range(1500)]
        clients[700].echo("x")
        self.assertEqual(self.users(server, sort="rate", limit=1), [f"u{700 % 300}"])
        self.assertEqual(len(self.users(server, sort="rate", limit=1000)), 1000)


if __name__ == "__main__":
    runner.main()
