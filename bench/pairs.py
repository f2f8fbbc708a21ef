#!/usr/bin/python3
"""Compares latencies of paired runs, see bench/pairs.sh: pairs.py DIRECTORY PAIRS WITH [MOST]"""
import json
import pathlib
import statistics
import sys

KINDS = ("without", "with")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def row_of(folder, name):
    """The figures of one run: column -> value."""
    report = read(folder / f"{name}.json")
    latency, results = report["timings_us"]["latency"], report["results"]
    row = {
        "p50 us": latency["p50"], "p99 us": latency["p99"], "p99.9 us": latency["p99_9"],
        "a second": results.get("deliveries_per_s", results.get("messages_per_s")),
    }  # fmt: skip
    stats = folder / f"{name}.stats"
    if stats.exists():
        (worker,) = read(stats)["workers"]["each"]
        row |= {"turn p50 us": worker["turn_p50_us"], "turn p99 us": worker["turn_p99_us"]}
    return row


def main():
    folder, pairs, beside = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    rows = {kind: [row_of(folder, f"{kind}-{n + 1}") for n in range(pairs)] for kind in KINDS}
    columns = rows["with"][0]
    print(f"{'pair':<10}" + "".join(f" {column:>11}" for column in columns))
    for n in range(pairs):
        for kind in KINDS:
            figures = "".join(f" {rows[kind][n][column]:>11.0f}" for column in columns)
            print(f"{n + 1} {kind:<8}{figures}")
    medians = {
        kind: {column: statistics.median(row[column] for row in rows[kind]) for column in columns}
        for kind in KINDS
    }
    for column in columns:
        print(f"median {column}: without {medians['without'][column]:.0f}, "
              f"with {beside} {medians['with'][column]:.0f}")  # fmt: skip
    ratio = medians["with"]["p99 us"] / medians["without"]["p99 us"]
    print(f"ratio of the median p99: {ratio:.3f}")
    ratios = (w["p99 us"] / o["p99 us"] for w, o in zip(rows["with"], rows["without"]))
    print("ratios of the pairs:", " ".join(f"{r:.3f}" for r in sorted(ratios)))
    if len(sys.argv) > 4 and ratio > float(sys.argv[4]):
        sys.exit(f"{beside} costs the others more than a factor of {sys.argv[4]}")


if __name__ == "__main__":
    main()
