"""Each limit: its exact value is accepted, one more is refused where one can see it."""

import json
import pathlib
import socket
import tempfile
import time

import crowd
import rawws
import runner
import wsmd
from rawws import BINARY, CONT, PING, TEXT, close_frame, frame


class Connections(wsmd.WsmdTest):
    def refusal(self, server, target="/ws"):
        return wsmd.parse_answer(server.exchange(rawws.request(target)))

    def test_connections_in_all(self):
        server = self.wsmd(limits__max_connections=20)
        clients = [rawws.RawClient(server, f"u{i}") for i in range(20)]
        for _ in range(3):
            status, headers, body = self.refusal(server)
            self.assertEqual(status, 503)
            self.assertTrue(1 <= int(headers["retry-after"]) <= 10)
            self.assertIn("limits.max_connections", body)
        self.assertEqual(server.stat("basic.refusals.max_connections"), 3)
        self.assertEqual(server.get("/healthz")[0], 200, "pages are still served")
        # One leaves, one may come.
        clients.pop().goodbye()
        self.eventually(lambda: server.stat("basic.connections_active") == 19)
        clients.append(rawws.RawClient(server, "new"))
        self.assertEqual(self.refusal(server)[0], 503)
        for client in clients:
            client.echo("undisturbed")

    def test_connections_of_a_user(self):
        server = self.wsmd(limits__max_connections_per_user=3)
        clients = [rawws.RawClient(server, "alice") for _ in range(3)]
        status, _, body = self.refusal(server, "/ws?user=alice")
        self.assertEqual(status, 429)
        self.assertIn("limits.max_connections_per_user", body)
        # The same name in another hub, other names and nobody are not meant.
        others = [rawws.RawClient(server, "alice", hub="other"), rawws.RawClient(server, "bob")]
        others += [rawws.RawClient(server) for _ in range(5)]
        clients.pop().goodbye()
        clients.append(rawws.RawClient(server, "alice"))
        self.assertEqual(self.refusal(server, "/ws?user=alice")[0], 429)
        self.assertEqual(server.stat("basic.refusals.max_connections_per_user"), 2)
        for client in clients + others:
            client.echo("undisturbed")

    def test_zombies_do_not_lock_a_user_out(self):
        server = self.wsmd(limits__user_policy="refuse")
        # As many as he may have, whose peers are gone or deaf; nobody answers a ping.
        zombies = [rawws.RawClient(server, "alice") for _ in range(32)]
        start, refusals = time.monotonic(), 0
        while True:
            try:
                alice = rawws.RawClient(server, "alice")
                break
            except ConnectionError as error:
                status, headers, _ = wsmd.parse_answer(str(error).encode("latin-1"))
                self.assertEqual(status, 429)
                self.assertTrue(1 <= int(headers["retry-after"]) <= 10)
                refusals += 1
            self.assertLess(time.monotonic() - start, wsmd.PATIENCE_S)
            time.sleep(0.2)
        self.assertGreater(refusals, 0, "first they are asked")
        alice.echo("in")
        # The oldest of them went, he alone, and he is told why.
        self.assertEqual(server.stat("basic.closes.evicted"), 1)
        closed = zombies[0].closing()
        self.assertEqual(closed.code, 1008)
        self.assertIn("no answer to a ping", closed.reason)
        # The next one need not wait.
        rawws.RawClient(server, "alice").echo("in")
        self.assertEqual(server.stat("basic.closes.evicted"), 2)

    def test_the_living_keep_their_places(self):
        server = self.wsmd(limits__max_connections_per_user=4)
        clients = self.keep(crowd.Crowd(server, 4, user=lambda _: "alice"))
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            self.assertEqual(self.refusal(server, "/ws?user=alice")[0], 429)
            time.sleep(0.3)
        self.assertTrue(all(m.is_open() for m in clients.members))
        self.assertGreaterEqual(server.stat("health.pings_sent"), 4, "they were asked")
        self.assertEqual(server.stat("basic.closes.evicted"), 0)

    def test_close_oldest(self):
        server = self.wsmd(
            limits__max_connections_per_user=3, limits__user_policy="close_oldest"
        )  # fmt: skip
        clients = [rawws.RawClient(server, "alice") for _ in range(3)]
        bob = rawws.RawClient(server, "bob")
        for _ in range(4):
            clients.append(rawws.RawClient(server, "alice"))
            closed = clients.pop(0).closing()
            self.assertEqual(closed.code, 1008)
            self.assertIn("limits.max_connections_per_user", closed.reason)
            self.assertEqual(len(server.ctl("show", target="alice")["connections"]), 3)
        self.assertEqual(server.stat("basic.closes.replaced"), 4)
        for client in [*clients, bob]:
            client.echo("undisturbed")

    def test_ghosts_do_not_use_up_the_limit(self):
        server = self.wsmd(limits__max_connections_per_user=2, limits__max_connections=4)
        for i in range(20):
            client = rawws.RawClient(server, "alice")
            if i % 3 == 0:
                client.reset()
            elif i % 3 == 1:
                client.close()
            else:
                client.goodbye()
            self.eventually(lambda: server.stat("basic.connections_active") == 0)
        two = [rawws.RawClient(server, "alice") for _ in range(2)]
        self.assertEqual(len(two), server.stat("basic.connections_active"))

    def test_storm_never_passes_the_limit(self):
        server = self.wsmd(limits__max_connections=100)
        clients = self.keep(crowd.Crowd(server, 300))
        got_in = [m for m in clients.members if b" 101 " in m.head]
        self.assertEqual(len(got_in), 100)
        self.assertEqual(server.stat("basic.connections_active"), 100)
        self.assertEqual(server.stat("basic.refusals.max_connections"), 200)


    def refused(self, server, **how):
        with self.assertRaises(ConnectionError) as refused:
            rawws.RawClient(server, **how)
        return wsmd.parse_answer(str(refused.exception).encode("latin-1") + b"\r\n\r\n")

    def test_connections_of_an_address(self):
        server = self.wsmd(limits__max_connections_per_address=5)
        mine = [rawws.RawClient(server, f"u{i}", address="127.0.0.2") for i in range(5)]
        for _ in range(3):
            status, headers, _ = self.refused(server, address="127.0.0.2")
            self.assertEqual(status, 429)
            self.assertTrue(1 <= int(headers["retry-after"]) <= 10)
        # Of other addresses nobody is meant.
        others = [rawws.RawClient(server, address="127.0.0.3") for _ in range(5)]
        self.assertEqual(server.stat("basic.refusals.max_connections_per_address"), 3)
        # One leaves, whichever way; one may come.
        for leave in ("goodbye", "reset", "close"):
            getattr(mine.pop(0), leave)()
            self.eventually(lambda: server.stat("basic.connections_active") == 9)
            mine.append(rawws.RawClient(server, address="127.0.0.2"))
        self.assertEqual(self.refused(server, address="127.0.0.2")[0], 429)
        for client in mine + others:
            client.echo("undisturbed")

    def test_one_address_storms(self):
        server = self.wsmd(limits__max_connections_per_address=20)
        silent = [
            rawws.RawClient(server, handshake=False, address="127.0.0.2") for _ in range(200)
        ]  # fmt: skip
        # Without a word from them: most are not even read from.
        self.eventually(lambda: server.stat("basic.accepted_total") >= 200)
        self.assertLessEqual(server.stat("basic.half_open"), 20)
        rawws.RawClient(server, address="127.0.0.3").echo("undisturbed")
        self.assertEqual(server.stat("basic.refusals.max_connections_per_address"), 180)
        for client in silent:
            client.close()

    def test_connections_for_each_second(self):
        server = self.wsmd(limits__connections_per_s=5)
        got_in, hints = [], []
        for i in range(30):
            try:
                got_in.append(rawws.RawClient(server, f"u{i}"))
            except ConnectionError as error:
                status, headers, _ = wsmd.parse_answer(str(error).encode("latin-1"))
                self.assertEqual(status, 503)
                hints.append(int(headers["retry-after"]))
        self.assertGreaterEqual(len(got_in), 5)
        self.assertEqual(server.stat("basic.refusals.connections_per_s"), len(hints))
        self.assertGreater(len(hints), 0, "the machine is slower than a test can be")
        self.assertTrue(all(1 <= hint <= 10 for hint in hints))
        self.assertEqual(server.get("/healthz")[0], 200, "pages are still served")
        # Who comes later gets in.
        self.eventually(lambda: self.comes_in(server), timeout_s=10)
        for client in got_in:
            client.echo("undisturbed")

    def comes_in(self, server):
        try:
            rawws.RawClient(server, "late").goodbye()
        except ConnectionError:
            return False
        return True


