"""Goal: each wrong command line and each way a daemon can fail has a sentence and an exit code."""

import json
import os
import re
import socket
import subprocess
import tempfile
import unittest

import runner
from fake_daemon import CLOSE, SILENT, FakeDaemon, Raw, fault, ok
from wsmctl_case import (
    DONE, EVIL, EVIL_SHOWN, FAILED, NO_DAEMON, NO_TARGET, USAGE, WSMCTL, Case, environment, row,
    stats,
)


class CommandLine(Case):
    def test_mistakes_are_named_and_nothing_is_sent(self):
        for args, sentence in [
            ([], "which command"),
            (["stat"], r"no command stat; did you mean stats\?$"),
            (["xyzzyxyzzy"], "no command xyzzyxyzzy; wsmctl help"),
            (["ls", "--limt", "3"], r"no option --limt; did you mean --limit\?$"),
            (["ls", "--limt=3"], r"no option --limt; did you mean --limit\?$"),
            (["ls", "-x"], "no option -x"),
            (["ls", "--limit"], "--limit needs a value: --limit N"),
            (["ls", "--limit", "0"], "whole number from 1"),
            (["ls", "--limit", "1.5"], "whole number"),
            (["ls", "--limit", "-1"], "whole number"),
            (["ls", "--limit", "99999999999999999999"], "whole number"),
            (["ls", "--json=1"], "--json takes no value"),
            (["ls", "alice"], r'no use for "alice"; did you mean --user alice\?$'),
            (["ls", "--user", "Ann", "Lee"], 'no use for "Lee"; .*needs quotes$'),
            (["show", "Ann", "Lee"], 'no use for "Lee"; .*needs quotes$'),
            (["drain", "now"], 'drain has no use for "now"$'),
            (["ls", "--control", ""], "--control needs a path"),
            (["ls", "--timeout", "0"], "--timeout needs seconds"),
            (["ls", "--timeout", "inf"], "--timeout needs seconds"),
            (["ls", "--timeout", "0x10"], "--timeout needs seconds"),
            (["ls", "--timeout", "1.2.3"], "--timeout needs seconds"),
            (["stats", "--watch=x"], "--watch needs seconds"),
            (["stats", "--hub", "chat"], "stats does not take --hub"),
            (["drain", "--hub", "chat"], "drain does not take --hub"),
            (["show"], "show needs more words: wsmctl show USER|CONN"),
            (["kick"], "kick needs more words"),
            (["ping"], "ping needs more words"),
            (["send"], "send needs more words"),
            (["send", "alice"], 'needs a TEXT for "alice"'),
            (["send", "alice", "two", "words"], "needs quotes"),
            (["send", "--all", "bob", "text"], 'takes one TEXT and no USER: "text"'),
            (["send", "--conn", "c", "bob", "text"], "send --conn takes one TEXT"),
            (["send", "--conn", "c", "--all", "text"], "one of USER, --conn, --group and --all"),
            (["send", "alice", b"\xff\xfe"], r"not UTF-8: \\xff\\xfe"),
            (["ls", "--user", b"\xff"], "--user is not UTF-8"),
            (["help", "stat"], r"did you mean stats\?$"),
            (["\x1b[2J"], r"no command \\x1b\[2J"),
        ]:
            with self.subTest(args=args):
                done = self.ask([], *args)
                self.check(done, USAGE, "", sentence)
                self.assertEqual(done.err.count("\n"), 1)
                self.assertTrue(done.err.startswith("wsmctl: "))
                self.assertEqual(self.daemon.connections, 0)

    def test_mistakes_are_told_as_json_too(self):
        for args in [
            ["--json", "foo"], ["foo", "--json"], ["--json"], ["ls", "--limt", "--json"],
            ["--json", "ls", "alice"], ["ls", "--limit", "x", "--json"], ["help", "x", "--json"],
            ["send", "alice", "--json"], ["send", "--all", "-", "--json"],
        ]:  # fmt: skip
            with self.subTest(args=args):
                done = self.ask([], *args, data=b"\xff")
                self.check(done, USAGE)
                self.assertEqual(json.loads(done.out)["code"], "usage")
                self.assertEqual(done.err, f"wsmctl: {json.loads(done.out)['message']}\n")
        for args in [["foo", "--", "--json"], ["--reason", "--json", "foo"]]:
            self.check(self.ask([], *args), USAGE, "")

    def test_standard_input_that_cannot_be_read(self):
        with FakeDaemon([]) as daemon, open(os.devnull, "wb") as closed:
            command = [WSMCTL, "--control", daemon.path, "--json", "send", "--all", "-"]
            done = subprocess.run(command, stdin=closed, capture_output=True, timeout=60)
        self.check(done, FAILED, err="cannot read standard input: Bad file")
        self.assertEqual(json.loads(done.stdout)["code"], "unreadable")

    def test_options_stand_anywhere(self):
        with FakeDaemon(lambda request: ok(connections=[])) as daemon:
            for args in [
                ["--control", daemon.path, "--hub", "chat", "--user", "bob", "ls"],
                ["ls", "--hub=chat", "--user=bob", "--control", daemon.path],
                ["--hub", "wrong", "ls", "--control=" + daemon.path, "--user", "bob", "--hub=chat"],
            ]:
                daemon.requests.clear()
                self.check(self.call(*args), DONE, "no connections\n")
                arguments = daemon.requests[0]["arguments"]
                self.assertEqual(arguments, {"hub": "chat", "user": "bob", "limit": 1000})

    def test_two_dashes_end_options(self):
        self.check(self.ask([ok(delivered=1)], "send", "--", "--all", "-x"), DONE)
        self.assertEqual(self.sent(), {"user": "--all", "text": "-x"})

    def test_help(self):
        overview = self.call("help")
        self.check(overview, DONE)
        self.assertEqual(overview.stdout, self.call("--help").stdout)
        self.assertEqual(overview.stdout, self.call("-h").stdout)
        names = re.findall(r"^  ([a-z]+) ", overview.stdout.decode(), re.M)
        self.assertIn("stats", names)
        for name in names:
            with self.subTest(name=name):
                told = self.call("help", name)
                self.check(told, DONE)
                self.assertTrue(told.stdout.startswith(b"usage: wsmctl " + name.encode()))
                self.assertEqual(told.stdout, self.call(name, "--help").stdout)
                self.assertLessEqual(max(map(len, told.stdout.splitlines())), 100)

    def test_version(self):
        self.assertRegex(self.call("--version").stdout, rb"\Awsmctl \d+\.\d+\.\d+\n\Z")

    def test_manual_page_is_current(self):
        made = self.call("help", "--man")
        self.check(made, DONE)
        committed = runner.REPO / "docs" / "man" / "wsmctl.1"
        remedy = f"run: wsmctl help --man > {committed}"
        self.assertEqual(made.stdout.decode(), committed.read_text(), remedy)

    def test_full_disk_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([WSMCTL, "help"], stdout=full, stderr=subprocess.PIPE)
        self.check(done, FAILED, err="cannot write to standard output: No space")


