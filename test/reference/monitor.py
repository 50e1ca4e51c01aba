#!/usr/bin/python3
"""Compares what is judged of sources and windows with SciPy and formulas, and counts what is raised where nothing drifts.

Needs what _reference.py says, and a server of its own with the library preloaded, which it makes: the worker judges the
windows. ML_WINDOWS is how many windows of each size are judged without drift, 150 by default. Rows are drawn with fixed seeds.
"""
import datetime
import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy import stats

from _drift import LOOSE, fisher_tail, middles_of, moments, of_counts, of_moments, of_order
from _reference import (ROOT, agree, dataset, finish, identifier, literal, note, psql, report, rows_of, skip, start, store)

WINDOWS = int(os.environ.get("ML_WINDOWS", "150"))
SIZES = {"shadow": 200, "canary": 1000, "production": 10000}
MODELS = 5
TRAINING = 20000
COLUMNS = 30
LOOKS = 5
# words of counts as src/drift/profile.h lays them out
SERVICE_WORDS = 54
MOMENT_WORDS = 5


# --- the server ---------------------------------------------------------

def serve(folder):
    """Starts a server whose worker only works when it is called, and goes to it."""
    subprocess.run(["sh", os.path.join(ROOT, "test", "cluster"), "start", folder, "fsync=off",
                    "shared_preload_libraries=pg_mlops", "pg_mlops.flush_interval=1h"], check=True)
    os.environ.update(PGHOST=folder, PGPORT="5432", PGUSER="postgres", PGDATABASE="postgres")
    psql("CREATE EXTENSION pg_mlops")


def flush():
    """Has the worker do all duties; returns the seconds it took."""
    begin = time.monotonic()
    psql("SELECT ml.flush_monitor()")
    return time.monotonic() - begin


def query_of(table, columns, condition):
    return "SELECT %s FROM %s WHERE %s" % (", ".join(identifier(c) for c in columns), table, condition)


def train(model, source, target):
    psql("SELECT * FROM ml.train(%s, %s, %s, algorithm => 'linear_regression', split => '{\"method\": \"none\"}')"
         % (literal(model), literal(source), literal(target)))


# --- bins ---------------------------------------------------------------

class Bins:
    """Bins of a column, by their labels: the numbers in these are exact."""

    def __init__(self, labels):
        self.labels = labels
        self.ordered = labels[-1] == "NaN"
        if not self.ordered:
            self.levels = labels[:-3]
            return
        inner = labels[1:-3]
        self.own = not any(label.startswith("[") for label in inner)
        if self.own:
            edges = [float(label) for label in inner]
        else:
            edges = [float(label[1:].split(",")[0]) for label in inner]
        greatest = float(labels[-3].split()[1])
        self.edges = np.array(edges + [np.nextafter(greatest, math.inf)])

    def count(self, values):
        """numpy's count of values, in which None is NULL."""
        if self.ordered:
            x = np.array([math.nan if v is None else float(v) for v in values])
            at = np.searchsorted(self.edges, x[~np.isnan(x)], side="right")
            return np.concatenate([np.bincount(at, minlength=len(self.edges) + 1), [np.isnan(x).sum(), 0]])
        place = {level: i for i, level in enumerate(self.levels)}
        place[None] = len(self.levels) + 2
        return np.bincount([place.get(v, len(self.levels) + 1) for v in values], minlength=len(self.labels))

    def middles(self, low, high):
        """Where rows of the ordered bins lie, for wasserstein."""
        middles = middles_of(self.edges, low, high)
        return np.concatenate([middles[:1], self.edges[:-1], middles[-1:]]) if self.own else middles


def numbers(values):
    return np.array([float(v) for v in values if v is not None])


def profiled(rows):
    """Rows of ml.baseline or ml.profiles: column -> (Bins, counts)."""
    return {r["column_name"]: (Bins([b["bin"] for b in r["bins"]]), np.array([b["rows"] for b in r["bins"]])) for r in rows}


