"""What the benchmark prints: figures, medians of runs, and Markdown tables that compare them."""
import statistics

from server import Run


def figure(x):
    """Three significant digits, without an exponent."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}" if abs(x) >= 1 else f"{x:.3f}"


def median(runs, what):
    return statistics.median(getattr(run, what) for run in runs)


def least(runs, what):
    return min(getattr(run, what) for run in runs)


def both(runs, what):
    return f"{figure(median(runs, what))} ({figure(least(runs, what))})"


def total(steps, memory):
    """The Run of several steps one after the other."""
    return Run(sum(step.wall for step in steps.values()), sum(step.cpu for step in steps.values()), memory)


def added(*many):
    """Adds the runs of several steps, the first of each to the first of the others and so on."""
    return [Run(sum(r.wall for r in runs), sum(r.cpu for r in runs), max(r.memory for r in runs)) for runs in zip(*many)]


def print_table(heads, rows):
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


class Lines:
    """The lines of one comparison: the first is ours, and the others are given as multiples of it."""

    def __init__(self):
        self.rows = []

    def add(self, name, runs, note=""):
        self.rows.append((name, runs, note))

    def print(self, note):
        ours = self.rows[0][1]
        print_table(
            ("", "wall s: median (min)", "CPU s: median (min)", "memory MB", "wall, x ours", "CPU, x ours", note),
            [(name, both(runs, "wall"), both(runs, "cpu"), figure(max(run.memory for run in runs)),
              figure(median(runs, "wall") / median(ours, "wall")), figure(median(runs, "cpu") / median(ours, "cpu")), text)
             for name, runs, text in self.rows])
