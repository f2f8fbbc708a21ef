"""Every send tells what became of it, for each of those it was for, in the order of its user."""

import base64
import threading

import crowd
import rawws
import runner
import wsmd


def ids(server, user, hub="default"):
    """The user's connections, the oldest first."""
    return [row["id"] for row in server.ctl("ls", user=user, hub=hub)["connections"]]


class Exclusion(wsmd.WsmdTest):
    def test_who_is_left_out_gets_nothing(self):
        server = self.wsmd("--workers", "3")
        alice = [rawws.RawClient(server, "alice") for _ in range(2)]
        bob = [rawws.RawClient(server, "bob") for _ in range(2)]
        other = rawws.RawClient(server, "alice", hub="other")
        for name in ("alice", "bob"):
            server.ctl("join", group="room", target=name)
        bobs = ids(server, "bob")
        out = ["alice", bobs[0], "nobody", "a" * 26]
        for number, target in enumerate([{"all": True}, {"group": "room"}, {"user": "bob"}]):
            result = server.ctl("send", text=str(number), **target, **{"except": out})
            left_out = 1 if "user" in target else 3
            self.assertEqual((result["delivered"], result["excluded"]), (1, left_out), target)
            self.assertEqual(bob[1].receive(), str(number))
        for client in [*alice, bob[0], other]:
            client.echo("nothing came before this")
        self.assertEqual(server.stat("delivery.excluded"), 7)
        self.assertEqual(server.stat("delivery.no_such_target"), 0)

    def test_everybody_left_out_is_no_success(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "alice")
        result = server.ctl("send", text="x", all=True, **{"except": ["alice"]})
        self.assertEqual(
            (result["delivered"], result["excluded"], result["reason"]), (0, 1, "all_excluded")
        )
        server.wsmctl("send", "--all", "--except", "alice", "--must-deliver", "x", code=4)
        client.echo("nothing came before this")

    def test_the_list_is_bounded(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "alice")
        longest = ["n" * 254 + str(i % 10) for i in range(256)]
        result = server.ctl("send", text="x", all=True, **{"except": longest})
        self.assertEqual((result["delivered"], result["excluded"]), (1, 0))
        self.assertEqual(client.receive(), "x")
        for bad in (["u"] * 257, "alice", [""], ["x" * 256], ["a\0b"], [7], {"a": 1}, None):
            with self.assertRaises(wsmd.Refused) as no:
                server.ctl("send", text="x", all=True, **{"except": bad})
            self.assertEqual(no.exception.error["code"], "bad_request", bad)
            self.assertIn("at most 256", no.exception.error["message"])
        with self.assertRaises(wsmd.Refused) as no:
            server.ctl("send", text="x", connection="a" * 26, **{"except": ["alice"]})
        self.assertIn('not of "connection"', no.exception.error["message"])
        many = [word for i in range(256) for word in ("--except", f"u{i}")]
        self.assertEqual(server.wsmctl("send", "--all", *many, "y"), "delivered 1\n")
        server.wsmctl("send", "--all", *many, "--except", "one", "y", code=1)
        self.assertEqual(client.receive(), "y")
        client.echo("nothing came before this")


class Outcome(wsmd.WsmdTest):
    def stuck(self, server, user):
        """A client that reads nothing, until one of its messages is dropped; the outcome."""
        client = rawws.RawClient(server, user, rcvbuf=4096)
        big = base64.b64encode(b"x" * 60000).decode()
        for _ in range(1000):
            result = server.ctl("send", user=user, binary=big, each=True)
            if result["dropped"]:
                return client, result
        raise AssertionError("nothing is ever dropped")

    def test_a_full_queue_is_a_drop_with_its_reason(self):
        server = self.wsmd(limits__send_queue_bytes=100_000)
        good = rawws.RawClient(server, "good")
        stuck, result = self.stuck(server, "stuck")
        (row,) = result["each"]
        self.assertEqual((row["outcome"], row["reason"]), ("dropped", "queue_full"))
        self.assertEqual(result["dropped_for"], {"queue_full": 1})
        self.assertEqual((result["delivered"], result["reason"]), (0, "queue_full"))
        self.assertEqual(server.stat("delivery.dropped"), 1)
        self.assertEqual(server.stat("delivery.dropped_queue_full"), 1)
        self.assertEqual(server.stat("delivery.queued"), 0)
        good.echo("the others do not mind")
        stuck.close()

    def test_each_connection_has_a_row(self):
        server = self.wsmd("--workers", "2")
        clients = [rawws.RawClient(server, user) for user in ("alice", "alice", "bob")]
        for name in ("alice", "bob"):
            server.ctl("join", group="room", target=name)
        alice, bob = ids(server, "alice"), ids(server, "bob")
        for target, names in [
            ({"user": "alice"}, alice),
            ({"connection": alice[1]}, alice[1:]),
            ({"group": "room"}, alice + bob),
            ({"user": "nobody"}, []),
        ]:
            result = server.ctl("send", text="x", each=True, **target)
            self.assertEqual(sorted(row["id"] for row in result["each"]), sorted(names))
            self.assertEqual([row["outcome"] for row in result["each"]], ["delivered"] * len(names))
            self.assertNotIn("truncated", result)
        out = server.wsmctl("send", "--each", "alice", "x").splitlines()
        self.assertEqual(out[0], "delivered 2")
        self.assertEqual(out[1].split(), ["CONNECTION", "OUTCOME", "REASON"])
        self.assertEqual([line.split()[:2] for line in out[2:]], [[i, "delivered"] for i in alice])
        self.assertEqual(len(clients), 3)

    def test_rows_are_bounded_and_counts_are_not(self):
        server = self.wsmd("--workers", "2", limits__max_connections_per_user=2000)
        clients = self.keep(crowd.Crowd(server, 1010, user=lambda i: "alice"))
        result = server.ctl("send", user="alice", text="x", each=True)
        self.assertEqual(result["delivered"], 1010)
        self.assertEqual(len({row["id"] for row in result["each"]}), 1000)
        self.assertIs(result["truncated"], True)
        self.assertEqual(clients.count_open(), 1010)

    def test_a_send_to_nobody_is_no_success(self):
        server = self.wsmd()
        for number, (words, reason) in enumerate([
            (["nobody"], "no such user in hub default"),
            (["--conn", "a" * 26], "no such connection"),
            (["--group", "none"], "no such group in hub default"),
            (["--all"], "nobody connected in hub default"),
        ]):  # fmt: skip
            out = server.wsmctl("send", *words, "x")
            self.assertEqual(out, f"delivered 0: {reason}\n")
            server.wsmctl("send", *words, "x", "--must-deliver", code=4)
            self.assertEqual(server.stat("delivery.no_such_target"), 2 * number + 2)
        self.assertEqual(server.stat("delivery.delivered"), 0)