# --- by definition ------------------------------------------------------

def expected(bins, p, q, x, y):
    """What is expected of a column: method -> (statistic, p-value or None)."""
    out = of_counts(p, q)
    null = -2 if bins.ordered else -1
    n, m = int(p.sum()), int(q.sum())
    out["null_share"] = (abs(p[null] / n - q[null] / m), fisher_tail(n, m, int(p[null]), int(q[null])))
    if bins.ordered:
        a, b = numbers(x), numbers(y)
        out.update(of_order(p, q, bins.middles(min(a.min(), b.min()), max(a.max(), b.max())), math.sqrt(a.var(ddof=1))))
        out.update(of_moments(moments(a), moments(b)))
    return out


def judged(name, rows, bins, reference, current, methods):
    """Rows of ml.drift by column and method against what is expected; how many statistics and p-values there were."""
    got, want, chances, wanted = {}, {}, {}, {}
    found = {(r["column_name"], r["method"]): r for r in rows}
    for column, (made, p) in bins.items():
        if (p > 0).sum() < 2:
            continue
        for method, (statistic, chance) in expected(made, p, made.count(current[column]), reference[column],
                                                    current[column]).items():
            if method not in methods:
                continue
            key = column + " " + method
            row = found[column, method]
            got[key], want[key] = row["statistic"], statistic
            # Fisher's test is the normal one where NULLs are many
            if chance is not None and method not in LOOSE + ("null_share",):
                chances[key], wanted[key] = row["p_value"], chance
    agree("%s: %d statistics" % (name, len(want)), got, want, 1e-9)
    # p-values that underflow, and those in the last bits of 1
    small = [k for k in wanted if 1e-290 < wanted[k] < 1 - 1e-9]
    agree("%s: %d p-values" % (name, len(small)), {k: chances[k] for k in small}, {k: wanted[k] for k in small}, 1e-9)


REAL = {
    "adult": ("age", ["workclass", "fnlwgt", "education", "education_num", "occupation", "race", "capital_gain",
                      "hours_per_week", "native_country"]),
    "bike_sharing_hour": ("cnt", ["season", "yr", "mnth", "hr", "holiday", "weekday", "weathersit", "temp", "hum", "windspeed"]),
    "electricity": ("transfer", ["day", "period", "nswprice", "nswdemand", "vicprice", "vicdemand", "class"]),
    "telco_churn": ("monthlycharges", ["gender", "seniorcitizen", "tenure", "contract", "paymentmethod", "totalcharges"]),
}


def real():
    """The first part of the rows of data sets against the last."""
    methods = [r["name"] for r in rows_of("SELECT name FROM ml.drift_methods")]
    for name, (target, features) in REAL.items():
        frame = dataset(name)
        if frame is None:
            skip(name, "the data set is not there")
            continue
        n = len(frame[target])
        cut = n * 3 // 5
        frame = {c: frame[c] for c in ["id", target] + features}
        frame["id"] = list(range(n))
        reference = {c: frame[c][:cut] for c in features}
        current = {c: frame[c][cut:] for c in features}
        table = store(name, frame)
        train(name, query_of(table, features + [target], "id < %d" % cut), target)
        psql("SELECT ml.set_monitor(%s, '366 days', methods => %s)" % (literal(name), literal(methods)))

        bins = profiled(rows_of("SELECT column_name, bins FROM ml.baseline(%s)" % literal(name)))
        report(name + ": the baseline has all features", sorted(bins) == sorted(features), bins.keys())
        # which levels of the training have no bin of their own cannot be told from the labels
        wrong = [c for c, (made, p) in bins.items()
                 if (made.count(reference[c]) != p)[:None if made.ordered else -3].any()]
        report(name + ": counts of training rows are numpy's", not wrong, wrong)
        bins = {c: v for c, v in bins.items() if v[0].ordered or v[1][-3] == 0}

        source = query_of(table, features, "id >= %d" % cut)
        rows = rows_of("SELECT * FROM ml.monitor_source(%s, %s)" % (literal(name), literal(source)))
        judged(name + ", ml.monitor_source", rows, bins, reference, current, methods)
        rows = rows_of("SELECT * FROM ml.drift_between(%s, %s, %s)" % (
            literal(query_of(table, features, "id < %d" % cut)), literal(source), literal(methods)))
        judged(name + ", ml.drift_between", rows, bins, reference, current, methods)

        psql("SELECT count(ml.predict(%s, s)) FROM (%s) s" % (literal(name), source))
        flush()
        seen = profiled(rows_of("SELECT column_name, bins FROM ml.profiles WHERE model = %s AND column_name <> ':prediction'"
                                % literal(name)))
        wrong = [c for c in bins if (seen[c][1] != bins[c][0].count(current[c])).any()]
        report(name + ": counts of scored rows are numpy's", not wrong, wrong)
        rows = rows_of("SELECT * FROM ml.drift WHERE model = %s AND slice_key IS NULL" % literal(name))
        judged(name + ", a window", rows, bins, reference, current, methods)
    forget()


