#!/usr/bin/python3
"""Prints the reports of one bench/run.sh as a table: table.py DIRECTORY"""
import json
import pathlib
import sys

# file, row, path into the report, unit, factor
ROWS = [
    ("echo-depth-1", "echo 20 B, 100 connections, depth 1", "results.messages_per_s",
     "messages/s", 1),
    ("echo-depth-1", "  latency p50", "timings_us.latency.p50", "us", 1),
    ("echo-depth-1", "  latency p99", "timings_us.latency.p99", "us", 1),
    ("echo-depth-1", "  server CPU", "results.server_cpu_us_per_message", "us/message", 1),
    ("echo-depth-1", "  wsmbench CPU", "results.client_cpu_us_per_message", "us/message", 1),
    ("echo-depth-16", "echo 20 B, 100 connections, depth 16", "results.messages_per_s",
     "messages/s", 1),
    ("echo-depth-16", "  server CPU", "results.server_cpu_us_per_message", "us/message", 1),
    ("echo-depth-16", "  wsmbench CPU", "results.client_cpu_us_per_message", "us/message", 1),
    ("echo-open-loop", "open loop at 10000/s: done", "results.messages_per_s", "messages/s", 1),
    ("echo-open-loop", "  latency p50", "timings_us.latency.p50", "us", 1),
    ("echo-open-loop", "  latency p99", "timings_us.latency.p99", "us", 1),
    ("echo-open-loop", "  latency p99.9", "timings_us.latency.p99_9", "us", 1),
    ("echo-open-loop", "  send lag p99.9 (wsmbench's own)", "timings_us.send_lag.p99_9", "us", 1),
    ("connect", "handshakes", "results.handshakes_per_s", "handshakes/s", 1),
    ("connect", "  connect to 101, p50", "timings_us.handshake.p50", "us", 1),
    ("connect", "  server CPU", "results.server_cpu_us_per_handshake", "us/handshake", 1),
    ("push-closed", "push 100 B to 100 users, 16 under way", "results.deliveries_per_s",
     "deliveries/s", 1),
    ("push-closed", "  server CPU", "results.server_cpu_us_per_delivery", "us/delivery", 1),
    ("push-open-loop", "push at 2000/s: latency p50", "timings_us.latency.p50", "us", 1),
    ("push-open-loop", "  latency p99", "timings_us.latency.p99", "us", 1),
    ("storm", "storm of 5000: half have an echo after", "results.restored_50_s", "ms", 1000),
    ("storm", "  99 %", "results.restored_99_s", "ms", 1000),
    ("storm", "  all", "results.restored_all_s", "ms", 1000),
    ("storm", "  server CPU", "results.server_cpu_us_per_restored", "us/connection", 1),
    ("fanout", "1000 readers: latency p99", "timings_us.latency.p99", "us", 1),
    ("slow", "  of those that read while 20 stall", "timings_us.latency.p99", "us", 1),
    ("slow", "  server memory at its peak", "results.server_rss_peak_bytes", "MiB", 2**-20),
    ("idle", "idle connections held", "results.connections_held", "", 1),
    ("idle", "  server memory for each", "memory_fit.server_private_dirty.bytes_per_connection",
     "B", 1),
    ("idle", "  residual of the line", "memory_fit.server_private_dirty.residual_bytes", "B", 1),
    ("idle", "  kernel slab for each, both ends", "memory_fit.host_slab.bytes_per_connection",
     "B", 1),
    ("idle", "  server CPU while idle", "cpu.server.total_s", "ms/s", 1000),
]


def dig(report, path):
    for key in path.split("."):
        report = report.get(key) if isinstance(report, dict) else None
    return report


def main():
    folder = pathlib.Path(sys.argv[1])
    reports = {}
    for path in sorted(folder.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        reports[path.stem] = json.loads(text) if text else {}
    first = next(filter(None, reports.values()), {})
    print(f"wsmd and wsmbench {first.get('version')} ({first.get('commit')})")
    for name, row, path, unit, factor in ROWS:
        report = reports.get(name, {})
        value = dig(report, path)
        if value is not None and path.startswith("cpu."):
            value /= report["measured_s"]
        shown = "-" if value is None else f"{value * factor:,.1f}"
        print(f"{row:<40} {shown:>14} {unit}".rstrip())
    for name, report in reports.items():
        if not report:
            print(f"{name}: no report")
        elif report.get("errors_total") != 0:
            print(f"{name}: {report.get('errors_total')} errors: {report.get('first_error')}")


if __name__ == "__main__":
    main()
