"""Command lines and starts, good and bad: the exit code, and one sentence with the remedy."""

import json
import os
import re
import shutil
import socket
import tempfile
import unittest

import rawws
import runner
import wsmd

START = ("--dev", "--listen", "127.0.0.1:0")


class StartTest(wsmd.WsmdTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="wsmd-start-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name="control.sock"):
        return os.path.join(self.folder, name)

    def fails(self, *arguments, code, words, **how):
        """One line on stderr that holds all of @words, nothing on stdout."""
        done = wsmd.run(*arguments, **how)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("wsmd: "), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done.stderr


class CommandLine(StartTest):
    def test_wrong_words(self):
        for arguments, words in [
            (["--lissten", "x"], ["--lissten", "--listen"]),
            (["--lissten=x"], ["did you mean --listen?"]),
            (["-dev"], ["-dev", "did you mean --dev?"]),
            (["-x"], ["unknown option -x", "--help"]),
            (["--dev", "extra"], ["extra"]),
            (["--something-else-entirely"], ["wsmd --help"]),
            (["--listen"], ["--listen needs a value"]),
            (["--dev=yes"], ["--dev"]),
            (["--set", "x"], ["KEY=VALUE"]),
            (["--set", "=x"], ["KEY=VALUE"]),
            (["\x1b[31m\n"], ["\\x1b[31m\\x0a"]),
        ]:
            with self.subTest(arguments):
                self.fails(*arguments, code=2, words=words)

    def test_wrong_values(self):
        for arguments, words in [
            (["--set", "limits.max_conections=5"], ["did you mean limits.max_connections?"]),
            (["--set", "limits.max_fragments=lots"], ["limits.max_fragments"]),
            (["--set", "limits.max_fragments=0"], ["limits.max_fragments", "1 to"]),
            (["--set", "auth.mode=opne"], ["auth.mode", '"open"']),
            (["--env", "prodution"], ["did you mean production?"]),
            (["--listen", "nonsense"], ["nonsense", "127.0.0.1:8080"]),
            (["--listen", "127.0.0.1:65536"], ["127.0.0.1:65536"]),
            (["--workers", "1000"], ["0 to 256"]),
            (["--set", "heartbeat.timeout_s=10"], ["greater than heartbeat.interval_s"]),
            (["--control", "/" + "x" * 110], ["107 bytes"]),
            (["--config", "/does/not/exist.json"], ["/does/not/exist.json"]),
        ]:
            with self.subTest(arguments):
                self.fails("--dev", *arguments, code=1, words=words)
        self.fails("--dev", "--listen", "192.0.2.1:1", code=1, words=["loopback", "--dev"])

    def test_environment_variables_choose_the_profile(self):
        for env, expected in [
            ({}, 45),
            ({"ENVIRONMENT": "production"}, 25),
            ({"ENVIRONMENT": "production", "WSMD_ENV": "staging"}, 30),
            ({"ENVIRONMENT": "production", "WSMD_ENV": ""}, 25),
        ]:
            done = wsmd.run("--dev", "--print-config", env=env)
            self.assertEqual(json.loads(done.stdout)["heartbeat"]["interval_s"], expected)
        done = wsmd.run("--env", "testing", "--print-config", env={"WSMD_ENV": "staging"})
        self.assertEqual(json.loads(done.stdout)["heartbeat"]["interval_s"], 1)
        self.fails("--dev", code=1, words=["WSMD_ENV", "live"], env={"WSMD_ENV": "live"})

    def test_questions(self):
        self.assertRegex(wsmd.run("--version").stdout, r"^wsmd \d+\.\d+\.\d+\n$")
        usage = wsmd.run("--help")
        self.assertEqual((usage.returncode, usage.stderr), (0, ""))
        for word in ("--dev", "--config", "--set", "Exit codes"):
            self.assertIn(word, usage.stdout)
        bare = wsmd.run()
        self.assertEqual((bare.returncode, bare.stdout), (2, ""))
        self.assertEqual(bare.stderr, usage.stdout)

    def test_init_check_and_print(self):
        initial = wsmd.run("--init")
        self.assertEqual(initial.returncode, 0)
        file = self.path("wsmd.json")
        with open(file, "w", encoding="utf-8") as out:
            out.write(initial.stdout)
        checked = wsmd.run("--check", file)
        self.assertEqual((checked.returncode, checked.stdout), (0, f"{file}: valid\n"))
        checked = wsmd.run("--check")
        self.assertEqual(checked.returncode, 0)
        self.assertRegex(checked.stdout, "^no file was named; .* valid\n$")
        printed = json.loads(wsmd.run("--config", file, "--print-config").stdout)
        self.assertEqual(printed["limits"]["max_message_bytes"], 1 << 20)
        changed = wsmd.run("--config", file, "--set", "limits.max_fragments=7", "--print-config")
        self.assertEqual(json.loads(changed.stdout)["limits"]["max_fragments"], 7)

    def test_check_finds_everything_at_once(self):
        file = self.path("bad.json")
        with open(file, "w", encoding="utf-8") as out:
            out.write('{\n  "limts": {},\n  "log": {"level": "loud"},\n  "workers": -1\n}\n')
        done = wsmd.run("--check", file)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 3, lines)
        for number, (line, words) in enumerate(zip(lines, ["limits", "log.level", "workers"]), 2):
            self.assertIn(f"{file}:{number}:", line)
            self.assertIn(words, line)


