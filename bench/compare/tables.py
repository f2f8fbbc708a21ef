"""The tables of docs/performance.md, in Markdown."""
from loads import UNITS
from summary import BOUND, OURS, Summary

BEGIN, END = "<!-- compare.sh writes from here -->", "<!-- compare.sh writes to here -->"
NONE = "–"


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
    lines.insert(1, "|---" + "|---:" * (len(head) - 1) + "|")
    return "\n".join(lines)


def short(value):
    """Three digits that count."""
    if value is None:
        return NONE
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def with_spread(values):
    """The median and, of several, the least and the most."""
    if not values:
        return NONE
    values = sorted(values)
    middle = len(values) // 2
    median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
    if len(values) == 1:
        return short(median)
    return f"{short(median)} ({short(values[0])}–{short(values[-1])})"


def reached(value, load):
    if value is None:
        return NONE
    return f"{short(value)} B" if load.relative_to is None else f"{value:.2f}"


def head_of(summary):
    results, machine = summary.results, summary.results["machine"]
    servers = ", ".join(f"{s['title']} {s['version']}".strip() for s in results["servers"])
    low, high = summary.load_average()
    return (f"Measured {results['started']} at commit {results['commit']}: {machine['cpu']}, "
            f"{machine['cores']} cores, Linux {machine['kernel']}; rounds: {results['rounds']}, "
            f"{results['seconds']:g} s each; load average {low:.1f} to {high:.1f}. "
            f"Servers: {servers}.")


def goals(summary):
    rows = []
    for load in summary.loads:
        if load.goal is None:
            continue
        own = summary.reached(OURS, load)
        best = summary.best_other(load)
        unit = " B" if load.relative_to is None else ""
        title = load.title + (", p99" if load.figure == "p99" else "")
        verdict = NONE if own is None else "yes" if own <= load.goal else "no"
        rows.append([title, reached(own, load), f"≤ {load.goal:g}{unit}", verdict,
                     f"{summary.titles[best[0]]} {reached(best[1], load)}" if best else NONE])
    return table(["relative to raw, if nothing else is said", "wsmd", "goal", "met", "best other"],
                 rows)


def matrix(summary, cell, loads):
    """A row for each load, a column for each server."""
    rows = [[load.title, *(cell(name, load) for name in summary.titles)] for load in loads]
    return table(["", *summary.titles.values()], rows)


def render(results):
    summary = Summary(results)
    timed = [load for load in summary.loads if load.mode in UNITS]
    resting = [load for load in summary.loads if load.mode not in UNITS]

    def spread_of(figure):
        return lambda name, load: with_spread(summary.values(name, load.name, figure))

    def ratio_to_raw(name, load):
        if name == BOUND:
            return "1"
        own, bound = (summary.median(n, load.name, "cpu") for n in (name, BOUND))
        return f"{own / bound:.2f}" if own is not None and bound else NONE

    def latency(name, load):
        both = [summary.median(name, load.name, figure) for figure in ("p50", "p99")]
        return NONE if both[0] is None else " / ".join(map(short, both))

    parts = [head_of(summary), "### Goals", goals(summary)]
    if timed:
        parts += [
            "### Server CPU, µs for each message, delivery or handshake",
            matrix(summary, spread_of("cpu"), timed),
            "### The same, relative to raw",
            matrix(summary, ratio_to_raw, timed),
            "### Messages, deliveries or handshakes a second",
            matrix(summary, spread_of("rate"), timed),
            "### Latency, µs, p50 / p99",
            matrix(summary, latency, timed),
        ]
    if resting:
        parts += ["### Memory of a connection in user space, bytes",
                  matrix(summary, spread_of("memory"), resting)]  # fmt: skip
    failures = {}
    for run in summary.failures():
        failures.setdefault((summary.titles[run["server"]], run["load"]), []).append(run)
    if failures:
        parts += ["### Runs that failed", "\n".join(
            f"- {server}, {load}, round {', '.join(str(run['round']) for run in runs)}: "
            f"{runs[0]['failure']}"
            for (server, load), runs in failures.items())]  # fmt: skip
    return "\n\n".join(parts)


def write_into(path, text):
    """Between the two marks of the file."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"compare.sh: {path} has lost the marks that the tables go between")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
