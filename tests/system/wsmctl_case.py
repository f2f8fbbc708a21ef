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


def usual_stats(t=0):
    """What a daemon with a few hundred users tells after t seconds."""
    return {
        "basic": {
            "version": "0.1.0", "environment": "production", "uptime_s": 86_400.5 + t,
            "memory_bytes": 3_565_158, "connections_active": 232 + t % 3, "users_active": 201,
            "connections_total": 12_345 + 3 * t, "accepted_total": 12_400 + 3 * t, "half_open": 0,
            "accept_pauses": 0, "http_requests": 0, "messages_in": 104_225 + 20_000 * t,
            "messages_out": 104_289 + 20_000 * t, "control_frames_in": 160 + t,
            "bytes_in": 11_010_048 + 2_097_152 * t, "bytes_out": 10_695_475 + 2_097_152 * t,
            "broadcasts": 0, "closes": {"peer_close": 178, "io_error": 0},
            "refusals": {"not_found": 3, "max_connections_per_user": 18, "busy": 0},
        },
        "protocol_distribution": {
            "now": {"websocket": 232, "http": 0}, "ever": {"websocket": 12_345 + 3 * t, "http": 0},
        },
        "health": {
            "pings_sent": 160 + t, "pings_pending": 1 + t % 3, "pongs_received": 160 + t,
            "pongs_missed": 0, "rtt_sum_us": 50_123 + 300 * t,
        },
        "delivery": {
            "sends": 3 + t, "delivered": 64 + 4 * t, "dropped": 0, "no_such_target": 1,
            "queue_bytes": 1000 + 1000 * (t % 5),
        },
        "heartbeat_config": {"interval_s": 45.0, "missed_limit": 3},
        "limits": {"max_connections": 19_932, "descriptors": 20_000},
        "workers": {
            "count": 2, "turns": 79_024 + 11_000 * t, "reads": 104_385 + 20_000 * t,
            "writes": 104_681 + 20_000 * t, "message_allocs": 160 + t, "inbox_full": 0,
            "each": [{"worker": n, "connections": 116, "turns": 39_512} for n in (0, 1)],
        },
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
