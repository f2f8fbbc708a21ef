"""From runs to figures: medians, spreads, ratios."""
import statistics

from loads import LOADS, figures_of

BOUND, OURS = "raw", "wsmd"


class Summary:
    def __init__(self, results):
        self.results = results
        self.titles = {server["name"]: server["title"] for server in results["servers"]}
        self.by_round = {}  # (server, load): {round: figures}
        for run in results["runs"]:
            if "report" in run:
                figures = figures_of(run["report"])
                rounds = self.by_round.setdefault((run["server"], run["load"]), {})
                rounds[run["round"]] = figures
        done = {load for _, load in self.by_round}
        self.loads = [load for load in LOADS if load.name in done]
        self.others = [name for name in self.titles if name not in (BOUND, OURS)]

    def values(self, server, load, figure):
        """Of all rounds."""
        rounds = self.by_round.get((server, load), {})
        return [figures[figure] for figures in rounds.values() if figure in figures]

    def median(self, server, load, figure):
        values = self.values(server, load, figure)
        return statistics.median(values) if values else None

    def ratios(self, server, load, figure=None):
        """Of each round to what the load is relative to, in the same round."""
        figure = figure or load.figure
        base = self.base_of(server, load)
        own = self.by_round.get((server, load.name), {})
        other = self.by_round.get(base, {})
        return [own[n][figure] / other[n][figure] for n in sorted(own.keys() & other.keys())
                if figure in own[n] and other[n].get(figure, 0) > 0]  # fmt: skip

    @staticmethod
    def base_of(server, load):
        if load.relative_to in (None, BOUND):
            return BOUND, load.name
        return server, load.relative_to

    def reached(self, server, load):
        """What is held against the goal, or None."""
        if load.relative_to is None:
            return self.median(server, load.name, load.figure)
        ratios = self.ratios(server, load)
        return statistics.median(ratios) if ratios else None

    def best_other(self, load):
        """(name, what it reached), or None."""
        reached = {name: self.reached(name, load) for name in self.others}
        there = {name: value for name, value in reached.items() if value is not None}
        return min(there.items(), key=lambda item: item[1]) if there else None

    def failures(self):
        return [run for run in self.results["runs"] if "failure" in run]

    def load_average(self):
        """The least and the most that the machine had to do, the comparison included."""
        values = [run["load_average"] for run in self.results["runs"]]
        return (min(values), max(values)) if values else (0, 0)
