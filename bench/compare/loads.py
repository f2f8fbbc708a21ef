"""What is done to each server, and what wsmd should reach: the goals, relative to raw."""
from dataclasses import dataclass

KIB, MIB = 1 << 10, 1 << 20


@dataclass
class Load:
    name: str
    title: str
    mode: str  # of wsmbench
    options: tuple
    size: int = 20
    goal: float | None = None  # at most, of the figure below
    figure: str = "cpu"  # that counts here
    relative_to: str | None = "raw"  # a server; another load of the same server; None: absolute
    once: bool = False  # memory does not vary between rounds
    needs: tuple = ()  # what a server must be able to do, besides the mode


def echo(name, title, size, connections, *options, **how):
    return Load(name, title, "echo", ("-s", size, "-c", connections, *options), size=size, **how)


def fanout(name, title, receivers, depth, goal):
    return Load(name, title, "fanout", ("-s", 128, "-c", receivers, "-d", depth), size=128,
                goal=goal)  # fmt: skip


LOADS = [
    echo("echo-20", "echo 20 B", 20, 100, goal=1.03),
    echo("echo-512", "echo 512 B", 512, 100, goal=1.03),
    echo("echo-many", "echo 20 B, 10 000 connections", 20, 10000, goal=1.05),
    echo("echo-deep", "echo 20 B, depth 16", 20, 100, "-d", 16, goal=1.05),
    echo("echo-16k", "echo 16 KiB", 16 * KIB, 100, goal=1.15),
    # a byte less, so that it ends with a whole character
    echo("echo-16k-mixed", "echo 16 KiB, half in 3-byte characters", 16 * KIB - 1, 100, "--mixed",
         goal=1.2, relative_to="echo-16k"),
    echo("echo-1m", "echo 1 MiB, 10 connections", MIB, 10, goal=1.15),
    # its rate is half of what raw does with echo-20
    echo("half", "echo 20 B at half load", 20, 100, goal=1.1, figure="p99"),
    Load("connect", "open and close", "connect", ("-c", 32), goal=1.25),
    fanout("fanout-1000", "fan-out 128 B to 1 000", 1000, 1, 1.05),
    fanout("fanout-10000", "fan-out 128 B to 10 000", 10000, 1, 1.10),
    fanout("fanout-deep", "fan-out 128 B to 1 000, 8 in flight", 1000, 8, 1.05),
    Load("idle", "idle connection", "idle", (), goal=900, figure="memory", relative_to=None,
         once=True),
    Load("idle-after", "the same after 64 KiB on each", "idle", ("-s", 64 * KIB), size=64 * KIB,
         goal=1.1, figure="memory", relative_to="idle", once=True, needs=("echo",)),
]  # fmt: skip

# Where the figures of a run are in the report of wsmbench.
UNITS = {"echo": "message", "fanout": "delivery", "connect": "handshake"}
RATES = {"echo": "messages_per_s", "fanout": "deliveries_per_s", "connect": "handshakes_per_s"}


def figures_of(report):
    """{"cpu": us, "rate": 1/s, "p50": us, "p99": us} or {"memory": B} of one run."""
    mode, results = report["mode"], report["results"]
    if mode == "idle":
        fit = report["memory_fit"]["server_private_dirty"]
        return {"memory": fit["bytes_per_connection"]}
    timing = report["timings_us"]["handshake" if mode == "connect" else "latency"]
    return {"cpu": results[f"server_cpu_us_per_{UNITS[mode]}"], "rate": results[RATES[mode]],
            "p50": timing["p50"], "p99": timing["p99"]}  # fmt: skip
