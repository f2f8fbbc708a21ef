#!/usr/bin/python3
"""Compares the latencies of the paired runs of bench/stuck.sh: pairs.py DIRECTORY PAIRS"""
import json
import pathlib
import statistics
import sys

ALLOWED = 1.2


def main():
    folder, pairs = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    p99 = {"without": [], "with": []}
    print(f"{'pair':<8} {'p50 us':>10} {'p99 us':>10} {'p99.9 us':>10} {'deliveries/s':>13}")
    for pair in range(1, pairs + 1):
        for kind, values in p99.items():
            report = json.loads((folder / f"{kind}-{pair}.json").read_text(encoding="utf-8"))
            latency = report["timings_us"]["latency"]
            values.append(latency["p99"])
            print(f"{pair} {kind:<7} {latency['p50']:>9.0f} {latency['p99']:>10.0f} "
                  f"{latency['p99_9']:>10.0f} {report['results']['deliveries_per_s']:>13.0f}")
    without, stuck = (statistics.median(values) for values in p99.values())
    print(f"median p99: without {without:.0f} us, with one stuck {stuck:.0f} us, "
          f"ratio {stuck / without:.3f}")
    ratios = sorted(w / wo for wo, w in zip(*p99.values()))
    print("ratios of the pairs:", " ".join(f"{ratio:.3f}" for ratio in ratios))
    if stuck / without > ALLOWED:
        sys.exit(f"the stuck one costs the others more than {ALLOWED - 1:.0%}")


if __name__ == "__main__":
    main()
