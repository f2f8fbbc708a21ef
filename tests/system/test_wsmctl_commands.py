"""Goal: each command asks for the right thing and shows all of the answer, and nothing in an
answer can command the operator's terminal."""

import base64
import json
import re

import runner
from fake_daemon import CLOSE, Raw, fault, ok
from wsmctl_case import (
    DONE, EVIL, EVIL_SHOWN, FAILED, NO_DAEMON, NO_TARGET, USAGE, Case, environment, row, stats,
)


class List(Case):
    def test_table(self):
        rows = [row(1), row(2, "bob", queue_bytes=3 * 1024 * 1024), row(3, None, age_ms=400)]
        done = self.ask([ok(connections=rows)], "ls")
        self.check(done, DONE)
        lines = done.out.splitlines()
        self.assertEqual(lines[0].split()[:4], ["CONNECTION", "USER", "HUB", "PEER"])
        self.assertEqual(len(lines), 4)
        self.assertRegex(
            lines[1],
            r"^0{31}1  alice        default  127.0.0.1:50000  plain     open        1"
            r"   4m10s  1\.5 s"
            r"       12      3456  12\.3 KiB  532 B      0 B      -    -$",
        )
        self.assertTrue(lines[2].endswith("  3.0 MiB      -    -"))
        self.assertIn("  (anonymous)  ", lines[3])
        self.assertIn("  400 ms  ", lines[3])
        self.assertEqual(len({len(line) for line in lines}), 1)

    def test_missing_and_strange_members(self):
        done = self.ask([ok(connections=[{"id": "x", "user": ["y"], "age_ms": "z"}, {}])], "ls")
        self.check(done, DONE)
        self.assertEqual(done.out.splitlines()[1].split()[:2], ["x", '["y"]'])

    def test_terminal_commands_in_names(self):
        done = self.ask([ok(connections=[row(user=EVIL, peer=EVIL, hub=EVIL)])], "ls")
        self.check(done, DONE)
        self.assertEqual(done.out.count(EVIL_SHOWN), 3)

    def test_names_in_other_scripts(self):
        answer = [ok(connections=[row(user="Zoë"), row(user="山田"), row(user="bob")])]
        lines = self.ask(answer, "ls").out.splitlines()
        self.assertIn("  Zoë   default", lines[1])
        self.assertIn("  山田  default", lines[2])
        done = self.ask(answer, "ls", env=environment(LC_ALL="C"))
        self.assertIn(r"Zo\xc3\xab", done.out)
        self.assertTrue(done.out.isascii())

    def test_nul_in_a_name(self):
        self.assertIn(r"a\x00b", self.ask([ok(connections=[row(user="a\0b")])], "ls").out)

    def test_many_pages(self):
        total = 12_345

        def daemon(request):
            arguments = request["arguments"]
            start = arguments.get("cursor", 0)
            end = min(start + arguments["limit"], total)
            rows = [row(n, f"user{n}") for n in range(start, end)]
            return ok(connections=rows, **({"cursor": end} if end < total else {}))

        done = self.ask(daemon, "ls")
        self.check(done, DONE)
        lines = done.out.splitlines()
        self.assertEqual(len(lines), total + 1)
        users = [line.split()[1] for line in lines[1:]]
        self.assertEqual(users, [f"user{n}" for n in range(total)])
        done = self.ask(daemon, "--json", "ls")
        self.assertEqual(len(json.loads(done.out)["connections"]), total)
        self.assertEqual(len(self.daemon.requests), 13)

        done = self.ask(daemon, "ls", "--limit", "2500")
        self.check(done, DONE, err="there are more")
        self.assertEqual(len(done.out.splitlines()), 2501)
        self.assertEqual([r["arguments"]["limit"] for r in self.daemon.requests], [1000, 1000, 500])
        done = self.ask(daemon, "ls", "--limit", "2500", "--json")
        self.assertEqual(json.loads(done.out)["cursor"], 2500)

    def test_opaque_cursor_and_short_pages(self):
        pages = [
            ok(connections=[], cursor={"worker": 1}),
            ok(connections=[row(1)], cursor="next"),
            ok(connections=[row(2)], cursor=None),
        ]
        self.assertEqual(len(self.ask(pages, "ls").out.splitlines()), 3)
        cursors = [request["arguments"].get("cursor") for request in self.daemon.requests]
        self.assertEqual(cursors, [None, {"worker": 1}, "next"])

    def test_cursor_that_stands_still(self):
        done = self.ask(lambda request: ok(connections=[row()], cursor=7), "ls")
        self.check(done, NO_DAEMON, err="same page")
        self.assertEqual(len(self.daemon.requests), 2)

    def test_truncated(self):
        cut = [ok(connections=[row(1), row(2)], truncated=True)]
        for more, words in [([], "more of one user"), (["--limit", "2"], "--limit ended")]:
            done = self.ask(cut, "ls", "--user", "alice", *more)
            self.check(done, DONE, err=rf"\Awsmctl: there are more; .*{words}.*\n\Z")
            self.assertEqual(len(done.out.splitlines()), 3)
        done = self.ask(cut, "ls", "--user", "alice", "--json")
        self.check(done, DONE, err=r"\A\Z")
        self.assertEqual(json.loads(done.out), cut[0]["result"])

    def test_daemon_vanishes_between_pages(self):
        pages = [ok(connections=[row()], cursor=1), CLOSE]
        done = self.ask(pages, "ls")
        self.check(done, NO_DAEMON, err="went away")
        self.assertEqual(len(done.out.splitlines()), 2)
        done = self.ask(pages, "--json", "ls")
        self.check(done, NO_DAEMON)
        printed = json.loads(done.out)
        self.assertEqual(printed["connections"], [row()])
        self.assertEqual(printed["error"]["code"], "no_answer")

    def test_json(self):
        done = self.ask([ok(connections=[row(user=EVIL), row(2)])], "--json", "ls")
        self.assertEqual(json.loads(done.out), {"connections": [row(user=EVIL), row(2)]})
        self.assertEqual(done.out.count("\n"), 1)
        self.assertEqual(self.ask([ok(connections=[])], "--json", "ls").out, '{"connections":[]}\n')


