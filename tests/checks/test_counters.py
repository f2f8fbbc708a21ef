"""Every test that tests/sim/counters.txt names exists, and so does every counter."""

import pathlib
import re
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
LIST = REPO / "tests" / "sim" / "counters.txt"
STATISTICS = REPO / "docs" / "statistics.md"
SENTENCE = 10  # bytes of a reason, at least


def is_counter(name, text):
    """By its whole name, or by its label."""
    name = name.rstrip("*")
    label = name.rpartition(".")[2]
    return f"`{name}" in text or f"| `{label}` |" in text or label == ""


def is_test(path, name):
    if not (REPO / path).is_file():
        return False
    text = (REPO / path).read_text(encoding="utf-8")
    group, _, test = name.partition(".")
    if path.endswith(".py"):
        return f"class {group}(" in text and f"def {test}(" in text
    return re.search(rf"Test\({group}, {test}[,)]", text) is not None


def problem(line, text):
    """What is wrong with a line, or None."""
    name, where, rest = (line.split(None, 2) + ["", ""])[:3]
    if not is_counter(name, text):
        return f"no such counter: {name}"
    if where == "none":
        return None if len(rest) >= SENTENCE else f"{name}: why can nothing move it?"
    return None if is_test(where, rest) else f"{name}: no such test: {where} {rest}"


def self_test(text):
    """A check that finds nothing wrong anywhere would be none."""
    good = "basic.joins tests/unit/worker/test_groups.c groups.join_and_leave_with_all_connections"
    assert problem(good, text) is None
    for bad in [
        "basic.jions none nobody can do that", "basic.joins none", "basic.joins",
        "basic.joins tests/nowhere.py A.test_b", good + "x", good.replace("groups.join", "join"),
    ]:  # fmt: skip
        assert problem(bad, text), bad


def main():
    text = STATISTICS.read_text(encoding="utf-8")
    lines = [x for x in LIST.read_text(encoding="utf-8").splitlines() if x and x[0] != "#"]
    self_test(text)
    problems = [p for p in (problem(line, text) for line in lines) if p]
    print("\n".join(problems))
    print(f"{len(lines) - len(problems)} passed, {len(problems)} failed")
    return 1 if problems or not lines else 0


sys.exit(main())
