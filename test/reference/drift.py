#!/usr/bin/python3
"""Compares the drift statistics with SciPy and with their formulas, and counts false alarms where nothing drifts.

Needs what _reference.py says. Rows are drawn with fixed seeds.
"""
import math

import numpy as np
from scipy import stats

from _drift import LOOSE, fisher_tail, middles_of, moments, of_counts, of_moments, of_order
from _reference import agree, finish, note, psql, report, rows_of, start

ALPHA = 0.01
METHODS = [row["name"] for row in rows_of("SELECT name FROM ml.drift_methods")]
ORDERED = ("wasserstein", "kolmogorov_smirnov", "kuiper")
MOMENTS = ("welch_t", "mean_shift", "wasserstein")


def array(values, kind):
    return "ARRAY[" + ", ".join(repr(v) for v in np.asarray(values).tolist()) + "]::" + kind + "[]"


def statistic(method, p, q, **arguments):
    """One row of ml.drift_statistic."""
    call = [array(p, "bigint"), array(q, "bigint")]
    for name, value in arguments.items():
        call.append("%s => %s" % (name, array(value, "float8") if np.ndim(value) else repr(value)))
    return rows_of("SELECT * FROM ml.drift_statistic('%s', %s)" % (method, ", ".join(call)))[0]


# --- by definition ------------------------------------------------------

def expected(p, q, edges, low, high, a, b):
    """What SciPy and the definitions say of two profiles: method -> (statistic, p-value or None)."""
    return {**of_counts(p, q), **of_order(p, q, middles_of(edges, low, high), math.sqrt(a[1])), **of_moments(a, b)}


def profile(x, edges):
    """Counts below, between and above the edges."""
    return np.bincount(np.searchsorted(edges, x, side="right"), minlength=len(edges) + 1)


def compare(name, x, y, nulls, tolerance=1e-11, tests=1e-2):
    """
    Two samples and their numbers of NULLs. The p-values of the tests of counts come from moments that are exact for the
    rows there are, so they are near those of chi-square for many rows and not the same.
    """
    edges = np.quantile(x, np.arange(1, 10) / 10)
    p = np.append(profile(x, edges), nulls[0])
    q = np.append(profile(y, edges), nulls[1])
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    want = expected(p, q, edges, low, high, moments(x), moments(y))
    got = {method: statistic(method, p, q, edges=edges, low=low, high=high, null_bin=len(p),
                             reference_moments=moments(x), current_moments=moments(y)) for method in want}
    agree(name + ": statistics", {k: got[k]["statistic"] for k in want}, {k: v[0] for k, v in want.items()}, tolerance)
    exact = [k for k, v in want.items() if v[1] is not None and k not in LOOSE]
    agree(name + ": p-values", {k: got[k]["p_value"] for k in exact}, {k: want[k][1] for k in exact}, 1e-9)
    agree(name + ": p-values of counts", {k: got[k]["p_value"] for k in LOOSE}, {k: want[k][1] for k in LOOSE}, tests)
    for k, row in got.items():
        if (row["p_value"] < ALPHA * 0.999 and not row["drift"] and row["statistic"] > row["limit_value"]) or \
                (row["p_value"] > ALPHA * 1.001 and row["drift"]):
            report("%s: %s agrees with its p-value" % (name, k), False, row)


def samples():
    random = np.random.default_rng(20240501)
    compare("normal, no drift", random.normal(size=20000), random.normal(size=15000), (400, 310))
    compare("normal, shifted", random.normal(size=5000), random.normal(0.1, 1, size=4000), (10, 30), tests=0.1)
    compare("lognormal, spread", random.lognormal(size=3000), random.lognormal(0, 1.05, size=50000), (0, 0), tests=0.1)
    compare("far away", random.normal(size=1000), random.normal(9, 1, size=1000), (0, 10), tests=1.0)

    # two bins
    for p, q in (((9000, 1000), (900, 130)), ((120, 80), (700, 690))):
        n, m = sum(p), sum(q)
        both = (p[0] + q[0]) / (n + m)
        z = abs(p[0] / n - q[0] / m) / math.sqrt(both * (1 - both) * (1 / n + 1 / m))
        row = statistic("z_share", p, q)
        agree("z_share %s" % (p,), {"z": row["statistic"], "p": row["p_value"]},
              {"z": z, "p": float(2 * stats.norm.sf(z))}, 1e-11)
    # few rows
    n, m, x, y = 5000, 300, 3, 2
    row = statistic("null_share", (n - x, x), (m - y, y), null_bin=2)
    agree("null_share, few", {"d": row["statistic"], "p": row["p_value"]},
          {"d": abs(x / n - y / m), "p": fisher_tail(n, m, x, y)}, 1e-11)


# --- by chance ----------------------------------------------------------