class Faults(StartTest):
    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "%s:%d" % taken.getsockname()
            self.fails("--dev", "--listen", address, "--control", self.path(), code=1,
                       words=[address, "in use", "--listen ADDR:PORT"])  # fmt: skip
            self.assertFalse(os.path.exists(self.path()))

    def test_address_of_another_machine(self):
        self.fails("--listen", "192.0.2.1:0", "--control", self.path(), code=1,
                   words=["192.0.2.1:0", "no such address", "ip addr"])  # fmt: skip

    def test_control_path_that_cannot_be(self):
        os.mkdir(self.path("folder"))
        with open(self.path("file"), "w", encoding="utf-8") as out:
            out.write("precious")
        for path, words in [
            (self.path("missing/deeper/control.sock"), ["its directory does not exist"]),
            (self.path("file"), ["not a socket"]),
            (self.path("folder"), ["not a socket"]),
            (self.path("file/control.sock"), ["directory"]),
        ]:
            with self.subTest(path):
                words = [path, "--control PATH", *words]
                self.fails(*START, "--control", path, code=1, words=words)
        with open(self.path("file"), encoding="utf-8") as kept:
            self.assertEqual(kept.read(), "precious")

    def test_control_path_without_permission(self):
        # Not even root may make files there.
        self.fails(*START, "--control", "/sys/kernel/control.sock", code=1,
                   words=["/sys/kernel/control.sock", "this user may write", "--control PATH"])

    def test_missing_folder_of_the_control_socket_is_made(self):
        server = self.wsmd(control=self.path("new/control.sock"))
        self.assertEqual(os.stat(self.path("new")).st_mode & 0o777, 0o700)
        self.assertIn("basic", server.ctl("stats"))

    @unittest.skipIf(os.geteuid() != 0, "only root can give a folder away")
    def test_folder_of_somebody_else_is_refused(self):
        for name in ("theirs", "mine"):
            os.mkdir(self.path(name))
        for name, target in [("to-theirs", "theirs"), ("their-link", "mine"), ("link", "mine")]:
            os.symlink(target, self.path(name))
        os.chown(self.path("theirs"), 12345, 12345)
        os.chown(self.path("their-link"), 12345, 12345, follow_symlinks=False)
        words = ["its directory belongs to another user", "--control PATH"]
        for name in ("theirs", "to-theirs", "their-link"):
            path = self.path(f"{name}/control.sock")
            with self.subTest(name):
                self.fails(*START, "--control", path, code=1, words=[path, *words])
                self.assertFalse(os.path.exists(path))
        self.fails(*START, "--control", "c.sock", code=1, words=words, cwd=self.path("theirs"))
        server = self.wsmd(control=self.path("link/control.sock"))
        self.assertIn("basic", server.ctl("stats"))

    def test_folder_for_everybody_will_do_if_it_is_roots(self):
        with tempfile.NamedTemporaryFile(prefix="wsmd-", suffix=".sock", dir="/tmp") as name:
            path = name.name
        server = self.wsmd(control=path)
        self.assertIn("basic", server.ctl("stats"))

    def test_second_daemon_is_refused_and_the_first_unharmed(self):
        server = self.wsmd()
        self.fails(*START, "--control", server.control_path, code=1,
                   words=[server.control_path, "another wsmd listens there"])  # fmt: skip
        self.assertIn("basic", self.keep(wsmd.Control(server.control_path)).ask("stats"))

    def test_socket_of_a_dead_daemon_is_replaced(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.path())
        server = self.wsmd(control=self.path())
        rawws.RawClient(server, "a").goodbye()
        server.stop()
        self.assertFalse(os.path.exists(self.path()), "it takes its socket along")

    def test_descriptor_limits(self):
        for nofile, more, words in [
            (12, (), ["descriptor limit of 12", "ulimit -n"]),
            (40, (), ["descriptor limit of 40", "ulimit -n"]),
            (200, ("--set", "limits.max_connections=1000"),
             ["limits.max_connections is 1000", "limit of 200", "ulimit -n", "LimitNOFILE="]),
        ]:  # fmt: skip
            self.fails(*START, "--control", self.path(), *more, code=1, words=words,
                       preexec_fn=wsmd.with_descriptors(nofile))  # fmt: skip
        # What it advises is enough.
        text = self.fails(*START, "--control", self.path(), *more, code=1, words=[],
                          preexec_fn=wsmd.with_descriptors(200))  # fmt: skip
        advised = int(re.search(r"ulimit -n (\d+)", text)[1])
        server = self.wsmd(*more, nofile=advised)
        self.assertEqual(server.ctl("stats")["limits"]["max_connections"], 1000)


