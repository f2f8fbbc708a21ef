#!/usr/bin/env python3
"""Documents that are printed from tables are as the tables are now: test_docs.py PRINTER DOCS.

With --write it brings them up to date."""
import pathlib
import subprocess
import sys

NAMES = ["man/wsmd.8", "statistics.md"]


def main():
    write = "--write" in sys.argv
    printer, docs = [a for a in sys.argv[1:] if a != "--write"]
    stale = []
    for name in NAMES:
        text = subprocess.run([printer, name], check=True, capture_output=True).stdout
        path = pathlib.Path(docs) / name
        if write:
            path.write_bytes(text)
        elif not path.exists() or path.read_bytes() != text:
            stale.append(name)
            print(f"docs/{name} is stale: run tests/checks/test_docs.py --write PRINTER DOCS")
    print(f"{len(NAMES) - len(stale)} passed, {len(stale)} failed")
    return 1 if stale else 0


sys.exit(main())