class Sizes(wsmd.WsmdTest):
    def test_request_head(self):
        server = self.wsmd(limits__max_request_head_bytes=1024)
        bare = len(rawws.request(extra="A: \r\n"))
        exact = rawws.request(extra="A: " + "x" * (1024 - bare) + "\r\n")
        self.assertEqual(len(exact), 1024)
        answer = server.exchange(exact + close_frame(1000))
        self.assertTrue(answer.startswith(b"HTTP/1.1 101 "), answer)
        over = rawws.request(extra="A: " + "x" * (1025 - bare) + "\r\n")
        status, _, body = wsmd.parse_answer(server.exchange(over))
        self.assertEqual(status, 431)
        self.assertIn("limits.max_request_head_bytes", body)
        self.assertEqual(server.stat("basic.refusals.head_too_large"), 1)
        hits = {row["limit"]: row["hits"] for row in server.ctl("limits")["limits"]}
        self.assertEqual(hits["max_request_head_bytes"], 1)

    def test_message_bytes(self):
        server = self.wsmd(limits__max_message_bytes=70000)
        parts = [(70000,), (1, 69999), (69999, 1), (35000, 0, 35000)]
        for sizes in parts:
            for opcode in (TEXT, BINARY):
                client = rawws.RawClient(server)
                client.write(self.message(opcode, sizes))
                self.assertEqual(len(client.receive()), 70000)
                client.goodbye()
        for sizes in [*(s[:-1] + (s[-1] + 1,) for s in parts), (70000, 1)]:
            client = rawws.RawClient(server)
            client.write(self.message(BINARY, sizes))
            closed = client.closing()
            self.assertEqual(closed.code, 1009)
            self.assertIn("limits.max_message_bytes", closed.reason)
        self.assertEqual(server.stat("basic.closes.too_big"), 5)
        self.assertEqual(server.ctl("send", all=True, text="x" * 70000)["reason"],
                         "nobody_connected")  # fmt: skip
        with self.assertRaises(wsmd.Refused) as refused:
            server.ctl("send", all=True, text="x" * 70001)
        self.assertEqual(refused.exception.error["code"], "too_large")

    def message(self, opcode, sizes):
        last = len(sizes) - 1
        return b"".join(
            frame(CONT if i else opcode, b"x" * size, fin=i == last)
            for i, size in enumerate(sizes)
        )  # fmt: skip

    def test_fragments(self):
        server = self.wsmd(limits__max_fragments=5)
        client = rawws.RawClient(server)
        client.write(self.message(TEXT, (1, 0, 1, 0, 1)))
        self.assertEqual(client.receive(), "xxx")
        client.write(self.message(TEXT, (1, 0, 1, 0, 1, 0)))
        closed = client.closing()
        self.assertEqual(closed.code, 1008)
        self.assertIn("limits.max_fragments", closed.reason)
        self.assertEqual(server.stat("basic.closes.too_many_fragments"), 1)

    def test_send_queue(self):
        server = self.wsmd(limits__send_queue_bytes=100000)
        client = rawws.RawClient(server, "a", rcvbuf=4096)
        result = {"delivered": 1}
        while result["delivered"]:
            queued = server.stat("delivery.queue_bytes")
            self.assertLessEqual(queued, 100000)
            result = server.ctl("send", user="a", text="x" * 9990)
        self.assertGreater(queued, 100000 - 2 * 9994, "it was nearly full before")
        self.assertEqual(result["reason"], "queue_full")
        self.assertEqual(client.closing().code, 1008)

    def held_for(self, **limits):
        """What the kernel may hold and holds for a peer who does not read."""
        server = self.wsmd(limits__send_queue_bytes=16 * 2**20, **limits)
        rawws.RawClient(server, "a", rcvbuf=4096)
        for _ in range(8):
            server.ctl("send", user="a", text="x" * 1000000)
        return server.ctl("why", target="a")["live"][0]["tcp"]

    def test_kernel_buffers(self):
        free = self.held_for()
        tcp = self.held_for(limits__socket_send_bytes=32768, limits__socket_receive_bytes=16384)
        self.assertEqual((tcp["send_buffer_bytes"], tcp["receive_buffer_bytes"]), (65536, 32768))
        self.assertLess(tcp["held_bytes"], 3 * 65536)
        self.assertGreater(free["held_bytes"], tcp["held_bytes"])