# --- a population -------------------------------------------------------

class Column:
    """A column of a population that does not change: how it is drawn, and the share of any bin."""

    def __init__(self, name, kind, law, nulls):
        self.name, self.kind, self.law, self.nulls = name, kind, law, nulls

    def draw(self, random, n):
        values = self.law.rvs(size=n, random_state=random).tolist() if self.kind != "categories" else \
            ["c%02d" % k for k in random.choice(len(self.law), n, p=self.law)]
        return [None if gone else v for v, gone in zip(values, random.random(n) < self.nulls)]

    def shares(self, bins, shift=0.0):
        """The share of each bin; shift is added to the values."""
        if bins.ordered:
            # P(X < edge)
            below = self.law.cdf(np.ceil(bins.edges) - 1) if self.kind == "integers" else self.law.cdf(bins.edges - shift)
            inner = np.diff(np.concatenate([[0.0], below, [1.0]]))
            return np.concatenate([inner * (1 - self.nulls), [self.nulls, 0.0]])
        known = np.array([self.law[int(level[1:])] for level in bins.levels])
        return np.concatenate([known * (1 - self.nulls), [(1 - known.sum()) * (1 - self.nulls), 0.0, self.nulls]]).clip(0)


def population():
    """Thirty independent columns of mixed kinds."""
    nulls = (0, 0.002, 0.02, 0.1)
    laws = [("normal", stats.norm())] * 7 + [("lognormal", stats.lognorm(1))] * 5 + [("uniform", stats.uniform())] * 5
    laws += [("integers", law) for law in (stats.bernoulli(0.3), stats.randint(0, 5), stats.poisson(1), stats.poisson(3),
                                           stats.geom(0.2))]
    for levels in (3, 5, 8, 12, 16, 20, 22, 25):
        weight = 1 / np.arange(1, levels + 1)
        laws.append(("categories", weight / weight.sum()))
    columns = [Column("f%02d" % i, kind, law, nulls[i % 4]) for i, (kind, law) in enumerate(laws)]
    assert len(columns) == COLUMNS
    return columns


def trained(columns):
    """Trains models on rows of the population; returns model -> bins of its columns, in the order of its counts."""
    made = {}
    for k in range(MODELS):
        random = np.random.default_rng(100 + k)
        frame = {c.name: c.draw(random, TRAINING) for c in columns}
        frame["y"] = random.normal(size=TRAINING).tolist()
        model = "steady %d" % k
        train(model, store("steady_%d" % k, frame), "y")
        rows = rows_of("SELECT column_name, bins FROM ml.baseline(%s)" % literal(model))
        made[model] = {r["column_name"]: Bins([b["bin"] for b in r["bins"]]) for r in rows}
    return made


# --- windows ------------------------------------------------------------

