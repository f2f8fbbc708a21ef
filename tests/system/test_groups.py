"""Groups: who is in them gets what is sent to them, and nobody else."""

import json
import pathlib

import crowd
import rawws
import runner
import wsmd


def ids(server, user=None, hub="default"):
    """Connection ids of a user, the oldest first; of all of a hub without one."""
    who = {"user": user} if user else {}
    return [row["id"] for row in server.ctl("ls", hub=hub, **who)["connections"]]


def listed(server, **arguments):
    return {row["group"]: row["members"] for row in server.ctl("groups", **arguments)["groups"]}


class Membership(wsmd.WsmdTest):
    def test_a_user_joins_with_every_connection_and_one_connection_alone(self):
        server = self.wsmd()
        tabs = [rawws.RawClient(server, "alice") for _ in range(3)]
        bob = rawws.RawClient(server, "bob")
        self.assertEqual(
            server.ctl("join", group="room", target="alice"),
            {"joined": 3, "already": 0, "refused": 0},
        )
        self.assertEqual(listed(server), {"room": 3})
        first = ids(server, "alice")[0]
        self.assertEqual(server.ctl("leave", group="room", target=first), {"left": 1, "not_in": 0})
        self.assertEqual(server.ctl("send", group="room", text="x")["delivered"], 2)
        tabs[0].echo("nothing came before this")
        bob.echo("nor here")
        self.assertEqual([tab.receive() for tab in tabs[1:]], ["x", "x"])
        self.assertEqual(server.stat("basic.joins"), 3)
        self.assertEqual(server.stat("basic.leaves"), 1)

    def test_joining_twice_and_leaving_what_one_is_not_in_is_told(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "alice")
        server.ctl("join", group="room", target="alice")
        self.assertEqual(
            server.ctl("join", group="room", target="alice"),
            {"joined": 0, "already": 1, "refused": 0},
        )
        self.assertEqual(server.ctl("send", group="room", text="once")["delivered"], 1)
        self.assertEqual(client.receive(), "once")
        client.echo("nothing came between")
        for left, not_in in [(1, 0), (0, 1)]:
            self.assertEqual(
                server.ctl("leave", group="room", target="alice"),
                {"left": left, "not_in": not_in},
            )
        self.assertEqual(server.ctl("leave", group="never", target="alice")["not_in"], 1)

    def test_a_group_is_gone_with_its_last_member(self):
        server = self.wsmd()
        clients = [rawws.RawClient(server, name) for name in ("alice", "bob")]
        for name in ("alice", "bob"):
            server.ctl("join", group="room", target=name)
        clients[0].goodbye()
        self.eventually(lambda: listed(server) == {"room": 1})
        self.assertEqual(server.stat("basic.groups_active"), 1)
        clients[1].reset()
        self.eventually(lambda: listed(server) == {})
        self.assertEqual(server.stat("basic.groups_active"), 0)
        result = server.ctl("send", group="room", text="x")
        self.assertEqual((result["delivered"], result["reason"]), (0, "no_such_group"))
        self.assertIn("hint", result)
        self.assertEqual(server.stat("delivery.no_such_target"), 1)

    def test_a_later_connection_is_not_in_it(self):
        server = self.wsmd()
        rawws.RawClient(server, "alice")
        server.ctl("join", group="room", target="alice")
        rawws.RawClient(server, "alice")
        self.assertEqual(listed(server, target="alice"), {"room": 1})

    def test_leave_all(self):
        server = self.wsmd()
        rawws.RawClient(server, "alice")
        rawws.RawClient(server, "alice")
        for group in ("a", "b", "c"):
            server.ctl("join", group=group, target="alice")
        self.assertEqual(server.ctl("leave", all=True, target="alice"), {"left": 6})
        self.assertEqual(server.ctl("leave", all=True, target="alice"), {"left": 0})
        self.assertEqual(listed(server), {})

    def test_a_group_belongs_to_its_hub(self):
        server = self.wsmd()
        inside = rawws.RawClient(server, "alice", hub="one")
        outside = rawws.RawClient(server, "alice", hub="two")
        for hub in ("one", "two"):
            server.ctl("join", group="room", target="alice", hub=hub)
        self.assertEqual(server.ctl("send", group="room", hub="one", text="x")["delivered"], 1)
        self.assertEqual(inside.receive(), "x")
        outside.echo("nothing came before this")
        self.assertEqual(listed(server, hub="three"), {})

    def test_names(self):
        server = self.wsmd()
        rawws.RawClient(server, "alice")
        longest = "ü" * 512
        for name in (longest, "a b", "{}", "../x", "日本"):
            self.assertEqual(server.ctl("join", group=name, target="alice")["joined"], 1, name)
            self.assertEqual(server.ctl("send", group=name, text="x")["delivered"], 1, name)
        for name in ("", " ", "   ", longest + "x", "a\nb", "a\0b", 7, None, ["a"]):
            for command in ("join", "leave", "groups"):
                arguments = {"target": "alice"} if command != "groups" else {}
                with self.assertRaises(wsmd.Refused) as no:
                    server.ctl(command, group=name, **arguments)
                self.assertEqual(no.exception.error["code"], "bad_request", name)
                self.assertIn("1 to 1024 bytes", no.exception.error["message"])

    def test_a_room_message_reaches_the_room_only(self):
        """Not everyone, and nobody of the room twice, on whichever worker they are."""
        server = self.wsmd("--workers", "3")
        members = self.keep(crowd.Crowd(server, 60, user=lambda i: f"in{i % 40}"))
        others = self.keep(crowd.Crowd(server, 60, user=lambda i: f"out{i}"))
        for i in range(40):
            server.ctl("join", group="room", target=f"in{i}")
        self.assertEqual(listed(server), {"room": 60})
        self.assertEqual(server.ctl("send", group="room", text="x")["delivered"], 60)
        self.eventually(lambda: all(m.messages == [b"x"] for m in members.members))
        server.ctl("send", all=True, text="end")
        self.eventually(lambda: all(m.messages == [b"end"] for m in others.members))
        self.assertEqual(server.stat("delivery.isolation_violations"), 0)
        self.assertEqual({m.messages[-1] for m in members.members}, {b"end"})


