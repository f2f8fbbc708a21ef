#!/usr/bin/python3
"""bench/compare.sh without the installing: main.py [--docs] [RESULTS.json]"""
import json
import pathlib
import sys
import time

import plots
import tables
from measure import SCHEMA, Comparison
from servers import ROOT


def measured():
    folder = ROOT / "bench/results"
    folder.mkdir(exist_ok=True)
    path = folder / time.strftime("compare-%Y%m%dT%H%M%SZ.json", time.gmtime())
    results = Comparison().measure(path)
    print(f"results: {path.relative_to(ROOT)}", file=sys.stderr)
    return results


def read(path):
    results = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    if results.get("schema") != SCHEMA:
        sys.exit(f"compare.sh: {path} is not of schema {SCHEMA}")
    return results


def main():
    arguments = sys.argv[1:]
    writes_docs = "--docs" in arguments
    files = [argument for argument in arguments if argument != "--docs"]
    results = read(files[0]) if files else measured()
    text = tables.render(results)
    print(text)
    if writes_docs:
        drawn = plots.write_all(results, ROOT / "docs/plots")
        images = [f"![{title}](plots/{name})" for name, title in drawn.items()]
        tables.write_into(ROOT / "docs/performance.md", "\n\n".join([text, *images]))
    failures = [run for run in results["runs"] if "failure" in run]
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
