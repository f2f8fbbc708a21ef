"""One wsmd for a test: started on a port of its own, questioned, stopped, and checked behind it.

A server that is stopped must have ended with the expected code, without a word of a sanitizer,
and before that with all gauges at 0 and as many descriptors open as before its first client.
"""

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import runner

WSMD = runner.program("WSMD", "wsmd")
WSMCTL = runner.program("WSMCTL", "wsmctl")

# Sanitizers make everything several times slower: waits are generous, and end early.
PATIENCE_S = 20
SANITIZER = re.compile(
    r"(Address|Leak|Memory|Thread|UndefinedBehavior)Sanitizer|runtime error:|assertion", re.I
)
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
# AddressSanitizer keeps what was freed for a while, so its sizes say nothing about wsmd.
SIZES_MEAN_SOMETHING = b"__asan_init" not in pathlib.Path(WSMD).read_bytes()
GAUGES = {
    "basic": ["connections_active", "users_active", "half_open"],
    "health": ["pings_pending", "healthy", "suspects", "sick", "score_points"],
    "delivery": ["queue_bytes", "isolation_violations"],
}


def eventually(question, timeout_s=PATIENCE_S):
    """The first truthy answer to @question, or the last one when time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = question()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.01)


def run(*arguments, timeout_s=PATIENCE_S, env=None, **how):
    """A wsmd that is expected to end by itself."""
    return subprocess.run(
        [WSMD, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s,
        env={**clean_environment(), **(env or {})}, **how,
    )  # fmt: skip


def clean_environment():
    """Without what would choose another profile or another control socket."""
    drop = ("WSMD_ENV", "ENVIRONMENT", "WSMD_CONTROL", "XDG_RUNTIME_DIR")
    return {name: value for name, value in os.environ.items() if name not in drop}


def with_descriptors(n):
    """For preexec_fn: both limits, because wsmd raises the soft one."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))


class Refused(Exception):
    """The control socket said no; `error` is its error object."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


class Control:
    """One session on the control socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(path)
        self.lines = self.sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data)

    def answer(self):
        line = self.lines.readline()
        if not line:
            raise EOFError("the control session has ended")
        return json.loads(line)

    def ask_raw(self, data):
        self.send(data)
        return self.answer()

    def ask(self, command, **arguments):
        request = {"version": 1, "command": command, "arguments": arguments}
        answer = self.ask_raw(json.dumps(request).encode() + b"\n")
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer["result"]

    def close(self):
        # Both: the file keeps the socket open.
        self.lines.close()
        self.sock.close()


