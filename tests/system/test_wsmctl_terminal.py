"""Goal: watching shows rates and ends cleanly; what is painted fits the terminal."""

import fcntl
import itertools
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import runner
from fake_daemon import CLOSE, SILENT, FakeDaemon, fault, ok
from wsmctl_case import (
    DONE, EVIL, FAILED, NO_DAEMON, UNSAFE, WSMCTL, Case, environment, row, stats,
    usual_stats,
)


class Watch(Case):
    """Without a terminal: a line for each interval."""

    def watch(self, script, *args):
        with FakeDaemon(script) as daemon:
            command = [WSMCTL, "--control", daemon.path, "stats", "--watch", "0.1", *args]
            with subprocess.Popen(
                command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as process:
                lines = [process.stdout.readline().decode() for _ in range(3)]
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(30), DONE)
                self.assertEqual(process.stderr.read(), b"")
        return lines

    def test_lines_of_rates(self):
        asked = itertools.count()
        lines = self.watch(lambda request: ok(**stats(next(asked))))
        opened = []
        for line in lines:
            self.assertRegex(
                line,
                r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ connections=7 opened_per_s=\d+\.\d "
                r"messages_in_per_s=\d+\.\d messages_out_per_s=\d+\.\d "
                r"bytes_in_per_s=\d+\.\d bytes_out_per_s=\d+\.\d\n$",
            )
            rates = [float(x) for x in re.findall(r"per_s=(\S+)", line)]
            opened.append(rates[0])
            for rate, times in zip(rates, [1, 100 / 3, 200 / 3, 1024 / 3, 2048 / 3]):
                self.assertAlmostEqual(rate / rates[0], times, delta=times / 50)
        # Three new ones each time; seldom enough do three intervals of 0.1 s all take 0.7 s.
        self.assertGreater(max(opened), 4.5)

    def test_lines_of_json(self):
        for line in self.watch(lambda request: ok(**stats(1)), "--json"):
            self.assertEqual(json.loads(line), stats(1))

    def test_interval(self):
        for args in [["--watch"], ["--watch=1"], ["--watch", "0.1"]]:
            done = self.ask([ok(**stats()), CLOSE], "stats", *args)
            self.check(done, NO_DAEMON, "", "went away")
        done = self.ask([ok(**stats()), CLOSE], "--watch", "stats")
        self.check(done, NO_DAEMON, "", "went away")

    def test_daemon_refuses_or_stalls(self):
        done = self.ask([ok(**stats()), fault("busy", "later")], "stats", "--watch", "0.1")
        self.check(done, FAILED, "", "wsmctl: later")
        args = ["--timeout", "0.2", "stats", "--watch", "0.1"]
        self.check(self.ask([ok(**stats()), SILENT], *args), NO_DAEMON, "", "did not answer stats")

    def test_counters_of_an_older_daemon(self):
        answers = [ok(basic={}), ok(basic={"messages_in": "x"}), CLOSE]
        self.check(self.ask(answers, "stats", "--watch", "0.1"), NO_DAEMON, err="went away")