class Show(Case):
    def test_long_rows(self):
        long = dict(
            pings_sent=5, rtt_us=213, rtt_min_us=90, rtt_max_us=1_530_000, ping_pending=False,
            incomplete_bytes=2048,
        )  # fmt: skip
        answer = [ok(connections=[row(**long, of_tomorrow=EVIL), row(2, rtt_us=None)])]
        done = self.ask(answer, "show", "alice", "--hub", "h")
        self.check(done, DONE)
        self.assertEqual(self.sent(), {"target": "alice", "hub": "h"})
        first, second = done.out.split("\n\n")
        values = dict(line.split(None, 1) for line in first.splitlines())
        titles = {re.sub("_(us|ms|bytes)$", "", name) for name in row(**long)}
        self.assertEqual(set(values), titles | {"of_tomorrow"})
        for name, shown in [
            ("id", f"{1:032x}"), ("rtt", "213 us"), ("rtt_max", "1.5 s"), ("age", "4m10s"),
            ("incomplete", "2.0 KiB"), ("bytes_in", "12.3 KiB"), ("ping_pending", "no"),
            ("of_tomorrow", EVIL_SHOWN),
            ("connected_at", "2024-05-01T10:00:00Z"),
        ]:  # fmt: skip
            self.assertEqual(values[name], shown)
        self.assertRegex(second, r"(?m)^rtt +-$")

    def test_truncated(self):
        done = self.ask([ok(connections=[row()], truncated=True)], "show", "alice")
        self.check(done, DONE, err=r"\Awsmctl: there are more; .*more of one user\n\Z")

    def test_nobody(self):
        self.check(self.ask([ok(connections=[])], "show", "bob"), DONE, "no connections\n")
        answer = [fault("not_found", "nobody is called bob")]
        self.check(self.ask(answer, "show", "bob"), NO_TARGET, "", "nobody is called bob")

    def test_units(self):
        shown = {
            "a_us": {0: "0", 999: "999 us", 0.4: "0.4 us", 1_000: "1.0 ms", 9_999: "9.9 ms",
                     99_999: "99 ms", 999_999: "999 ms", 1_000_000: "1 s"},
            "a_ms": {999: "999 ms", 59_999: "59.9 s", 60_000: "1m00s", 3_599_999: "59m59s",
                     3_600_000: "1h00m", 86_399_999: "23h59m", 86_400_000: "1d00h"},
            "a_s": {0.5: "500 ms", 31_536_000: "365d00h", -1: "-1 s"},
            "bytes": {0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1_048_524: "1023.9 KiB",
                      1_048_575: "1.0 MiB", 2**63 - 1: "8.0 EiB"},
            "queue_bytes": {1024: "1.0 KiB"}, "_s": {1: "1 s"},
            "max_bytes_in": {1024: "1.0 KiB"},
            "kilobytes": {1024: "1024"},
            "bytes_per_s": {1024: "1024"},
            "plain": {1024: "1024", 0.75: "0.75", True: "yes", "": '""', "x": "x"},
        }  # fmt: skip
        titles = {"a_us": "a", "a_ms": "a", "a_s": "a", "_s": "_s", "queue_bytes": "queue"}
        for name, cases in shown.items():
            for value, text in cases.items():
                with self.subTest(name=name, value=value):
                    done = self.ask([ok(connections=[{name: value}])], "show", "x")
                    self.assertEqual(done.out, f"{titles.get(name, name)}  {text}\n")