class Bad(wsmd.WsmdTest):
    def refused(self, server, command, **arguments):
        with self.assertRaises(wsmd.Refused) as no:
            server.ctl(command, **arguments)
        return no.exception.error

    def test_requests(self):
        server = self.wsmd()
        rawws.RawClient(server, "alice")
        for command, arguments, words in [
            ("join", {"target": "alice"}, '"group" must be'),
            ("join", {"group": "a"}, '"target" must be'),
            ("leave", {"target": "alice"}, 'exactly one of "group" and "all"'),
            ("leave", {"target": "alice", "group": "a", "all": True}, "exactly one of"),
            ("leave", {"target": "alice", "all": 1}, '"all" must be true or false'),
            ("groups", {"target": "alice", "group": "a"}, "not both"),
            ("groups", {"limit": 0}, "1 to 256"),
            ("groups", {"limit": 257}, "1 to 256"),
            ("groups", {"limit": "x"}, "1 to 256"),
            ("groups", {"after": 7}, "that the last page gave"),
            ("groups", {"after": "x" * 1025}, "that the last page gave"),
            ("groups", {"hub": "*"}, '"hub" must be'),
            ("send", {"text": "x", "group": "a", "user": "b"}, "exactly one of"),
            ("send", {"text": "x", "all": True, "each": True}, "it could be everybody"),
            ("send", {"text": "x", "user": "alice", "each": "yes"}, '"each" must be true'),
        ]:
            error = self.refused(server, command, **arguments)
            self.assertEqual(error["code"], "bad_request", (command, arguments))
            self.assertIn(words, error["message"])
        for command, arguments in [
            ("join", {"group": "a", "target": "nobody"}),
            ("join", {"group": "a", "target": "a" * 26}),
            ("leave", {"group": "a", "target": "nobody"}),
            ("groups", {"target": "nobody"}),
            ("groups", {"group": "nothing"}),
        ]:
            error = self.refused(server, command, **arguments)
            self.assertEqual(error["code"], "not_found", (command, arguments))
            self.assertIn("hint", error)
        self.assertEqual(listed(server), {})

    def test_limit_of_a_connection(self):
        server = self.wsmd(limits__max_groups_per_connection=2)
        rawws.RawClient(server, "alice")
        for group in ("a", "b", "b"):
            server.ctl("join", group=group, target="alice")
        error = self.refused(server, "join", group="c", target="alice")
        self.assertEqual(error["code"], "refused")
        self.assertIn("limits.max_groups_per_connection", error["message"])
        self.assertEqual(server.stat("basic.joins_refused_connection"), 1)
        hits = {row["limit"]: row["hits"] for row in server.ctl("limits")["limits"]}
        self.assertEqual((hits["max_groups_per_connection"], hits["max_groups_per_hub"]), (1, 0))
        self.assertEqual(listed(server), {"a": 1, "b": 1})
        # A second one has room: what became of each is told.
        rawws.RawClient(server, "alice")
        self.assertEqual(
            server.ctl("join", group="c", target="alice"),
            {"joined": 1, "already": 0, "refused": 1, "reason": "max_groups_per_connection"},
        )
        out = server.wsmctl("join", "c", "alice", code=1)
        self.assertEqual(
            out, "joined 0, already in it 1, refused 1: max_groups_per_connection\n"
        )

    def test_limit_of_a_hub(self):
        server = self.wsmd("--workers", "1", limits__max_groups_per_hub=2)
        rawws.RawClient(server, "alice")
        rawws.RawClient(server, "alice", hub="other")
        for group in ("a", "b"):
            server.ctl("join", group=group, target="alice")
        error = self.refused(server, "join", group="c", target="alice")
        self.assertIn("limits.max_groups_per_hub", error["message"])
        self.assertEqual(server.stat("basic.joins_refused_hub"), 1)
        hits = {row["limit"]: row["hits"] for row in server.ctl("limits")["limits"]}
        self.assertEqual(hits["max_groups_per_hub"], 1)
        server.ctl("join", group="c", target="alice", hub="other")
        server.ctl("leave", group="a", target="alice")
        self.assertEqual(server.ctl("join", group="c", target="alice")["joined"], 1)

    def test_limits_follow_a_reload(self):
        folder = wsmd.tempfile.mkdtemp(prefix="wsmd-groups-")
        self.addCleanup(wsmd.shutil.rmtree, folder)
        file = pathlib.Path(folder, "wsmd.json")
        file.write_text('{"limits": {"max_groups_per_connection": 1}}', encoding="utf-8")
        server = self.wsmd("--config", str(file))
        rawws.RawClient(server, "alice")
        server.ctl("join", group="a", target="alice")
        self.refused(server, "join", group="b", target="alice")
        file.write_text('{"limits": {"max_groups_per_connection": 2}}', encoding="utf-8")
        server.ctl("reload")
        self.assertEqual(server.ctl("join", group="b", target="alice")["joined"], 1)


