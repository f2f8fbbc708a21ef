"""Ends: stop, second signal, drain, and what everybody is told on the way."""

import contextlib
import ctypes
import os
import pathlib
import re
import signal
import time

import crowd
import rawws
import runner
import wsmd

MIB = 1 << 20

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000  # wait for a thread that is not a child


@contextlib.contextmanager
def hung_thread(test, pid, name):
    """Hold one thread of the process, which has to end inside."""
    threads = pathlib.Path(f"/proc/{pid}/task").iterdir()
    thread = next(int(t.name) for t in threads if (t / "comm").read_text().strip() == name)
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long] * 4
    if ptrace(PTRACE_SEIZE, thread, 0, 0) != 0:
        test.skipTest(f"no thread can be held here: {os.strerror(ctypes.get_errno())}")
    ptrace(PTRACE_INTERRUPT, thread, 0, 0)
    os.waitpid(thread, WALL)  # it stands still
    try:
        yield
        # It ends, and we are told: only then the process has.
        test.eventually(lambda: os.waitpid(thread, WALL | os.WNOHANG)[0], "it cannot be stopped")
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(thread, WALL)
        raise


class Stop(wsmd.WsmdTest):
    def test_everybody_is_told(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.wsmd()
            clients = self.keep(crowd.Crowd(server, 300))
            half_open = server.connect()
            half_open.sendall(rawws.request()[:30])
            server.signal(number)
            self.assertEqual(server.exit_code(), 0)
            self.eventually(lambda: clients.count_open() == 0)
            self.assertEqual(clients.close_codes(), {1001: 300})
            reasons = [rawws.split_reason(m.close_reason) for m in clients.members]
            self.assertEqual({reason[0] for reason in reasons}, {"server is going away"})
            self.assertEqual(len({reason[2] for reason in reasons} - {None}), 300)
            self.assertTrue(server.log("stopping"))
            self.assertTrue(server.log("stopped"))
            self.assertEqual(len(server.log("closed", reason="server_stop")), 300)
            with self.assertRaises(OSError):
                server.connect()

    def test_what_was_queued_arrives(self):
        server = self.wsmd(
            limits__max_message_bytes=16 * MIB, limits__send_queue_bytes=64 * MIB
        )
        client = rawws.RawClient(server, "slow", rcvbuf=4096)
        text = "x" * (4 * MIB - 200)
        for _ in range(4):
            self.assertEqual(server.ctl("send", user="slow", text=text)["delivered"], 1)
        self.assertGreater(server.stat("delivery.queue_bytes"), 0)
        server.signal(signal.SIGTERM)
        self.eventually(lambda: server.log("stopping"))
        for _ in range(4):
            self.assertEqual(client.receive(), text)
        self.assertEqual(client.closing().code, 1001)
        client.write(rawws.close_frame(1001))
        self.assertTrue(client.at_end())
        client.close()
        self.assertEqual(server.exit_code(), 0)

    def test_a_slow_reader_has_as_long_as_the_server(self):
        for reads, code in [(True, 0), (False, 3)]:
            with self.subTest(reads=reads):
                server = self.wsmd(
                    code=code,
                    limits__close_timeout_s=0.2,
                    limits__max_message_bytes=64 * MIB,
                    limits__send_queue_bytes=64 * MIB,
                    shutdown__deadline_s=10 if reads else 1,
                )
                client = rawws.RawClient(server, "alice", rcvbuf=4096)
                for _ in range(3):
                    server.ctl("send", user="alice", text="x" * (4 * MIB - 200))
                server.signal(signal.SIGTERM)
                time.sleep(0.5)  # longer than the close timeout
                if reads:
                    for _ in range(3):
                        self.assertEqual(len(client.receive()), 4 * MIB - 200)
                    self.assertEqual(client.closing().code, 1001)
                    client.write(rawws.close_frame(1001))
                self.assertEqual(server.exit_code(), code)

    def test_peers_that_never_finish_are_cut(self):
        server = self.wsmd(shutdown__deadline_s=0.5, code=3)
        silent = [rawws.RawClient(server, f"s{i}") for i in range(20)]
        polite = self.keep(crowd.Crowd(server, 20))
        start = time.monotonic()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_code(), 3)
        lasted = time.monotonic() - start
        self.assertGreaterEqual(lasted, 0.45)
        self.assertLess(lasted, 10)
        self.eventually(lambda: polite.count_open() == 0)
        self.assertEqual(polite.close_codes(), {1001: 20})
        # Cut, but not without the close frame.
        self.assertEqual({client.closing().code for client in silent}, {1001})
        self.assertIn("cut at the deadline", server.log("stopped")[0]["text"])

    def test_second_signal_ends_at_once(self):
        server = self.wsmd(shutdown__deadline_s=60, limits__close_timeout_s=60, code=3)
        rawws.RawClient(server, "silent")
        server.signal(signal.SIGTERM)
        self.eventually(lambda: server.log("stopping"))
        start = time.monotonic()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_code(), 3)
        self.assertLess(time.monotonic() - start, 5)
        self.assertTrue(server.log("cut"))
        self.assertFalse(os.path.exists(server.control_path))

    def test_third_signal_ends_at_once_whatever_hangs(self):
        server = self.wsmd("--workers", "1", shutdown__deadline_s=60, code=3)
        rawws.RawClient(server, "silent")
        with hung_thread(self, server.pid, "wsmd-worker-0"):
            server.signal(signal.SIGTERM)
            self.eventually(lambda: server.log("stopping"))
            server.signal(signal.SIGTERM)
            self.eventually(lambda: server.log("cut"))
            time.sleep(0.1)
            self.assertIsNone(server.process.poll(), "it waits for its worker")
            server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_code(), 3)
        self.assertFalse(server.log("stopped"))

    def test_stop_in_the_middle_of_everything(self):
        server = self.wsmd(limits__close_timeout_s=0.5)
        clients = self.keep(crowd.Crowd(server, 50))
        control = self.keep(wsmd.Control(server.control_path))
        control.send(b'{"version":1,"command":"ls"}\n' * 200)
        joining = [server.connect() for _ in range(50)]
        for sock in joining:
            sock.sendall(rawws.request("/ws?user=late"))
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_code(), 0)
        self.eventually(lambda: clients.count_open() == 0)
        self.assertEqual(clients.close_codes(), {1001: 50})


