"""wsmctl top in a terminal: what it shows, its keys, sizes, and that it leaves no trace."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import rawws
import runner
import wsmd

ESCAPES = re.compile(rb"\x1b\[[?0-9]*[A-Za-z]")


class Screen:
    """wsmctl top on a terminal of its own."""

    def __init__(self, server, *args, rows=24, columns=80):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""
        self.process = subprocess.Popen(
            [wsmd.WSMCTL, "--control", server.control_path, "top", *args], stdin=self.slave,
            stdout=self.slave, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        os.write(self.master, keys)

    def read(self):
        while select.select([self.master], [], [], 0.02)[0]:
            self.seen += os.read(self.master, 65536)

    def picture(self):
        """Lines of the last whole picture."""
        self.read()
        pictures = self.seen.split(b"\x1b[H")[1:]
        whole = [x for x in pictures if b"\x1b[J" in x]
        text = ESCAPES.sub(b"", whole[-1]).decode() if whole else ""
        return text.replace("\r\n", "\n").rstrip("\n").split("\n")

    def end(self):
        """Exit code and what it said on stderr."""
        deadline = time.monotonic() + wsmd.PATIENCE_S
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read()
        self.read()
        code = self.process.wait(1)
        return code, self.process.stderr.read().decode()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


class Top(wsmd.WsmdTest):
    def screen(self, server, *args, **size):
        return self.keep(Screen(server, *args, **size))

    def shows(self, screen, pattern):
        if not wsmd.eventually(lambda: re.search(pattern, "\n".join(screen.picture()), re.M)):
            self.fail(f"not shown: {pattern}\n" + "\n".join(screen.picture()))

    def crowd(self, server):
        clients = {name: rawws.RawClient(server, name) for name in ["anna", "bob", "hanna"]}
        for _ in range(50):
            clients["bob"].echo("x")
        return clients

    def first_is(self, screen, user):
        def first():
            lines = screen.picture()
            return len(lines) > 6 and f" {user} " in lines[6]

        self.assertTrue(wsmd.eventually(first), "\n".join(screen.picture()))

    def test_what_it_shows_and_its_keys(self):
        server = self.wsmd(workers=2)
        clients = self.crowd(server)
        screen = self.screen(server)
        self.shows(screen, r"^wsmd \S+, up .*, connections 3, users 3$")
        self.shows(screen, r"^in \S+ msg/s, .*queued 0 B$")
        self.shows(screen, r"^by rate: r\)ate t\)rip")
        self.shows(screen, r"^CONNECTION +USER +RATE +RTT +SCORE +QUEUED")
        self.first_is(screen, "bob")
        for key, name in [(b"t", "rtt"), (b"s", "score"), (b"w", "queue"), (b"i", "idle")]:
            screen.press(key)
            self.shows(screen, rf"^by {name}: ")
        wsmd.eventually(lambda: clients["anna"].echo("x") is None)
        screen.press(b"R")
        self.shows(screen, r"^by idle, reversed: ")
        screen.press(b"/hann\x7f\x7fnna")
        self.shows(screen, r"contains: hanna_ ")
        screen.press(b"\n")
        self.shows(screen, r"users with hanna: ")
        self.first_is(screen, "hanna")
        self.assertNotIn("bob", "\n".join(screen.picture()))
        screen.press(b"/\x1b")
        self.shows(screen, r" bob ")
        screen.press(b"q")
        self.assertEqual(screen.end(), (0, ""))
        self.assertTrue(screen.seen.endswith(b"\x1b[?25h"))
        self.assertEqual(termios.tcgetattr(screen.slave), screen.before)

    def test_fits_and_follows_the_size(self):
        server = self.wsmd(workers=2)
        clients = [rawws.RawClient(server, f"a-user-with-a-long-name-{i}") for i in range(30)]
        screen = self.screen(server)
        for rows, columns in [(24, 80), (10, 60), (40, 120), (24, 80)]:
            screen.resize(rows, columns)
            self.assertTrue(wsmd.eventually(lambda: self.fits(screen, rows, columns, len(clients))))
        self.assertIn("IDLE", screen.picture()[5])
        screen.press(b"q")
        self.assertEqual(screen.end()[0], 0)

    def fits(self, screen, rows, columns, clients):
        lines = screen.picture()
        full = min(rows - 1, 6 + clients)
        return len(lines) == full and max(map(len, lines)) <= columns

    def test_ends_with_the_terminal_as_it_was(self):
        server = self.wsmd()
        for how in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, b"\x03", b"Q"]:
            with self.subTest(how=how):
                screen = self.screen(server)
                self.shows(screen, "^no connections$")
                if isinstance(how, bytes):
                    screen.press(how)
                else:
                    screen.process.send_signal(how)
                self.assertEqual(screen.end(), (0, ""))
                self.assertEqual(termios.tcgetattr(screen.slave), screen.before)
                self.assertIn(b"\x1b[?25h", screen.seen)

    def test_daemon_gone(self):
        server = self.wsmd()
        screen = self.screen(server)
        self.shows(screen, "^no connections$")
        server.signal(signal.SIGTERM)
        code, said = screen.end()
        self.assertEqual(code, 3)
        self.assertIn("went away", said)
        self.assertEqual(termios.tcgetattr(screen.slave), screen.before)

    def test_mistakes(self):
        server = self.wsmd()
        self.assertEqual(server.wsmctl("top", code=2), "")
        self.assertIn("ls --sort", server.wsmctl("top", "--json", code=2))
        screen = self.screen(server, "--sort", "speed")
        code, said = screen.end()
        self.assertEqual(code, 1)
        self.assertIn("rate", said)
        self.assertEqual(self.screen(server, "--match", "m" * 124).end()[0], 2)


if __name__ == "__main__":
    runner.main()