def counts_of(random, columns, bins, rows, windows, shift=None):
    """
    Counts of windows of so many rows each, as words behind those of the service. Rows that are drawn from the population
    fall into bins as a multinomial number.
    """
    by_name = {c.name: c for c in columns}
    parts = [np.full((windows, 1), rows)]
    for name, made in bins.items():
        share = by_name[name].shares(made, 0.5 if name == shift else 0.0)
        parts += [np.zeros((windows, MOMENT_WORDS), dtype=np.int64), random.multinomial(rows, share / share.sum(), size=windows)]
    return np.hstack(parts).astype(np.int64)


def encoded(bins, words):
    """Counts as the bytes of ml.windows, in hexadecimal; without sums, minima and maxima of values."""
    shape = [len(made.labels) for made in bins.values()]
    head = struct.pack(">BIII%dH" % len(shape), 1, 1, len(shape), 0, *shape)
    service = np.zeros(SERVICE_WORDS, dtype=np.int64)
    out = []
    for one in words:
        service[0] = one[0]
        one = one.copy()
        at = 1
        for n in shape:
            one[at + 3:at + 5] = np.array([math.inf, -math.inf]).view(np.int64)
            at += MOMENT_WORDS + n
        out.append("\\x" + (head + np.concatenate([service, one]).astype(">i8").tobytes()).hex())
    return out


# Windows of an hour that are long over, and younger than what retention takes
FIRST = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0) - datetime.timedelta(days=300)


def write(model, role, bins, words, is_open=False):
    lines = []
    for k, (one, counts) in enumerate(zip(words, encoded(bins, words))):
        begin = FIRST + datetime.timedelta(hours=k)
        end = begin + datetime.timedelta(days=366 if is_open else 0, hours=1)
        lines.append([model, 1, role, begin.isoformat(), end.isoformat(), int(one[0]), counts])
    psql("COPY ml.windows (model, version, role, window_start, window_end, rows, counts) FROM STDIN WITH (FORMAT csv);", lines)


def forget():
    psql("DELETE FROM ml.drift; DELETE FROM ml.windows; DELETE FROM ml.alerts;")


def raised(role):
    """Windows with any verdict of drift by drift_type, and how many were judged."""
    return {r["drift_type"]: (r["raised"], r["windows"]) for r in rows_of("""
        SELECT drift_type, count(*) FILTER (WHERE raised) AS raised, count(*) AS windows
        FROM (SELECT drift_type, bool_or(verdict = 'drift') AS raised FROM ml.drift WHERE role = '%s'
              GROUP BY drift_type, model, window_start) w GROUP BY 1 ORDER BY 1""" % role)}


def blame(role, columns):
    """Says which kinds of columns and methods raised."""
    kinds = ", ".join("('%s', '%s')" % (c.name, c.kind) for c in columns)
    rows = rows_of("""
        SELECT k.kind, d.drift_type, d.method, count(*) AS n, count(*) FILTER (WHERE d.verdict = 'drift') AS drift,
               count(*) FILTER (WHERE d.verdict = 'insufficient_data') AS few
        FROM ml.drift d JOIN (VALUES %s) k (name, kind) ON k.name = d.column_name WHERE d.role = '%s'
        GROUP BY 1, 2, 3 ORDER BY 2, 1, 3""" % (kinds, role))
    for r in rows:
        note("  %(drift_type)s %(kind)s %(method)s: %(drift)d of %(n)d, %(few)d of too few rows" % r)


def at_most(name, raised, windows, goal):
    """One test: so many of so many windows are not more than a share, but for what chance makes of them."""
    report("%s: at most %g %% of windows raise anything" % (name, 100 * goal),
           windows > 0 and raised <= stats.binom.ppf(0.999, windows, goal), "%d of %d" % (raised, windows))