class Threads(StartTest):
    def test_only_the_acceptor_lets_others_go_first(self):
        server = self.wsmd("--workers", "2")
        normal = ("wsmd", "wsmd-main", "wsmd-worker-0", "wsmd-worker-1")
        others = dict.fromkeys(normal, os.SCHED_OTHER)

        def policies():
            found = {}
            for task in os.listdir(f"/proc/{server.pid}/task"):
                with open(f"/proc/{server.pid}/task/{task}/comm", encoding="utf-8") as name:
                    found[name.read().strip()] = os.sched_getscheduler(int(task))
            return found

        self.eventually(lambda: policies() == others | {"wsmd-acceptor": os.SCHED_BATCH})


class FirstScreen(StartTest):
    def test_it_tells_what_to_do_next(self):
        server = self.wsmd()
        screen = server.log_text()
        for words in (
            "development mode", f"ws://127.0.0.1:{server.port}/ws", server.control_path,
            "descriptors", "memory", f"http://127.0.0.1:{server.port}/", "wsmctl",
        ):  # fmt: skip
            self.assertIn(words, screen)

    def test_two_listeners_and_ipv6(self):
        if not socket.has_ipv6:
            self.skipTest("no IPv6 here")
        server = self.wsmd("--listen", "127.0.0.1:0", "--listen", "[::1]:0")
        addresses = [row["text"] for row in server.log("listening")]
        self.assertEqual(len(addresses), 2)
        for address in addresses:
            host, _, port = address.rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as sock:
                sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertEqual(wsmd.parse_answer(wsmd.read_to_end(sock))[0], 200)

    def test_open_to_the_world_is_warned_of(self):
        server = self.wsmd("--listen", "0.0.0.0:0", dev=False, auth__mode="open")
        self.assertIn("let in under any name", server.log("auth_open")[0]["text"])
        server = self.wsmd(dev=False)
        self.assertIn("no client is let in", server.log("auth_deny")[0]["text"])


if __name__ == "__main__":
    runner.main()