class Rates(wsmd.WsmdTest):
    def test_control_frames(self):
        server = self.wsmd(
            limits__control_frame_burst=5, limits__control_frames_per_s=10
        )  # fmt: skip
        client = rawws.RawClient(server)
        client.write(frame(PING, b"x") * 5)
        for _ in range(5):
            self.assertEqual(client.read_frame(), (rawws.PONG, b"x"))
        time.sleep(0.35)  # three more tokens
        client.write(frame(PING, b"y") * 3)
        for _ in range(3):
            self.assertEqual(client.read_frame(), (rawws.PONG, b"y"))
        client.write(frame(PING, b"z") * 10)
        closed = client.closing()
        self.assertEqual(closed.code, 1008)
        self.assertIn("limits.control_frames_per_s", closed.reason)
        self.assertEqual(server.stat("basic.closes.rate_limit"), 1)

    def test_no_limit_of_control_frames(self):
        server = self.wsmd(limits__control_frames_per_s=0)
        client = rawws.RawClient(server)
        client.write(frame(PING, b"x") * 2000)
        for _ in range(2000):
            self.assertEqual(client.read_frame(), (rawws.PONG, b"x"))
        client.goodbye()


class MessageRate(wsmd.WsmdTest):
    def test_messages(self):
        server = self.wsmd(limits__message_burst=5, limits__messages_per_s=1)
        client = rawws.RawClient(server)
        quiet = rawws.RawClient(server)
        for i in range(5):
            client.echo(f"{i}")
        client.write(frame(TEXT, b"x") * 10)
        closed = client.closing()
        self.assertEqual(closed.code, 1008)
        self.assertIn("limits.messages_per_s", closed.reason)
        self.assertEqual(server.stat("basic.closes.message_rate"), 1)
        quiet.echo("each has his own")

    def test_off_by_default_and_on_by_a_reload(self):
        file = f"{self.enterContext(tempfile.TemporaryDirectory())}/wsmd.json"

        def write(**limits):
            with open(file, "w", encoding="ascii") as out:
                json.dump({"limits": {"message_burst": 3, **limits}}, out)

        write()
        server = self.wsmd("--config", file)
        client = rawws.RawClient(server)
        for i in range(500):
            client.echo(f"{i}")
        self.assertEqual(server.stat("basic.closes.message_rate"), 0)
        write(messages_per_s=1)
        server.ctl("reload")
        # It holds for who is there and for who comes.
        for talker in (client, rawws.RawClient(server)):
            talker.write(frame(TEXT, b"x") * 20)
            closed = talker.closing()
            self.assertEqual(closed.code, 1008)
            self.assertIn("limits.messages_per_s", closed.reason)
        self.assertEqual(server.stat("basic.closes.message_rate"), 2)
        write()
        server.ctl("reload")
        freed = rawws.RawClient(server)
        for i in range(20):
            freed.echo(f"{i}")