class Drain(wsmd.WsmdTest):
    def test_newcomers_are_sent_away_and_the_rest_is_paced(self):
        server = self.wsmd("--workers", "2", drain__rate_per_s=200)
        clients = self.keep(crowd.Crowd(server, 300))
        self.assertEqual(server.get("/readyz")[0], 200)
        start = time.monotonic()
        self.assertEqual(server.ctl("drain")["connections"], 300)

        status, _, body = server.get("/readyz")
        self.assertEqual((status, body), (503, "draining\n"))
        self.assertEqual(server.get("/healthz")[0], 200, "it lives")
        for _ in range(5):
            status, headers, body = wsmd.parse_answer(server.exchange(rawws.request()))
            self.assertEqual(status, 503)
            self.assertTrue(1 <= int(headers["retry-after"]) <= 10)
            self.assertIn("draining", body)
        self.assertEqual(server.stat("basic.refusals.draining"), 5)

        self.eventually(lambda: clients.count_open() == 0)
        lasted = time.monotonic() - start
        self.assertGreaterEqual(lasted, 1.2, "300 at 200 a second")
        self.assertLess(lasted, 15)
        self.assertEqual(clients.close_codes(), {1012: 300})
        # One after the other: in each quarter of the time some have gone.
        times = sorted(member.closed_at - start for member in clients.members)
        self.assertLess(times[75], 0.6 * times[-1])
        self.assertGreater(times[225], 0.4 * times[-1])
        self.assertEqual(server.stat("basic.closes.drain"), 300)
        # It stays and can still be asked, until it is told to stop.
        self.assertEqual(server.ctl("drain")["connections"], 0)

    def test_the_sick_go_first_and_everybody_gets_a_hint(self):
        server = self.wsmd(
            "--workers", "2", drain__rate_per_s=100,
            heartbeat__interval_s=0.5, heartbeat__timeout_s=60,
        )  # fmt: skip
        healthy = self.keep(crowd.Crowd(server, 120, user=lambda i: f"h{i}"))
        sick = self.keep(crowd.Crowd(server, 30, user=lambda i: f"s{i}"))
        # A round trip is measured first: what follows from it is how soon they are suspects.
        self.eventually(lambda: all(m.ping_times for m in sick.members))
        sick.answers = False
        self.eventually(lambda: server.stat("health.suspects") == 30)
        self.assertEqual(server.stat("health.sick"), 30)
        start = time.monotonic()
        server.ctl("drain")
        self.eventually(lambda: healthy.count_open() == 0)
        self.assertGreaterEqual(time.monotonic() - start, 1.3, "150 at 100 a second")
        order = [line["user"][0] for line in server.log("closed", reason="drain")]
        self.assertEqual(len(order), 150)
        # The workers write at their own times: a step of one may overlap the other's.
        self.assertNotIn("h", order[:20])
        self.assertNotIn("s", order[40:])
        hints = [
            int(re.search(r"\[retry_ms=(\d+) id=", m.close_reason).group(1))
            for m in healthy.members
        ]
        self.assertTrue(all(1000 <= ms < 5000 for ms in hints), hints)
        self.assertGreater(len(set(hints)), 60, "jitter")

    def test_unequal_workers_keep_the_pace_of_all(self):
        """One user is on one worker: the pace is the server's all the same."""
        server = self.wsmd(
            "--workers", "2", drain__rate_per_s=50, limits__max_connections_per_user=1000
        )
        clients = self.keep(crowd.Crowd(server, 200, user=lambda i: "one"))
        start = time.monotonic()
        server.ctl("drain")
        self.eventually(lambda: server.stat("basic.closes.drain") >= 100)
        half = time.monotonic() - start
        self.eventually(lambda: clients.count_open() == 0)
        self.assertGreaterEqual(half, 1.9)
        self.assertLess(half, 3.9, "at half the pace it would take 4 s")

    def test_at_the_deadline_the_rest_goes_at_once(self):
        server = self.wsmd(drain__rate_per_s=1, drain__deadline_s=0.4)
        clients = self.keep(crowd.Crowd(server, 100))
        server.ctl("drain")
        self.eventually(lambda: clients.count_open() == 0, timeout_s=10)
        self.assertEqual(clients.close_codes(), {1012: 100})

    def test_messages_still_flow_while_draining(self):
        server = self.wsmd("--workers", "1", drain__rate_per_s=1)
        clients = [rawws.RawClient(server, "a") for _ in range(5)]
        server.ctl("drain")
        for client in clients[1:]:
            client.echo("still served")
        self.assertGreaterEqual(server.ctl("send", user="a", text="x")["delivered"], 3)

    def test_stop_while_draining(self):
        server = self.wsmd(drain__rate_per_s=10)
        clients = self.keep(crowd.Crowd(server, 100))
        server.ctl("drain")
        self.eventually(lambda: clients.count_open() < 100)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.exit_code(), 0)
        self.eventually(lambda: clients.count_open() == 0)
        codes = clients.close_codes()
        self.assertEqual(codes[1001] + codes[1012], 100)
        self.assertGreater(codes[1001], 50)


if __name__ == "__main__":
    runner.main()
