#!/usr/bin/python3
"""Every rule of tests/BEHAVIOUR.md names at least one test, and every test that is named exists.

A row is "| rule | tests |". A test is named as `FILE: NAME`, FILE relative to tests/: a Criterion
test as `unit/hub/test_registry.c: registry.the_limit_of_a_user_is_exact`, one in Python as
`system/test_commands.py: Send.test_every_device_of_a_user`, a function of the simulator, of a
race program or of a check as `sim/oracle.c: oracle_idle`.
"""

import ast
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests"
NAMED = re.compile(r"`([\w/]+\.(?:c|py)): ([\w.]+)`")
CRITERION = re.compile(r"^(?:Parameterized)?Test\((\w+),\s*(\w+)", re.M)
FUNCTION = re.compile(r"^[a-z][\w \t*]*?\b(\w+)\([^;]*$", re.M)


def names_of(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                yield node.name
            if isinstance(node, ast.ClassDef):
                yield from (f"{node.name}.{f.name}" for f in node.body if hasattr(f, "name"))
        return
    yield from (f"{suite}.{name}" for suite, name in CRITERION.findall(text))
    yield from FUNCTION.findall(text)


def rows_of(text):
    """(line number, rule, cell) of each row that is neither the head of a table nor its rule."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if not line.startswith("|") or line.startswith(("|-", "| -")):
            continue
        if i + 1 < len(lines) and lines[i + 1].startswith(("|-", "| -")):
            continue
        rule, _, cell = line.strip("| ").partition(" | ")
        yield i + 1, rule.strip(), cell.strip()


def faults_of(text, root):
    known = {}
    n = 0
    for number, rule, cell in rows_of(text):
        n += 1
        named = NAMED.findall(cell)
        if not named:
            yield f"{number}: no test for: {rule}"
        for file, name in named:
            if file not in known:
                path = root / file
                known[file] = set(names_of(path)) if path.is_file() else None
            if known[file] is None:
                yield f"{number}: no such file: {file}"
            elif name not in known[file]:
                yield f"{number}: {file} has no {name}"
    if n == 0:
        yield "1: no rows"


def self_test():
    """A fault of each kind is found."""
    text = "| rule | tests |\n| --- | --- |\n"
    root = TESTS
    real = "`unit/hub/test_registry.c: registry.a_session_is_found_by_its_id`"
    assert not list(faults_of(text + f"| a | {real} |\n", root))
    assert not list(faults_of(text + "| a | `sim/oracle.c: oracle_idle` |\n", root))
    assert not list(faults_of(text + "| a | `system/test_smoke.py: Smoke.test_tour` |\n", root))
    for cell in ("", "later", "`unit/none.c: a.b`", real.replace("by_its_id", "by_luck")):
        assert len(list(faults_of(text + f"| a | {cell} |\n", root))) == 1, cell
    assert list(faults_of(text, root))


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    path = TESTS / "BEHAVIOUR.md"
    faults = list(faults_of(path.read_text(encoding="utf-8"), TESTS))
    for fault in faults:
        print(f"{path.relative_to(TESTS.parent)}:{fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