class Groups(Case):
    def test_join_and_leave(self):
        for args, arguments, answer, rc, out in [
            (["join", "g", "bob"], {"group": "g", "target": "bob"},
             ok(joined=2, already=0, refused=0), DONE, "joined 2"),
            (["join", "g", "bob", "--hub", "h"], {"group": "g", "target": "bob", "hub": "h"},
             ok(joined=0, already=1, refused=0), DONE, "joined 0, already in it 1"),
            (["join", "g", "bob"], {"group": "g", "target": "bob"},
             ok(joined=1, already=1, refused=1, reason=EVIL), FAILED,
             f"joined 1, already in it 1, refused 1: {EVIL_SHOWN}"),
            (["leave", "g", "bob"], {"group": "g", "target": "bob"},
             ok(left=1, not_in=2), DONE, "left 1, not in it 2"),
            (["leave", "--all", "bob"], {"all": True, "target": "bob"}, ok(left=3), DONE, "left 3"),
        ]:  # fmt: skip
            with self.subTest(args=args):
                done = self.ask([answer], *args)
                self.check(done, rc, out + "\n", r"\A\Z")
                self.assertEqual(self.sent(), arguments)
                done = self.ask([answer], "--json", *args)
                self.check(done, rc)
                self.assertEqual(json.loads(done.out), answer["result"])

    def test_mistakes(self):
        for args, sentence in [
            (["join", "g"], "join needs more words"),
            (["leave", "bob"], "needs a GROUP and a USER or CONN, or --all"),
            (["leave", "--all", "g", "bob"], "--all takes one USER or CONN"),
            (["groups", "bob", "--group", "g"], "not both"),
            (["join", "g", "bob", "--except", "x"], "join does not take --except"),
            (["send", "--group", "g", "--all", "x"], "one of USER, --conn, --group and --all"),
            (["send", "--group", "g", "bob", "x"], '"x" is one too many'),
        ]:
            with self.subTest(args=args):
                self.check(self.ask([], *args), USAGE, "", sentence)
                self.assertEqual(self.daemon.connections, 0)
        gone = [fault("not_found", "no such user: bob in hub default")]
        for args in (["join", "g", "bob"], ["leave", "g", "bob"], ["groups", "bob"]):
            self.check(self.ask(gone, *args), NO_TARGET, "", "no such user: bob")

    def test_list(self):
        rows = [{"group": EVIL, "members": 3}, {"group": "山", "members": 12}, {}]
        done = self.ask([ok(groups=rows)], "groups", "bob", "--hub", "h")
        self.check(done, DONE)
        self.assertEqual(self.sent(), {"target": "bob", "hub": "h", "limit": 256})
        self.assertEqual(done.out.splitlines()[0].split(), ["GROUP", "MEMBERS"])
        self.assertEqual(done.out.splitlines()[1], f"{EVIL_SHOWN}        3")
        self.assertEqual(len(done.out.splitlines()), 4)
        self.check(self.ask([ok(groups=[])], "groups"), DONE, "no groups\n")
        self.check(self.ask([ok()], "groups"), NO_DAEMON, "", "has none")

    def test_pages(self):
        def daemon(request):
            arguments = request["arguments"]
            start = int(arguments.get("after", "-1")) + 1
            end = min(start + arguments["limit"], 600)
            rows = [{"group": f"{n:03}", "members": n} for n in range(start, end)]
            return ok(groups=rows, **({"after": f"{end - 1:03}"} if end < 600 else {}))

        done = self.ask(daemon, "groups")
        self.check(done, DONE, err=r"\A\Z")
        self.assertEqual(len(done.out.splitlines()), 601)
        self.assertEqual(len(self.daemon.requests), 3)
        done = self.ask(daemon, "groups", "--limit", "300")
        self.check(done, DONE, err="there are more")
        self.assertEqual(len(done.out.splitlines()), 301)
        done = self.ask(daemon, "groups", "--limit", "300", "--json")
        self.assertEqual(json.loads(done.out)["after"], "299")
        done = self.ask(lambda request: ok(groups=[], after="x"), "groups")
        self.check(done, NO_DAEMON, "", "page of groups is empty")


