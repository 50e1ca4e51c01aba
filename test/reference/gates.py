#!/usr/bin/python3
"""Compares what gates report with numpy, scikit-learn and pROC: fairness between groups, and paired differences.

Needs what _reference.py says, and R with the package pROC. The fairness metrics are Fairlearn's (fairlearn.metrics:
demographic_parity_difference, demographic_parity_ratio, equalized_odds_difference, equal_opportunity_difference),
written out here, because Debian has no package of it.
"""
import re
import subprocess
import tempfile

import numpy as np
from scipy.optimize import brentq
from sklearn import metrics as sk

from _reference import dataset, finish, literal, psql, report, rows_of, skip, start, store, train

SETS = [
    # data set, target, its positive label, protected columns
    ("adult", "income", ">50K", ["sex", "race"]),
    ("credit_g", "class", "good", ["personal_status", "foreign_worker"]),
]


def fairness(label, predicted, p, group):
    """The metrics of some rows by name; None where a group has no row to stand on."""
    rates = {}
    for g in np.unique(group):
        rows = group == g
        rates[g] = dict(selected=predicted[rows].mean(), gap=abs((p[rows] - label[rows]).mean()),
                        tpr=predicted[rows & label].mean() if (rows & label).any() else None,
                        fpr=predicted[rows & ~label].mean() if (rows & ~label).any() else None)

    def spread(name):
        values = [r[name] for r in rates.values()]
        return None if None in values else max(values) - min(values)

    selected = [r["selected"] for r in rates.values()]
    tpr, fpr = spread("tpr"), spread("fpr")
    return {
        "demographic_parity_difference": spread("selected"),
        "demographic_parity_ratio": min(selected) / max(selected) if max(selected) > 0 else None,
        "equalized_odds_difference": None if None in (tpr, fpr) else max(tpr, fpr),
        "equal_opportunity_difference": tpr,
    }


def scored(ref, table, target, positive, columns):
    """Truth, decision and probability of every row, and the groups."""
    rows = rows_of("SELECT %s = %s AS y, ml.predict(%s, t, NULL::text) = %s AS d, "
                   "ml.probability(%s, t, %s) AS p, %s FROM %s t"
                   % (target, literal(positive), literal(ref), literal(positive), literal(ref), literal(positive),
                      ", ".join("t.%s" % c for c in columns), table))
    out = {k: np.array([r[k] for r in rows], dtype=kind) for k, kind in (("y", bool), ("d", bool), ("p", float))}
    out.update({c: np.array([str(r[c]) for r in rows]) for c in columns})
    return out


def close(got, want, tolerance=1e-9):
    return got is not None and want is not None and abs(got - want) <= tolerance * max(1.0, abs(want))


def check_fairness(name, model, version, table, rows, columns):
    for metric in fairness(rows["y"], rows["d"], rows["p"], rows[columns[0]]):
        psql("SELECT ml.add_gate(%s, %s, %s, min => 0, slices => %s);"
             % (literal(model), literal(metric), literal(metric), literal(columns)))
    got = {(r["gate"], r["slice_key"]): r for r in
           rows_of("SELECT * FROM ml.run_gates(%s, %d, %s)" % (literal(model), version, literal(table)))}
    for column in columns:
        for metric, want in fairness(rows["y"], rows["d"], rows["p"], rows[column]).items():
            r = got[metric, column]
            ok = close(r["value"], want) if want is not None else r["verdict"] == "inconclusive"
            report("%s %s by %s" % (name, metric, column), ok, "got %r, wanted %r" % (r, want))
    psql("".join("SELECT ml.drop_gate(%s, %s);" % (literal(model), literal(m)) for m in
                 {gate for gate, _ in got}))