class Wsmd:
    """Keyword arguments are settings, with "__" for the dot: limits__max_connections=5."""

    def __init__(self, *options, dev=True, control=None, nofile=None, env=None, **settings):
        self.folder = tempfile.mkdtemp(prefix="wsmd-test-")
        self.control_path = control or os.path.join(self.folder, "control.sock")
        self.log_path = os.path.join(self.folder, "log")
        self.control = None
        self.is_checked = False
        self.sockets = []  # of clients; those still open are closed before the checks
        command = [WSMD, *(["--dev"] if dev else []), "--control", self.control_path, *options]
        if "--listen" not in options:
            command += ["--listen", "127.0.0.1:0"]
        for key, value in settings.items():
            value = value if isinstance(value, str) else json.dumps(value)
            command += ["--set", f"{key.replace('__', '.')}={value}"]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdin=subprocess.DEVNULL,
                env={**clean_environment(), **(env or {})},
                preexec_fn=with_descriptors(nofile) if nofile else None,
            )  # fmt: skip
        self.pid = self.process.pid
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def wait_until_ready(self):
        line = eventually(lambda: self.process.poll() is not None or self.log("listening"))
        if self.process.poll() is not None or not line:
            raise RuntimeError(f"wsmd did not start: {self.log_text()}")
        self.address = line[0]["text"]
        self.port = int(self.address.rpartition(":")[2])
        self.control = Control(self.control_path)
        self.ctl("stats")
        self.descriptors_at_start = self.descriptors()

    # ---- questions ----

    def log_text(self):
        return pathlib.Path(self.log_path).read_text(encoding="utf-8", errors="replace")

    def log(self, event, **fields):
        """Lines of that event, as dictionaries, whose fields match."""
        rows = map(parse_log_line, self.log_text().split("\n"))
        return [r for r in rows if r.get("event") == event and fields.items() <= r.items()]

    def ctl(self, command, **arguments):
        return self.control.ask(command, **arguments)

    def stat(self, path):
        """A number of the statistics: "health.pings_sent"."""
        value = self.ctl("stats")
        for name in path.split("."):
            value = value[name]
        return value

    def wsmctl(self, *arguments, code=0, **how):
        done = subprocess.run(
            [WSMCTL, "--control", self.control_path, *arguments], capture_output=True, text=True,
            timeout=PATIENCE_S, **how,
        )  # fmt: skip
        if done.returncode != code:
            raise AssertionError(f"wsmctl {arguments}: exit code {done.returncode}\n{done}")
        return done.stdout

    def connect(self):
        """A plain TCP socket."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        self.sockets.append(sock)
        return sock

    def exchange(self, data):
        """Everything the server says to these bytes until it closes."""
        with self.connect() as sock:
            sock.sendall(data)
            return read_to_end(sock)

    def get(self, path):
        """Status, headers and body of a page."""
        answer = self.exchange(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return parse_answer(answer)

    def metrics(self):
        """{'wsmd_refusals_total{cause="key"}': 0.0, ...}; up to a second old."""
        _, _, body = self.get("/metrics")
        rows = [line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self):
        pages = int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    # ---- the end ----

    def signal(self, number):
        self.process.send_signal(number)

    def leftovers(self):
        """What is still there although everybody has left."""
        stats = self.ctl("stats")
        left = {name: stats[g][name] for g, names in GAUGES.items() for name in names}
        left["pool"] = sum(row["in_use"] for row in stats["pool"]["each"])
        left["protocol_now"] = sum(stats["protocol_distribution"]["now"].values())
        left["descriptors"] = self.descriptors() - self.descriptors_at_start
        return {name: n for name, n in left.items() if n != 0}

    def is_quiet(self, timeout_s=PATIENCE_S):
        """Wait until nothing is left; raise when something stays."""
        if not eventually(lambda: not self.leftovers(), timeout_s):
            raise AssertionError(f"left behind: {self.leftovers()}")

    def exit_code(self, timeout_s=PATIENCE_S):
        return self.process.wait(timeout_s)

    def stop(self, code=0):
        """Stop it, unless it has ended, and check what it leaves. Once is enough."""
        if self.is_checked:
            return
        self.is_checked = True
        for sock in self.sockets:
            sock.close()
        try:
            if self.process.poll() is None and code == 0:
                self.is_quiet()
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
            ended = self.exit_code()
            text = self.log_text()
        finally:
            self.kill()
        if SANITIZER.search(text):
            raise AssertionError(f"a sanitizer spoke:\n{text}")
        if ended != code:
            raise AssertionError(f"exit code {ended}, not {code}:\n{text[-4000:]}")

    def kill(self):
        if self.control is not None:
            self.control.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def parse_log_line(line):
    if line.startswith("{"):
        return json.loads(line)
    return {k: v[1:-1] if v.startswith('"') else v for k, v in FIELD.findall(line)}


def read_to_end(sock):
    """Bytes until the peer's FIN; a reset is an error, because it may eat the answer."""
    data = b""
    while more := sock.recv(65536):
        data += more
    return data


def parse_answer(data):
    head, _, body = data.decode("latin-1").partition("\r\n\r\n")
    first, *fields = head.split("\r\n")
    headers = {k.lower(): v for k, v in (field.split(": ", 1) for field in fields)}
    return int(first.split(" ")[1]) if first else 0, headers, body


class WsmdTest(unittest.TestCase):
    """A test that starts servers; each is stopped and checked when the test ends."""

    maxDiff = None

    def wsmd(self, *options, code=0, **how):
        server = Wsmd(*options, **how)
        self.addCleanup(server.stop, code)
        return server

    def keep(self, closable):
        """Close it before the server is checked."""
        self.addCleanup(closable.close)
        return closable

    def assert_grew_less(self, server, before, limit):
        """The resident memory of @server is at most @limit bytes over @before."""
        if SIZES_MEAN_SOMETHING:
            self.assertLess(server.memory_bytes() - before, limit)

    def eventually(self, question, message=None, timeout_s=PATIENCE_S):
        answer = eventually(question, timeout_s)
        self.assertTrue(answer, message)
        return answer