class Send(Case):
    def test_targets(self):
        for args, arguments in [
            (["alice", "hi"], {"user": "alice", "text": "hi"}),
            (["--conn", "c1", "hi"], {"connection": "c1", "text": "hi"}),
            (["--all", "hi"], {"all": True, "text": "hi"}),
            (["hi", "--all", "--hub", "h"], {"all": True, "hub": "h", "text": "hi"}),
            (["alice", ""], {"user": "alice", "text": ""}),
            (["山田", "Grüße"], {"user": "山田", "text": "Grüße"}),
            (["alice", "hi", "--binary"], {"user": "alice", "binary": "aGk="}),
            (["--group", "g", "hi"], {"group": "g", "text": "hi"}),
            (["alice", "hi", "--each"], {"user": "alice", "each": True, "text": "hi"}),
            (
                ["--except", "bob", "--all", "hi", "--except=c1"],
                {"all": True, "except": ["bob", "c1"], "text": "hi"},
            ),
        ]:
            with self.subTest(args=args):
                done = self.ask([ok(delivered=2, dropped=0)], "send", *args)
                self.check(done, DONE, "delivered 2\n", r"\A\Z")
                self.assertEqual(self.sent(), arguments)

    def test_text_from_standard_input(self):
        for data in [b"", b"a\n", "zwei\nZeilen\0ü".encode(), b"x" * 1_000_000]:
            self.check(self.ask([ok(delivered=1)], "send", "alice", "-", data=data), DONE)
            self.assertEqual(self.sent(), {"user": "alice", "text": data.decode()})

    def test_bytes_from_standard_input(self):
        everything = bytes(range(256)) * 3
        for data in [everything[:n] for n in range(8)] + [everything, everything * 1000]:
            args = ["send", "--all", "--binary", "-"]
            self.check(self.ask([ok(delivered=1)], *args, data=data), DONE)
            self.assertEqual(base64.b64decode(self.sent()["binary"], validate=True), data)

    def test_what_cannot_be_sent(self):
        for args, data, rc, sentence in [
            (["-"], b"\xff", USAGE, "not UTF-8 text; --binary"),
            (["-"], b"x" * 4_200_000, USAGE, "longer than the 4194304 bytes"),
            (["--binary", "-"], b"x" * 4_000_000, FAILED, "request would have .* takes 4194304"),
        ]:
            with self.subTest(sentence=sentence):
                done = self.ask([], "send", "--all", *args, data=data)
                self.check(done, rc, "", sentence)
                self.assertEqual(self.daemon.connections, 0)

    def test_nobody_took_it(self):
        for hub, reason, shown in [
            ({"hub": "default"}, "no_such_user", "no such user in hub default"),
            ({"hub": "chat"}, "nobody_connected", "nobody connected in hub chat"),
            ({"hub": "default"}, "no_such_connection", "no such connection"),
            ({"hub": "default"}, "queue_full", "queue full"),
            ({}, "no_such_user", "no such user"),
            ({"hub": 7}, "nobody_connected", "nobody connected"),
            ({"hub": EVIL}, "no_such_user", f"no such user in hub {EVIL_SHOWN}"),
        ]:
            answer = [ok(delivered=0, dropped=0, **hub, reason=reason, hint="did you mean alicia?")]
            for more, rc in [([], DONE), (["--must-deliver"], NO_TARGET)]:
                with self.subTest(reason=reason, more=more):
                    done = self.ask(answer, "send", "alice", "hi", *more)
                    self.check(done, rc, f"delivered 0: {shown}\n")
                    self.assertEqual(done.err, "wsmctl: did you mean alicia?\n")
                    done = self.ask(answer, "--json", "send", "alice", "hi", *more)
                    self.check(done, rc, err=r"\A\Z")
                    self.assertEqual(json.loads(done.out), answer[0]["result"])

    def test_outcome(self):
        for answer, out in [
            (ok(delivered=3, dropped=2), "delivered 3, dropped 2\n"),
            (ok(delivered=0, dropped=2, reason="of_x"), "delivered 0, dropped 2: of x\n"),
            (ok(delivered=0), "delivered 0\n"),
            (ok(delivered=0, reason=EVIL), f"delivered 0: {EVIL_SHOWN}\n"),
            (ok(delivered=1, reason="x"), "delivered 1\n"),
            (
                ok(delivered=1, dropped=3, dropped_for={"queue_full": 2, EVIL: 1}),
                f"delivered 1, dropped 3 (queue full 2, {EVIL_SHOWN.replace('_', ' ')} 1)\n",
            ),
            (ok(delivered=1, queued=2, excluded=3), "delivered 1, queued 2, left out 3\n"),
            (ok(delivered=1, each=[]), "delivered 1\n"),
            (
                ok(delivered=1, each=[{"id": EVIL, "outcome": "delivered"}, {"reason": "x"}, 7]),
                "delivered 1\n"
                f"{'CONNECTION':{len(EVIL_SHOWN)}}  OUTCOME    REASON\n"
                f"{EVIL_SHOWN}  delivered  -\n"
                f"{'-':{len(EVIL_SHOWN)}}  -          x\n"
                f"{'-':{len(EVIL_SHOWN)}}  -          -\n",
            ),
        ]:
            self.check(self.ask([answer], "send", "--all", "hi"), DONE, out)
        done = self.ask([ok(delivered=1)], "send", "bob", "hi", "--must-deliver")
        self.check(done, DONE)

    def test_not_everybody_was_asked(self):
        for answer, out in [
            (ok(delivered=3, dropped=0, reason="busy"), "delivered 3"),
            (ok(delivered=0, dropped=2, reason="busy"), "delivered 0, dropped 2"),
        ]:
            for more in ([], ["--must-deliver"]):
                done = self.ask([answer], "send", "--all", "hi", *more)
                self.check(done, FAILED, f"{out}, not everybody was asked: busy\n", r"\A\Z")
            done = self.ask([answer], "send", "--all", "hi", "--json")
            self.check(done, FAILED, err=r"\A\Z")
            self.assertEqual(json.loads(done.out), answer["result"])

    def test_not_found_counts_only_when_it_must_be_delivered(self):
        answer = [fault("not_found", "no hub x")]
        self.check(self.ask(answer, "send", "bob", "hi"), FAILED, "", "no hub x")
        self.check(self.ask(answer, "send", "bob", "hi", "--must-deliver"), NO_TARGET, "")