def steady(columns, models):
    """Windows without drift that are over."""
    share = WINDOWS // MODELS
    for role, size in SIZES.items():
        random = np.random.default_rng(size)
        for model, bins in models.items():
            write(model, role, bins, counts_of(random, columns, bins, size, share))
        seconds = flush()
        found = raised(role)
        left = rows_of("SELECT count(*) AS n FROM ml.windows WHERE NOT closed")[0]["n"]
        report("windows of %d rows: all are judged" % size,
               left == 0 and found["baseline"][1] == share * MODELS and found["consecutive"][1] == (share - 1) * MODELS, found)
        for kind, (n, windows) in found.items():
            note("windows of %d rows, %s: %d of %d raised (%.2f %%)" % (size, kind, n, windows, 100 * n / windows))
            at_most("windows of %d rows, %s" % (size, kind), n, windows, 0.02)
        blame(role, columns)
        note("%.1f s for 1,000 windows of %d columns" % (1000 * seconds / (share * MODELS), len(columns)))
        forget()


def looks(columns, models):
    """Windows without drift that are looked at while they grow: 200 rows, 400, 800 and so on, and when they are over."""
    share = WINDOWS // MODELS
    random = np.random.default_rng(3)
    have, seen = {}, {"baseline": {}, "consecutive": {}}
    for look in range(LOOKS + 1):
        more = 200 if look == 0 else 200 * 2 ** (look - 1)
        psql("DELETE FROM ml.drift; DELETE FROM ml.windows")
        for model, bins in models.items():
            words = counts_of(random, columns, bins, more, share)
            have[model] = have[model] + words if look > 0 else words
            write(model, "production", bins, have[model], look < LOOKS)
        psql("UPDATE ml.windows SET looks = %d, judged_rows = rows - %d" % (look, more))
        flush()
        for r in rows_of("SELECT drift_type, model, window_start, bool_or(verdict = 'drift') AS drift, max(look) AS look"
                         " FROM ml.drift GROUP BY 1, 2, 3"):
            if r["look"] != look + 1:
                report("look %d is taken" % (look + 1), False, r)
            key = r["model"], r["window_start"]
            seen[r["drift_type"]][key] = seen[r["drift_type"]].get(key, False) or r["drift"]
    for kind, windows in seen.items():
        n = sum(windows.values())
        note("windows looked at %d times, %s: %d of %d raised (%.2f %%)"
             % (LOOKS + 1, kind, n, len(windows), 100 * n / len(windows)))
        at_most("windows looked at %d times, %s" % (LOOKS + 1, kind), n, len(windows), 0.02)
    forget()


def power(columns, models):
    """A shift of half a deviation in one of the columns."""
    share = WINDOWS // MODELS
    random = np.random.default_rng(5)
    for model, bins in models.items():
        write(model, "production", bins, counts_of(random, columns, bins, 1000, share, shift="f00"))
    flush()
    found = rows_of("""SELECT count(*) FILTER (WHERE verdict = 'drift') AS found, count(*) AS windows FROM ml.drift
                       WHERE column_name = 'f00' AND drift_type = 'baseline'""")[0]
    note("a shift of 0.5 deviations in 1,000 rows of one of %d columns is found in %d of %d windows"
         % (len(columns), found["found"], found["windows"]))
    report("a shift of 0.5 deviations in 1,000 rows of one column is found", found["windows"] == share * MODELS and
           found["found"] >= 0.95 * found["windows"], found)
    forget()


def run():
    start()
    real()
    columns = population()
    models = trained(columns)
    report("models of %d columns" % COLUMNS, all(len(bins) == COLUMNS for bins in models.values()))
    steady(columns, models)
    looks(columns, models)
    power(columns, models)


# the server ends with the test, however that ends
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
home = tempfile.mkdtemp(prefix="ml")
try:
    serve(home)
    run()
finally:
    subprocess.run(["sh", os.path.join(ROOT, "test", "cluster"), "stop", home], check=False)
    shutil.rmtree(home, ignore_errors=True)
finish()