def proc_difference(label, p, q):
    """The 95 % interval of auc(p) - auc(q) by DeLong, as pROC's roc.test gives it."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
        f.write("y,p,q\n")
        f.writelines("%d,%r,%r\n" % row for row in zip(label, p.tolist(), q.tolist()))
        f.flush()
        script = ('suppressMessages(library(pROC)); d <- read.csv("%s"); '
                  'a <- roc(d$y, d$p, direction="<", levels=c(0, 1)); b <- roc(d$y, d$q, direction="<", levels=c(0, 1)); '
                  't <- roc.test(a, b, method="delong", paired=TRUE); '
                  'e <- as.numeric(a$auc) - as.numeric(b$auc); s <- e / as.numeric(t$statistic); '
                  'cat(sprintf("%%.17g %%.17g", e - qnorm(0.975) * abs(s), e + qnorm(0.975) * abs(s)))' % f.name)
        out = subprocess.run(["Rscript", "--vanilla", "-e", script], text=True, check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [float(v) for v in out.split()]


def tango(b, c, n):
    """
    The score interval of the difference of paired shares that belongs to McNemar's test (Tango, Statistics in Medicine
    1998): where the statistic is +-1.96. b rows only the first has right, c only the second.
    """
    def statistic(d):
        # the likeliest share of rows that only the second has right, where the difference is d
        k = -b - c + (2 * n - b + c) * d
        q = (np.sqrt(k * k + 8 * n * c * d * (1 - d)) - k) / (4 * n)
        return (b - c - n * d) / np.sqrt(n * (2 * q + d * (1 - d)))

    z, middle = 1.959963984540054, (b - c) / n
    return (brentq(lambda d: statistic(d) - z, -1 + 1e-9, middle - 1e-12, xtol=1e-14),
            brentq(lambda d: statistic(d) + z, middle + 1e-12, 1 - 1e-9, xtol=1e-14))


def check_difference(name, model, versions, table, rows):
    """A gate against production says the values and the interval of their difference."""
    psql("SELECT ml.add_gate(%s, 'auc', 'auc', versus => 'production');"
         "SELECT ml.add_gate(%s, 'accuracy', 'accuracy', versus => 'production');" % (literal(model), literal(model)))
    got = {r["gate"]: r for r in rows_of("SELECT * FROM ml.run_gates(%s, %d, %s)"
                                        % (literal(model), versions[1], literal(table)))}
    a, b = rows[1], rows[0]
    number = r"(-?[0-9.]+(?:e-?[0-9]+)?)"
    low, high = (float(v) for v in re.search("95 %% interval %s to %s," % (number, number), got["auc"]["reason"]).groups())
    want = proc_difference(a["y"], a["p"], b["p"])
    report("%s interval of a difference of auc" % name, close(low, want[0], 1e-6) and close(high, want[1], 1e-6),
           "got %r, wanted %r" % ((low, high), want))
    report("%s auc of the candidate" % name, close(got["auc"]["value"], sk.roc_auc_score(a["y"], a["p"])), got["auc"])
    report("%s auc of production is the limit" % name,
           close(got["auc"]["limit_value"], sk.roc_auc_score(b["y"], b["p"])), got["auc"])
    n = len(a["y"])
    n10, n01 = ((a["d"] == a["y"]) & (b["d"] != b["y"])).sum(), ((a["d"] != a["y"]) & (b["d"] == b["y"])).sum()
    want = tango(int(n10), int(n01), n)
    low, high = (float(v) for v in
                 re.search("95 %% interval %s to %s," % (number, number), got["accuracy"]["reason"]).groups())
    report("%s interval of a difference of accuracy" % name, close(low, want[0], 1e-6) and close(high, want[1], 1e-6),
           "got %r, wanted %r" % ((low, high), want))
    for gate, r in got.items():
        low, high = (float(v) for v in re.search("95 %% interval %s to %s," % (number, number), r["reason"]).groups())
        want = "pass" if low >= 0 else "fail" if high < 0 else "inconclusive"
        report("%s verdict on %s" % (name, gate), r["verdict"] == want, r)


def main():
    start()
    psql("SET client_min_messages = warning;")
    for name, target, positive, columns in SETS:
        frame = dataset(name)
        if frame is None:
            skip(name, "no folder of data sets")
            continue
        columns = [c for c in columns if c in frame]
        table = store(name, frame)
        params = {"positive_class": positive}
        names = [c for c in ("id", "part") if c in frame]
        versions = [train(name, table, target, algorithm="logistic_regression", params=params, exclude=names + columns,
                          deploy="always"),
                    train(name, table, target, algorithm="logistic_regression", params=params, exclude=names,
                          deploy="never")]
        rows = [scored(v["ref"], table, target, positive, columns) for v in versions]
        check_fairness(name, versions[0]["model"], versions[1]["version"], table, rows[1], columns)
        check_difference(name, versions[0]["model"], [v["version"] for v in versions], table, rows)
    finish()


main()