def alarms(name, pairs, edges=None, methods=METHODS):
    """Share of pairs in which each method, without a floor, sees drift at ALPHA."""
    psql("DROP TABLE IF EXISTS reference.pairs; CREATE TABLE reference.pairs (p bigint[], q bigint[], low float8,"
         " high float8, a float8[], b float8[]); COPY reference.pairs FROM STDIN WITH (FORMAT csv, NULL '');",
         [["{" + ",".join(repr(v) for v in np.asarray(cell).tolist()) + "}" if np.ndim(cell) else
           "" if cell is None else repr(cell) for cell in pair] for pair in pairs])
    rows = rows_of("""
        SELECT m.name, avg(d.drift::int) AS share, count(*) AS n,
               count(*) FILTER (WHERE d.drift AND d.p_value > %g) AS odd
        FROM ml.drift_methods m, reference.pairs r,
             ml.drift_statistic(m.name, r.p, r.q, %s, %g, r.low, r.high, r.a, r.b, cardinality(r.p), 0) d
        WHERE m.name = ANY ('{%s}') GROUP BY 1""" % (ALPHA * 1.001, array(edges, "float8") if edges is not None else "NULL",
                                                    ALPHA, ",".join(methods)))
    share = {row["name"]: row["share"] for row in rows}
    note("%s: %s" % (name, ", ".join("%s %.4f" % (k, share[k]) for k in sorted(share))))
    # means of few rows of a skewed column are not yet normal, and their t is not Student's
    excess = {k: v - (0.03 if "lognormal" in name and k in ("welch_t", "mean_shift") else 0.02) for k, v in share.items()}
    worst = max(share, key=excess.get)
    report("%s: false alarms of %d methods" % (name, len(share)), len(share) == len(methods) and excess[worst] <= 0,
           "%s %.4f" % (worst, share[worst]))
    report("%s: no drift has a p-value above alpha" % name, not any(row["odd"] for row in rows), rows)
    return share


def numbers(random, n, m, draw, bins):
    """A pair of samples of one population, in bins of equal mass of the reference."""
    edges = stats.norm.ppf(np.arange(1, bins) / bins) if draw == "normal" else np.exp(stats.norm.ppf(np.arange(1, bins) / bins))
    x, y = getattr(random, draw)(size=n), getattr(random, draw)(size=m)
    nulls = random.binomial((n, m), 0.01)
    p, q = np.append(profile(x, edges), nulls[0]), np.append(profile(y, edges), nulls[1])
    return [p, q, float(min(x.min(), y.min())), float(max(x.max(), y.max())), moments(x), moments(y)], edges


def chance():
    random = np.random.default_rng(7)
    runs = 2000
    # both sides have the same weight in the first ones; in the others the reference is large and the window small
    for n, m, draw, bins in ((200, 200, "normal", 10), (1000, 1000, "lognormal", 20), (20000, 20000, "normal", 10),
                             (20000, 200, "lognormal", 10), (20000, 200, "normal", 30), (20000, 1000, "normal", 10)):
        made = [numbers(random, n, m, draw, bins) for _ in range(runs)]
        alarms("%s, %d bins, %d and %d rows" % (draw, bins, n, m), [pair for pair, _ in made], made[0][1],
               [k for k in METHODS if k != "z_share"])
    # many categories, most of them rare
    plain = [k for k in METHODS if k not in ORDERED + MOMENTS + ("z_share",)]
    for n, m, categories in ((200, 200, 40), (20000, 200, 40), (20000, 200, 200), (2000, 20000, 100)):
        weight = 1 / np.arange(1, categories + 1) ** 1.2
        weight /= weight.sum()
        pairs = [[random.multinomial(n, weight), random.multinomial(m, weight), None, None, None, None]
                 for _ in range(runs // 4 if categories > 40 else runs)]
        alarms("%d categories, %d and %d rows" % (categories, n, m), pairs, None, plain)
    # bins in which the only row may be one of the smaller side
    weight = np.append(np.full(5, 0.1998), np.full(20, 5e-5))
    alarms("5 categories and 20 very rare ones, 20000 and 200 rows",
           [[random.multinomial(20000, weight), random.multinomial(200, weight), None, None, None, None] for _ in range(runs)],
           None, plain)
    for n, m, share in ((200, 200, 0.5), (20000, 200, 0.01), (5000, 20000, 0.002)):
        pairs = []
        for _ in range(runs):
            x, y = random.binomial(n, share), random.binomial(m, share)
            pairs.append([[n - x, x], [m - y, y], None, None, None, None])
        alarms("two categories, %g, %d and %d rows" % (share, n, m), pairs, None, plain + ["z_share"])


def power():
    """A shift of half a deviation is seen by every method that can, floors and all."""
    random = np.random.default_rng(11)
    edges = stats.norm.ppf(np.arange(1, 10) / 10)
    x, y = random.normal(size=20000), random.normal(0.5, 1, size=2000)
    p, q = np.append(profile(x, edges), 0), np.append(profile(y, edges), 100)
    for method in METHODS:
        if method == "z_share":
            continue
        row = statistic(method, p, q, edges=edges, low=-6.0, high=6.0, null_bin=len(p), reference_moments=moments(x),
                        current_moments=moments(y))
        report("%s sees a shift" % method, row["drift"] and row["p_value"] < 1e-6, row)


start()
samples()
power()
chance()
finish()