class Others(Case):
    def test_kick(self):
        self.check(self.ask([ok(closed=2)], "kick", "bob"), DONE, "closed 2\n")
        self.assertEqual(self.sent(), {"target": "bob"})
        args = ["kick", "bob", "--reason", "spam", "--hub", "h"]
        self.check(self.ask([ok(closed=0)], *args), NO_TARGET, "closed 0\n")
        self.assertEqual(self.sent(), {"target": "bob", "hub": "h", "reason": "spam"})
        self.check(self.ask([ok(closed=1)], "--json", "kick", "bob"), DONE, '{"closed":1}\n')
        self.check(self.ask([fault("not_found", "nobody")], "kick", "bob"), NO_TARGET, "")

    def test_ping(self):
        done = self.ask([ok(rtt_us=213)], "ping", "c1")
        self.check(done, DONE, "pong from c1: 0.213 ms\n")
        self.assertEqual(self.sent(), {"connection": "c1"})
        done = self.ask([ok(rtt_us=1_234_567)], "ping", "\x1b")
        self.check(done, DONE, "pong from \\x1b: 1234.567 ms\n")
        self.check(self.ask([fault("timeout", "no pong in 5 s")], "ping", "c"), FAILED, "", "5 s")
        self.check(self.ask([ok(rtt_us=9)], "ping", "c", "--json"), DONE, '{"rtt_us":9}\n')

    def test_tap(self):
        lines = [
            ok(connections=2, payload=True),
            {"at": "T", "event": "in", "connection": "c1", "opcode": "text", "bytes": 3,
             "text": EVIL, "cut": True},
            {"at": "T", "event": "out", "connection": "c1", "opcode": "binary", "bytes": 1,
             "binary": "AA==", "missed": 7},
            {"at": "T", "event": "end", "reason": "over", "missed": 1},
        ]  # fmt: skip
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        shown = (
            f"T  c1  in      text          3  {EVIL_SHOWN} ...\n"
            "... 7 left out\nT  c1  out     binary        1  base64 AA==\n"
            "... 1 left out\nT  end     over\n"
        )
        for drip in [False, True]:
            done = self.ask([Raw(data)], "tap", "bob", "--payload", "--hub", "h", drip=drip)
            self.check(done, DONE, shown, "following 2 connections")
            self.assertEqual(self.sent(), {"target": "bob", "hub": "h", "payload": True})
        done = self.ask([Raw(data)], "tap", "bob", "--json")
        self.check(done, DONE)
        self.assertEqual([json.loads(x) for x in done.out.splitlines()][1:], lines[1:])
        self.assertEqual(self.sent(), {"target": "bob", "payload": False})
        # Without its last word it went away; and what is no event is none.
        done = self.ask([Raw(data[: data.index(b"{", 99)])], "tap", "bob")
        self.check(done, NO_DAEMON, err="went away")
        done = self.ask([Raw(data.partition(b"\n")[0] + b"\n[]\n")], "tap", "bob")
        self.check(done, NO_DAEMON, "", "not a JSON object")
        self.check(self.ask([fault("busy", "4 taps")], "tap", "bob"), FAILED, "", "4 taps")

    def test_what_is_no_connection_is_named(self):
        told = '"connection" must be a connection id'
        for args in [["ping", "alice"], ["send", "--conn", "alice", "hi"]]:
            with self.subTest(args=args):
                done = self.ask([fault("bad_request", told, hint="see ls")], *args)
                self.check(done, FAILED, "")
                self.assertEqual(done.err, f'wsmctl: "alice": {told}; see ls\n')
                done = self.ask([fault("bad_request", told)], *args, "--json")
                self.assertEqual(json.loads(done.out)["message"], f'"alice": {told}')
                done = self.ask([fault("bad_request", '"alice" is no id')], *args)
                self.assertEqual(done.err, 'wsmctl: "alice" is no id\n')
        done = self.ask([fault("bad_request", "bad text")], "send", "alice", "hi")
        self.assertEqual(done.err, "wsmctl: bad text\n")

    def test_reload(self):
        changes = [
            {"key": "limits.queue", "outcome": "applied", "was": "1048576", "is": 2097152},
            {"key": "listen", "outcome": "needs_restart", "was": ["a"], "is": EVIL},
            {"key": "new", "outcome": "applied", "is": None},
            {"key": "gone", "outcome": "applied", "was": '""', "is": "null"},
            {},
        ]
        self.check(
            self.ask([ok(changes=changes)], "reload"), DONE,
            "limits.queue: 1048576 -> 2097152 (applied)\n"
            f'listen: ["a"] -> {EVIL_SHOWN} (needs restart)\n'
            "new: (unset) -> null (applied)\n"
            'gone: "" -> null (applied)\n'
            "-: (unset) -> (unset) (needs restart)\n",
        )  # fmt: skip
        self.assertEqual(self.sent(), {})
        self.check(self.ask([ok(changes=[])], "reload"), DONE, "nothing changed\n")
        self.check(self.ask([ok(changes=[])], "reload", "--json"), DONE, '{"changes":[]}\n')

    def test_reload_without_a_file(self):
        answer = ok(changes=[], hint=f"no file was read {EVIL}")
        done = self.ask([answer], "reload")
        self.check(done, DONE, "nothing changed\n")
        self.assertEqual(done.err, f"wsmctl: no file was read {EVIL_SHOWN}\n")
        done = self.ask([answer], "reload", "--json")
        self.check(done, DONE, err=r"\A\Z")
        self.assertEqual(json.loads(done.out), answer["result"])

    def test_reload_refused(self):
        faults = ["wsmd.json:3: limits.max_messages: unknown key", f"wsmd.json:9: {EVIL}"]
        answer = fault("refused", "the new configuration has 2 faults", faults=faults)
        done = self.ask([answer], "reload")
        self.check(done, FAILED, "")
        self.assertEqual(
            done.err,
            "wsmctl: the new configuration has 2 faults\n"
            f"  {faults[0]}\n  wsmd.json:9: {EVIL_SHOWN}\n",
        )
        done = self.ask([answer], "--json", "reload")
        self.check(done, FAILED)
        self.assertEqual(json.loads(done.out), answer["error"])

    def test_drain(self):
        done = self.ask([ok(connections=12)], "drain")
        self.check(done, DONE, "draining, connections still open: 12\n")
        self.check(self.ask([ok(connections=0)], "drain", "--json"), DONE, '{"connections":0}\n')

    def test_config(self):
        config = {"listen": [{"port": 8080}], "ratio": 0.1, "name": "x"}
        done = self.ask([ok(**config)], "config")
        self.check(done, DONE)
        self.assertEqual(done.out, json.dumps(config, indent=2) + "\n")
        done = self.ask([ok(**config)], "config", "--json")
        self.assertEqual(done.out, json.dumps(config, separators=(",", ":")) + "\n")


