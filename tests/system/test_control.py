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
