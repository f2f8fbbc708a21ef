"""The plots of docs/plots/, as SVG: lines over a few named places, on a logarithmic scale."""
import html
import itertools
import math

from summary import Summary

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50
COLOURS = {"raw": "#000000", "wsmd": "#d62728"}
OTHER_COLOURS = ["#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22"]

THROUGHPUT = (("echo-20", "20 B"), ("echo-512", "512 B"), ("echo-16k", "16 KiB"),
              ("echo-1m", "1 MiB"))  # fmt: skip
FANOUT = (("fanout-1000", "1 000"), ("fanout-10000", "10 000"),
          ("fanout-deep", "1 000, 8 in flight"))  # fmt: skip
QUANTILES = ("p50", "p90", "p99", "p99_9", "max")


def text(x, y, words, anchor="middle", size=12, colour="#000000"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{colour}">{html.escape(words)}</text>')


def line(points, colour, width):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def shown(value):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g} {unit}"
    return f"{value:g}"


def colours_of(names):
    """A server has the same colour in every plot."""
    others = itertools.cycle(OTHER_COLOURS)
    return {name: COLOURS.get(name) or next(others) for name in names}


def chart(title, unit, places, series, colours):
    """An SVG. @series: [(name, title, [value or None for each place])]."""
    values = [v for _, _, row in series for v in row if v is not None and v > 0]
    if not values:
        return None
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def at(i, value):
        x = LEFT + (WIDTH - LEFT - RIGHT) * (i + 0.5) / len(places)
        part = (math.log10(value) - low) / (high - low)
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
             text(LEFT, 22, f"{title} [{unit}]", "start", 15)]  # fmt: skip
    for power in range(low, high + 1):
        y = at(0, 10.0**power)[1]
        parts.append(line([(LEFT, y), (WIDTH - RIGHT, y)], "#dddddd", 1))
        parts.append(text(LEFT - 8, y + 4, shown(10.0**power), "end"))
    parts += [text(at(i, 10.0**low)[0], HEIGHT - BOTTOM + 20, place)
              for i, place in enumerate(places)]  # fmt: skip
    legend = []
    for name, label, row in series:
        points = [at(i, v) for i, v in enumerate(row) if v is not None and v > 0]
        if not points:
            continue
        colour = colours[name]
        parts.append(line(points, colour, 3 if name == "wsmd" else 1.5))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        legend.append([points[-1][1], label, colour])
    for y, label, colour in spread_out(legend):
        parts.append(text(WIDTH - RIGHT + 10, y + 4, label, "start", 12, colour))
    return "\n".join([*parts, "</svg>", ""])


def spread_out(legend):
    """Labels beside the ends of their lines, but not on each other."""
    legend.sort()
    last = 0
    for entry in legend:
        entry[0] = last = max(entry[0], last + 15)
    return legend


def over_loads(summary, loads, figure):
    return [(name, title, [summary.median(name, load, figure) for load, _ in loads])
            for name, title in summary.titles.items()]  # fmt: skip


def last_reports(summary, load):
    """{server: report} of the last round."""
    return {run["server"]: run["report"] for run in summary.results["runs"]
            if run["load"] == load and "report" in run}  # fmt: skip


def latency(summary, load):
    reports = last_reports(summary, load)
    return [(name, title, [reports[name]["timings_us"]["latency"][q] for q in QUANTILES])
            for name, title in summary.titles.items() if name in reports]  # fmt: skip


def memory(summary):
    """The numbers of connections, and what the server has grown by until then."""
    reports = last_reports(summary, "idle")
    steps, series = [], []
    for name, title in summary.titles.items():
        if name in reports:
            empty, *samples = reports[name]["memory"]
            steps = [f"{sample['connections']:,}".replace(",", " ") for sample in samples]
            grown = [sample["server_private_dirty"] - empty["server_private_dirty"]
                     for sample in samples]  # fmt: skip
            series.append((name, title, grown))
    return steps, series


def write_all(results, folder):
    """Returns the titles of those that could be drawn, as {file name: title}."""
    summary = Summary(results)
    steps, grown = memory(summary)
    quantiles = [q.replace("_", ".") for q in QUANTILES]
    plots = (
        ("throughput", "Echo by size of the message", "messages/s",
         [place for _, place in THROUGHPUT], over_loads(summary, THROUGHPUT, "rate")),
        ("latency", "Latency at half of raw's load", "µs", quantiles, latency(summary, "half")),
        ("latency-full", "Latency at full load, echo 20 B", "µs", quantiles,
         latency(summary, "echo-20")),
        ("memory", "Memory by idle connections", "B", steps, grown),
        ("fanout", "Server CPU for each delivery by receivers", "µs",
         [place for _, place in FANOUT], over_loads(summary, FANOUT, "cpu")),
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    colours = colours_of(summary.titles)
    drawn = {}
    for name, title, unit, places, series in plots:
        svg = chart(title, unit, places, series, colours)
        if svg:
            (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
            drawn[f"{name}.svg"] = title
    return drawn