class Stats(Case):
    def test_nothing_is_skipped(self):
        deep = {"er": [1, 2], "empty": {}, "none": []}
        extra = {"new_group": {"note_s": "soon", "deep": deep}, "loose": 5}
        done = self.ask([ok(**stats(**extra))], "stats")
        self.check(done, DONE)
        lines = done.out.splitlines()
        for line in [
            r"basic", r"  uptime +4m10s", r"  version +0\.1\.0", r"  connections_active +7",
            r"  bytes_out +5\.0 MiB", r"  closes\.peer_close +3", r"  now\.plain +7",
            r"  ever\.json +0", r"  rtt_mean +213 us", r"  score +0\.75", r"  last +-",
            r"  note_s +soon",
            r"  sane +yes", r"  count +2", r"  deep\.er +\[1,2\]", r"  deep\.none +\[\]",
            r"  loose +5", r"workers\.each", r"worker  connections  turns  extra",
            r"     1            4      5      1", r"     0            3      4      -",
        ]:  # fmt: skip
            self.assertTrue(any(re.fullmatch(line, found) for found in lines), (line, done.out))

    def test_causes_that_never_occurred_are_left_out(self):
        done = self.ask([ok(**stats())], "stats")
        self.assertNotIn("heartbeat_timeout", done.out)
        self.assertNotIn("no_token", done.out)

    def test_values_are_right_aligned(self):
        done = self.ask([ok(**stats())], "stats")
        rows = [x for x in done.out.split("\n\n")[0].splitlines() if x.startswith("  ")]
        self.assertEqual(len({len(line) for line in rows}), 1)

    def test_hostile_names(self):
        nested = value = {}
        for _ in range(500):
            value[EVIL] = value = {}
        done = self.ask(
            [ok(**{EVIL: {EVIL: EVIL}, "t": [{EVIL: EVIL}, {}], "n": nested, "g": {"e": [{}]}})],
            "stats",
        )
        self.check(done, DONE)
        self.assertGreaterEqual(done.out.count(EVIL_SHOWN), 5)

    def test_json(self):
        done = self.ask([ok(**stats())], "stats", "--json")
        self.assertEqual(json.loads(done.out), stats())
        self.assertEqual(done.out.count("\n"), 1)


if __name__ == "__main__":
    runner.main()