class Descriptors(wsmd.WsmdTest):
    NOFILE = 128

    def test_full_server_rests_and_recovers(self):
        server = self.wsmd("--workers", "2", nofile=self.NOFILE)
        room = server.ctl("stats")["limits"]["max_connections"]
        self.assertTrue(20 < room < self.NOFILE)
        clients = [rawws.RawClient(server, f"u{i}") for i in range(room)]
        # Far more than there are descriptors, and they stay.
        waiting = []
        for _ in range(300):
            sock = socket.socket()
            sock.setblocking(False)
            server.sockets.append(sock)
            sock.connect_ex(("127.0.0.1", server.port))
            waiting.append(sock)
        time.sleep(0.2)
        cpu, start = server.cpu_s(), time.monotonic()
        while time.monotonic() - start < 1.5:
            clients[0].echo("served in spite of it")
            # The operator is let in.
            control = wsmd.Control(server.control_path)
            self.assertEqual(control.ask("stats")["basic"]["connections_active"], room)
            control.close()
            time.sleep(0.1)
        self.assertLess(server.cpu_s() - cpu, 0.75, "it spins")
        self.assertLess(server.descriptors(), self.NOFILE)
        for client in clients[1:]:
            client.close()
        for sock in waiting:
            sock.close()
        self.eventually(lambda: server.stat("basic.connections_active") == 1)
        start = time.monotonic()
        rawws.RawClient(server, "new").goodbye()
        self.assertLess(time.monotonic() - start, 3, "accepts resume")
        clients[0].echo("all the time")

    def test_lowered_under_its_feet(self):
        server = self.wsmd("--workers", "1", nofile=256)
        kept = rawws.RawClient(server, "kept")
        # Less than it has already: every accept fails with EMFILE.
        limits = (server.descriptors(), 256)
        wsmd.resource.prlimit(server.pid, wsmd.resource.RLIMIT_NOFILE, limits)
        waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        self.eventually(lambda: server.log("accept_paused"))
        cpu = server.cpu_s()
        time.sleep(1.2)
        self.assertLess(server.cpu_s() - cpu, 0.6, "it spins")
        kept.echo("served in spite of it")
        self.assertLess(len(server.log("accept_paused")), 10)
        self.assertGreaterEqual(server.stat("basic.accept_pauses"), 1)
        wsmd.resource.prlimit(server.pid, wsmd.resource.RLIMIT_NOFILE, (256, 256))
        for sock in waiting:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(wsmd.parse_answer(wsmd.read_to_end(sock))[0], 200)
            sock.close()
        kept.goodbye()