class Transport(Case):
    def test_default_socket(self):
        cases = [
            ({"WSMD_CONTROL": "/nowhere/a.sock"}, "/nowhere/a.sock"),
            ({"WSMD_CONTROL": "", "XDG_RUNTIME_DIR": "/nowhere"}, "/nowhere/wsmd/control.sock"),
        ]
        for env, path in cases:
            with self.subTest(env=env):
                self.check(self.call("ls", env=environment(**env)), NO_DAEMON, "", path)

    def test_path_too_long_in_environment(self):
        done = self.call("ls", env=environment(WSMD_CONTROL="/" + 5000 * "x"))
        self.check(done, USAGE, "", "environment is too long")

    def test_nobody_there(self):
        done = self.call("--control", "/nowhere/control.sock", "ls")
        self.check(
            done, NO_DAEMON, "",
            r"\Awsmctl: no wsmd answers on /nowhere/control.sock: No such file or directory; is it"
            r" running\? Start it with `wsmd --dev`, or name its socket with --control PATH\n\Z",
        )  # fmt: skip

    def test_socket_left_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(path)
            self.check(self.call("--control", path, "ls"), NO_DAEMON, "", "left behind")

    @unittest.skipIf(os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"), "root may all")
    def test_no_permission(self):
        as_nobody = []
        if os.geteuid() == 0:
            as_nobody = ["/usr/bin/setpriv", "--reuid=65534", "--clear-groups", "--"]
        with FakeDaemon([]) as daemon:
            os.chmod(daemon.folder, 0o711)
            os.chmod(daemon.path, 0o000)
            command = [*as_nobody, WSMCTL, "--control", daemon.path, "ls"]
            done = subprocess.run(command, env=environment(), capture_output=True, timeout=60)
        if b"setpriv" in done.stderr or b"failed to exec" in done.stderr:
            self.skipTest(done.stderr.decode())
        self.check(done, NO_DAEMON, "", "no permission .* only to the user it runs as, and to root")

    @unittest.skipIf(os.geteuid() != 0, "only root can play other users")
    def test_stranger_on_the_socket_is_told_nothing(self):
        me, stranger = 65534, 12345
        for owner, trusted in [(stranger, False), (me, True), (0, True)]:
            os.seteuid(owner)
            try:
                daemon = FakeDaemon([ok(delivered=1, dropped=0)])
                os.chmod(daemon.folder, 0o711)
                os.chmod(daemon.path, 0o666)
            finally:
                os.seteuid(0)
            with self.subTest(owner), daemon:
                done = subprocess.run(
                    [WSMCTL, "--control", daemon.path, "send", "alice", "secret"],
                    env=environment(), capture_output=True, timeout=60, user=me, group=me,
                )  # fmt: skip
                if trusted:
                    self.check(done, DONE, "delivered 1\n", "^$")
                else:
                    self.check(done, NO_DAEMON, "", "neither you nor root, .* uid 12345; nothing")
                self.assertEqual(len(daemon.requests), trusted)

    def test_path_too_long(self):
        done = self.call("--control", "/" + "x" * 107, "ls")
        self.check(done, USAGE, "", "has 108 bytes, a Unix socket takes 107: /xxx")
        self.check(self.call("--control", "/" + "x" * 106, "ls"), NO_DAEMON)

    def test_path_that_is_not_text(self):
        done = self.call("--control", b"/tmp/\xff\x1b", "--json", "ls")
        self.check(done, NO_DAEMON, err=r"/tmp/\\xff\\x1b")
        self.assertEqual(json.loads(done.stdout)["code"], "no_daemon")

    def test_busy_listener(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(path)
                s.listen(0)
                with socket.socket(socket.AF_UNIX) as first:
                    first.connect(path)
                    done = self.call("--control", path, "--timeout", "0.2", "ls")
        self.check(done, NO_DAEMON, "", "did not take the connection within 0.2 s")

    def test_closes_without_answering(self):
        self.check(self.ask([CLOSE], "ls"), NO_DAEMON, "", "closed the connection without answer")

    def test_timeout(self):
        done = self.ask([SILENT], "--timeout", "0.2", "ls")
        self.check(done, NO_DAEMON, "", "did not answer ls within 0.2 s; --timeout S waits longer")

    def test_reads_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(path)
                s.listen(1)
                args = ["--control", path, "--timeout", "0.3", "send", "--all", "-"]
                done = self.call(*args, data=b"x" * 3_000_000)
        self.check(done, NO_DAEMON, "", "did not answer send within 0.3 s")

    def test_refusal_that_comes_before_the_request_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(path)
                s.listen(1)
                command = [WSMCTL, "--control", path, "send", "--all", "-"]
                pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                with subprocess.Popen(command, env=environment(), **pipes) as process:
                    process.stdin.write(b"x" * 3_000_000)
                    process.stdin.close()
                    peer, _ = s.accept()
                    peer.sendall(json.dumps(fault("busy", "too many operators")).encode() + b"\n")
                    peer.close()
                    self.assertIn(b"wsmctl: too many operators\n", process.stderr.read())
        self.assertEqual(process.returncode, FAILED)

    def test_garbage(self):
        good = json.dumps(ok(connections=[])).encode()
        for raw, sentence in [
            (b"HTTP/1.1 400 Bad Request\r\n", r"not a JSON object: HTTP/1.1 400 Bad Request\\x0d"),
            (b"\x1b[2J\xff\n", r"not a JSON object: \\x1b\[2J\\xff\\x0a; is it the control socket"),
            (b"[]\n", "not a JSON object"),
            (b"\n", "not a JSON object"),
            (b"{}\n", "no version"),
            (b'{"version":"1"}\n', "no version"),
            (b'{"version":1}\n', "neither a result nor an error"),
            (b'{"version":1,"ok":true}\n', "neither"),
            (b'{"version":1,"ok":true,"result":[]}\n', "neither"),
            (b'{"version":1,"ok":"true","result":{}}\n', "neither"),
            (b'{"version":1,"ok":false,"error":"no"}\n', "neither"),
            (b'{"version":1,"ok":false,"error":{"code":1,"message":"x"}}\n', "neither"),
            (b'{"version":1,"ok":true,"result":{}}\n', "has no connections"),
            (good, "ends in the middle"),
            (good[:-5], "ends in the middle"),
            (good + b"\n" + good + b"\n", "more than one line"),
            (b"x" * 4 * 1024 * 1024, "a line without an end: xxx"),
            (b"[" * 100_000 + b"\n", "not a JSON object"),
        ]:
            with self.subTest(raw=raw[:60]):
                done = self.ask([Raw(raw)], "ls")
                self.check(done, NO_DAEMON, "", sentence)
                self.assertEqual(done.err.count("\n"), 1)

    def test_other_version(self):
        done = self.ask([{"version": 2, "ok": True, "result": {}}], "ls")
        self.check(done, FAILED, "", "speaks version 2 of the control .*, this wsmctl speaks 1")

    def test_unknown_members_are_ignored(self):
        answer = {**ok(connections=[], new=1), "trace": [1, {}]}
        self.check(self.ask([answer], "ls"), DONE, "no connections\n")

    def test_every_command_in_single_bytes(self):
        for args, answer in [
            (["ls"], ok(connections=[row()])),
            (["stats"], ok(**stats())),
            (["ping", "c1"], ok(rtt_us=213)),
            (["kick", "bob"], fault("internal", "out of luck")),
        ]:
            with self.subTest(args=args):
                whole = self.ask([answer], *args)
                split = self.ask([answer], *args, drip=True)
                self.assertEqual(whole.stdout + whole.stderr, split.stdout + split.stderr)
                self.assertEqual(whole.returncode, split.returncode)

    def test_error_codes(self):
        for code, rc in [
            ("bad_request", FAILED), ("unknown_command", FAILED), ("not_found", NO_TARGET),
            ("refused", FAILED), ("busy", FAILED), ("too_large", FAILED), ("timeout", FAILED),
            ("internal", FAILED), ("of_the_future", FAILED),
        ]:  # fmt: skip
            with self.subTest(code=code):
                answer = fault(code, f"no {EVIL}", hint="look elsewhere")
                done = self.ask([answer], "show", "bob")
                self.check(done, rc, "")
                self.assertEqual(done.err, f"wsmctl: no {EVIL_SHOWN}; look elsewhere\n")
                done = self.ask([answer], "--json", "show", "bob")
                self.check(done, rc)
                self.assertEqual(json.loads(done.out), answer["error"])


if __name__ == "__main__":
    runner.main()
