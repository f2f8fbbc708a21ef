"""The control socket: the protocol itself, right and wrong, and many at once."""

import contextlib
import json
import os
import pathlib
import re
import socket
import stat
import threading
import time

import rawws
import runner
import wsmd

MAX_SESSIONS = 16  # of server/control.c
MAX_LINE = 4 << 20
STATISTICS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "statistics.md"


def line(command, **arguments):
    request = {"version": 1, "command": command, "arguments": arguments}
    return json.dumps(request).encode() + b"\n"


class ControlTest(wsmd.WsmdTest):
    def session(self, server):
        return self.keep(wsmd.Control(server.control_path))

    def error(self, session, data):
        """The error object that answers @data."""
        answer = session.ask_raw(data)
        self.assertEqual((answer["version"], answer["ok"]), (1, False), answer)
        return answer["error"]


class Protocol(ControlTest):
    def test_mistakes_are_answered_and_the_session_goes_on(self):
        session = self.session(self.wsmd())
        for data, code, words in [
            (b"\n", "bad_request", "not JSON"),
            (b"garbage\n", "bad_request", "not JSON"),
            (b"\xff\xfe\x00\n", "bad_request", "not JSON"),
            (b'{"version":1,"command":"stats"\n', "bad_request", "not JSON"),
            (b'{"version":1,"version":1,"command":"stats"}\n', "bad_request", "not JSON"),
            (b"[" * 100000 + b"\n", "bad_request", "not JSON"),
            (b"[]\n", "bad_request", ""),
            (b"{}\n", "bad_request", "version 1"),
            (b'{"version":2,"command":"stats"}\n', "bad_request", "version 1"),
            (b'{"version":"1","command":"stats"}\n', "bad_request", "version 1"),
            (b'{"version":1}\n', "bad_request", "command"),
            (b'{"version":1,"command":7}\n', "bad_request", "command"),
            (b'{"version":1,"command":"stats","arguments":[]}\n', "bad_request", "arguments"),
            (line("stats\0"), "bad_request", "command"),
            (line("stat"), "unknown_command", "stats"),
            (line("sned"), "unknown_command", "send"),
            (line("relaod"), "unknown_command", "reload"),
            (line("\x1b[2J\r\n"), "unknown_command", "\\x1b"),
            (line("ls", limit="10"), "bad_request", "limit"),
            (line("ls", limit=0), "bad_request", "limit"),
            (line("ls", limit=1001), "bad_request", "limit"),
            (line("ls", cursor=-1), "bad_request", "cursor"),
            (line("ls", cursor="0"), "bad_request", "cursor"),
            (line("ls", cursor=1 << 62), "bad_request", "cursor"),
            (line("ls", user=5), "bad_request", "user"),
            (line("ls", user=""), "bad_request", "user"),
            (line("ls", hub=[]), "bad_request", "hub"),
            (line("show"), "bad_request", "target"),
            (line("show", target="u" * 256), "bad_request", "target"),
            (line("show", target="nobody"), "not_found", "nobody"),
            (line("show", target="a\u0000b"), "bad_request", "target"),
            (line("send"), "bad_request", "exactly one of"),
            (line("send", text="x"), "bad_request", "exactly one of"),
            (line("send", user="a", all=True, text="x"), "bad_request", "exactly one of"),
            (line("send", all="yes", text="x"), "bad_request", "true or false"),
            (line("send", user="a"), "bad_request", "text"),
            (line("send", user="a", text="x", binary="eA=="), "bad_request", "text"),
            (line("send", user="a", text=1), "bad_request", "text"),
            (line("send", user="a", binary="not base64!"), "bad_request", "base64"),
            (line("send", user="a", binary="eA="), "bad_request", "base64"),
            (line("send", connection="a", text="x"), "bad_request", "connection id"),
            (line("send", user="a", text="x" * ((1 << 20) + 1)), "too_large", "max_message"),
            (line("kick", target="nobody"), "not_found", "nobody"),
            (line("kick", target="a", reason="r" * 124), "bad_request", "reason"),
            (line("ping"), "bad_request", "connection id"),
            (line("ping", connection="a" * 26), "not_found", "no such connection"),
        ]:
            with self.subTest(data[:60]):
                error = self.error(session, data)
                self.assertEqual(error["code"], code, error)
                self.assertIn(words, error["message"])
        self.assertIn("basic", session.ask("stats"))

    def test_unknown_members_are_ignored(self):
        session = self.session(self.wsmd())
        request = {"version": 1, "command": "ls", "new": 1, "arguments": {"newer": [2]}}
        self.assertTrue(session.ask_raw(json.dumps(request).encode() + b"\n")["ok"])

    def test_line_may_come_in_any_pieces(self):
        session = self.session(self.wsmd())
        data = line("stats")
        for i in range(len(data)):
            session.send(data[i : i + 1])
        self.assertTrue(session.answer()["ok"])

    def test_commands_in_one_write_are_answered_in_order(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        session = self.session(server)
        (row,) = session.ask("ls")["connections"]
        # The first has to wait for the client, the others do not.
        session.send(
            line("ping", connection=row["id"]) + line("nothing") + line("ls") + line("stats")
        )
        opcode, nonce = client.read_frame()
        self.assertEqual(opcode, rawws.PING)
        client.send(nonce, rawws.PONG)
        self.assertIn("rtt_us", session.answer()["result"])
        self.assertEqual(session.answer()["error"]["code"], "unknown_command")
        self.assertIn("connections", session.answer()["result"])
        self.assertIn("basic", session.answer()["result"])

    def test_sends_overlap_and_are_answered_in_order(self):
        server = self.wsmd(workers=2)
        clients = {name: rawws.RawClient(server, name) for name in ("a", "b", "c", "d")}
        session = self.session(server)
        users = [("a", "b", "nobody", "c", "d", "a")[i * i % 6] for i in range(300)]
        lines = [line("send", user=user, text=str(i)) for i, user in enumerate(users)]
        lines[100] = b"garbage\n"
        lines[200] = line("send", user="a")
        session.send(b"".join(lines))
        for i, user in enumerate(users):
            answer = session.answer()
            if i in (100, 200):
                self.assertEqual(answer["error"]["code"], "bad_request")
            else:
                self.assertEqual(answer["result"]["delivered"], int(user != "nobody"), i)
        for name, client in clients.items():
            for i, user in enumerate(users):
                if user == name and i not in (100, 200):
                    self.assertEqual(client.receive(), str(i))

    def test_other_commands_wait_and_are_waited_for(self):
        server = self.wsmd(workers=2)
        client = rawws.RawClient(server, "a")
        session = self.session(server)
        for i in range(20):
            to_group = line("send", group=f"g{i}", text="to the group")
            session.send(
                line("send", user="a", text="before") * 3 + to_group
                + line("join", target="a", group=f"g{i}") + to_group * 2
                + line("leave", target="a", group=f"g{i}") + to_group
                + line("send", user="a", text="after") + line("stats")
            )  # fmt: skip
            results = [session.answer()["result"] for _ in range(11)]
            delivered = [result.get("delivered") for result in results]
            self.assertEqual(delivered, [1, 1, 1, 0, None, 1, 1, None, 0, 1, None])
            self.assertEqual(results[-1]["delivery"]["delivered"], 6 * (i + 1))
        received = [client.receive() for _ in range(20 * 6)]
        self.assertEqual(received, (["before"] * 3 + ["to the group"] * 2 + ["after"]) * 20)

    def test_another_command_waits_for_sends(self):
        session = self.session(self.wsmd(workers=2))
        for i in range(1, 6):
            session.send(line("send", user="nobody", text="x") * 30 + line("stats"))
            for _ in range(30):
                self.assertEqual(session.answer()["result"]["delivered"], 0)
            stats = session.answer()["result"]
            self.assertEqual(stats["delivery"]["no_such_target"], 30 * i)

    def test_a_send_waits_for_another_command(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        session = self.session(server)
        (row,) = session.ask("ls")["connections"]
        session.send(line("ping", connection=row["id"]) + line("send", user="a", text="x"))
        opcode, nonce = client.read_frame()
        self.assertEqual(opcode, rawws.PING)
        self.assertEqual(server.stat("delivery.sends"), 0)
        client.send(nonce, rawws.PONG)
        self.assertIn("rtt_us", session.answer()["result"])
        self.assertEqual(session.answer()["result"]["delivered"], 1)

    def test_lines_cut_anywhere(self):
        server = self.wsmd(workers=2)
        client = rawws.RawClient(server, "a")
        session = self.session(server)
        send = line("send", user="a", text="x")
        for data in (send * 3, send + line("ls") + send, send * 2 + line("nothing")):
            for cut in range(1, len(data)):
                session.send(data[:cut])
                if cut % 7 == 0:
                    server.ctl("ls")  # the rest comes when that has been read
                session.send(data[cut:])
                answers = [session.answer() for _ in range(3)]
                self.assertEqual(answers[0]["result"]["delivered"], 1)
                sent = sum("delivered" in answer.get("result", ()) for answer in answers)
                for _ in range(sent):
                    self.assertEqual(client.receive(), "x")

    def test_one_who_sends_and_never_reads(self):
        server = self.wsmd(workers=2)
        client = rawws.RawClient(server, "a")
        session = self.session(server)
        send = line("send", user="a", text="x", each=True) * 100
        unsent = b""
        session.sock.settimeout(0.5)
        try:
            for _ in range(1000):
                unsent = send
                while unsent:
                    unsent = unsent[session.sock.send(unsent) :]
        except OSError:
            pass  # nothing is read while answers wait
        self.assertTrue(unsent)
        self.assertLess(server.stat("delivery.sends"), 100 * 1000)
        server.ctl("ls")  # the others are served
        session.sock.settimeout(wsmd.PATIENCE_S)
        sent = server.stat("delivery.sends")
        for _ in range(sent):
            self.assertEqual(session.answer()["result"]["delivered"], 1)
        self.assertEqual(client.receive(), "x")

    def test_session_that_vanishes_with_sends_under_way(self):
        server = self.wsmd(workers=2)
        client = rawws.RawClient(server, "a")
        for _ in range(50):
            session = self.session(server)
            session.send(line("send", user="a", text="x") * 64 + line("ls"))
            session.close()
        server.ctl("send", user="a", text="last")
        while client.receive() != "last":
            pass
        self.eventually(lambda: server.descriptors() == server.descriptors_at_start + 1)

    def test_writer_who_shuts_down_still_gets_his_answers(self):
        session = self.session(self.wsmd())
        session.send(line("ls") + line("stats"))
        session.sock.shutdown(socket.SHUT_WR)
        self.assertIn("connections", session.answer()["result"])
        self.assertIn("basic", session.answer()["result"])
        self.assertEqual(session.lines.readline(), b"")

    def test_longest_line(self):
        session = self.session(self.wsmd(limits__max_message_bytes=8 << 20))
        padding = MAX_LINE - len(line("send", user="nobody", text=""))
        result = session.ask("send", user="nobody", text="x" * padding)
        self.assertEqual(result["reason"], "no_such_user")
        other = self.session(self.wsmd())
        other.send(line("send", user="nobody", text="x" * (padding + 1)))
        self.assertEqual(other.answer()["error"]["code"], "too_large")
        try:
            session.send(b"x" * (MAX_LINE + 100))
        except OSError:
            pass  # it hangs up before the end
        self.assertEqual(session.answer()["error"]["code"], "too_large")
        with self.assertRaises((EOFError, ConnectionResetError)):
            session.answer()  # there is no way to go on

    def test_a_line_too_long_behind_sends(self):
        """They are all answered, then it is, then the session ends."""
        server = self.wsmd(workers=2)
        client = rawws.RawClient(server, "a")
        session = self.session(server)
        session.send(line("send", user="a", text="x") * 50)
        with contextlib.suppress(OSError):  # it hangs up before the end
            session.send(b"x" * (MAX_LINE + 100))
        for _ in range(50):
            self.assertEqual(session.answer()["result"]["delivered"], 1)
            self.assertEqual(client.receive(), "x")
        self.assertEqual(session.answer()["error"]["code"], "too_large")
        with self.assertRaises((EOFError, ConnectionResetError)):
            session.answer()


def member_names(value, path=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from member_names(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield from member_names(value[0], f"{path}[]")
    else:
        yield path


class Documents(ControlTest):
    def test_every_member_of_stats_is_documented(self):
        """By its whole name, or by its label in the section of its family, or as a setting."""
        text = STATISTICS.read_text(encoding="utf-8")
        settings = (STATISTICS.parent / "configuration.md").read_text(encoding="utf-8")
        names = list(member_names(self.wsmd().ctl("stats")))
        self.assertGreater(len(names), 90)
        for name in names:
            family, _, label = name.rpartition(".")
            setting = re.sub("^heartbeat_config", "heartbeat", name)
            if f"| `{name}` |" not in text and f"`{setting}`" not in settings:
                self.assertIn(f"`{family}`", text, name)
                self.assertIn(f"| `{label}` |", text, name)


class Sessions(ControlTest):
    def test_socket_is_private(self):
        server = self.wsmd()
        mode = os.stat(server.control_path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_many_sessions_at_once(self):
        server = self.wsmd()
        clients = [rawws.RawClient(server, f"u{i}") for i in range(10)]
        sessions = [self.session(server) for _ in range(MAX_SESSIONS - 1)]
        for _ in range(5):
            for i, session in enumerate(sessions):
                session.send(line("send", user=f"u{i % 10}", text=str(i)) + line("ls"))
            for session in sessions:
                self.assertEqual(session.answer()["result"]["delivered"], 1)
                self.assertEqual(len(session.answer()["result"]["connections"]), 10)
        for i, client in enumerate(clients):
            got = [client.receive() for _ in range(10 if i < 5 else 5)]
            self.assertEqual(set(got), {str(i), str(i + 10)} if i < 5 else {str(i)})

    def test_idle_sessions_lock_nobody_out(self):
        server = self.wsmd()
        idle = []
        for _ in range(MAX_SESSIONS + 3):
            idle.append(self.session(server))
            self.assertIn("basic", idle[-1].ask("stats"))
            time.sleep(0.02)  # the clock that tells who is idle longest has milliseconds
            server.ctl("stats")
        # The oldest made room, those who were in use stay.
        for session in idle[:4]:
            self.assertEqual(session.lines.readline(), b"")
        for session in idle[4:]:
            self.assertIn("basic", session.ask("stats"))

    def test_sessions_that_wait_keep_their_places(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        (row,) = server.ctl("ls")["connections"]
        busy = [server.control] + [self.session(server) for _ in range(MAX_SESSIONS - 1)]
        for session in busy:
            session.send(line("ping", connection=row["id"]))
        opcode, nonce = client.read_frame()
        self.assertEqual(opcode, rawws.PING)
        self.assertEqual(self.session(server).lines.readline(), b"")
        # One pong answers for all who wait by then; a slow worker may ask again for the others.
        client.send(nonce, rawws.PONG)
        listener = threading.Thread(target=self.answer_pings, args=(client,))
        listener.start()
        for session in busy:
            self.assertIn("rtt_us", session.answer()["result"])
        client.sock.shutdown(socket.SHUT_RDWR)
        listener.join()

    def test_who_never_reads_locks_nobody_out(self):
        server = self.wsmd()
        stuck = [self.session(server) for _ in range(MAX_SESSIONS)]
        for session in stuck:
            session.sock.settimeout(0.2)
            try:
                for _ in range(500):
                    session.send(line("config") * 20)
            except OSError:
                pass  # it is not read from, with its answers unread
        refused = self.session(server)
        self.assertEqual(refused.lines.readline(), b"", "they have some time to read")

        def let_in():
            try:
                server.control = wsmd.Control(server.control_path)
                return server.ctl("stats")
            except (OSError, EOFError):
                return None

        self.eventually(let_in)
        for session in stuck:
            session.close()

    def answer_pings(self, client):
        with contextlib.suppress(Exception):
            client.receive()  # until the client is shut down

    def test_session_that_vanishes_while_it_waits(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        for rest in (b"", line("stats"), b"half a li"):
            session = self.session(server)
            (row,) = session.ask("ls")["connections"]
            session.send(line("ping", connection=row["id"]) + rest)
            opcode, nonce = client.read_frame()
            session.close()
            client.send(nonce, rawws.PONG)
            client.echo("still here")
        self.eventually(lambda: server.descriptors() == server.descriptors_at_start + 1)

    def test_one_who_never_reads_holds_up_nobody(self):
        server = self.wsmd()
        clients = [rawws.RawClient(server, f"{'u' * 200}{i}") for i in range(100)]
        session = self.session(server)
        session.sock.settimeout(0.2)
        try:
            for _ in range(1000):
                session.send(line("ls") * 50)
        except OSError:
            pass  # its lines are not read either
        start = time.monotonic()
        self.assertEqual(server.stat("basic.connections_active"), len(clients))
        self.assertLess(time.monotonic() - start, 5)

    def test_ping_ends_with_its_connection(self):
        server = self.wsmd()
        client = rawws.RawClient(server, "a")
        session = self.session(server)
        (row,) = session.ask("ls")["connections"]
        session.send(line("ping", connection=row["id"]))
        self.assertEqual(client.read_frame()[0], rawws.PING)
        client.close()
        self.assertEqual(session.answer()["error"]["code"], "not_found")


if __name__ == "__main__":
    runner.main()
