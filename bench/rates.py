#!/usr/bin/env python3
"""Watches a counter of wsmd: rates.py SOCKET COUNTER SECONDS [UNTIL].

Reads it once a second, for SECONDS or until it is UNTIL, and prints its rate and how flat it is."""
import json
import socket
import statistics
import sys
import time


class Control:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.lines = self.sock.makefile("rb")

    def ask(self, command):
        self.sock.sendall(json.dumps({"version": 1, "command": command}).encode() + b"\n")
        return json.loads(self.lines.readline())["result"]


def read(control, counter):
    value = control.ask("stats")
    for name in counter.split("."):
        value = value[name]
    return time.monotonic(), value


def main():
    path, counter, seconds = sys.argv[1:4]
    until = int(sys.argv[4]) if len(sys.argv) > 4 else None
    control = Control(path)
    samples = [read(control, counter)]
    first = samples[0]
    while samples[-1][0] - first[0] < float(seconds):
        time.sleep(max(0, first[0] + len(samples) - time.monotonic()))
        samples.append(read(control, counter))
        if until is not None and samples[-1][1] >= until:
            break
    rates = [(b - a) / (t - s) for (s, a), (t, b) in zip(samples, samples[1:])]
    if until is not None:
        rates = rates[:-1]  # the last second is not a whole one
    mean = statistics.fmean(rates)
    last = samples[len(rates)]
    print(f"{counter}: {last[1] - first[1]} in {last[0] - first[0]:.1f} s")
    print(f"rate {(last[1] - first[1]) / (last[0] - first[0]):.1f}/s; each second "
          f"{min(rates):.0f} to {max(rates):.0f}, coefficient of variation "
          f"{statistics.pstdev(rates) / mean if mean else 0:.3f}")  # fmt: skip


main()