class Order(wsmd.WsmdTest):
    SENDERS, EACH, DEVICES = 4, 150, 3

    def test_user_seq(self):
        server = self.wsmd("--workers", "2")
        rawws.RawClient(server, "alice")
        rawws.RawClient(server, "alice")
        rawws.RawClient(server, "bob")
        rawws.RawClient(server)
        alice = ids(server, "alice")
        (nobody,) = [r["id"] for r in server.ctl("ls")["connections"] if r["user"] is None]
        for seq, target in enumerate([
            {"user": "alice"}, {"connection": alice[0]}, {"connection": alice[1]},
            {"user": "alice"},
        ]):  # fmt: skip
            self.assertEqual(server.ctl("send", text="x", **target)["user_seq"], seq + 1)
        self.assertEqual(server.ctl("send", text="x", user="bob")["user_seq"], 1)
        for seq in (1, 2):
            self.assertEqual(server.ctl("send", text="x", connection=nobody)["user_seq"], seq)
        for target in ({"all": True}, {"user": "nobody"}):
            self.assertNotIn("user_seq", server.ctl("send", text="x", **target))

    def test_one_order_on_all_devices_whoever_sends(self):
        """Several sessions send at once; every device gets the order of user_seq."""
        server = self.wsmd("--workers", "2")
        devices = [rawws.RawClient(server, "alice") for _ in range(self.DEVICES)]
        wanted = {}

        def send_all(sender):
            session = wsmd.Control(server.control_path)
            for i in range(self.EACH):
                text = f"{sender}.{i}"
                result = session.ask("send", user="alice", text=text)
                assert result["delivered"] == self.DEVICES, result
                wanted[result["user_seq"]] = text
            session.close()

        threads = [threading.Thread(target=send_all, args=(i,)) for i in range(self.SENDERS)]
        for thread in threads:
            thread.start()
        total = self.SENDERS * self.EACH
        got = [[device.receive() for _ in range(total)] for device in devices]
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(wanted), list(range(1, total + 1)), "each number once, no gap")
        in_order = [wanted[seq] for seq in range(1, total + 1)]
        for messages in got:
            self.assertEqual(messages, in_order)
        self.assertEqual(server.stat("delivery.order_violations"), 0)


class Isolation(wsmd.WsmdTest):
    def test_closing_one_tab_closes_that_tab(self):
        server = self.wsmd()
        tabs = [rawws.RawClient(server, "alice") for _ in range(4)]
        names = ids(server, "alice")
        tabs[0].goodbye()
        tabs[1].reset()
        self.assertEqual(server.ctl("kick", target=names[2]), {"closed": 1})
        self.assertEqual(tabs[2].closing().code, 1008)
        tabs[2].write(rawws.close_frame(1008))
        self.eventually(lambda: ids(server, "alice") == names[3:])
        tabs[3].echo("still here")
        self.assertEqual(server.ctl("send", user="alice", text="x")["delivered"], 1)
        self.assertEqual(tabs[3].receive(), "x")
        # Closing the user is another verb, and closes all of his.
        tabs.append(rawws.RawClient(server, "alice"))
        bob = rawws.RawClient(server, "bob")
        self.assertEqual(server.ctl("kick", target="alice"), {"closed": 2})
        for tab in tabs[3:]:
            self.assertEqual(tab.closing().code, 1008)
        bob.echo("was not meant")

    def test_who_one_is_is_said_once(self):
        """The user is bound at the handshake; nothing that a client says later changes it."""
        server = self.wsmd()
        mallory = rawws.RawClient(server, "mallory")
        alice = rawws.RawClient(server, "alice")
        for text in ('{"user":"alice"}', "GET /ws?user=alice HTTP/1.1\r\n\r\n", "alice"):
            mallory.echo(text)
        self.assertEqual(server.ctl("send", user="alice", text="secret")["delivered"], 1)
        self.assertEqual(alice.receive(), "secret")
        mallory.echo("nothing came before this")
        users = sorted(row["user"] for row in server.ctl("ls")["connections"])
        self.assertEqual(users, ["alice", "mallory"])
        self.assertEqual(server.stat("delivery.isolation_violations"), 0)


if __name__ == "__main__":
    runner.main()