class Shown(wsmd.WsmdTest):
    def limits(self, server):
        return {row.pop("limit"): row for row in server.ctl("limits")["limits"]}

    def test_every_limit_is_shown(self):
        server = self.wsmd(limits__max_connections_per_user=2)
        limits = self.limits(server)
        self.assertEqual(set(limits), set(server.ctl("config")["limits"]))
        self.assertEqual(limits["max_connections_per_user"]["value"], 2)
        self.assertEqual(limits["max_connections_per_user"]["from"], "configuration")
        self.assertEqual(limits["max_message_bytes"]["from"], "default")
        stats = server.ctl("stats")["limits"]
        self.assertEqual(limits["max_connections"]["value"], stats["max_connections"])
        self.assertIn(limits["max_connections"]["from"], ("descriptors", "memory"))
        self.assertEqual(limits["memory_bytes"]["from"], "machine")
        self.assertGreater(limits["memory_bytes"]["value"], limits["buffered_bytes"]["value"])

    def test_how_near_and_how_often(self):
        server = self.wsmd(limits__max_connections_per_user=2, limits__max_message_bytes=1000)
        clients = [rawws.RawClient(server, "alice") for _ in range(2)]
        for _ in range(3):
            with self.assertRaises(ConnectionError):
                rawws.RawClient(server, "alice")
        clients[0].write(frame(TEXT, b"x" * 1001))
        self.assertEqual(clients[0].closing().code, 1009)
        clients.pop(0).close()
        self.eventually(lambda: server.stat("basic.connections_active") == 1)
        limits = self.limits(server)
        self.assertEqual(limits["max_connections_per_user"]["hits"], 3)
        self.assertEqual(limits["max_message_bytes"]["hits"], 1)
        self.assertEqual(limits["max_fragments"]["hits"], 0)
        self.assertEqual(limits["max_connections"]["now"], 1)
        self.assertGreaterEqual(limits["max_connections"]["peak"], 1)

    def test_as_a_table(self):
        server = self.wsmd(limits__connections_per_s=77)
        lines = server.wsmctl("limits").splitlines()
        self.assertEqual(lines[0].split(), ["LIMIT", "VALUE", "FROM", "NOW", "PEAK", "HITS"])
        rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
        self.assertEqual(rows["connections_per_s"], ["77", "configuration", "-", "-", "0"])
        self.assertEqual(rows["max_message_bytes"][:3], ["1.0", "MiB", "default"])
        self.assertEqual(rows["handshake_timeout_s"][:2], ["5", "s"])
        self.assertIn('"hits"', server.wsmctl("limits", "--json"))
        server.wsmctl("limits", "too", "much", code=2)


class Every(wsmd.WsmdTest):
    def test_no_limit_is_forgotten(self):
        """A new limit needs a test: somewhere in these files its name is set."""
        server = self.wsmd()
        folder = pathlib.Path(__file__).resolve().parent
        tests = "".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
        # A bound of memory for one worker's inbox, which no outsider can fill.
        names = set(server.ctl("config")["limits"]) - {"inbox_items"}
        missing = [name for name in names if f"limits__{name}" not in tests]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    runner.main()