class Terminal(Case):
    """With a terminal of a given size."""

    def on_terminal(self, script, *args, columns=80, rows=24, keys=b"", until=None, kill=None):
        """All that was written to the terminal; keys are pressed once `until` has appeared."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        before = termios.tcgetattr(slave)
        seen = b""
        with FakeDaemon(script) as daemon:
            with subprocess.Popen(
                [WSMCTL, "--control", daemon.path, *args], env=environment(), stdin=slave,
                stdout=slave, stderr=subprocess.PIPE, start_new_session=True,
            ) as process:  # fmt: skip
                deadline = time.monotonic() + 30
                while process.poll() is None or select.select([master], [], [], 0)[0]:
                    if time.monotonic() > deadline:
                        process.kill()
                        self.fail(f"it does not end: {seen}")
                    if select.select([master], [], [], 0.02)[0]:
                        seen += os.read(master, 65536)
                    if until is not None and re.search(until, seen):
                        until = None
                        if kill is not None:
                            process.send_signal(kill)
                        os.write(master, keys)
                self.err = process.stderr.read().decode()
        self.assertEqual(termios.tcgetattr(slave), before, "the terminal is as it was")
        os.close(master)
        os.close(slave)
        return process.returncode, seen.decode().replace("\r\n", "\n")

    def test_list_is_fitted(self):
        users = ["bob", "a-user-with-quite-a-long-name@example.com", "山" * 30]
        rows = [row(n, user) for n, user in enumerate(users)]
        for columns in [300, 200, 170, 150, 130, 120, 100, 80, 60, 50]:
            with self.subTest(columns=columns):
                rc, out = self.on_terminal([ok(connections=rows)], "ls", columns=columns)
                self.assertEqual(rc, DONE)
                lines = out.splitlines()
                self.assertEqual(len(lines), 4)
                for n, line in enumerate(lines[1:]):
                    self.assertTrue(line.startswith(f"{n:032x}  "))
                    width = sum(2 if c == "山" else 1 for c in line)
                    self.assertLessEqual(width, columns)
                if columns >= 300:
                    self.assertNotIn("…", out)
                    self.assertIn("WORKER", lines[0])
                if columns <= 120:
                    self.assertIn("…", out)
                if columns == 80:
                    self.assertNotIn("WORKER", lines[0])
                    self.assertIn("AGE", lines[0])

    def test_user_and_hub_stay_longest(self):
        """Of real rows: an id has 26 characters."""
        rows = [row(id=26 * "a", user="alice", hub="chat")]
        shown = {}
        for columns in range(130, 30, -3):
            _, out = self.on_terminal([ok(connections=rows)], "ls", columns=columns)
            shown[columns] = re.split(" {2,}", out.splitlines()[0].strip())
            self.assertEqual(shown[columns][:2], ["CONNECTION", "USER"])
            if "HUB" not in shown[columns]:
                self.assertEqual(len(shown[columns]), 2, "the hub went before another column")
        self.assertEqual(shown[79][:6], ["CONNECTION", "USER", "HUB", "PEER", "AGE", "IDLE"])

    def test_ids_are_never_cut(self):
        _, out = self.on_terminal([ok(connections=[row()])], "ls", columns=20)
        self.assertIn(f"{1:032x}  alice", out)

    def test_terminal_of_unknown_size(self):
        _, out = self.on_terminal([ok(connections=[row()])], "ls", columns=0)
        self.assertIn("WORKER", out)

    def test_json_is_indented_and_tame(self):
        rows = [row(user=EVIL), row(2)]
        for args, answer in [
            (["ls"], ok(connections=rows)), (["ls"], ok(connections=[])),
            (["show", "x"], ok(connections=rows)),
        ]:  # fmt: skip
            rc, out = self.on_terminal([answer], "--json", *args)
            self.assertEqual(rc, DONE)
            self.assertEqual(json.loads(out), answer["result"])
            self.assertNotRegex(out.replace("\x7f", ""), UNSAFE)
            if answer["result"]["connections"]:
                # jansson writes the digits of an escape in capitals, and DEL as it is.
                pretty = json.dumps(answer["result"], indent=2).replace("u007f", "\x7f") + "\n"
                self.assertEqual(out.lower(), pretty.replace("\\\x7f", "\x7f").lower())

    def picture(self, make=stats, **more):
        start = time.monotonic()
        return self.on_terminal(
            lambda request: ok(**make(int(1000 * (time.monotonic() - start)))),
            "stats", "--watch", "0.1", until=rb"(?s)(\x1b\[H.*){3}", **more,
        )  # fmt: skip

    def frames(self, out):
        pictures = out.split("\x1b[H")[1:]
        return [re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", x).split("\n") for x in pictures]

    def test_watch_repaints_until_q(self):
        rc, out = self.picture(keys=b"xq", rows=60)
        self.assertEqual(rc, DONE)
        self.assertIn("wsmd 0.1.0, up 4m", out)
        self.assertGreaterEqual(len(self.frames(out)), 3)
        self.assertIn("workers.each", out)
        self.assertNotIn("more than fits", out)

    def test_watch_shows_the_usual_daemon_on_a_small_screen(self):
        rc, out = self.picture(make=usual_stats, keys=b"q")
        self.assertEqual(rc, DONE)
        for frame in self.frames(out):
            text = "\n".join(frame)
            self.assertIn("up 1d00h, memory 3.4 MiB", text)
            self.assertIn("message_allocs", text, "the last row of the last block")
            self.assertNotRegex(text, "heartbeat|limits|half_open|io_error|dropped|busy|production")
            first = [text.index(x) for x in ["connections", "users", "messages", "delivery"]]
            self.assertEqual(sorted(first), first, "what an operator watches")
            self.assertRegex(frame[2], r"^connections +health$", "two columns")
            for title in ["closes", "refusals", "protocols", "workers"]:
                self.assertRegex(text, rf" {title}\n")
        rate = r"\d+(\.\d)?/s"
        for row in [
            rf"connections_total +\d+ +{rate}", rf"messages_in +\d+ +{rate}",
            rf"messages_out +\d+ +{rate}", r"bytes_in +\S+ [MG]iB +\S+ [KMG]iB/s",
            rf"sends +\d+ +{rate}", rf"pings_sent +\d+ +{rate}", r"connections_active +\d+  +\S",
            r"queue +\S+ (Ki)?B($|  )", r"rtt_sum +\S+( m?s)?$", r"max_connec\S+ +18$",
        ]:  # fmt: skip
            self.assertRegex(text, re.compile(rf"(?m)(^| ) {row}"))

    def test_watch_gives_rates_to_counters_only(self):
        """Of all that the manual of the statistics knows."""
        manual = (runner.REPO / "docs" / "statistics.md").read_text()
        kinds = dict(re.findall(r"^\| `([a-z_.]+)` \| (gauge|counter)", manual, re.M))
        self.assertIn("gauge", kinds.values())

        def moving(t):
            groups = {}
            for path in kinds:
                group, name = path.split(".")
                groups.setdefault(group, {})[name] = 7 + t
            return groups

        _, out = self.picture(make=moving, keys=b"q", rows=200, columns=50)
        shown = {line.split()[0]: line for line in self.frames(out)[-1] if line.startswith(" ")}
        for path, kind in kinds.items():
            with self.subTest(path=path):
                name = re.sub("_(us|bytes)$", "", path.split(".")[1])
                rated = kind == "counter" and not path.endswith("_us")
                self.assertEqual("/s" in shown[name], rated, shown[name])

    def test_watch_keeps_rows_that_were_there(self):
        answers = itertools.chain([0, 0, 5], itertools.repeat(0))
        script = lambda request: ok(basic={"half_open": next(answers), "connections_active": 0})
        args = ["stats", "--watch", "0.1"]
        _, out = self.on_terminal(script, *args, keys=b"q", until=rb"(?s)(\x1b\[H.*){6}")
        shown = ["half_open" in "\n".join(frame) for frame in self.frames(out)]
        self.assertEqual(shown[:5], [False, False, True, True, True])
        self.assertIn("connections_active  0", out)

    def test_watch_uses_the_width(self):
        for columns, titles in [(40, 1), (80, 2), (150, 3), (260, 4), (0, 2)]:
            with self.subTest(columns=columns):
                _, out = self.picture(make=usual_stats, keys=b"q", rows=60, columns=columns)
                self.assertEqual(len(self.frames(out)[-1][2].split()), titles)
                self.assertEqual("…" in out, columns < 150)

    def test_watch_survives_strange_statistics(self):
        strange = {
            EVIL: {EVIL: EVIL, "n": {EVIL: 1}}, "loose": 5, "t": [{EVIL: EVIL}], "none": {},
            "basic": {"messages_in": "x", "connections_active": None, "of_tomorrow": 3},
        }  # fmt: skip
        rc, out = self.picture(make=lambda t: strange, keys=b"q", columns=200)
        self.assertEqual(rc, DONE)
        self.assertNotRegex(re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", out), UNSAFE)
        for row in ["messages_in +x", "of_tomorrow +3", "loose +5"]:
            self.assertRegex(out, row)

    def test_watch_ends_on_signals(self):
        for signo in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            with self.subTest(signo=signo):
                rc, out = self.picture(kill=signo)
                self.assertEqual((rc, self.err), (DONE, ""))
                self.assertTrue(out.endswith("\x1b[?25h"))

    def test_watch_stays_inside_the_terminal(self):
        for rows, columns in [(10, 40), (5, 20), (12, 80)]:
            rc, out = self.picture(make=usual_stats, keys=b"q", rows=rows, columns=columns)
            self.assertEqual(rc, DONE)
            for lines in self.frames(out):
                self.assertLessEqual(len(lines), rows)
                self.assertLessEqual(max(map(len, lines)), columns)
                self.assertIn("(more than fits)", lines)

    def test_watch_when_the_daemon_vanishes(self):
        answers = [ok(**stats()), ok(**stats(1)), CLOSE]
        rc, out = self.on_terminal(answers, "stats", "--watch", "0.1")
        self.assertEqual(rc, NO_DAEMON)
        self.assertIn("went away", self.err)
        self.assertIn("\x1b[?25h", out)


if __name__ == "__main__":
    runner.main()