class Listing(wsmd.WsmdTest):
    def test_show_tells_the_groups_of_each_connection(self):
        server = self.wsmd()
        for _ in range(2):
            rawws.RawClient(server, "alice")
        first, second = ids(server, "alice")
        for group, target in [("b", first), ("a", first), ("b", second)]:
            server.ctl("join", group=group, target=target)
        rows = {row["id"]: row for row in server.ctl("show", target="alice")["connections"]}
        self.assertEqual(sorted(rows[first]["groups"]), ["a", "b"])
        self.assertEqual(rows[second]["groups"], ["b"])
        self.assertEqual([rows[i]["groups_total"] for i in (first, second)], [2, 1])
        self.assertIn("groups", server.wsmctl("show", second))
        self.assertNotIn("groups", server.ctl("ls")["connections"][0])
        server.ctl("leave", all=True, target="alice")
        self.assertEqual(server.ctl("show", target=first)["connections"][0]["groups"], [])

    def test_show_has_room_for_so_many_names(self):
        server = self.wsmd(limits__max_groups_per_connection=100)
        rawws.RawClient(server, "alice")
        for i in range(80):
            server.ctl("join", group=f"{i:1024}".replace(" ", "x"), target="alice")
        (row,) = server.ctl("show", target="alice")["connections"]
        self.assertEqual((row["groups_total"], len(row["groups"])), (80, 65536 // 1026))
    def test_pages_over_all_workers(self):
        server = self.wsmd("--workers", "3", limits__max_groups_per_connection=1000)
        users = [f"u{i}" for i in range(6)]
        clients = [rawws.RawClient(server, user) for user in users]
        wanted = {}
        for i in range(120):
            for user in users[: 1 + i % 6]:
                server.ctl("join", group=f"g{i:03}", target=user)
            wanted[f"g{i:03}"] = 1 + i % 6
        for limit in (1, 7, 256):
            got, after, pages = [], None, 0
            while True:
                more = {} if after is None else {"after": after}
                page = server.ctl("groups", limit=limit, **more)
                got += [(row["group"], row["members"]) for row in page["groups"]]
                self.assertLessEqual(len(page["groups"]), limit)
                after, pages = page.get("after"), pages + 1
                if after is None:
                    break
            self.assertEqual(got, sorted(wanted.items()))
            self.assertLessEqual(pages, 120 // limit + 1)
        self.assertEqual(listed(server, target="u5"), {f"g{i:03}": 1 for i in range(5, 120, 6)})
        self.assertEqual(listed(server, group="g003"), {"g003": 4})
        self.assertEqual(len(clients), 6)
        # wsmctl pages through.
        rows = json.loads(server.wsmctl("groups", "--json"))["groups"]
        self.assertEqual([row["group"] for row in rows], sorted(wanted))
        self.assertEqual(len(server.wsmctl("groups").splitlines()), 121)

    def test_wsmctl(self):
        server = self.wsmd()
        rawws.RawClient(server, "alice")
        rawws.RawClient(server, "alice")
        self.assertEqual(server.wsmctl("join", "room", "alice"), "joined 2\n")
        self.assertEqual(server.wsmctl("join", "room", "alice"), "joined 0, already in it 2\n")
        self.assertEqual(server.wsmctl("groups"), "GROUP  MEMBERS\nroom         2\n")
        self.assertIn("room         2\n", server.wsmctl("groups", "--group", "room"))
        server.wsmctl("groups", "--group", "none", code=4)
        server.wsmctl("groups", "nobody", code=4)
        server.wsmctl("join", "room", "nobody", code=4)
        self.assertEqual(server.wsmctl("send", "--group", "room", "x"), "delivered 2\n")
        out = server.wsmctl("send", "--group", "room", "--except", "alice", "x")
        self.assertEqual(out, "delivered 0, left out 2: all excluded\n")
        out = server.wsmctl("send", "--group", "none", "x", "--must-deliver", code=4)
        self.assertEqual(out, "delivered 0: no such group in hub default\n")
        first = ids(server, "alice")[0]
        self.assertEqual(server.wsmctl("leave", "room", first), "left 1\n")
        self.assertEqual(server.wsmctl("leave", "--all", "alice"), "left 1\n")
        self.assertEqual(server.wsmctl("leave", "room", "alice"), "left 0, not in it 2\n")
        self.assertEqual(server.wsmctl("groups"), "no groups\n")


if __name__ == "__main__":
    runner.main()
