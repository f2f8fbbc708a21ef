"""What the tests of wsmctl share: how it is run, and what a daemon might tell it."""

import os
import re
import subprocess
import unittest

import runner
from fake_daemon import FakeDaemon

WSMCTL = runner.program("WSMCTL", "wsmctl")

DONE, FAILED, USAGE, NO_DAEMON, NO_TARGET = range(5)

EVIL = "a\x1b]0;owned\x07\x1b[2J\r\n\x7f\x9b31m\u202eb"
EVIL_SHOWN = r"a\x1b]0;owned\x07\x1b[2J\x0d\x0a\x7f\u009b31m\u202eb"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if k.startswith(("ASAN", "UBSAN", "PATH"))}
    return {**kept, "LC_ALL": "C.UTF-8", **more}


def row(n=1, user="alice", **more):
    return {
        "id": f"{n:032x}", "hub": "default", "user": user, "worker": n % 4,
        "peer": "127.0.0.1:50000", "protocol": "plain", "state": "open",
        "connected_at": "2024-05-01T10:00:00Z", "age_ms": 250_000, "idle_ms": 1_500,
        "messages_in": 12, "messages_out": 3456, "bytes_in": 12_595, "bytes_out": 532,
        "queue_bytes": 0, **more,
    }  # fmt: skip


def stats(t=0, **more):
    return {
        "basic": {
            "uptime_s": 250 + t, "version": "0.1.0", "environment": "dev",
            "connections_active": 7, "connections_total": 10 + 3 * t,
            "messages_in": 100 * t, "messages_out": 1_000_000 + 200 * t,
            "bytes_in": 1024 * t, "bytes_out": 5 * 1024 * 1024 + 2048 * t,
            "closes": {"peer_close": 3, "heartbeat_timeout": 0},
            "refusals": {"no_token": 0},
        },
        "protocol_distribution": {"now": {"plain": 7}, "ever": {"plain": 9, "json": 0}},
        "health": {"rtt_mean_us": 213, "score": 0.75, "last": None, "sane": True},
        "workers": {
            "count": 2, "turns": 9,
            "each": [{"worker": 0, "connections": 3, "turns": 4},
                     {"worker": 1, "connections": 4, "turns": 5, "extra": 1}],
        },
        **more,
    }  # fmt: skip


class Case(unittest.TestCase):
    def call(self, *args, env=None, data=b""):
        return subprocess.run(
            [WSMCTL, *args], env=env or environment(), input=data, capture_output=True, timeout=60
        )

    def ask(self, answers, *args, drip=False, data=b"", env=None):
        """Run wsmctl against a daemon with these answers."""
        with FakeDaemon(answers, drip) as self.daemon:
            done = self.call("--control", self.daemon.path, *args, data=data, env=env)
        self.assertEqual(self.daemon.broken, [])
        self.assertLessEqual(self.daemon.connections, 1)
        done.out, done.err = done.stdout.decode(), done.stderr.decode()
        if "--json" not in args:
            self.assertNotRegex(done.out + done.err, UNSAFE)
        return done

    def sent(self):
        """The arguments of the only request."""
        (request,) = self.daemon.requests
        return request.get("arguments", {})

    def check(self, done, code, out=None, err=None):
        self.assertEqual(done.returncode, code, done.stderr)
        if out is not None:
            self.assertEqual(done.stdout.decode(), out)
        if err is not None:
            self.assertRegex(done.stderr.decode(), err)
