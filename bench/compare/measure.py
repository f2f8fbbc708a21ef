"""Runs every load on every server in turn, and keeps what wsmbench reports."""
import contextlib
import json
import os
import pathlib
import platform
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

from loads import LOADS, figures_of
from servers import BUILD, ROOT, SERVERS, Launch, added_server, output_of

SCHEMA = 1
SERVER_CORE, LOAD_CORE = 0, 1
START_S, STOP_S, RUN_S = 20, 10, 300


class Unusable(Exception):
    """This server, with this load; the others go on."""


def number(name, preset, kind=int):
    try:
        value = kind(os.environ.get(name) or preset)
    except ValueError:
        value = 0
    if value <= 0:
        raise SystemExit(f"compare.sh: {name} is a number above 0")
    return value


def chosen(variable, things):
    names = os.environ.get(variable)
    if not names:
        return things
    known = {thing.name: thing for thing in things}
    wrong = [name for name in names.split(",") if name not in known]
    if wrong:
        raise SystemExit(f"compare.sh: {variable}: no {wrong[0]} among {', '.join(known)}")
    return [known[name] for name in names.split(",")]


def usable_servers():
    """Those that are there, as {name: version}; says which are not."""
    servers = chosen("SERVERS", SERVERS)
    if os.environ.get("PEER"):
        servers = [*servers, added_server(os.environ["PEER"])]
    versions = {}
    for server in servers:
        try:
            versions[server.name] = server.version()
        except (OSError, subprocess.CalledProcessError, ValueError):
            print(f"compare.sh: {server.title} is not there, going on without it", file=sys.stderr)
    return [server for server in servers if server.name in versions], versions


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def running(server, launch):
    """The server, from when it listens to its end."""
    if listens(launch.port):
        raise SystemExit(f"compare.sh: port {launch.port} is taken: choose another with PORT")
    log = launch.folder / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *map(str, server.command(launch))],
            stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_S
        while not listens(launch.port):
            if process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text(errors="replace").strip() or "it said nothing"
                raise Unusable(f"did not start: {text[-300:]}")
            time.sleep(0.05)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def was_only_late_to_close(report):
    """Ten thousand goodbyes at once are more than some can answer in time, but not the load."""
    causes = {cause for cause, n in report["errors"].items() if n}
    opened = report["results"].get("connections_open")
    return causes == {"timeout"} and opened == report["settings"]["connections"]


class Comparison:
    def __init__(self):
        self.port = number("PORT", 18080)
        self.rounds = number("ROUNDS", 5)
        self.seconds = number("SECONDS_EACH", 3, float)
        self.steps = os.environ.get("STEPS") or "5000,10000,19000"
        self.loads = chosen("LOADS", LOADS)
        self.servers, versions = usable_servers()
        self.half_rate = None
        self.results = {
            "schema": SCHEMA,
            "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "commit": output_of("git", "-C", ROOT, "describe", "--always", "--dirty"),
            "machine": {"kernel": platform.release(), "cores": os.cpu_count(),
                        "cpu": cpu_name()},
            "rounds": self.rounds,
            "seconds": self.seconds,
            "servers": [{"name": s.name, "title": s.title, "version": versions[s.name]}
                        for s in self.servers],
            "runs": [],
        }  # fmt: skip

    def options(self, server, load, launch, pid):
        path = "/sub" if load.mode == "fanout" and not server.is_wsmd else server.path
        base = f"ws://127.0.0.1:{self.port}"
        options = [load.mode, base + path, *map(str, load.options), "--pid", str(pid), "--json"]
        if load.mode == "idle":
            options += ["--steps", self.steps, "--hold", "0"]
        else:
            options += ["-t", str(self.seconds)]
        if load.mode != "connect":
            options += ["--in-flight", "32"]  # the slowest servers take so many in time
        if load.mode in ("echo", "fanout"):
            options += ["-w", str(min(1, self.seconds))]
        if load.name == "half":
            options += ["--rate", str(self.half_rate)]
        if not server.is_wsmd:
            options += ["--user-prefix", ""]
        if load.mode == "fanout":
            options += (["--control", str(launch.control)] if server.is_wsmd
                        else ["--publish", f"{base}/pub"])  # fmt: skip
        return options

    def run(self, server, load):
        """The report of one run."""
        with tempfile.TemporaryDirectory(prefix="wsmd-compare-") as folder:
            launch = Launch(self.port, load.size, pathlib.Path(folder))
            with running(server, launch) as process:
                options = self.options(server, load, launch, process.pid)
                done = subprocess.run(
                    ["taskset", "-c", str(LOAD_CORE), BUILD / "wsmbench", *options],
                    capture_output=True, text=True, timeout=RUN_S,
                )  # fmt: skip
        if not done.stdout:
            raise Unusable(done.stderr.strip()[-300:])
        report = json.loads(done.stdout)
        if report["errors_total"] > 0 and not was_only_late_to_close(report):
            raise Unusable(f"{report['errors_total']} errors, first: {report['first_error']}")
        try:
            figures_of(report)
        except (KeyError, TypeError):
            raise Unusable("too slow or too short: there is nothing to measure") from None
        return report

    def keep(self, row, path):
        self.results["runs"].append(row)
        path.write_text(json.dumps(self.results), encoding="utf-8")

    def is_due(self, server, load, round_number):
        if not server.modes.issuperset((load.mode, *load.needs)):
            return False
        if load.once and round_number > 1:
            return False
        # A server that cannot do as much has no latency at this rate, only a queue.
        return load.name != "half" or self.rate_of(server.name) > (self.half_rate or 1e12)

    def rate_of(self, name):
        """Messages a second of the last echo-20."""
        rates = [run["report"]["results"]["messages_per_s"] for run in self.results["runs"]
                 if (run["server"], run["load"]) == (name, "echo-20") and "report" in run]
        return rates[-1] if rates else 0

    def measure(self, path):
        soft_to_hard_descriptors()
        for round_number in range(1, self.rounds + 1):
            # Another one is first each time, so that drifts of the machine favour nobody.
            shift = (round_number - 1) % len(self.servers)
            order = self.servers[shift:] + self.servers[:shift]
            for load in self.loads:
                if load.name == "half" and not self.half_rate:
                    self.half_rate = int(self.rate_of("raw") / 2) or None
                for server in order:
                    if self.is_due(server, load, round_number):
                        self.note(server, load, round_number, path)
        return self.results

    def note(self, server, load, round_number, path):
        row = {"round": round_number, "server": server.name, "load": load.name,
               "load_average": os.getloadavg()[0]}  # fmt: skip
        print(f"round {round_number}: {load.name}, {server.name} ...", file=sys.stderr)
        try:
            row["report"] = self.run(server, load)
        except (Unusable, subprocess.TimeoutExpired) as why:
            row["failure"] = str(why)
            print(f"  {why}", file=sys.stderr)
        self.keep(row, path)


def soft_to_hard_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
